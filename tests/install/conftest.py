import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
sys.path += [str(TESTS / "integration"), str(TESTS / "support")]

from debian import Debian, why_not  # noqa: E402
from processes import BUILD, FakeProvider  # noqa: E402


@pytest.fixture(scope="session")
def provider():
    fake = FakeProvider()
    yield fake
    fake.stop()


@pytest.fixture(scope="session")
def answers(provider):
    """What a server is told by its environment so that the fake provider answers."""
    return {"LLM_MODE": "server", "LLM_SERVER_URL": provider.url}


@pytest.fixture(scope="session")
def deb(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deb")
    packed = subprocess.run(
        ["cpack", "--config", BUILD / "CPackConfig.cmake", "-B", folder], capture_output=True, text=True
    )
    assert packed.returncode == 0, packed.stdout + packed.stderr
    (package,) = folder.glob("*.deb")
    return package


@pytest.fixture(scope="session")
def debian(tmp_path_factory):
    if reason := why_not():
        pytest.skip(reason)
    return Debian(tmp_path_factory.mktemp("debian"))
