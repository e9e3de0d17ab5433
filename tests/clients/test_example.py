"""client/python/examples/streaming_example.py, as a person runs it."""

import subprocess
import sys

import pytest

from processes import ROOT, clean_environment
from scripts import ANSWER, CUT, TOKEN, WHOLE

EXAMPLE = ROOT / "client/python/examples/streaming_example.py"


@pytest.fixture
def example(luna):
    """What it prints."""

    def run(*arguments, server=luna, code=0, **environment):
        env = clean_environment(
            PYTHONIOENCODING="utf-8",
            PYTHONDONTWRITEBYTECODE="1",
            **{"PYTHONPATH": ":".join(sys.path), "LUNA_SERVER": server.grpc, "LUNA_HTTP": server.url} | environment,
        )
        done = subprocess.run(
            [sys.executable, EXAMPLE, *arguments], env=env, capture_output=True, check=False, timeout=60
        )
        assert done.returncode == code, done.stderr.decode()
        return (done.stderr if code else done.stdout).decode()

    return run


def test_all_of_it(example, fake):
    fake.script(WHOLE)
    parts = dict(part.split(": ", 1) for part in example().removeprefix("=== ").split("=== "))
    assert list(parts) == ["grpc", "sse", "generate", "timeout", "error", "progress"]
    assert f"응답: {ANSWER}\n완료!" in parts["grpc"]
    assert f"응답: {ANSWER}\n완료!" in parts["sse"]
    assert parts["generate"].endswith(f"\n{ANSWER}\n")
    assert f"(5, 30): {ANSWER}\n0.001: DEADLINE_EXCEEDED\n" in parts["timeout"]
    assert "(UNKNOWN_TARGET)" in parts["error"]
    assert f"\r생성된 문자: {len(ANSWER)}\n" in parts["progress"]


@pytest.mark.parametrize("name", ("sse", "generate"))
def test_an_error_is_shown(example, fake, name):
    fake.script(CUT)
    assert "하나 둘 셋\n오류 발생: [L.U.N.A. LLM API] " in example(name, "안녕?")


@pytest.mark.parametrize("name", ("grpc", "progress"))
def test_no_server_is_said_in_a_line(example, free_port, name):
    said = example(name, "안녕?", code=1, LUNA_SERVER=f"127.0.0.1:{free_port}")
    assert said.startswith("오류 발생: UNAVAILABLE: ")
    assert said.count("\n") == 1


def test_a_request_that_is_refused_says_why(example):
    assert example("sse", "").endswith("\n오류 발생: input: 내용이 비어 있습니다.\n")


def test_without_an_sse_library_the_rest_is_shown(example, fake, tmp_path):
    fake.script(WHOLE)
    (tmp_path / "sseclient.py").write_text("raise ImportError(name='sseclient')\n")
    said = example(PYTHONPATH=":".join([str(tmp_path), *sys.path]))
    assert "sseclient 모듈이 없습니다: pip install requests sseclient-py\n=== generate: " in said


def test_with_a_token(example, guarded, fake):
    fake.script(WHOLE)
    assert example(server=guarded, LUNA_TOKEN=TOKEN).count(ANSWER) == 4
