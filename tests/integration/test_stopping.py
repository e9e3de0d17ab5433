"""What becomes of requests while the server stops, and when there are too many of them."""

import json
import select
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
import requests
from google.rpc import error_details_pb2, status_pb2

from rows import APIS
from transports import ANSWER_ONLY, TRANSPORTS

MIDDLE = {
    "steps": [{"text": "하나 둘 셋"}, {"await": "step"}, {"text": " 넷"}, {"finish": "STOP"}, {"done": True}]
}
REQUEST = {"input": "안녕", "features": ANSWER_ONLY}
NOT_SERVING = b"\x08\x02"

transports = pytest.mark.parametrize("transport", TRANSPORTS)


@pytest.fixture
def streaming(fake, stub_for, stubs):
    """Runs a stream that stands in its middle; gives what will be its Outcome."""

    @contextmanager
    def run(server, transport, api="gemini"):
        fake.script(MIDDLE)
        begun = threading.Event()
        with ThreadPoolExecutor(1) as thread:
            request = REQUEST | {"target": api}
            play = TRANSPORTS[transport]
            outcome = thread.submit(
                play, server, stub_for(server), stubs.messages, request, lambda _: begun.set()
            )
            assert begun.wait(30)
            fake.wait(waiting=1)
            yield outcome

    return run


def begin_to_stop(server):
    server.send()
    while requests.get(f"{server.url}/health", timeout=30).status_code == 200:
        pass


def ask_grpc(server, stub_for, stubs):
    with pytest.raises(grpc.RpcError) as failure:
        list(stub_for(server).Interact(stubs.messages.InteractRequest(input="안녕"), timeout=30))
    metadata = dict(failure.value.trailing_metadata())
    return failure.value.code().name, status_pb2.Status.FromString(metadata["grpc-status-details-bin"])


def check_http_refusal(response, status, reason):
    assert response.status_code == status, response.text
    assert response.json()["details"][0]["reason"] == reason
    assert int(response.headers["Retry-After"]) > 0


def check_grpc_refusal(refusal, name, reason):
    info = error_details_pb2.ErrorInfo()
    assert refusal[0] == name
    assert refusal[1].details[0].Unpack(info)
    assert info.reason == reason


@transports
@pytest.mark.parametrize("api", APIS)
def test_running_streams_end_by_themselves(start, fake, streaming, transport, api):
    server = start()
    with streaming(server, transport, api) as outcome:
        begin_to_stop(server)
        fake.step()
        assert outcome.result(30).last()["data"] == "하나 둘 셋 넷"
    assert server.exit_code() == 0


@transports
@pytest.mark.parametrize("api", APIS)
def test_what_still_runs_after_the_drain_time_is_told(start, fake, streaming, transport, api):
    server = start(server="{drain_ms: 200}")
    with streaming(server, transport, api) as outcome:
        server.send()
        ended = outcome.result(30)
    error = ended.last()
    assert (error["type"], error["code"]) == ("error", "SHUTTING_DOWN")
    assert error["stage"] == "stream"
    assert error["retryable"] is True
    assert error["text_so_far"].startswith("".join(ended.chunks()))
    assert error["text_so_far"] == "하나 둘 셋"
    assert ended.code in (None, "UNAVAILABLE")
    assert server.exit_code() == 1
    (request,) = fake.wait(cancelled=1, open=0)["requests"]
    assert request["step"] == 1


def test_who_waits_for_the_whole_answer_then_is_told_when_to_ask_again(start, fake):
    fake.script(MIDDLE)
    server = start(server="{drain_ms: 200}")
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(requests.post, f"{server.url}/interact", json=REQUEST, timeout=30)
        fake.wait(waiting=1)
        server.send()
        check_http_refusal(answer.result(), 503, "SHUTTING_DOWN")
    assert server.exit_code() == 1


@contextmanager
def taking_little(server, fake):
    """A stream whose answer is whole, and waits in the server for who takes it: `complete` has 5 MB, as JSON writes
    these characters, which is more than the kernel keeps for a connection."""
    answer = (5 * "\x01" + " ") * 170_000
    fake.script({"steps": [{"text": answer}, {"finish": "STOP"}, {"done": True}]})
    body = json.dumps(REQUEST).encode()
    head = f"POST /interact/stream HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.socket() as client:
        client.settimeout(60)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        host, port = server.http.rsplit(":", 1)
        client.connect((host, int(port)))
        client.sendall(head.encode() + body)
        taken = b""
        while not taken or server.metrics()["luna_streams_open"] > 0:
            taken += client.recv(1 << 16)
        yield client, taken, answer


def test_who_takes_an_answer_slowly_gets_all_of_it(start, fake):
    server = start()
    with taking_little(server, fake) as (client, taken, answer):
        server.send()
        gone = select.poll()
        gone.register(client, select.POLLHUP | select.POLLERR)
        assert gone.poll(3000) == []
        while not taken.endswith(b"\r\n0\r\n\r\n"):
            more = client.recv(1 << 20)
            assert more
            taken += more
        assert json.dumps({"type": "complete", "data": answer}, ensure_ascii=False).encode() in taken
    assert server.exit_code() == 0


def test_who_takes_no_more_of_an_answer_is_left_and_said(start, fake):
    server = start(server="{drain_ms: 200}")
    with taking_little(server, fake):
        server.send()
        assert server.exit_code() == 1


def test_nobody_new_comes_in_meanwhile(start, fake, streaming, stub_for, stubs):
    server = start()
    with streaming(server, "sse") as outcome:
        with grpc.insecure_channel(server.grpc) as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            assert check(b"", timeout=30) != NOT_SERVING
            begin_to_stop(server)
            health = requests.get(f"{server.url}/health", timeout=30)
            assert health.status_code == 503
            assert "draining" in health.text
            for path in ("/interact/stream", "/interact"):
                refused = requests.post(server.url + path, json=REQUEST, timeout=30)
                check_http_refusal(refused, 503, "SHUTTING_DOWN")
            check_grpc_refusal(ask_grpc(server, stub_for, stubs), "UNAVAILABLE", "SHUTTING_DOWN")
            while check(b"", timeout=30) != NOT_SERVING:
                pass
        fake.step()
        assert outcome.result(30).last()["type"] == "complete"
    assert server.exit_code() == 0


def test_a_second_signal_ends_at_once(start, fake, streaming):
    server = start()
    with streaming(server, "sse") as outcome:
        begin_to_stop(server)
        server.send()
        assert server.exit_code() == 1
        assert outcome.exception(30) is not None
    fake.wait(cancelled=1, open=0)


@pytest.mark.parametrize(
    "changes, most",
    [({}, 450), ({"translation": "{engine: llm}"}, 300), ({"translation": "{engine: llm}", "emotion": "{engine: llm}"}, 225)],
    ids=("model", "translator", "translator and emotion"),
)
def test_no_more_come_in_than_there_are_descriptors_for(start, changes, most):
    server = start(through=("prlimit", "--nofile=1028"), **changes)
    server.stop()
    assert f"server.max_streams: {most} instead of 10000" in server.stderr()


@transports
def test_one_too_many_is_told_when_to_come_back(start, fake, streaming, stub_for, stubs, transport):
    server = start(server="{max_streams: 1}")
    with streaming(server, transport) as outcome:
        refused = requests.post(f"{server.url}/interact/stream", json=REQUEST, timeout=30)
        check_http_refusal(refused, 429, "OVERLOADED")
        refusal = ask_grpc(server, stub_for, stubs)
        check_grpc_refusal(refusal, "RESOURCE_EXHAUSTED", "OVERLOADED")
        retry = error_details_pb2.RetryInfo()
        assert refusal[1].details[1].Unpack(retry)
        assert retry.retry_delay.ToMilliseconds() > 0
        fake.step()
        assert outcome.result(30).last()["type"] == "complete"
    fake.script({"steps": [{"text": "예"}, {"finish": "STOP"}, {"done": True}]})
    again = requests.post(f"{server.url}/interact", json=REQUEST, timeout=30)
    assert again.status_code == 200
