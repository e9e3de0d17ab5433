"""A user's memory, out and in: Export and Import, over HTTP and gRPC."""

import itertools
import json
import socket

import grpc
import pytest
import requests
from google.protobuf.json_format import MessageToDict

from configuration import PATIENT
from processes import MEASURED, LunaServer

LINES = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def user(request, counter=itertools.count()):
    """A user that no other test knows."""
    return f"{request.node.name[:80]}-{next(counter)}"


@pytest.fixture(scope="module")
def memory_of(stubs, channel_to):
    """A stub of luna.v1.MemoryService at a server."""
    return lambda server: stubs.memory_services.MemoryServiceStub(channel_to(server))


def export_http(luna, _memory_of, _stubs, user):
    answer = requests.get(f"{luna.url}/memory/export", params={"user_id": user}, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.content.splitlines()]


def export_grpc(luna, memory_of, stubs, user):
    lines = memory_of(luna).Export(stubs.memory_messages.ExportRequest(user_id=user), timeout=60)
    options = {"preserving_proto_field_name": True, "always_print_fields_with_no_presence": True}
    return [MessageToDict(line, **options) for line in lines]


def import_http(luna, _memory_of, _stubs, user, data, headers=LINES):
    answer = requests.post(
        f"{luna.url}/memory/import", params={"user_id": user}, data=data.encode(), headers=headers, timeout=60
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def import_grpc(luna, memory_of, stubs, user, data):
    request = stubs.memory_messages.ImportRequest(user_id=user, data=data.encode())
    answer = memory_of(luna).Import(request, timeout=60)
    return {"imported": answer.imported, "skipped": answer.skipped}


EXPORTS = {"http": export_http, "grpc": export_grpc}
IMPORTS = {"http": import_http, "grpc": import_grpc}


@pytest.fixture(params=EXPORTS)
def transfer(request, memory_of, stubs):
    """export(server, user) and import(server, user, text) over a transport."""

    def bind(function):
        return lambda luna, *rest: function(luna, memory_of, stubs, *rest)

    return bind(EXPORTS[request.param]), bind(IMPORTS[request.param])


def turn(number, **more):
    said = {"session_id": "s1", "user_message": f"말 {number}", "assistant_message": f"답 {number}"}
    at = f"2026-01-31T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.123456Z"
    return {"conversation": said | {"timestamp": at, "emotion": "joy", "processing_time": 0.25} | more}


def summary(number, content):
    return {"summary": {"session_id": "s1", "content": content, "summarized_turns": number + 1}
            | {"timestamp": turn(number)["conversation"]["timestamp"]}}


def as_file(lines):
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def plain(lines):
    """Without what another user's are different in."""
    own = ("id", "user_id", "created_at")
    return [
        {kind: {name: value for name, value in fields.items() if name not in own} for kind, fields in line.items()}
        for line in lines
    ]


def test_what_is_exported_is_the_same_for_another_user(luna, user, transfer):
    take_out, put_in = transfer
    original = [turn(0), turn(1, session_id="s2", model="m1", mode="api", finish_reason="STOP"), summary(0, "요약")]
    assert put_in(luna, user, as_file(original)) == {"imported": 3, "skipped": 0}
    lines = take_out(luna, user)
    assert [next(iter(line)) for line in lines] == ["conversation", "conversation", "summary"]
    assert lines[0]["conversation"]["user_id"] == user
    assert lines[0]["conversation"] | turn(0)["conversation"] == lines[0]["conversation"]
    assert put_in(luna, user + "x", as_file(lines)) == {"imported": 3, "skipped": 0}
    assert plain(take_out(luna, user + "x")) == plain(lines)
    assert put_in(luna, user + "x", as_file(lines)) == {"imported": 0, "skipped": 3}
    assert plain(take_out(luna, user + "x")) == plain(lines)


def test_nothing_of_another_user_is_exported(luna, user, transfer):
    take_out, put_in = transfer
    put_in(luna, user, as_file([turn(0, user_id=user + "x"), summary(0, "요약")]))
    for other in (user + "x", user.upper() + "%", "%"):
        assert take_out(luna, other) == []


def test_the_originals_history_is_read(start, memory_of, stubs):
    luna = start(environment={"TZ": "Asia/Seoul"})
    history = [
        {
            "timestamp": "2025-03-01T09:00:00.123456",
            "user": "안녕, 루나",
            "assistant": "안녕하세요! 반가워요.",
            "metadata": {"emotion": "joy", "intent": "greeting", "mode": "api"},
        },
        {"timestamp": "2025-03-01T09:01:00+00:00", "user": "밥 먹었어?", "assistant": "네", "metadata": {}},
        {"timestamp": 1740787260.5, "user": "잘 자", "assistant": "좋은 꿈 꾸세요"},
    ]
    text = json.dumps(history, ensure_ascii=False, indent=2)
    as_json = {"Content-Type": "application/json; charset=utf-8"}
    assert import_http(luna, memory_of, stubs, "", text, as_json) == {"imported": 3, "skipped": 0}
    assert import_http(luna, memory_of, stubs, "", text, {"Content-Type": "text/plain"})["skipped"] == 3
    listed = requests.get(f"{luna.url}/memory/conversations", timeout=60).json()["conversations"]
    assert [(one["timestamp"], one["user_message"], one["emotion"], one["mode"]) for one in listed] == [
        ("2025-03-01T09:01:00Z", "밥 먹었어?", "", ""),
        ("2025-03-01T00:01:00.500Z", "잘 자", "", ""),
        ("2025-03-01T00:00:00.123456Z", "안녕, 루나", "joy", "api"),
    ]


def test_a_bad_line_is_named_and_nothing_is_kept(luna, user, memory_of, stubs, transfer):
    take_out, _ = transfer
    future = turn(2, timestamp="2999-01-01T00:00:00Z")
    for bad, word in [("rubbish\n", "line 2"), (as_file([future]), "timestamp")]:
        data = as_file([turn(0)]) + bad
        query = {"user_id": user, "language": "en"}
        answer = requests.post(f"{luna.url}/memory/import", params=query, data=data, headers=LINES, timeout=60)
        assert answer.status_code == 400
        assert answer.json()["details"][0]["reason"] == "INVALID_INPUT"
        assert answer.json()["message"].startswith("line 2: ")
        assert word in answer.json()["message"]
        request = stubs.memory_messages.ImportRequest(**query, data=data.encode())
        with pytest.raises(grpc.RpcError) as refused:
            memory_of(luna).Import(request, timeout=60)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert refused.value.details() == answer.json()["message"]
    assert take_out(luna, user) == []


def test_another_type_of_body_is_refused(luna, user):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(f"{luna.url}/memory/import", data=as_file([turn(0)]), headers=form, timeout=60)
    assert answer.status_code == 415
    assert "application/x-ndjson" in answer.json()["message"]


def send_head(luna, length):
    """A connection on which an import of this length has begun."""
    host, port = luna.http.split(":")
    connection = socket.create_connection((host, int(port)), timeout=60)
    head = f"POST /memory/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n"
    connection.sendall(f"{head}\r\n".encode())
    return connection


def test_a_body_too_large_is_told_to_come_in_parts(luna):
    with send_head(luna, (16 << 20) + 1) as connection:
        answer = connection.makefile().read()
    assert answer.startswith("HTTP/1.1 413 ")
    assert "parts of whole lines" in answer


def test_a_body_of_some_mebibytes_is_read(luna, user, memory_of, stubs):
    lines = [turn(number, assistant_message="가" * 300_000) for number in range(4)]
    assert len(as_file(lines).encode()) > 3 << 20
    assert import_http(luna, memory_of, stubs, user, as_file(lines)) == {"imported": 4, "skipped": 0}
    assert [line["conversation"]["assistant_message"] for line in export_http(luna, memory_of, stubs, user)] == [
        "가" * 300_000
    ] * 4


# --- a large memory ---------------------------------------------------------------------------------------------------

TURNS = 5000
TEXT = "가나다라마바사아자차카타파하 " * 100  # 4 KiB


@pytest.fixture(scope="module")
def large(configure, memory_of, stubs):
    """A server of which `large` remembers 5,000 turns, some 20 MiB."""
    server = LunaServer(configure(**PATIENT), **MEASURED)
    for begin in range(0, TURNS, 1000):
        lines = [turn(number, assistant_message=f"{number} {TEXT}") for number in range(begin, begin + 1000)]
        assert import_http(server, memory_of, stubs, "large", as_file(lines))["imported"] == 1000
    yield server
    server.stop()


def start_export_http(luna, version="1.1", receive_buffer=1 << 16):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(60)
    host, port = luna.http.split(":")
    connection.connect((host, int(port)))
    connection.sendall(f"GET /memory/export?user_id=large HTTP/{version}\r\nHost: localhost\r\n\r\n".encode())
    return connection


def numbers(lines):
    return [int(line["conversation"]["assistant_message"].split()[0]) for line in lines]


def test_a_large_memory_is_exported_whole_to_a_slow_reader(large, transfer, memory_of, stubs):
    take_out, _ = transfer
    assert numbers(take_out(large, "large")) == list(range(TURNS))
    before = large.memory()
    readers = []
    for _ in range(4):
        connection = start_export_http(large)
        assert connection.recv(1)
        readers.append((connection, None))
        call = memory_of(large).Export(stubs.memory_messages.ExportRequest(user_id="large"), timeout=120)
        next(call)
        readers.append((None, call))
    large.wait_for({"luna_streams_open": 8})
    answer = requests.get(f"{large.url}/memory/stats", params={"user_id": "large"}, timeout=60)
    assert answer.json()["total_conversations"] == TURNS  # the reader of the database waits for nobody
    assert large.memory() - before < 40 << 20  # 8 times 20 MiB were 160
    for connection, call in readers:
        if call is not None:
            assert sum(1 for _ in call) == TURNS - 1
            continue
        with connection:
            data = b""
            while not data.endswith(b"\r\n0\r\n\r\n"):
                data += connection.recv(1 << 20)
            assert data.count(b'{"conversation":') == TURNS
    large.wait_until_nothing_is_open()


def test_http_1_0_reads_until_the_end(large):
    with start_export_http(large, "1.0") as connection:
        data = b"".join(iter(lambda: connection.recv(1 << 20), b""))
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert numbers(json.loads(line) for line in body.splitlines()) == list(range(TURNS))


def test_a_client_that_leaves_ends_its_export(large, memory_of, stubs):
    connection = start_export_http(large)
    assert connection.recv(1)
    call = memory_of(large).Export(stubs.memory_messages.ExportRequest(user_id="large"), timeout=120)
    next(call)
    large.wait_for({"luna_streams_open": 2})
    connection.close()
    call.cancel()
    large.wait_until_nothing_is_open()


def test_an_export_that_is_ended_is_not_taken_for_whole(configure, memory_of, stubs):
    server = LunaServer(configure(**PATIENT, server="{drain_ms: 1}"))
    lines = [turn(number, assistant_message=f"{number} {TEXT}") for number in range(2000)]
    import_http(server, memory_of, stubs, "large", as_file(lines))
    readers = [start_export_http(server, version) for version in ("1.0", "1.1")]
    for connection in readers:
        assert connection.recv(1)
    call = memory_of(server).Export(stubs.memory_messages.ExportRequest(user_id="large"), timeout=120)
    next(call)
    server.wait_for({"luna_streams_open": 3})
    server.send()
    with pytest.raises(grpc.RpcError) as ended:
        list(call)
    assert ended.value.code() == grpc.StatusCode.UNAVAILABLE
    for connection in readers:
        with connection, pytest.raises(ConnectionResetError):
            while connection.recv(1 << 20):
                pass
    assert server.exit_code() == 1
