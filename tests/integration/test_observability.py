"""What an operator sees of a request: its id, its log line, the metrics; never what was said."""

from functools import partial

import pytest
import requests

from configuration import write_configuration
from processes import LunaServer

SECRET = "비밀스러운말"


def ask(server, **headers):
    return requests.post(
        f"{server.url}/interact/stream",
        json={"input": SECRET, "features": {"cache": False}},
        headers=headers,
        timeout=60,
    )


def test_a_callers_request_id_comes_back(luna, fake, interaction, stubs):
    fake.script({"steps": [{"text": "응"}, {"finish": "STOP"}, {"done": True}]})
    assert ask(luna, **{"X-Request-Id": "abc-1"}).headers["X-Request-Id"] == "abc-1"
    unary = requests.post(
        f"{luna.url}/interact", json={}, headers={"X-Request-Id": "abc-2"}, timeout=60
    )
    assert (unary.status_code, unary.headers["X-Request-Id"]) == (400, "abc-2")
    call = interaction.Interact(
        stubs.messages.InteractRequest(input="x"), metadata=[("x-request-id", "abc-3")], timeout=60
    )
    list(call)
    assert dict(call.initial_metadata())["x-request-id"] == "abc-3"


def test_a_request_without_an_id_gets_one_of_its_own(luna, fake):
    fake.script({"steps": [{"text": "응"}, {"finish": "STOP"}, {"done": True}]})
    ids = {ask(luna).headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(len(an_id) == 32 for an_id in ids)


def test_metrics_and_log_tell_of_requests_but_not_what_was_said(fake, tmp_path):
    server = LunaServer(write_configuration(tmp_path, fake.url, "http://127.0.0.1:9"))
    try:
        fake.script({"steps": [{"text": "공개안함"}, {"finish": "STOP"}, {"done": True}]})
        assert ask(server, **{"X-Request-Id": "seen-in-the-log"}).ok
        fake.script({"status": 500, "body": "broken"})
        ask(server)
        quoted = f"oops: {SECRET}은 is no prompt"
        fake.script({"status": 400, "body": {"error": {"code": 400, "message": quoted}}})
        ask(server)
        fake.script({"steps": [{"raw": f'data: {{"echo": "{SECRET}"\n\n'}]})
        ask(server)
        page = requests.get(f"{server.url}/metrics", timeout=60)
    finally:
        server.stop()
    assert page.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = page.text.splitlines()
    ended = [line for line in lines if line.startswith("luna_requests_total{")]
    assert any('code="OK"' in line and line.endswith(" 1") for line in ended)
    assert any('code="UPSTREAM_UNAVAILABLE"' in line and line.endswith(" 1") for line in ended)
    assert 'luna_streams_open{transport="http"} 0' in lines
    log = server.stderr()
    assert "request id=seen-in-the-log transport=http code=OK" in log
    assert "Gemini 스트리밍 중 오류 발생" in log
    assert "HTTP 400" in log
    assert "oops" not in log
    for said in (SECRET, "공개안함"):
        assert said not in page.text
        assert said not in log


@pytest.mark.parametrize(
    "body, code",
    [("{", "INVALID_INPUT"), ('{"input": ""}', "INVALID_INPUT"), ('{"text": ""}', "INVALID_INPUT")],
    ids=("no JSON", "no input", "no such field"),
)
def test_what_is_refused_is_counted_and_logged_once(start, body, code):
    server = start()
    headers = {"X-Request-Id": "refused-1", "Content-Type": "application/json"}
    url = f"{server.url}/interact/stream"
    assert requests.post(url, data=body, headers=headers, timeout=60).status_code == 400
    name = f'luna_requests_total{{code="{code}",stage="request",transport="http"}}'
    assert server.metrics()[name] == 1
    server.stop()
    lines = [line for line in server.stderr().splitlines() if "id=refused-1 " in line]
    assert len(lines) == 1
    assert f"code={code}" in lines[0]


def test_a_unary_rpc_is_counted_logged_and_let_in_like_a_stream(start, fake):
    server = start(server="{max_streams: 1}")
    ask_analyze = partial(requests.post, f"{server.url}/analyze", json={"text": SECRET}, timeout=60)
    assert ask_analyze(headers={"X-Request-Id": "analyzed"}).status_code == 200
    fake.script({"steps": [{"text": "하나 "}, {"await": "step"}]})
    with requests.post(
        f"{server.url}/interact/stream", json={"input": "안녕"}, stream=True, timeout=60
    ):
        fake.wait(waiting=1)
        assert ask_analyze().status_code == 429
    fake.wait(cancelled=1, open=0)
    server.stop()
    assert "request id=analyzed transport=http code=OK" in server.stderr()
    assert SECRET not in server.stderr()
