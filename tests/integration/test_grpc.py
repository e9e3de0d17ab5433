"""gRPC as such, by grpcurl and by what generated clients see."""

import json
import shutil
import subprocess

import pytest

from transports import ANSWER_ONLY

SCRIPT = {"steps": [{"text": "하나 둘"}, {"finish": "STOP"}, {"done": True}]}


@pytest.fixture
def grpcurl(luna):
    program = shutil.which("grpcurl")
    assert program, "grpcurl is missing: ./run test sets it up"

    def run(*arguments, flags=()):
        command = [program, "-plaintext", *flags, luna.grpc, *arguments]
        return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.decode()

    return run


def test_grpcurl_lists_the_services(grpcurl):
    services = grpcurl("list").split()
    assert {"luna.v1.InteractionService", "luna.v1.GenerationService"} <= set(services)
    assert "grpc.health.v1.Health" in services


def test_grpcurl_describes_the_contract(grpcurl):
    service = grpcurl("describe", "luna.v1.InteractionService")
    assert (
        "rpc Interact ( .luna.v1.InteractRequest ) returns ( stream .luna.v1.InteractResponse )"
        in service
    )
    assert 'post: "/interact/stream"' in service
    assert "string input = 1;" in grpcurl("describe", "luna.v1.InteractRequest")


def test_grpcurl_streams_an_answer(grpcurl, fake):
    fake.script(SCRIPT)
    out = grpcurl("luna.v1.InteractionService/Interact", flags=["-d", json.dumps({"input": "안녕", "features": ANSWER_ONLY})])
    decoder = json.JSONDecoder()
    events = []
    while out.strip():
        event, end = decoder.raw_decode(out.lstrip())
        out = out.lstrip()[end:]
        events.append(event)
    assert [event["sequence"] for event in events] == [1, 2, 3]
    assert [event["llm_chunk"]["text"] for event in events[:2]] == ["하나", " 둘"]
    assert events[2]["complete"]["text"] == "하나 둘"
    assert events[2]["complete"]["finish_reason"] == "STOP"


@pytest.mark.parametrize("service", ("", "luna.v1.InteractionService"))
def test_grpcurl_checks_the_health(grpcurl, service):
    request = json.dumps({"service": service})
    out = grpcurl("grpc.health.v1.Health/Check", flags=["-d", request])
    assert json.loads(out) == {"status": "SERVING"}
