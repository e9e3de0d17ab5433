"""The guide's own words: its curl, its frames, its Python client."""

import subprocess
import sys
from pathlib import Path

import pytest

from processes import clean_environment, read_exactly
from transports import ANSWER_ONLY

GUIDE_CLIENT = Path(__file__).with_name("guide_client.py")

FRAMES = """\
data: {"type": "llm_chunk", "data": "인공지능의"}

data: {"type": "llm_chunk", "data": " 미래는"}

data: {"type": "llm_chunk", "data": " 매우"}

data: {"type": "llm_chunk", "data": " 밝습니다."}

data: {"type": "complete", "data": "인공지능의 미래는 매우 밝습니다."}

"""

SCRIPT = {
    "steps": [{"text": "인공지능의 미래는 매우 밝습니다."}, {"finish": "STOP"}, {"done": True}]
}


def curl(luna, body, *flags):
    return subprocess.run(
        ["curl", "-sS", "-N", *flags, "-X", "POST", f"{luna.url}/interact/stream"]
        + ["-H", "Content-Type: application/json", "-d", body],
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout.decode()


def test_curl_gets_the_guides_frames(luna, fake):
    fake.script(SCRIPT)
    off = ", ".join(f'"{feature}": false' for feature in ANSWER_ONLY)
    assert curl(luna, f'{{"input": "설명해주세요.", "features": {{{off}}}}}') == FRAMES


def test_curl_with_the_input_alone_gets_the_answers_frames(luna, fake):
    fake.script(SCRIPT)
    frames = curl(luna, '{"input": "인공지능의 미래에 대해 설명해주세요."}')
    assert frames.endswith(FRAMES)


def test_an_error_is_a_frame_with_its_message(luna, fake):
    fake.script({"status": 503, "body": {"error": {"code": 503, "message": "overloaded"}}})
    frames = curl(luna, '{"input": "안녕"}')
    emotion, error = frames.removesuffix("\n\n").split("\n\n")
    assert emotion.startswith('data: {"type": "emotion", ')
    start = 'data: {"type": "error", "data": "[L.U.N.A. LLM API] Gemini 스트리밍 중 오류 발생: '
    assert error.startswith(start)
    assert error.endswith('"}')


def test_headers_are_those_of_an_event_stream(luna, fake):
    fake.script(SCRIPT)
    head, _ = curl(luna, '{"input": "안녕"}', "-i").split("\r\n\r\n", 1)
    status, *fields = head.split("\r\n")
    headers = dict(field.lower().split(": ", 1) for field in fields)
    assert status == "HTTP/1.1 200 OK"
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-store, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert headers["transfer-encoding"] == "chunked"
    assert "content-length" not in headers
    assert "content-encoding" not in headers


def test_line_separators_leave_escaped(luna, fake):
    fake.script(
        {"steps": [{"text": "가\u2028나\u2029다\u0085"}, {"finish": "STOP"}, {"done": True}]}
    )
    frames = curl(luna, '{"input": "줄바꿈"}')
    assert '"data": "가\\u2028나\\u2029다\\u0085"' in frames


class GuideClient:
    """The guide's client, unchanged but for the port."""

    def __init__(self, luna):
        port = luna.http.rpartition(":")[2]
        code = GUIDE_CLIENT.read_text().replace("localhost:8000", f"localhost:{port}")
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            env=clean_environment(PYTHONIOENCODING="utf-8"),
        )

    def shows(self, text):
        """Reads exactly so much of its stdout: blocks until it is there."""
        expected = text.encode()
        return read_exactly(self._process.stdout, len(expected)) == expected

    def rest(self):
        out, _ = self._process.communicate(timeout=60)
        return out.decode(), self._process.returncode

    def kill(self):
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def guide_client(luna):
    clients = []

    def start():
        clients.append(GuideClient(luna))
        return clients[-1]

    yield start
    for client in clients:
        client.kill()


def test_the_guides_client_prints_words_as_they_come(fake, guide_client):
    words = ["안녕하세요!", " 무엇을", " 도와", " 드릴까요?"]
    steps = [step for word in words for step in ({"await": "step"}, {"text": word})]
    fake.script({"steps": steps + [{"await": "step"}, {"finish": "STOP"}, {"done": True}]})
    client = guide_client()
    fake.step()
    assert client.shows("응답: ")
    for word in words:
        assert client.shows(word)
        fake.step()
    assert client.rest() == ("\n완료!\n", 0)
