"""The table of what providers do, played over gRPC and SSE, by Gemini and OpenAI-style servers."""

from itertools import groupby, product

import pytest
from google.rpc import error_details_pb2

from behaviours import BEHAVIOURS, ROWS
from processes import MEASURED, ROOT
from rows import ANSWER, APIS, CONTRACT, END, TEXTS, failed, steps
from transports import ANSWER_ONLY, TRANSPORTS

FAILURES = [(api, behaviour) for api, behaviour in ROWS if behaviour.error]
PATIENT = [(api, behaviour) for api, behaviour in ROWS if behaviour.server == "luna"]
CUT_OFF = [(api, behaviour) for api, behaviour in FAILURES if behaviour.goes_on]

REPORT = ROOT / "build/reports/faults.md"
WITHOUT_NAMES = "_without_names"  # fixtures of conftest.py
MOST_METADATA = 8 << 10
MIB = 1 << 20
MOST_ANSWER = MIB
MOST_LEFT_BEHIND = 4 * MIB
MOST_OF_THE_ENDLESS = 64 * MIB
# What the pool may keep for the next request: a connection to each upstream, on each loop.
MOST_KEPT_CONNECTIONS = 16

PIECE = "가나다라마바사 " * 400
ENDLESS = [
    failed(
        "an answer",
        steps({"text": PIECE, "repeat": -1}),
        "ANSWER_TOO_LONG",
        PIECE * (MOST_ANSWER // len(PIECE.encode())),
    ),
    failed(
        "a line",
        steps(*TEXTS, {"raw": "data: "}, {"raw": "x" * 65536, "repeat": -1}),
        "UPSTREAM_PROTOCOL",
        ANSWER,
        words="too long",
    ),
]

transports = pytest.mark.parametrize("transport", TRANSPORTS)


def rows(table):
    return pytest.mark.parametrize("api, behaviour", table, ids=str)


@pytest.fixture
def play(request, fake, stub_for, stubs):
    """Plays a row of the table over one transport, at the server that it names or at another, which
    is given itself or by its fixture's name, and with the row's script or another."""

    def run(transport, api, behaviour, server=None, script=None):
        if behaviour.script or script:
            fake.script(script or behaviour.streamed_script_for(api))
        stepped = []

        def on_event(event):
            if event["type"] == "llm_chunk" and not stepped:
                stepped.append(fake.step())

        ask = {
            "input": "인공지능의 미래에 대해 설명해주세요.",
            "target": behaviour.target.format(api=api),
            "features": ANSWER_ONLY,
        }
        asked = server or behaviour.server
        if isinstance(asked, str):
            if behaviour.server.endswith(WITHOUT_NAMES) and not asked.endswith(WITHOUT_NAMES):
                asked += WITHOUT_NAMES
            asked = request.getfixturevalue(asked)
        return TRANSPORTS[transport](asked, stub_for(asked), stubs.messages, ask, on_event)

    return run


@pytest.fixture
def nothing_is_left(request, at_first):
    """Checks that a server, by its name, has no stream and no upstream request open, and no more
    descriptors than when it was first looked at."""

    def check(name):
        server = request.getfixturevalue(name)
        now = server.wait_until_nothing_is_open()["process_open_fds"]
        assert now <= at_first.setdefault(name, now) + MOST_KEPT_CONNECTIONS

    return check


@pytest.fixture(scope="module")
def at_first():
    """How many descriptors each server had open when it was first looked at."""
    return {}


@pytest.fixture(scope="module")
def table_report():
    """Notes how a row ended; writes the whole table to build/reports/faults.md."""
    ended = {}

    def note(row, transport, api, end):
        ended.setdefault(row, {})[transport, api] = end

    yield note
    columns = list(product(TRANSPORTS, APIS))
    lines = ["| what the provider does | " + " | ".join(map(" ".join, columns)) + " |"]
    lines.append("| --- " * (len(columns) + 1) + "|")
    for row, ends in ended.items():
        cells = (ends.get(column, "not in this API") for column in columns)
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("\n".join(lines) + "\n")


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
def test_ends_honestly(play, table_report, nothing_is_left, transport, api, behaviour):
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
    nothing_is_left(behaviour.server)
    table_report(behaviour.name, transport, api, behaviour.error or behaviour.finish)


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
    assert dict(info.metadata) == {"retryable": "true" if behaviour.retryable else "false"}
    assert len(status.details) == (2 if behaviour.retry_after_ms else 1)
    if behaviour.retry_after_ms:
        assert status.details[1].Unpack(retry)
        assert retry.retry_delay.ToMilliseconds() == behaviour.retry_after_ms


def test_the_table_leaves_no_memory_behind(play, start):
    """What the first two times fill (pools, caches, SQLite's pages, the allocator) is there the third."""
    server = start(environment=MEASURED)
    memory = []
    for _ in range(3):
        for transport, (api, behaviour) in product(TRANSPORTS, PATIENT):
            play(transport, api, behaviour, server)
        memory.append(server.wait_until_nothing_is_open()["process_resident_memory_bytes"])
    assert memory[2] - memory[1] < MOST_LEFT_BEHIND, memory


@transports
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("endless", ENDLESS, ids=str)
def test_what_never_ends_is_cut_off(play, start, fake, transport, api, endless):
    server = start(stream="{chunking: raw}", environment=MEASURED)
    before = server.memory()
    outcome = play(transport, api, endless, server)
    check_events(outcome)
    check_error(outcome, api, endless)
    assert "".join(outcome.chunks()) == endless.text
    fake.wait(cancelled=1, open=0)
    assert server.memory() - before < MOST_OF_THE_ENDLESS


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
    outcome = play(transport, api, behaviour, "stubborn")
    check_events(outcome)
    check_error(outcome, api, behaviour)
    asked = peer.connections - before if peer else fake.state()["seen"]
    assert asked == behaviour.asked


@transports
@rows(FAILURES)
def test_asks_the_next_target_before_the_first_text_only(play, transport, api, behaviour):
    good = steps(*TEXTS, *END)
    script = [behaviour.streamed_script_for(api), good] if behaviour.script else good
    outcome = play(transport, api, behaviour, "falling", script)
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
