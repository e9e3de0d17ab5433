"""HTTP as such: what is refused and how, and what becomes of the connection."""

import http.client
import json
import socket

import grpc
import pytest
import requests
from google.protobuf.json_format import ParseDict

from transports import ANSWER_ONLY

SCRIPT = {"steps": [{"text": "하나 둘"}, {"finish": "STOP"}, {"done": True}]}
JSON = {"Content-Type": "application/json"}
PATHS = ("/interact/stream", "/interact")

KIB = 1024


def post(luna, path, body, headers=None):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return requests.post(luna.url + path, data=data, headers=headers or JSON, timeout=60)


def check_refusal(response, status, reason, grpc_code, words=""):
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/json"
    body = response.json()
    assert set(body) == {"code", "message", "details"}
    assert body["code"] == grpc_code
    assert body["details"][0]["reason"] == reason
    assert words in body["message"]


REFUSED = {
    "no JSON": (b"{", "body"),
    "no object": (b"[]", "body"),
    "empty body": (b"", "input"),
    "single quotes": (b"{'input': 'a'}", "body"),
    "unknown field": ({"input": "a", "foo": 1}, "foo"),
    "wrong type": ({"input": {"a": 1}}, "input"),
    "no input": ({}, "input"),
    "empty input": ({"input": ""}, "input"),
    "blank input": ({"input": " \n\t "}, "input"),
    "not UTF-8": (b'{"input": "a\xff"}', "UTF-8"),
    "long user_id": ({"input": "a", "user_id": "u" * 129}, "user_id"),
    "long session_id": ({"input": "a", "session_id": "가" * 43}, "session_id"),
    "unknown language": ({"input": "a", "language": "fr"}, "language"),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body, place", REFUSED.values(), ids=REFUSED)
def test_bad_input_is_400_and_names_the_place(luna, fake, path, body, place):
    check_refusal(post(luna, path, body), 400, "INVALID_INPUT", 3, place)
    assert fake.state()["seen"] == 0


@pytest.mark.parametrize("path", PATHS)
def test_input_over_16_kib_is_413(luna, fake, path):
    check_refusal(
        post(luna, path, {"input": "a" * (16 * KIB + 1)}), 413, "INPUT_TOO_LARGE", 3, "input"
    )
    assert post(luna, path, {"input": "a" * 16 * KIB}).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_body_over_256_kib_is_413(luna, path):
    body = json.dumps({"input": "a"}).encode().ljust(256 * KIB + 1)
    check_refusal(post(luna, path, body), 413, "INPUT_TOO_LARGE", 3, "body")


def test_a_body_of_256_kib_is_taken(luna, fake):
    body = json.dumps({"input": "a"}).encode().ljust(256 * KIB)
    assert post(luna, "/interact", body).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_ids_of_128_bytes_are_taken(luna, fake, path):
    body = {"input": "a", "user_id": "u" * 128, "session_id": "s" * 128}
    assert post(luna, path, body).status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ("user_id", "userId"))
def test_fields_are_read_in_both_cases(luna, fake, path, name):
    assert post(luna, path, {"input": "a", name: "someone"}).status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("content_type", ("text/plain", "application/x-www-form-urlencoded"))
def test_another_content_type_is_415(luna, path, content_type):
    response = post(luna, path, {"input": "a"}, {"Content-Type": content_type})
    assert response.status_code == 415
    assert "Content-Type" in response.json()["message"]


def test_json_with_a_charset_is_taken(luna, fake):
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert post(luna, "/interact", {"input": "a"}, headers).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_target_is_404(luna, path):
    response = post(luna, path, {"input": "a", "target": "nobody"})
    check_refusal(response, 404, "UNKNOWN_TARGET", 5, "nobody")


def test_a_target_that_does_not_stream_says_so_in_korean(luna):
    response = post(luna, "/interact/stream", {"input": "a", "target": "still"})
    message = (
        "스트리밍은 이 대상에서 지원되지 않습니다 ('still'는 stream: false입니다). "
        "config/models.yaml에서 stream: true로 바꾸거나 POST /interact를 사용하세요."
    )
    check_refusal(response, 400, "STREAMING_DISABLED", 9, message)


def test_what_is_refused_before_the_model_is_a_grpc_status_without_an_event(interaction, stubs):
    def status(**request):
        call = interaction.Interact(
            ParseDict(request, stubs.messages.InteractRequest()), timeout=60
        )
        with pytest.raises(grpc.RpcError):
            next(iter(call))
        return call.code(), call.details()

    code = grpc.StatusCode
    assert status(input="")[0] == code.INVALID_ARGUMENT
    assert status(input="a" * (16 * KIB + 1))[0] == code.INVALID_ARGUMENT
    assert status(input="a", user_id="u" * 129)[0] == code.INVALID_ARGUMENT
    assert status(input="a", target="nobody")[0] == code.NOT_FOUND
    streaming_disabled = status(input="a", target="still")
    assert streaming_disabled[0] == code.FAILED_PRECONDITION
    assert "stream: false" in streaming_disabled[1]


def test_an_unknown_path_is_404(luna):
    check_refusal(requests.get(f"{luna.url}/nothing", timeout=60), 404, "NOT_FOUND", 5, "/nothing")


@pytest.mark.parametrize(
    "path, allow", [("/interact", "POST"), ("/interact/stream", "POST"), ("/health", "GET, HEAD")]
)
def test_a_wrong_method_is_405_with_allow(luna, path, allow):
    response = requests.delete(luna.url + path, timeout=60)
    assert response.status_code == 405
    assert response.headers["Allow"] == allow
    assert set(response.json()) == {"code", "message", "details"}


def test_health_is_that_of_the_original(luna):
    response = requests.get(f"{luna.url}/health", timeout=60)
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["server", "version", "status"]
    assert (body["server"], body["status"]) == ("L.U.N.A.", "healthy")
    assert body["version"]


def test_the_connection_takes_the_next_request_after_a_stream(luna, fake):
    fake.script(SCRIPT)
    connection = http.client.HTTPConnection(luna.http, timeout=60)
    connection.connect()
    socket_before = connection.sock
    for path in ("/interact/stream", "/interact/stream", "/interact", "/health"):
        method = "GET" if path == "/health" else "POST"
        body = None if path == "/health" else json.dumps({"input": "안녕"}).encode()
        connection.request(method, path, body, JSON)
        response = connection.getresponse()
        assert response.status == 200
        assert response.read()
        assert connection.sock is socket_before
    connection.close()


@pytest.mark.parametrize("body", [b"{", b'{"input": ""}'])
def test_the_connection_takes_the_next_request_after_a_refusal(luna, body):
    connection = http.client.HTTPConnection(luna.http, timeout=60)
    connection.connect()
    socket_before = connection.sock
    for _ in range(2):
        connection.request("POST", "/interact/stream", body, JSON)
        response = connection.getresponse()
        assert (response.status, connection.sock) == (400, socket_before)
        response.read()
    connection.close()


def request_bytes(version, path="/interact/stream", more=""):
    body = json.dumps({"input": "안녕", "features": ANSWER_ONLY}).encode()
    head = f"POST {path} {version}\r\nHost: localhost\r\n{more}"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def read_to_the_end(luna, data):
    with socket.create_connection(luna.http.split(":"), timeout=60) as connection:
        connection.sendall(data)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def test_an_http_10_client_gets_a_stream_that_ends_with_the_connection(luna, fake):
    fake.script(SCRIPT)
    head, _, body = read_to_the_end(luna, request_bytes("HTTP/1.0")).partition("\r\n\r\n")
    assert " 200 " in head.split("\r\n")[0] + " "
    assert "transfer-encoding" not in head.lower()
    assert "content-length" not in head.lower()
    assert body == (
        'data: {"type": "llm_chunk", "data": "하나"}\n\n'
        'data: {"type": "llm_chunk", "data": " 둘"}\n\n'
        'data: {"type": "complete", "data": "하나 둘"}\n\n'
    )


def test_a_client_that_says_close_gets_a_close(luna, fake):
    fake.script(SCRIPT)
    response = read_to_the_end(luna, request_bytes("HTTP/1.1", more="Connection: close\r\n"))
    assert "connection: close" in response.lower()
    assert response.endswith("0\r\n\r\n")


def test_pipelined_requests_are_answered_in_order(luna, fake):
    fake.script(SCRIPT)
    data = request_bytes("HTTP/1.1") + request_bytes("HTTP/1.1", "/interact")
    data += b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    response = read_to_the_end(luna, data)
    stream, answer, health = (response.index(part) for part in ("complete", '"text"', "healthy"))
    assert stream < answer < health
