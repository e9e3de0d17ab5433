import importlib
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import grpc
import google.api.annotations_pb2
import pytest
from grpc_tools import protoc

from configuration import write_configuration
from processes import ROOT, FakeProvider, LunaServer


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
def config_file(tmp_path_factory, fake_process, free_port):
    folder = tmp_path_factory.mktemp("luna")
    return write_configuration(folder, fake_process.url, f"http://127.0.0.1:{free_port}")


@pytest.fixture(scope="session")
def luna(config_file):
    server = LunaServer(config_file)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def stubs(tmp_path_factory):
    """The generated Python code: `messages` and `services` of luna.v1."""
    out = tmp_path_factory.mktemp("stubs")
    google_protos = Path(google.api.annotations_pb2.__file__).parents[2]
    well_known_protos = Path(protoc.__file__).parent / "_proto"
    code = protoc.main(
        [
            "protoc",
            f"-I{ROOT / 'proto'}",
            f"-I{google_protos}",
            f"-I{well_known_protos}",
            f"--python_out={out}",
            f"--grpc_python_out={out}",
            "luna/v1/interaction.proto",
        ]
    )
    assert code == 0
    sys.path.insert(0, str(out))
    return SimpleNamespace(
        messages=importlib.import_module("luna.v1.interaction_pb2"),
        services=importlib.import_module("luna.v1.interaction_pb2_grpc"),
    )


@pytest.fixture(scope="session")
def interaction(luna, stubs):
    """A stub of luna.v1.InteractionService."""
    with grpc.insecure_channel(luna.grpc) as channel:
        yield stubs.services.InteractionServiceStub(channel)
