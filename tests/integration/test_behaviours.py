"""The same script of provider behaviour over gRPC and SSE, from Gemini and OpenAI-style servers."""

from itertools import groupby

import pytest

from behaviours import GRPC_STATUS, ROWS
from transports import ANSWER_ONLY, TRANSPORTS

rows = pytest.mark.parametrize("api, behaviour", ROWS, ids=str)


@pytest.fixture
def play(luna, fake, interaction, stubs):
    """Plays a row of the table over one transport."""

    def run(transport, api, behaviour):
        if behaviour.script:
            fake.script(behaviour.script_for(api))
        stepped = []

        def on_event(event):
            if event["type"] == "llm_chunk" and not stepped:
                stepped.append(fake.step())

        request = {
            "input": "인공지능의 미래에 대해 설명해주세요.",
            "target": behaviour.target.format(api=api),
            "features": ANSWER_ONLY,
        }
        return TRANSPORTS[transport](luna, interaction, stubs.messages, request, on_event)

    return run


@pytest.mark.parametrize("transport", TRANSPORTS)
@rows
def test_ends_honestly(play, transport, api, behaviour):
    outcome = play(transport, api, behaviour)
    terminal = [event for event in outcome.events if event["type"] in ("complete", "error")]
    assert terminal == [outcome.last()]
    sequence = [event["sequence"] for event in outcome.events]
    assert sequence == list(range(1, len(outcome.events) + 1))
    assert "".join(outcome.chunks()) == behaviour.text
    if behaviour.finish:
        assert outcome.last()["type"] == "complete"
        assert outcome.last()["data"] == behaviour.text
        assert outcome.last()["finish_reason"] == behaviour.finish
        assert outcome.code in (None, "OK")
    else:
        check_error(outcome, behaviour)


def check_error(outcome, behaviour):
    error = outcome.last()
    assert error["type"] == "error"
    assert error["code"] == behaviour.error
    assert error["text_so_far"] == behaviour.text
    assert error["stage"] == ("stream" if behaviour.text else "first_token")
    assert behaviour.words in error["data"]
    assert "the-test-key" not in error["data"]
    if outcome.code is not None:
        assert outcome.code == GRPC_STATUS[behaviour.error]
        assert outcome.message == error["data"]


@rows
def test_both_transports_give_the_same_events(play, fake, api, behaviour):
    sse = comparable(play("sse", api, behaviour).events)
    fake.reset()
    assert sse == comparable(play("grpc", api, behaviour).events)


def comparable(events):
    """The events without what time decides: when a piece left, and how long it took."""
    told = []
    for kind, group in groupby(events, key=lambda event: event["type"]):
        if kind == "llm_chunk":
            told.append("".join(event["data"] for event in group))
        else:
            timed = ("created_at", "timings", "sequence")
            told += [{k: v for k, v in event.items() if k not in timed} for event in group]
    return told


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("api", ("gemini", "openai"))
def test_complete_says_what_answered(play, transport, api):
    happy = next(row for name, row in ROWS if name == api and row.name == "happy")
    complete = play(transport, api, happy).last()
    assert complete["model"] == "fake-1"
    assert complete["target"] == api
    assert complete["cached"] is False
    assert complete["usage"] == {
        "prompt_tokens": 7,
        "completion_tokens": 3,
        "thoughts_tokens": 0,
        "total_tokens": 10,
    }


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_answer_leaves_in_words(play, transport):
    happy = next(row for name, row in ROWS if name == "gemini" and row.name == "happy")
    assert play(transport, "gemini", happy).chunks() == [
        "인공지능의",
        " 미래는",
        " 매우",
        " 밝습니다.",
    ]
