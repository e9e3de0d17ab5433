import sys
from pathlib import Path

import pytest

# What starts the processes and asks them is shared with the integration tests.
sys.path.append(str(Path(__file__).parents[1] / "integration"))

from processes import FakeProvider  # noqa: E402
from proxy import ChaosProxy  # noqa: E402


@pytest.fixture
def provider():
    fake = FakeProvider("--threads", "2")
    yield fake
    fake.stop()


@pytest.fixture
def proxy(provider):
    proxy = ChaosProxy(provider)
    yield proxy
    if proxy.running():
        proxy.stop()
