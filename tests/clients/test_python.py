"""The blocking Python client against the real server."""

import copy
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing

import grpc
import pytest
from luna_client import Client, Complete, Emotion, LlmChunk, LunaError, Translation

from processes import clean_environment
from scripts import (
    ANSWER,
    ANSWER_ONLY,
    BEFORE,
    BUSY,
    CUT,
    ENGLISH,
    MIDDLE,
    PAUSES,
    PAUSES_READ,
    TOKEN,
    TRANSLATED,
    WHOLE,
    WORDS,
    check_cancelled,
)


def test_events_come_one_by_one_and_match(client, fake):
    fake.script(WHOLE)
    seen = []
    for event in client.interact("안녕하세요!", session_id="events"):
        match event:
            case Emotion(label, confidence):
                seen.append("emotion")
                assert label
                assert 0 < confidence <= 1
                assert event.top[0].emotion == label
            case Translation():
                seen.append("translation")
            case LlmChunk(text):
                seen.append(text)
            case Complete(text, finish_reason):
                seen.append("complete")
                assert (text, finish_reason) == (ANSWER, "STOP")
                assert (event.model, event.target) == ("fake-1", "gemini")
                assert event.usage.total_tokens > 0
                assert event.timings.total_ms >= event.timings.first_chunk_ms
                assert (event.cached, event.remembered) == (False, True)
    assert [word for word in seen if word != "translation"] == ["emotion", *WORDS, "complete"]


@pytest.mark.parametrize("copied", (copy.copy, lambda error: pickle.loads(pickle.dumps(error))), ids=("copy", "pickle"))
def test_an_error_goes_to_another_process_whole(copied):
    error = LunaError("UPSTREAM_QUOTA", "한도", True, 2.5, "stream", "하나")
    assert vars(copied(error)) == vars(error)
    assert str(copied(error)) == "UPSTREAM_QUOTA: 한도"


def test_events_cannot_be_changed():
    with pytest.raises(AttributeError):
        LlmChunk("하나").text = "둘"


def test_the_requests_fields_arrive(client, fake):
    fake.script(WHOLE)
    options = {"user_id": "minsu", "session_id": "fields", "target": "openai", "language": "en"}
    *_, complete = client.interact("기억해?", **options, features={"emotion": False, "cache": False})
    assert complete.target == "openai"
    (turn,) = client.memory("minsu").conversations("fields")
    assert (turn.user_message, turn.assistant_message, turn.emotion) == ("기억해?", ANSWER, "")


def test_an_error_event_raises(client, fake):
    fake.script(CUT)
    chunks = []
    with pytest.raises(LunaError) as failure:
        for event in client.interact("안녕", features=ANSWER_ONLY):
            chunks.append(event.text)
    error = failure.value
    assert (error.code, error.retryable, error.stage) == ("UPSTREAM_UNAVAILABLE", True, "stream")
    assert error.text_so_far == "하나 둘 셋" == "".join(chunks)
    assert error.message.startswith("[L.U.N.A. LLM API] Gemini 스트리밍 중 오류 발생: ")
    assert str(error) == f"UPSTREAM_UNAVAILABLE: {error.message}"
    assert fake.state()["seen"] == 1  # nothing is asked again after the first word


def test_an_error_before_the_first_word_raises(client, fake):
    fake.script(BUSY)
    with pytest.raises(LunaError) as failure:
        list(client.interact("안녕", language="en"))
    error = failure.value
    assert (error.code, error.retryable, error.retry_after) == ("UPSTREAM_QUOTA", True, 3.0)
    assert (error.stage, error.text_so_far) == ("first_token", "")
    assert fake.state()["seen"] == 1


@pytest.mark.parametrize("ask", ("interact", "answer"))
@pytest.mark.parametrize("input, target, code", (("", "", "INVALID_INPUT"), ("안녕", "nobody", "UNKNOWN_TARGET")))
def test_what_is_refused_before_the_stream_raises(client, fake, ask, input, target, code):
    with pytest.raises(LunaError) as failure:
        list(getattr(client, ask)(input, target=target))
    error = failure.value
    assert (error.code, error.retryable, error.retry_after) == (code, False, None)
    assert isinstance(error.__cause__, grpc.RpcError)
    assert error.message == error.__cause__.details()
    assert fake.state()["seen"] == 0


def test_one_too_many_is_told_when_to_come_back(start, fake):
    server = start(server="{max_streams: 1}")
    fake.script(MIDDLE)
    with Client(server.grpc) as client, closing(client.interact("하나")) as stream:
        next(stream)
        with pytest.raises(LunaError) as failure:
            next(client.interact("둘"))
    assert (failure.value.code, failure.value.retryable) == ("OVERLOADED", True)
    assert failure.value.retry_after > 0


@pytest.mark.parametrize("timeout", (None, (30, 30)), ids=("no limit", "time to connect"))
def test_nobody_there_is_said_at_once(free_port, timeout):
    with Client(f"127.0.0.1:{free_port}") as client, pytest.raises(LunaError) as failure:
        next(client.interact("안녕", timeout=timeout))
    assert (failure.value.code, failure.value.retryable) == ("UNAVAILABLE", True)


def leave_by_break(ask, fake):
    for _ in ask():
        fake.wait(waiting=1)
        break


def leave_by_exception(ask, fake):
    with pytest.raises(KeyError) as failure:
        for _ in ask():
            fake.wait(waiting=1)
            raise KeyError
    return failure


def leave_by_throw(ask, fake):
    stream = ask()
    next(stream)
    fake.wait(waiting=1)
    with pytest.raises(KeyError) as failure:
        stream.throw(KeyError)
    return failure


def leave_by_close(ask, fake):
    stream = ask()
    next(stream)
    fake.wait(waiting=1)
    stream.close()
    return stream


LEAVING = (leave_by_break, leave_by_exception, leave_by_throw, leave_by_close)


@pytest.mark.parametrize("script", (BEFORE, MIDDLE), ids=("before the first word", "in mid-stream"))
@pytest.mark.parametrize("leave", LEAVING, ids=lambda leave: leave.__name__)
def test_leaving_the_loop_stops_the_model(client, fake, leave, script):
    fake.script(script)
    kept = leave(lambda: client.interact("안녕", features={"memory": False}), fake)
    check_cancelled(fake, script)
    del kept  # whoever still holds the exception does not hold the call


def test_leaving_at_the_end_loses_nothing(client, fake):
    fake.script(WHOLE)
    for cached in (False, True):
        for event in client.interact("안녕", features={"memory": False}):
            if isinstance(event, Complete):
                break
        assert (event.text, event.cached) == (ANSWER, cached)


INTERRUPTED = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test in the background ignores it
from luna_client import Client
try:
    list(Client("{address}").{ask}("안녕"))
except KeyboardInterrupt as interrupt:
    print("interrupted")
    input()  # the program goes on, and the interrupt with all that it holds is still there
"""


@pytest.mark.parametrize("ask", ("interact", "answer"))
def test_control_c_stops_the_model(luna, fake, ask):
    fake.script(BEFORE)
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED.format(address=luna.grpc, ask=ask)],
        env=clean_environment(PYTHONPATH=":".join(sys.path)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    fake.wait(waiting=1)
    process.send_signal(signal.SIGINT)
    check_cancelled(fake, BEFORE)
    assert process.communicate(b"\n", timeout=60)[0] == b"interrupted\n"
    assert process.returncode == 0


def test_a_deadline_ends_the_call_and_the_model(client, fake):
    fake.script(MIDDLE)
    with pytest.raises(LunaError) as failure:
        list(client.interact("안녕", features=ANSWER_ONLY, timeout=1.0))
    assert (failure.value.code, failure.value.retryable) == ("DEADLINE_EXCEEDED", True)
    assert failure.value.text_so_far == "하나 둘 셋"
    check_cancelled(fake, MIDDLE)


@pytest.mark.parametrize("timeout", (0.5, (5, 0.5)), ids=("deadline", "connect and read"))
def test_a_call_without_a_stream_has_a_deadline(client, fake, timeout):
    fake.script(BEFORE)
    with pytest.raises(LunaError) as failure:
        client.answer("안녕", timeout=timeout)
    assert failure.value.code == "DEADLINE_EXCEEDED"
    check_cancelled(fake, BEFORE)


def test_silence_ends_the_call_and_the_model(client, fake):
    fake.script(MIDDLE)
    with pytest.raises(LunaError) as failure:
        list(client.interact("안녕", features=ANSWER_ONLY, timeout=(5, 0.5)))
    assert (failure.value.code, failure.value.retryable) == ("DEADLINE_EXCEEDED", True)
    assert failure.value.text_so_far == "하나 둘 셋"
    check_cancelled(fake, MIDDLE)


def test_a_limit_of_silence_is_none_of_the_whole(client, fake):
    fake.script(PAUSES)
    since = time.monotonic()
    *_, complete = client.interact("안녕", timeout=(5, PAUSES_READ))
    assert complete.text == "".join(WORDS * 5)
    assert time.monotonic() - since > PAUSES_READ  # of the script, not of luna


def test_what_the_caller_takes_is_no_silence(client, fake):
    fake.script(WHOLE)
    read = 0.3
    stream = client.interact("안녕", timeout=(5, read))
    next(stream)
    busy = threading.Event()
    assert not busy.wait(3 * read)  # what is tested: that time passes
    *_, complete = stream
    assert complete.text == ANSWER


def test_a_client_has_a_limit_for_all_its_calls(luna, fake):
    fake.script(BEFORE)
    with Client(luna.grpc, timeout=0.5) as client, pytest.raises(LunaError) as failure:
        list(client.interact("안녕"))
    assert failure.value.code == "DEADLINE_EXCEEDED"


def test_connecting_has_a_limit_of_its_own():
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes connections and never says a word
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        with Client(address, timeout=(0.3, 60)) as client, pytest.raises(LunaError) as failure:
            client.answer("안녕")
    assert (failure.value.code, failure.value.retryable) == ("DEADLINE_EXCEEDED", True)
    assert address in failure.value.message


UNCLOSED = """
from luna_client import Client
client = Client("{address}", timeout=(30, 30))
print(client.answer("안녕").text)
"""


def test_a_program_that_leaves_its_client_open_ends(luna, fake):
    fake.script(WHOLE)
    env = clean_environment(PYTHONPATH=":".join(sys.path), PYTHONIOENCODING="utf-8")
    command = [sys.executable, "-c", UNCLOSED.format(address=luna.grpc)]
    assert subprocess.check_output(command, env=env, timeout=60).decode() == ANSWER + "\n"


def test_a_restart_in_between_is_survived(start, start_again, fake):
    server = start()
    fake.script(WHOLE)
    with Client(server.grpc) as client:
        assert client.answer("하나").text == ANSWER
        server.stop()
        with pytest.raises(LunaError) as failure:
            client.answer("둘")
        assert (failure.value.code, failure.value.retryable) == ("UNAVAILABLE", True)
        start_again(server)
        until = time.monotonic() + 30
        while True:  # what a caller does who is told that it is retryable
            try:
                *_, complete = client.interact("셋")
                break
            except LunaError as error:
                assert error.retryable
                assert time.monotonic() < until
    assert complete.text == ANSWER


def test_a_server_that_ends_in_mid_stream_leaves_the_text(start, fake):
    server = start()
    fake.script(MIDDLE)
    with Client(server.grpc) as client, pytest.raises(LunaError) as failure:
        for event in client.interact("안녕", features=ANSWER_ONLY):
            if event == LlmChunk(" 셋"):
                server.kill()
    assert (failure.value.code, failure.value.retryable) == ("UNAVAILABLE", True)
    assert failure.value.text_so_far == "하나 둘 셋"


def test_the_whole_answer_at_once(client, fake):
    fake.script(WHOLE)
    answer = client.answer("안녕하세요!")
    assert (answer.text, answer.model) == (ANSWER, "fake-1")
    assert answer.emotion
    assert answer.usage.total_tokens > 0


def test_what_a_person_feels(client):
    emotion = client.analyze("오늘 너무 슬퍼서 울었어 ㅠㅠ")
    assert (emotion.emotion, len(emotion.top)) == ("sadness", 5)
    assert client.analyze_all(["오늘 너무 슬퍼서 울었어 ㅠㅠ"] * 2) == [emotion] * 2


def test_a_translation(translating, fake):
    fake.script(TRANSLATED)
    with Client(translating.grpc) as client:
        events = list(client.interact("설명해주세요.", features={"emotion": False, "cache": False}))
        assert events[0] == Translation(ENGLISH, "ko", "en")
        assert events[-1].text == ANSWER
        assert client.translate("설명해주세요.") == ENGLISH
        with pytest.raises(LunaError) as failure:
            client.translate("")
    assert failure.value.code == "INVALID_INPUT"


def test_a_token_says_who_calls(guarded, fake):
    fake.script(WHOLE)
    with Client(guarded.grpc, token=TOKEN) as client:
        client.answer("안녕")
        *_, complete = client.interact("안녕")
        assert complete.text == ANSWER
        assert {turn.user_id for turn in client.memory().conversations()} == {"alice"}
    with Client(guarded.grpc) as client, pytest.raises(LunaError) as failure:
        next(client.interact("안녕"))
    assert failure.value.code == "UNAUTHENTICATED"
