"""The table of what providers do, played over gRPC and SSE, by Gemini and OpenAI-style servers."""

from itertools import groupby, product

import pytest
from google.rpc import error_details_pb2

from behaviours import BEHAVIOURS, ROWS
from rows import ANSWER, APIS, CONTRACT, END, TEXTS, steps
from transports import ANSWER_ONLY, TRANSPORTS

FAILURES = [(api, behaviour) for api, behaviour in ROWS if behaviour.error]
PATIENT = [(api, behaviour) for api, behaviour in ROWS if behaviour.server == "luna"]
CUT_OFF = [(api, behaviour) for api, behaviour in FAILURES if behaviour.goes_on]

WITHOUT_NAMES = "_without_names"  # fixtures of conftest.py
MOST_METADATA = 8 << 10

transports = pytest.mark.parametrize("transport", TRANSPORTS)


def rows(table):
    return pytest.mark.parametrize("api, behaviour", table, ids=str)


@pytest.fixture
def play(request, fake, stub_for, stubs):
    """Plays a row of the table over one transport, at the server that it names or at another."""

    def run(transport, api, behaviour, server=None):
        if behaviour.script and not server:
            fake.script(behaviour.streamed_script_for(api))
        stepped = []

        def on_event(event):
            if event["type"] == "llm_chunk" and not stepped:
                stepped.append(fake.step())

        ask = {
            "input": "인공지능의 미래에 대해 설명해주세요.",
            "target": behaviour.target.format(api=api),
            "features": ANSWER_ONLY,
        }
        name = server or behaviour.server
        if server and behaviour.server.endswith(WITHOUT_NAMES):
            name += WITHOUT_NAMES
        asked = request.getfixturevalue(name)
        return TRANSPORTS[transport](asked, stub_for(asked), stubs.messages, ask, on_event)

    return run


def test_every_row_is_asserted_on_every_transport_and_api():
    """A row is played by what `test_ends_honestly` is parametrized with, and says all it must."""
    played = {mark.args[0]: mark.args[1] for mark in test_ends_honestly.pytestmark}
    cases = {(t, api, str(row)) for t in played["transport"] for api, row in played["api, behaviour"]}
    for row in BEHAVIOURS:
        assert bool(row.error) != bool(row.finish), row.name
        assert row.error in (None, *CONTRACT), row.name
        missing = set(product(("grpc", "sse"), APIS, [row.name])) - cases
        assert not missing or (row.why and {api for _, api, _ in missing} < set(APIS)), missing
        assert bool(row.why) == bool(missing), row.name
    assert len({row.name for row in BEHAVIOURS}) == len(BEHAVIOURS)


@transports
@rows(ROWS)
def test_ends_honestly(play, transport, api, behaviour):
    outcome = play(transport, api, behaviour)
    check_events(outcome)
    assert "".join(outcome.chunks()) == behaviour.text
    if behaviour.finish:
        assert outcome.last()["type"] == "complete"
        assert outcome.last()["data"] == behaviour.text
        assert outcome.last()["finish_reason"] == behaviour.finish
        assert outcome.code in (None, "OK")
    else:
        check_error(outcome, api, behaviour)


def check_events(outcome):
    """One terminal event, the last one, and no gap."""
    terminal = [event for event in outcome.events if event["type"] in ("complete", "error")]
    assert terminal == [outcome.last()]
    sequence = [event["sequence"] for event in outcome.events]
    assert sequence == list(range(1, len(outcome.events) + 1))


def check_error(outcome, api, behaviour):
    error = outcome.last()
    assert error["type"] == "error"
    assert error["code"] == behaviour.error
    assert error["text_so_far"] == behaviour.text
    assert error["stage"] == behaviour.stage()
    assert error["retryable"] == behaviour.retryable
    assert error["retry_after_ms"] == behaviour.retry_after_ms
    assert behaviour.words_for(api) in error["data"]
    assert "the-test-key" not in error["data"]
    if outcome.code is not None:
        assert outcome.code == CONTRACT[behaviour.error][0]
        assert outcome.message == error["data"]
        check_details(outcome.details, behaviour)


def check_details(status, behaviour):
    assert status.ByteSize() < MOST_METADATA
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == (behaviour.error, "luna")
    assert len(status.details) == (2 if behaviour.retry_after_ms else 1)
    if behaviour.retry_after_ms:
        assert status.details[1].Unpack(retry)
        assert retry.retry_delay.ToMilliseconds() == behaviour.retry_after_ms


@rows(PATIENT)
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


@transports
@rows(CUT_OFF)
def test_a_failed_upstream_is_gone_before_its_next_chunk(play, fake, transport, api, behaviour):
    play(transport, api, behaviour)
    state = fake.wait(cancelled=1, open=0)
    (request,) = state["requests"]
    steps_before = len(behaviour.script_for(api)["steps"])
    assert (request["outcome"], request["step"]) == ("cancelled", steps_before)


@transports
@rows(FAILURES)
def test_tries_again_before_the_first_text_only(play, fake, peers, transport, api, behaviour):
    peer = peers.get(behaviour.peer)
    before = peer.connections if peer else 0
    if behaviour.script:
        fake.script(behaviour.streamed_script_for(api))
    outcome = play(transport, api, behaviour, "stubborn")
    check_events(outcome)
    check_error(outcome, api, behaviour)
    asked = peer.connections - before if peer else fake.state()["seen"]
    assert asked == behaviour.asked


@transports
@rows(FAILURES)
def test_asks_the_next_target_before_the_first_text_only(play, fake, transport, api, behaviour):
    good = steps(*TEXTS, *END)
    fake.script([behaviour.streamed_script_for(api), good] if behaviour.script else good)
    outcome = play(transport, api, behaviour, "falling")
    check_events(outcome)
    if not behaviour.falls_back:
        return check_error(outcome, api, behaviour)
    assert outcome.last()["type"] == "complete"
    assert outcome.last()["data"] == "".join(outcome.chunks()) == ANSWER
    assert outcome.last()["target"] == "spare"


@transports
@pytest.mark.parametrize("api", APIS)
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


@transports
def test_an_answer_leaves_in_words(play, transport):
    happy = next(row for name, row in ROWS if name == "gemini" and row.name == "happy")
    assert play(transport, "gemini", happy).chunks() == [
        "인공지능의",
        " 미래는",
        " 매우",
        " 밝습니다.",
    ]
