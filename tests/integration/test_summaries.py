"""Summaries of what was said before: made by the model, in the background or when asked for."""

import json
import time

import pytest
import requests

from configuration import PERSONA
from processes import LunaServer

END = [{"finish": "STOP"}, {"done": True}]
SUMMARY = "민수는 고양이를 키운다."
AUTOMATIC = "{enable_auto_summary: true, summary_threshold: 3, max_context_turns: 2}"
ANSWER = {"steps": [{"text": "네"}, *END]}
SUMMED_UP = {"steps": [{"text": SUMMARY}, *END]}


def say(luna, text, session="s1", user="u", post=requests.post):
    body = {"input": text, "user_id": user, "session_id": session, "features": {"emotion": False}}
    answer = post(f"{luna.url}/interact", json=body, timeout=60).json()
    assert answer["remembered"] is True, answer


def summaries(luna, **query):
    return requests.get(f"{luna.url}/memory/summaries", params={"user_id": "u"} | query, timeout=60).json()["summaries"]


def wait_for(condition, what):
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def prompts(fake):
    """Of each request: its system prompt, and what it holds beside it."""
    bodies = [json.loads(request["body"]) for request in fake.requests()]
    return [
        (body["systemInstruction"]["parts"][0]["text"], " ".join(turn["parts"][0]["text"] for turn in body["contents"]))
        for body in bodies
    ]


def say_four(luna, fake, summary):
    """Three turns, and the fourth, past the threshold; the model sums up as `summary` says."""
    fake.script(ANSWER)
    for text in ("하나", "둘", "셋"):
        say(luna, text)
    fake.script([ANSWER, summary])
    say(luna, "넷")


def test_past_the_threshold_the_older_turns_are_summed_up(start, fake):
    luna = start(memory=AUTOMATIC)
    say_four(luna, fake, SUMMED_UP)
    wait_for(lambda: summaries(luna), "no summary")
    (summary,) = summaries(luna)
    assert (summary["content"], summary["summarized_turns"], summary["session_id"]) == (SUMMARY, 2, "s1")
    _, asked = prompts(fake)[-1]
    assert "하나" in asked and "둘" in asked
    assert "셋" not in asked and "넷" not in asked

    fake.script(ANSWER)
    say(luna, "다섯")
    system, told = prompts(fake)[-1]
    assert system == f"{PERSONA}\n\n지금까지의 대화 요약:\n{SUMMARY}"
    assert told == "셋 네 넷 네 다섯"
    assert requests.get(f"{luna.url}/memory/summary?user_id=u&session_id=s1", timeout=60).json() == {"summary": SUMMARY}


def test_the_next_summary_stands_on_the_one_before(start, fake):
    luna = start(memory=AUTOMATIC)
    say_four(luna, fake, SUMMED_UP)
    wait_for(lambda: summaries(luna), "no summary")
    fake.script([ANSWER, ANSWER, {"steps": [{"text": "새 요약"}, *END]}])
    say(luna, "다섯")
    say(luna, "여섯")
    wait_for(lambda: len(summaries(luna)) == 2, "no second summary")
    newest = summaries(luna)[0]
    assert (newest["content"], newest["summarized_turns"]) == ("새 요약", 4)
    assert SUMMARY in prompts(fake)[-1][1]


def test_it_is_off_by_default(start, fake):
    luna = start(memory="{summary_threshold: 1}")
    fake.script(ANSWER)
    for text in ("하나", "둘", "셋"):
        say(luna, text)
    assert len(fake.requests()) == 3


@pytest.mark.parametrize(
    "failure",
    [
        {"status": 503, "body": "busy"},
        {"steps": [{"text": "반쪽"}, {"finish": "MAX_TOKENS"}, {"done": True}]},
        {"steps": [{"blocked": "SAFETY"}, {"done": True}]},
        {"steps": [{"send_headers": True}, {"end": "close"}]},
    ],
    ids=["busy", "cut off", "blocked", "closed"],
)
def test_a_failure_changes_nothing(start, fake, failure):
    luna = start(memory=AUTOMATIC)
    say_four(luna, fake, failure)
    wait_for(lambda: "no summary: " in luna.stderr(), "the failure is not logged")
    assert summaries(luna) == []
    fake.script([ANSWER, SUMMED_UP])
    say(luna, "다섯")
    wait_for(lambda: summaries(luna), "it was not tried again")
    assert summaries(luna)[0]["summarized_turns"] == 3


def test_a_model_that_goes_on_failing_is_asked_ever_more_rarely(start, fake):
    luna = start(memory=AUTOMATIC, retries="{count: 0}")
    failures = 0
    with requests.Session() as connection:  # so that one loop sees all of them
        for turn in range(1, 20):
            tried = turn in (4, 5, 7, 11, 19)  # the first past the threshold, then after 1, 2, 4, 8
            fake.script([ANSWER, {"steps": [{"blocked": "SAFETY"}, {"done": True}]}] if tried else ANSWER)
            say(luna, f"말 {turn}", post=connection.post)
            failures += tried
            wait_for(lambda: luna.stderr().count("no summary: ") >= failures, f"not tried after turn {turn}")
    assert luna.stderr().count("no summary: ") == failures
    assert len(fake.requests()) == 19 + failures


def test_a_restart_in_mid_summary_changes_nothing(configure, fake):
    file = configure(memory=AUTOMATIC, retries="{count: 0}")
    luna = LunaServer(file)
    say_four(luna, fake, {"steps": [{"await": "step"}, {"text": SUMMARY}, *END]})
    fake.wait(waiting=1)
    luna.kill()
    luna = LunaServer(file)
    assert summaries(luna) == []
    fake.script([ANSWER, {"steps": [{"await": "step"}, {"text": SUMMARY}, *END]}])
    say(luna, "다섯")
    fake.wait(waiting=1)
    luna.stop()  # which does not wait for the model
    luna = LunaServer(file)
    assert summaries(luna) == []
    fake.script([ANSWER, SUMMED_UP])
    say(luna, "여섯")
    wait_for(lambda: summaries(luna), "no summary")
    assert summaries(luna)[0]["summarized_turns"] == 4
    luna.stop()


def test_a_turn_that_is_deleted_in_mid_summary_takes_the_summary_with_it(start, fake):
    luna = start(memory=AUTOMATIC)
    say_four(luna, fake, {"steps": [{"await": "step"}, {"text": SUMMARY}, *END]})
    fake.wait(waiting=1)
    turns = requests.get(f"{luna.url}/memory/conversations?user_id=u&session_id=s1", timeout=60).json()["conversations"]
    url = f"{luna.url}/memory/conversations/{turns[-1]['id']}"
    assert requests.delete(url, params={"user_id": "u"}, timeout=60).status_code == 200
    fake.step()
    wait_for(lambda: "no summary: " in luna.stderr(), "the summary was kept")
    assert summaries(luna) == []


def test_a_session_is_summed_up_when_asked_for(start, fake):
    luna = start()
    request = {"user_id": "u", "session_id": "s1", "language": "en"}
    url = f"{luna.url}/memory/summarize"
    nothing = requests.post(url, json=request, timeout=60).json()
    assert nothing == {"status": "failed", "message": "there is nothing to sum up", "summary": ""}
    fake.script(ANSWER)
    say(luna, "하나")
    fake.script(SUMMED_UP)
    done = requests.post(url, json=request, timeout=60).json()
    assert (done["status"], done["summary"]) == ("success", SUMMARY)
    assert [summary["content"] for summary in summaries(luna)] == [SUMMARY]
    assert summaries(luna, user_id="v") == []
    assert summaries(luna, session_id="s2") == []


def test_a_model_that_fails_is_an_error_of_the_request(start, fake):
    luna = start()
    fake.script(ANSWER)
    say(luna, "하나")
    fake.script({"status": 503, "body": "busy"})
    answer = requests.post(f"{luna.url}/memory/summarize", json={"user_id": "u", "session_id": "s1"}, timeout=60)
    assert (answer.status_code, answer.json()["details"][0]["reason"]) == (503, "UPSTREAM_UNAVAILABLE")
