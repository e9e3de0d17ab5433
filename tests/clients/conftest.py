import hashlib
import importlib.util
import sys
import tempfile
from pathlib import Path

import pytest

INTEGRATION = Path(__file__).parents[1] / "integration"
sys.path.append(str(INTEGRATION))

from package import build_wheel, clean_clone, install  # noqa: E402
from processes import LunaServer  # noqa: E402
from scripts import TOKEN  # noqa: E402

# The servers and the fake provider are those of the integration tests.
spec = importlib.util.spec_from_file_location("integration_fixtures", INTEGRATION / "conftest.py")
shared = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shared)
fake_process, fake, free_port, peers = shared.fake_process, shared.fake, shared.free_port, shared.peers
configure, luna, start = shared.configure, shared.luna, shared.start


def pytest_configure(config):
    """What the tests import is the wheel, made anew of the sources."""
    config.made = tempfile.TemporaryDirectory()
    folder = Path(config.made.name)
    site = folder / "site"
    install(build_wheel(clean_clone(folder / "clone"), folder), site)
    sys.path.insert(0, str(site))


def pytest_unconfigure(config):
    config.made.cleanup()


@pytest.fixture(autouse=True)
def nothing_is_cached(request):
    """No answer of an earlier test is given again."""
    if "luna" in request.fixturenames:
        from luna_client import Client

        with Client(request.getfixturevalue("luna").grpc) as client:
            client.cache().clear()


@pytest.fixture(scope="module")
def client(luna):
    from luna_client import Client

    with Client(luna.grpc) as client:
        yield client


@pytest.fixture
def guarded(start, tmp_path):
    """A server that wants TOKEN."""
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{hashlib.sha256(TOKEN.encode()).hexdigest()} alice\n")
    tokens.chmod(0o600)
    return start(auth=f"{{tokens_file: '{tokens}'}}")


@pytest.fixture
def translating(start):
    """A server that translates what it is told, by the model, and waits for it."""
    return start(translation="{wait_ms: 60000, deadline_ms: 60000}")


@pytest.fixture
def start_again():
    """Starts a server that has stopped once more, on its gRPC port."""
    servers = []

    def run(stopped):
        servers.append(LunaServer(stopped.config, grpc=stopped.grpc))
        return servers[-1]

    yield run
    for server in servers:
        server.stop()
