import importlib.util
import sys
from pathlib import Path

INTEGRATION = Path(__file__).parents[1] / "integration"
sys.path += [str(INTEGRATION), str(INTEGRATION.parent / "support")]

# The servers and the fake provider are those of the integration tests.
spec = importlib.util.spec_from_file_location("integration_fixtures", INTEGRATION / "conftest.py")
shared = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shared)
fake_process, fake, free_port, peers = shared.fake_process, shared.fake, shared.free_port, shared.peers
configure, stubs = shared.configure, shared.stubs
