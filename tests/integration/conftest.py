import os
import socket
import sys

import grpc
import pytest

from configuration import FALLING, PATIENT, STUBBORN, write_configuration
from generated import generate_stubs
from peers import start_peers
from processes import HANGING_NAMES, ROOT, FakeProvider, LunaServer

sys.path.insert(0, str(ROOT / "tests/support"))


@pytest.fixture(scope="session")
def fake_process():
    fake = FakeProvider()
    yield fake
    fake.stop()


@pytest.fixture
def fake(fake_process):
    """The fake provider, as it was when it started."""
    fake_process.reset()
    return fake_process


@pytest.fixture(scope="session")
def free_port():
    """A port that nobody listens on, and that nobody else gets meanwhile."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


@pytest.fixture(scope="session")
def peers(tmp_path_factory):
    """peers.PEERS by name."""
    started = start_peers(tmp_path_factory.mktemp("peers"))
    yield started
    for peer in started.values():
        peer.stop()


@pytest.fixture(scope="session")
def configure(tmp_path_factory, fake_process, free_port, peers):
    """Writes a configuration with what is different in it (configuration.write_configuration)."""

    def write(**changes):
        urls = {name: peer.url for name, peer in peers.items()}
        gone = f"http://127.0.0.1:{free_port}"
        folder = tmp_path_factory.mktemp("luna")
        return write_configuration(folder, fake_process.url, gone, urls, **changes)

    return write


@pytest.fixture(scope="session")
def luna(configure):
    """Never tries again, and has all the time in the world."""
    server = LunaServer(configure(**PATIENT))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def stubborn(configure):
    """Tries again twice, at once; its time limits are short."""
    server = LunaServer(configure(**STUBBORN))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def falling(configure):
    """Never tries again but asks `spare` next; its time limits are short."""
    server = LunaServer(configure(**FALLING))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def without_names():
    """What a server is started through so that name look-ups hang. ASan wants to be loaded first, but need not."""
    options = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
    return ["env", f"LD_PRELOAD={HANGING_NAMES}", f"ASAN_OPTIONS={options}"]


@pytest.fixture(scope="session")
def stubborn_without_names(configure, without_names):
    server = LunaServer(configure(**STUBBORN), through=without_names)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def falling_without_names(configure, without_names):
    server = LunaServer(configure(**FALLING), through=without_names)
    yield server
    server.stop()


@pytest.fixture
def start(configure):
    """Starts a server of the test's own, with what is different in its configuration."""
    servers = []

    def run(environment=None, through=(), **changes):
        file = configure(**(PATIENT | changes))
        servers.append(LunaServer(file, through=through, **(environment or {})))
        return servers[-1]

    yield run
    for server in servers:
        if server.running():
            server.stop()


@pytest.fixture(scope="session")
def stubs(tmp_path_factory):
    return generate_stubs(tmp_path_factory.mktemp("stubs"))


@pytest.fixture(scope="session")
def interaction(luna, stub_for):
    """A stub of luna.v1.InteractionService."""
    return stub_for(luna)


@pytest.fixture(scope="session")
def stub_for(stubs, channel_to):
    """A stub of luna.v1.InteractionService at any server."""
    return lambda server: stubs.services.InteractionServiceStub(channel_to(server))


@pytest.fixture(scope="session")
def channel_to():
    """The one channel to a server."""
    channels = {}

    def channel(server):
        if server.grpc not in channels:
            channels[server.grpc] = grpc.insecure_channel(server.grpc)
        return channels[server.grpc]

    yield channel
    for opened in channels.values():
        opened.close()
