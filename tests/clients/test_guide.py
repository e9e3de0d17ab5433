"""The streaming guide's Python: each of its blocks runs as it stands, but for the server's address, or with its imports
changed. Section 3 does in tests/integration/test_guide.py."""

import subprocess
import sys
from pathlib import Path

import pytest

from processes import clean_environment
from scripts import ANSWER, CUT, WHOLE

BLOCKS = Path(__file__).with_name("guide")
IMPORTS = {
    "from services.llm_manager import LLMManager": "from luna_client import LLMManager",
    "from services.llm_api import LLMAPIService": "from luna_client import LLMAPIService",
}


def block(name):
    """A block of the guide with its imports changed."""
    code = (BLOCKS / f"{name}.py").read_text()
    for old, new in IMPORTS.items():
        code = code.replace(old, new)
    return code


def stream_of(section):
    """A section up to where its stream is read, which the advanced blocks read in their own way."""
    before, _ = block(section).split("# 응답 처리\n")
    return before


@pytest.fixture
def run(luna):
    """What a program prints."""

    def run(code):
        env = clean_environment(
            LUNA_SERVER=luna.grpc, PYTHONPATH=":".join(sys.path), PYTHONIOENCODING="utf-8", PYTHONDONTWRITEBYTECODE="1"
        )
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    return run


def test_section_4_llm_manager(run, fake):
    fake.script(WHOLE)
    assert run(block("section_4")) == ANSWER
    (request,) = fake.requests()
    assert "gemini-2.5-flash:streamGenerateContent" in request["path"]


def test_section_5_llm_api_service(run, fake):
    fake.script(WHOLE)
    assert run(block("section_5")) == ANSWER


def test_section_5_shows_an_error(run, fake):
    fake.script(CUT)
    said, error = run(block("section_5")).split("Error: ")
    assert said == "하나 둘 셋"
    assert error.startswith("[L.U.N.A. LLM API] Gemini 스트리밍 중 오류 발생: ")


def test_advanced_1_timeout(run, luna, fake):
    fake.script(WHOLE)
    code = block("advanced_1").replace("localhost:8000", luna.http)
    said = run(code + "print(response.content.decode())\n")
    assert said.endswith(f'data: {{"type": "complete", "data": "{ANSWER}"}}\n\n\n')


@pytest.mark.parametrize("section", ("section_4", "section_5"))
def test_advanced_2_errors(run, fake, section):
    fake.script(CUT)
    said, error = run(stream_of(section) + block("advanced_2")).split("오류 발생: ", 1)
    assert said == "하나 둘 셋"
    assert error.startswith("[L.U.N.A. LLM API] ")


@pytest.mark.parametrize("section", ("section_4", "section_5"))
def test_advanced_3_progress(run, fake, section):
    fake.script(WHOLE)
    assert run(stream_of(section) + block("advanced_3")).split("\r")[-1] == f"생성된 문자: {len(ANSWER)}"
