"""Clients that are slow, rude or too many."""

import json
import resource
import select
import socket
import struct
import time
from contextlib import suppress

import grpc
import pytest
import requests

from processes import MEASURED
from rows import ANSWER, APIS, END, TEXTS
from transports import ANSWER_ONLY

MIB = 1 << 20
CLIENTS = 8
MOST_MEMORY = CLIENTS * 3 * MIB
FLOOD = {"steps": [{"text": "가나다라마바사아자차카타파 " * 50, "repeat": -1}]}
NARROW = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 4096)]
SHORT_LIMITS = "{header_ms: 300, body_ms: 300, idle_ms: 300}"


def connect(address, narrow=False):
    """`narrow`: so that next to nothing fits into the two systems' buffers."""
    client = socket.socket()
    if narrow:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    client.settimeout(60)
    host, port = address.rsplit(":", 1)
    client.connect((host, int(port)))
    return client


def ask(server, api, **more):
    """A client that has asked for a stream with all there is in it and has read nothing yet."""
    client = connect(server.http, **more)
    features = ANSWER_ONLY | {"details": True}
    body = json.dumps({"input": "안녕", "target": api, "features": features}).encode()
    head = "POST /interact/stream HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return client


class OneByteWindow:
    """A gRPC call, its HTTP/2 (RFC 9113) by hand: the server may send one byte of the answer, and
    another one each time that the one before was read."""

    DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE = 0, 1, 3, 4, 6, 8
    END_STREAM = ACK = 1
    END_HEADERS = 4
    INITIAL_WINDOW_SIZE = 4

    def __init__(self, server, path, message):
        self._socket = connect(server.grpc)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self._send(self.SETTINGS, 0, 0, struct.pack(">HI", self.INITIAL_WINDOW_SIZE, 1))
        headers = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost"}
        headers |= {"content-type": "application/grpc", "te": "trailers"}
        literals = (f"\0{chr(len(k))}{k}{chr(len(v))}{v}" for k, v in headers.items())
        self._send(self.HEADERS, self.END_HEADERS, 1, "".join(literals).encode())
        framed = struct.pack(">BI", 0, len(message)) + message
        self._send(self.DATA, self.END_STREAM, 1, framed)

    def _send(self, kind, flags, stream, payload):
        head = struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream)
        self._socket.sendall(head + payload)

    def _frame(self):
        head = self._socket.recv(9, socket.MSG_WAITALL)
        assert len(head) == 9, "the server hung up"
        length = int.from_bytes(head[:3], "big")
        return head[3], head[4], self._socket.recv(length, socket.MSG_WAITALL) if length else b""

    def messages(self):
        """All of them, as bytes."""
        body = b""
        ended = False
        with self._socket:
            while not ended:
                kind, flags, payload = self._frame()
                assert kind != self.RST_STREAM, payload
                if kind in (self.SETTINGS, self.PING) and not flags & self.ACK:
                    answer = payload if kind == self.PING else b""
                    self._send(kind, self.ACK, 0, answer)
                elif kind == self.DATA and payload:
                    assert len(payload) == 1
                    body += payload
                    for stream in (0, 1):
                        self._send(self.WINDOW_UPDATE, 0, stream, struct.pack(">I", 1))
                ended = kind in (self.DATA, self.HEADERS) and flags & self.END_STREAM
        while body:
            _, length = struct.unpack(">BI", body[:5])
            yield body[5 : 5 + length]
            body = body[5 + length :]


def check_serves(server, fake):
    fake.script({"steps": [{"text": "예"}, {"finish": "STOP"}, {"done": True}]})
    body = {"input": "안녕", "features": {"cache": False}}
    answer = requests.post(f"{server.url}/interact", json=body, timeout=60)
    assert answer.json()["text"] == "예"


def wait_until_descriptors(server, most):
    until = time.monotonic() + 30
    while server.descriptors() > most:
        assert time.monotonic() < until, server.descriptors()


def send_slowly(client, data):
    """A byte whenever the server has not answered for a moment; what it says in the end."""
    for byte in data:
        ready, _, _ = select.select([client], [], [], 0.02)
        if ready:
            break
        client.sendall(bytes([byte]))
    else:
        raise AssertionError("all of it was taken")
    return client.recv(4096)


@pytest.mark.parametrize("api", APIS)
def test_one_that_reads_nothing_is_let_go(start, fake, api):
    server = start(server="{write_timeout_ms: 500}", environment=MEASURED)
    check_serves(server, fake)
    fake.script(FLOOD)
    before = server.memory()
    clients = [ask(server, api, narrow=True) for _ in range(CLIENTS)]
    state = fake.wait(cancelled=CLIENTS, open=0)
    assert server.memory() - before < MOST_MEMORY
    assert max(request["bytes_sent"] for request in state["requests"][1:]) < 16 * MIB
    for client in clients:
        client.close()
    check_serves(server, fake)


@pytest.mark.parametrize("api", APIS)
def test_one_that_reads_nothing_over_grpc_is_let_go(start, fake, stubs, api):
    server = start(server="{write_timeout_ms: 500}", environment=MEASURED)
    check_serves(server, fake)
    fake.script(FLOOD)
    before = server.memory()
    request = stubs.messages.InteractRequest(input="안녕", target=api)
    with grpc.insecure_channel(server.grpc, options=NARROW) as channel:
        stub = stubs.services.InteractionServiceStub(channel)
        calls = [stub.Interact(request, timeout=60) for _ in range(CLIENTS)]
        fake.wait(cancelled=CLIENTS, open=0)
        assert server.memory() - before < MOST_MEMORY
        for call in calls:
            call.cancel()
    check_serves(server, fake)


@pytest.mark.parametrize("api", APIS)
def test_one_that_reads_a_byte_at_a_time_slows_its_upstream_down(luna, fake, api):
    fake.script(FLOOD)
    with ask(luna, api, narrow=True) as client:
        sent, still = -1, 0
        while still < 20:  # readings without a difference, a byte read before each
            client.recv(1)
            (request,) = fake.wait(open=1)["requests"]
            still = still + 1 if request["bytes_sent"] == sent else 0
            sent = request["bytes_sent"]
        assert 0 < sent < 16 * MIB
    fake.wait(cancelled=1, open=0)


@pytest.mark.parametrize("api", APIS)
def test_one_that_reads_a_byte_at_a_time_over_grpc_gets_all_of_it(luna, fake, stubs, api):
    fake.script({"steps": [*TEXTS, *END]})
    request = stubs.messages.InteractRequest(input="안녕", target=api, features=ANSWER_ONLY)
    path = "/luna.v1.InteractionService/Interact"
    call = OneByteWindow(luna, path, request.SerializeToString())
    events = [stubs.messages.InteractResponse.FromString(message) for message in call.messages()]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert "".join(event.llm_chunk.text for event in events[:-1]) == ANSWER
    assert events[-1].complete.text == ANSWER
    luna.wait_until_nothing_is_open()


def test_one_that_does_not_take_the_last_message_over_grpc_is_let_go(start, fake, stubs):
    server = start(server="{write_timeout_ms: 300}", stream="{chunking: raw}")
    fake.script({"steps": [{"text": "가" * 900}, {"finish": "STOP"}, {"done": True}]})
    request = stubs.messages.InteractRequest(input="안녕", features={"emotion": False})
    with grpc.insecure_channel(server.grpc, options=NARROW) as channel:
        call = stubs.services.InteractionServiceStub(channel).Interact(request, timeout=60)
        fake.wait(finished=1, open=0)
        since = time.monotonic()
        while time.monotonic() < since + 5:  # its end is told only once it has read
            select.select([], [], [], 0.1)
        with pytest.raises(grpc.RpcError):
            list(call)
        assert call.code() == grpc.StatusCode.CANCELLED


def test_one_that_sends_too_far_ahead_is_let_go(luna, fake):
    fake.script({"steps": [{"await": "step"}]})
    with ask(luna, "gemini") as client:
        fake.wait(waiting=1)
        with suppress(OSError):  # it hangs up before it has taken all
            client.sendall(b"x" * (1 << 20))
        fake.wait(cancelled=1, open=0)


def test_a_response_that_is_being_written_outlives_the_callers_deadline(luna, fake):
    text = "가" * 300_000
    fake.script({"steps": [{"text": text}, {"finish": "STOP"}, {"done": True}]})
    deadline = 0.5
    body = json.dumps({"input": "긴 이야기"}).encode()
    head = f"POST /interact HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    head += "Content-Type: application/json\r\nConnection: close\r\nGrpc-Timeout: 500m\r\n\r\n"
    with connect(luna.http, narrow=True) as client:
        since = time.monotonic()
        client.sendall(head.encode() + body)
        said = client.recv(1000)
        while time.monotonic() < since + 2 * deadline:  # until the deadline has passed for certain
            select.select([], [], [], 0.1)
        while more := client.recv(1 << 16):
            said += more
    assert said.startswith(b"HTTP/1.1 200 ")
    assert json.loads(said.split(b"\r\n\r\n", 1)[1])["text"] == text


def test_a_slow_header_is_not_waited_for(start):
    server = start(server=SHORT_LIMITS)
    with connect(server.http) as client:
        said = send_slowly(client, b"POST /interact HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 2000)
        assert said == b"" or b" 408 " in said.split(b"\r\n")[0]


def test_a_slow_body_is_not_waited_for(start):
    server = start(server=SHORT_LIMITS)
    with connect(server.http) as client:
        head = b"POST /interact HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n"
        client.sendall(head)
        said = send_slowly(client, b" " * 2000)
        assert said == b"" or b" 408 " in said.split(b"\r\n")[0]


def test_an_idle_connection_is_closed(start):
    server = start(server=SHORT_LIMITS)
    with connect(server.http) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        said = b""
        while more := client.recv(4096):
            said += more
        assert said.startswith(b"HTTP/1.1 200 ")


RUBBISH = {
    "noise": bytes(range(256)) * 40,
    "TLS": bytes.fromhex("16030100f6010000f20303") + bytes(235),
    "an SSH client": b"SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    "lines": b"\r\n" * 5000,
    "both lengths": b"POST /interact HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bad chunk size": b"POST /interact HTTP/1.1\r\nHost: localhost\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("port", ("http", "grpc"))
@pytest.mark.parametrize("rubbish", RUBBISH.values(), ids=RUBBISH)
def test_rubbish_harms_nobody(luna, fake, rubbish, port):
    if port == "grpc" and rubbish.startswith(b"PRI"):
        rubbish += b"\xff" * 100
    with connect(getattr(luna, port)) as client:
        try:
            client.sendall(rubbish)
            client.shutdown(socket.SHUT_WR)
            said = b""
            while more := client.recv(4096):
                said += more
        except OSError:  # it has already hung up
            said = b""
    if port == "http" and said:
        assert said.startswith(b"HTTP/1.1 400 "), said[:100]
    assert fake.state()["seen"] == 0
    check_serves(luna, fake)


def test_a_mebibyte_of_headers_is_refused(luna, fake):
    with connect(luna.http) as client:
        try:
            client.sendall(b"POST /interact HTTP/1.1\r\nHost: localhost\r\n")
            for n in range(1024):
                client.sendall(f"X-{n}: {'a' * 1016}\r\n".encode())
            client.sendall(b"\r\n")
            said = client.recv(4096)
        except OSError:  # it has already hung up
            said = b""
    assert said == b"" or said.split()[1] in (b"400", b"431")
    assert fake.state()["seen"] == 0
    check_serves(luna, fake)


def test_a_mebibyte_of_metadata_is_refused(luna, interaction, stubs, fake):
    call = interaction.Interact(
        stubs.messages.InteractRequest(input="안녕"), metadata=[("x-long", "a" * MIB)], timeout=60
    )
    with pytest.raises(grpc.RpcError):
        list(call)
    assert fake.state()["seen"] == 0
    check_serves(luna, fake)


@pytest.mark.parametrize("port", ("http", "grpc"))
def test_two_thousand_that_do_nothing_are_borne(start, fake, port):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = start(environment=MEASURED)
    check_serves(server, fake)
    descriptors, memory = server.descriptors(), server.memory()
    clients = [connect(getattr(server, port)) for _ in range(2000)]
    check_serves(server, fake)
    until = time.monotonic() + 30
    while server.descriptors() < descriptors + 2000:
        assert time.monotonic() < until, server.descriptors()
    assert server.memory() - memory < 2000 * 128 * 1024
    for client in clients:
        client.close()
    wait_until_descriptors(server, descriptors + 8)
    check_serves(server, fake)


@pytest.mark.parametrize("port", ("http", "grpc"))
def test_running_out_of_descriptors_neither_spins_nor_ends_it(start, fake, port):
    most = 200
    server = start(through=("prlimit", f"--nofile={most}"))
    check_serves(server, fake)
    clients = [connect(getattr(server, port)) for _ in range(most)]
    until = time.monotonic() + 30
    while server.descriptors() < most - 2:
        assert time.monotonic() < until, server.descriptors()
    spent, since = server.cpu_seconds(), time.monotonic()
    while time.monotonic() < since + 1:  # what is measured: how busy it is with nothing to do
        select.select([], [], [], 0.1)
    assert server.cpu_seconds() - spent < 0.3
    assert server.running()
    for client in clients:
        client.close()
    wait_until_descriptors(server, most // 2)
    check_serves(server, fake)
