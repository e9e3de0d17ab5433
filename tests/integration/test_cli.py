"""The command `luna "question"`."""

import json
import signal
import subprocess

import pytest

from configuration import PATIENT
from processes import CLIENT, LunaServer, clean_environment, read_exactly

ANSWER = "인공지능의 미래는 매우 밝습니다."
SCRIPT = {"steps": [{"text": ANSWER}, {"finish": "STOP"}, {"done": True}]}


@pytest.fixture
def start(luna):
    started = []

    def run(*arguments, server=luna.grpc, through=(), **more):
        process = subprocess.Popen(
            [*through, CLIENT, "--server", server, *arguments],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=clean_environment(),
            **{"stdout": subprocess.PIPE} | more,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def end(process):
    out, err = process.communicate(timeout=60)
    return (out or b"").decode(), err.decode(), process.returncode


def test_prints_the_answer_alone(fake, start):
    fake.script(SCRIPT)
    assert end(start("미래는?")) == (ANSWER + "\n", "", 0)


def test_prints_words_as_they_come(fake, start):
    fake.script(
        {"steps": [{"text": "하나"}, {"await": "step"}, {"text": " 둘"}, *SCRIPT["steps"][1:]]}
    )
    process = start("세어 봐")
    first = "하나".encode()
    assert read_exactly(process.stdout, len(first)) == first
    fake.step()
    assert end(process) == (" 둘\n", "", 0)


def test_json_prints_an_event_a_line(fake, start):
    fake.script(SCRIPT)
    out, _, code = end(start("--json", "미래는?"))
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["complete"]["text"] == ANSWER
    assert "".join(event["llm_chunk"]["text"] for event in events if "llm_chunk" in event) == ANSWER


def test_ctrl_c_cancels_the_upstream(fake, start):
    fake.script({"steps": [{"text": "하나 둘"}, {"await": "step"}, {"text": " 셋"}]})
    process = start("세어 봐")
    first = "하나".encode()
    assert read_exactly(process.stdout, len(first)) == first
    fake.wait(waiting=1)
    process.send_signal(signal.SIGINT)
    assert fake.wait(cancelled=1, open=0)["requests"][0]["step"] == 1
    assert end(process)[2] == 130


def test_ctrl_c_cancels_before_the_first_word(fake, start):
    fake.script({"steps": [{"await": "step"}, {"text": "하나"}]})
    process = start("세어 봐")
    fake.wait(waiting=1)
    process.send_signal(signal.SIGINT)
    fake.wait(cancelled=1, open=0)
    assert end(process)[2] == 130


def test_a_failed_answer_is_told_on_stderr(fake, start):
    fake.script({"status": 503, "body": {"error": {"code": 503, "message": "overloaded"}}})
    out, err, code = end(start("왜 안 돼?"))
    assert out == ""
    assert "overloaded" in err
    assert code not in (0, 3, 130)


def test_an_unreachable_server_is_exit_3(start, free_port):
    out, err, code = end(start("미래는?", server=f"127.0.0.1:{free_port}"))
    assert (out, code) == ("", 3)
    assert str(free_port) in err


def test_a_reader_that_leaves_ends_it_and_the_upstream(fake, start):
    fake.script({"steps": [{"text": "하나"}, {"await": "step"}, {"text": " 둘"}, {"await": "step"}, {"text": " 셋"}]})
    process = start("세어 봐")
    first = "하나".encode()
    assert read_exactly(process.stdout, len(first)) == first
    fake.wait(waiting=1)
    process.stdout.close()
    fake.step()
    fake.wait(cancelled=1, open=0)
    assert (process.wait(60), process.stderr.read()) == (1, b"")


def test_an_answer_that_cannot_be_written_is_told(fake, start):
    fake.script(SCRIPT)
    with open("/dev/full", "wb") as full:
        assert end(start("미래는?", stdout=full)) == ("", "luna: stdout: No space left on device\n", 1)


def test_a_closed_stdout_is_no_socket_of_its_own(fake, start):
    fake.script(SCRIPT)
    process = start("미래는?", through=("sh", "-c", 'exec "$@" >&-', "sh"))
    assert end(process) == ("", "luna: stdout: Bad file descriptor\n", 1)


def test_a_server_that_ends_in_mid_stream_is_exit_3(configure, fake, start):
    fake.script({"steps": [{"text": "하나"}, {"await": "step"}]})
    server = LunaServer(configure(**PATIENT))
    process = start("세어 봐", server=server.grpc)
    first = "하나".encode()
    assert read_exactly(process.stdout, len(first)) == first
    server.kill()
    out, err, code = end(process)
    assert (out, code) == ("\n", 3)
    assert server.grpc in err
