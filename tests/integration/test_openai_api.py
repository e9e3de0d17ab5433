"""OpenAI's form, /v1, as it is on the wire: what no client shows."""

import hashlib
import json

import pytest
import requests

from configuration import write_configuration
from generation import post
from processes import LunaServer
from rows import ANSWER, APIS, END, TEXTS, steps

HAPPY = steps(*TEXTS, *END)
BUSY = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
CHAT = "/v1/chat/completions"
REQUEST = {"model": "gemini", "messages": [{"role": "user", "content": "안녕"}], "skip_cache": True}
STREAM = REQUEST | {"stream": True}
NAMED = {"X-Request-Id": "r1"}
ORIGIN = "https://app.example"
ALICE, SERVICE = "luna_the-secret-of-alice", "luna_the-secret-of-a-service"


def error_of(response):
    error = response.json()["error"]
    assert set(response.json()) == {"error"}
    assert set(error) == {"message", "type", "param", "code"}
    return response.status_code, error["type"], error["param"], error["code"]


def frames_of(response):
    """What stands in the frames, without what is the same in each: id, object, created, model."""
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    *frames, end = response.content.decode().split("\n\n")
    assert end == ""
    created = json.loads(frames[0].removeprefix("data: "))["created"]
    head = f'{{"id":"chatcmpl-r1","object":"chat.completion.chunk","created":{created},"model":"gemini-2.5-flash",'
    return [frame.removeprefix("data: ").removeprefix(head) for frame in frames]


def test_a_stream_to_the_byte(luna, fake):
    fake.script(HAPPY)
    assert frames_of(post(luna, CHAT, STREAM, **NAMED)) == [
        '"choices":[{"index":0,"delta":{"role":"assistant","content":"인공지능의"},"finish_reason":null}]}',
        '"choices":[{"index":0,"delta":{"content":" 미래는"},"finish_reason":null}]}',
        '"choices":[{"index":0,"delta":{"content":" 매우"},"finish_reason":null}]}',
        '"choices":[{"index":0,"delta":{"content":" 밝습니다."},"finish_reason":null}]}',
        '"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
        "[DONE]",
    ]


def test_the_usage_is_told_to_whom_asks(luna, fake):
    fake.script(steps({"text": "네"}, *END))
    body = STREAM | {"stream_options": {"include_usage": True}}
    frames = frames_of(post(luna, CHAT, body, **NAMED))
    assert [frame.endswith('}],"usage":null}') for frame in frames] == [True, True, False, False]
    usage = json.loads("{" + frames[2])
    assert usage["choices"] == []
    assert usage["usage"]["total_tokens"] == usage["usage"]["prompt_tokens"] + usage["usage"]["completion_tokens"]


def test_a_failure_in_mid_stream_is_one_frame_and_a_clean_end(luna, fake):
    fake.script(steps(*TEXTS, BUSY))
    *words, failed = frames_of(post(luna, CHAT, STREAM, **NAMED))
    assert len(words) == 4
    error = json.loads(failed)["error"]
    assert (error["type"], error["param"], error["code"]) == ("server_error", None, "UPSTREAM_UNAVAILABLE")
    assert "overloaded" in error["message"]


def test_the_connection_takes_the_next_request(luna, fake):
    fake.script([HAPPY, steps(*TEXTS, BUSY), HAPPY])
    with requests.Session() as session:
        connections = set()
        for body in (STREAM, STREAM, REQUEST):
            with session.post(luna.url + CHAT, json=body, stream=True, timeout=60) as response:
                connections.add(response.raw._connection.sock.getsockname())
                assert response.content
        assert len(connections) == 1


def test_a_whole_answer_to_the_byte(luna, fake):
    fake.script(HAPPY)
    response = post(luna, CHAT, REQUEST, **NAMED)
    created = response.json()["created"]
    assert response.headers["Content-Type"] == "application/json"
    assert response.content.decode() == (
        f'{{"id":"chatcmpl-r1","object":"chat.completion","created":{created},"model":"gemini-2.5-flash",'
        f'"choices":[{{"index":0,"message":{{"role":"assistant","content":"{ANSWER}","refusal":null}},'
        '"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3,'
        '"total_tokens":10,"completion_tokens_details":{"reasoning_tokens":0}}}'
    )


@pytest.mark.parametrize("api", APIS)
def test_a_blocked_answer_is_an_error_and_no_end_of_its_own(luna, fake, api):
    fake.script(steps({"finish": "SAFETY"}))
    blocked = (400, "invalid_request_error", None, "content_filter")
    body = STREAM | {"model": api}
    assert error_of(post(luna, CHAT, body)) == blocked
    fake.script(steps(*TEXTS, {"finish": "SAFETY"}))
    assert error_of(post(luna, CHAT, body | {"stream": False})) == blocked
    *_, last = post(luna, CHAT, body).content.decode().strip().split("\n\n")
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "content_filter"


def test_models_are_listed_the_default_one_first(luna):
    listed = requests.get(f"{luna.url}/v1/models", timeout=60).json()
    names = [model["id"] for model in listed["data"]]
    assert listed["object"] == "list"
    assert names[0] == "gemini"
    assert names[1:] == sorted(names[1:]) and "still" in names
    gemini = {"id": "gemini", "object": "model", "created": 0, "owned_by": "luna", "model": "gemini-2.5-flash"}
    assert listed["data"][0] == gemini


def test_without_a_model_the_default_target_is_asked(luna, fake):
    fake.script(HAPPY)
    response = post(luna, CHAT, {name: REQUEST[name] for name in ("messages", "skip_cache")})
    assert response.json()["model"] == "gemini-2.5-flash"


@pytest.mark.parametrize("body", ("", "{", "[]", "null", "{'messages': []}", '{"messages": "\udc80"}', "[" * 100_000))
def test_rubbish_is_a_bad_request(luna, fake, body):
    headers = {"Content-Type": "application/json"}
    data = body.encode(errors="surrogateescape")
    response = requests.post(luna.url + CHAT, data=data, headers=headers, timeout=60)
    assert error_of(response) == (400, "invalid_request_error", None, "invalid_value")
    assert fake.state()["seen"] == 0


def test_every_refusal_has_openai_s_form(luna):
    invalid = "invalid_request_error"
    assert error_of(requests.get(luna.url + CHAT, timeout=60)) == (405, invalid, None, "invalid_value")
    assert requests.get(luna.url + CHAT, timeout=60).headers["Allow"] == "POST"
    assert error_of(requests.get(f"{luna.url}/v1/nothing", timeout=60)) == (404, invalid, None, "NOT_FOUND")
    assert error_of(requests.post(luna.url + CHAT, data="a=b", timeout=60))[0] == 415
    too_long = post(luna, CHAT, REQUEST | {"x": "x" * (256 << 10)})
    assert error_of(too_long) == (413, invalid, None, "context_length_exceeded")
    foreign = post(luna, CHAT, REQUEST, Host="evil.example")
    assert error_of(foreign) == (403, invalid, None, "PERMISSION_DENIED")
    assert "details" in requests.get(f"{luna.url}/nothing", timeout=60).json()


def test_a_prompt_over_the_model_s_context_is_told_as_openai_tells_it(luna, fake):
    words = "the request exceeds the available context size"
    fake.script({"status": 400, "body": {"error": {"code": 400, "message": words, "type": "exceed_context_size_error"}}})
    response = post(luna, CHAT, REQUEST | {"model": "openai"})
    assert error_of(response) == (400, "invalid_request_error", None, "context_length_exceeded")


def test_any_key_will_do_where_there_are_no_tokens(luna, fake):
    fake.script(HAPPY)
    for authorization in ("Bearer sk-whatever", "Basic x", ""):
        assert post(luna, CHAT, REQUEST, Authorization=authorization).status_code == 200


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, fake_process):
    folder = tmp_path_factory.mktemp("guarded")
    tokens = {ALICE: "alice", SERVICE: "*"}
    lines = [f"{hashlib.sha256(token.encode()).hexdigest()} {user}\n" for token, user in tokens.items()]
    (folder / "tokens").write_text("".join(lines))
    changes = {"auth": "{tokens_file: tokens}", "server": f"{{cors_origins: ['{ORIGIN}']}}"}
    server = LunaServer(write_configuration(folder, fake_process.url, fake_process.url, **changes))
    yield server
    server.stop()


@pytest.mark.parametrize("authorization", (None, "Bearer sk-whatever"))
def test_with_tokens_the_key_is_one(guarded, fake, authorization):
    headers = {"Authorization": authorization} if authorization else {}
    refused = (401, "invalid_request_error", None, "invalid_api_key")
    assert error_of(post(guarded, CHAT, REQUEST, **headers)) == refused
    assert error_of(requests.get(f"{guarded.url}/v1/models", headers=headers, timeout=60)) == refused
    assert "WWW-Authenticate" in post(guarded, CHAT, REQUEST, **headers).headers
    assert fake.state()["seen"] == 0


@pytest.mark.parametrize("token", (ALICE, SERVICE))
def test_the_token_says_who_whatever_the_program_calls_its_user(guarded, fake, token):
    fake.script(HAPPY)
    body = REQUEST | {"user": "customer-17"}
    assert post(guarded, CHAT, body, Authorization=f"Bearer {token}").status_code == 200


def test_a_page_of_a_listed_origin_may_call(guarded, fake):
    fake.script(HAPPY)
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type"}
    preflight = requests.options(guarded.url + CHAT, headers=asked, timeout=60)
    assert (preflight.status_code, preflight.headers["Allow"]) == (204, "POST")
    assert preflight.headers["Access-Control-Allow-Origin"] == ORIGIN
    allowed = preflight.headers["Access-Control-Allow-Headers"].split(", ")
    assert {"Authorization", "*"} <= set(allowed)  # * for the fields that OpenAI's client adds
    for body in (REQUEST, STREAM):
        response = post(guarded, CHAT, body, Origin=ORIGIN, Authorization=f"Bearer {ALICE}")
        assert response.status_code == 200
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    refused = post(guarded, CHAT, REQUEST, Origin="https://evil.example", Authorization=f"Bearer {ALICE}")
    assert error_of(refused)[0] == 403
