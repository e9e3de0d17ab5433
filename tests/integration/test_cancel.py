"""A caller that goes away stops the upstream request, before the fake's next chunk."""

import pytest

from callers import KINDS, begin
from processes import OPEN
from rows import APIS
from transports import ANSWER_ONLY

BEFORE = [{"await": "step"}, {"text": "너무 늦었어"}]
HEADERS_ONLY = [{"send_headers": True}, *BEFORE]
MIDDLE = [{"text": "하나 둘 셋"}, *BEFORE]


@pytest.fixture
def call(luna, stub_for, stubs):
    def ask(kind, target, server=luna):
        request = {"input": "안녕", "target": target, "features": ANSWER_ONLY}
        return begin(kind, server, stub_for(server), stubs.messages, request)

    return ask


def check_cancelled(fake, step):
    """The fake never passed the gate before its next chunk."""
    state = fake.wait(cancelled=1, open=0)
    (request,) = state["requests"]
    assert (request["outcome"], request["step"]) == ("cancelled", step)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "steps", (BEFORE, HEADERS_ONLY), ids=("before the headers", "before the first token")
)
def test_leaving_before_the_first_token_stops_the_upstream(fake, call, api, kind, steps):
    fake.script({"steps": steps})
    caller = call(kind, api)
    fake.wait(waiting=1)
    caller.leave()
    check_cancelled(fake, steps.index({"await": "step"}))


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("kind", KINDS)
def test_leaving_before_the_upstream_connects_stops_it(peers, call, api, kind):
    mute = peers["mute"]
    before = mute.connections
    caller = call(kind, f"{api}_mute")
    mute.wait_for(before + 1)
    caller.leave()
    mute.wait_until_all_have_left()


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("kind", KINDS)
def test_leaving_while_the_name_is_looked_up_stops_the_look_up(
    start, without_names, call, api, kind
):
    server = start(
        through=without_names,
        retries="{count: 1}",
        timeouts="{connect_ms: 600000, first_token_ms: 600000, total_ms: 600000}",
    )
    caller = call(kind, f"{api}_unanswered", server)
    server.wait_for(dict.fromkeys(OPEN, 1))
    caller.leave()
    transport = "grpc" if kind.startswith("grpc") else "http"
    ended = f'{{code="CANCELLED",stage="first_token",transport="{transport}"}}'
    seen = server.wait_for(dict.fromkeys(OPEN, 0) | {f"luna_requests_total{ended}": 1})
    assert seen['luna_upstream_cancels_total{stage="first_token"}'] == 1
    assert "luna_upstream_retries_total" not in seen


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("kind", KINDS)
def test_leaving_during_the_wait_for_a_retry_ends_it(fake, start, call, api, kind):
    server = start(retries="{count: 1, first_ms: 2000, longest_ms: 2000}")
    fake.script([{"status": 503, "body": "no"}])
    caller = call(kind, api, server)
    fake.wait(finished=1, open=0)
    caller.leave()
    server.stop()  # which would wait for a retry, and see it done
    assert fake.state()["seen"] == 1


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("kind", ("sse", "grpc"))
def test_leaving_in_mid_stream_stops_the_upstream(fake, call, api, kind):
    fake.script({"steps": MIDDLE})
    caller = call(kind, api)
    caller.wait_for_a_chunk()
    fake.wait(waiting=1)
    caller.leave()
    check_cancelled(fake, 1)


@pytest.mark.parametrize("kind", ("sse", "http"))
def test_closing_the_sending_side_is_leaving(fake, call, kind):
    fake.script({"steps": BEFORE})
    caller = call(kind, "gemini")
    fake.wait(waiting=1)
    caller.close_sending_side()
    check_cancelled(fake, 0)


def test_closing_the_sending_side_in_mid_stream_is_leaving(fake, call):
    fake.script({"steps": MIDDLE})
    caller = call("sse", "gemini")
    caller.wait_for_a_chunk()
    fake.wait(waiting=1)
    caller.close_sending_side()
    check_cancelled(fake, 1)


@pytest.mark.parametrize("kind", ("sse", "grpc"))
def test_one_caller_leaving_leaves_the_others_alone(fake, call, kind):
    fake.script({"steps": MIDDLE + [{"finish": "STOP"}, {"done": True}]})
    callers = [call(kind, "gemini") for _ in range(8)]
    for caller in callers:
        caller.wait_for_a_chunk()
    fake.wait(waiting=8)
    for caller in callers[::2]:
        caller.leave()
    assert fake.wait(cancelled=4, open=4)["finished"] == 0
    fake.step(4)
    assert fake.wait(finished=4, open=0)["cancelled"] == 4
    for caller in callers[1::2]:
        caller.leave()
