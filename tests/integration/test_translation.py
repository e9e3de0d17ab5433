"""The translation of what was said, beside the model's answer."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from google.protobuf.json_format import ParseDict

from callers import KINDS, begin
from configuration import PATIENT
from processes import LunaServer
from transports import ANSWER_ONLY, TRANSPORTS

SAID = "인공지능의 미래에 대해 설명해주세요."
ENGLISH = "Explain the future of AI."
WANTED = ANSWER_ONLY | {"translation": True}
END = [{"finish": "STOP"}, {"done": True}]
AUTO = "{wait_ms: 60000, deadline_ms: 60000}"
NO_WAIT = "{wait_ms: 0, deadline_ms: 60000}"

transports = pytest.mark.parametrize("transport", TRANSPORTS)


def script(translation, *answer):
    """`translation`: the steps of the translator, which is asked without a stream; `answer`: the model's."""
    end = [] if "finish" in translation[-1] else END
    unary = [step | {"stream": False} for step in (*translation, *end)]
    streamed = [step | {"stream": True} for step in (*answer, *END)]
    return {"steps": unary + streamed}


TRANSLATED = script([{"text": ENGLISH}], {"text": "미래는 매우 밝습니다."})
GATED = [{"await": "translation"}, {"text": ENGLISH}]
NEVER = [{"await": "never"}]


def translator_line(url):
    return f'translator: {{url: "{url}", alias: Translator}}'


@pytest.fixture
def ask(stub_for, stubs):
    def run(server, transport, features=WANTED, on_event=lambda event: None, **more):
        request = {"input": SAID, "features": features, "target": "gemini"} | more
        return TRANSPORTS[transport](server, stub_for(server), stubs.messages, request, on_event)

    return run


@pytest.fixture(scope="module")
def auto(configure):
    """Words wait for the translation as long as it takes."""
    yield from serve(configure, AUTO)


@pytest.fixture(scope="module")
def hasty(configure):
    """No word waits for the translation."""
    yield from serve(configure, NO_WAIT)


def serve(configure, translation):
    server = LunaServer(configure(**PATIENT, translation=translation))
    yield server
    server.stop()


def kinds(outcome):
    return [event["type"] for event in outcome.events]


def asked(fake, unary):
    """The bodies of the requests with a stream or without."""
    paths = (":generateContent",) if unary else (":streamGenerateContent?alt=sse",)
    seen = fake.requests()
    return [json.loads(r["body"]) for r in seen if r["path"].endswith(paths)] + [
        body
        for body in (json.loads(r["body"]) for r in seen if r["path"] == "/v1/chat/completions")
        if body["stream"] != unary
    ]


def failures(server):
    return server.metrics().get('luna_part_failures_total{part="translation"}', 0)


# --- who translates ---------------------------------------------------------------------------------------------------


@transports
def test_gemini_translates_what_it_answers(auto, fake, ask, transport):
    fake.script(TRANSLATED)
    said = "그대는 Gemini인가요? " + transport
    outcome = ask(auto, transport, {"memory": False}, input=said)
    assert kinds(outcome) == ["emotion", "translation", *["llm_chunk"] * 3, "complete"]
    assert [event["sequence"] for event in outcome.events] == [1, 2, 3, 4, 5, 6]
    translation = outcome.events[1]
    assert translation["data"] == ENGLISH
    assert (translation["source_language"], translation["target_language"]) == ("ko", "en")
    (request,) = asked(fake, unary=True)
    assert request["generationConfig"]["temperature"] == 0
    assert request["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 0}
    assert said in request["contents"][-1]["parts"][0]["text"]


def test_a_frame_is_as_in_the_guide(auto, fake):
    fake.script(TRANSLATED)
    body = {"input": "안내서의 질문입니다", "target": "gemini"}
    frames = requests.post(f"{auto.url}/interact/stream", json=body, timeout=60).content.decode().split("\n\n")
    assert frames[1] == f'data: {{"type": "translation", "data": "{ENGLISH}"}}'
    assert frames[2] == 'data: {"type": "llm_chunk", "data": "미래는"}'


@transports
def test_a_local_model_translates_nothing_by_itself(auto, fake, ask, transport):
    fake.script(TRANSLATED)
    assert "translation" not in kinds(ask(auto, transport, target="openai"))
    assert len(fake.requests()) == 1


@transports
@pytest.mark.parametrize("engine", ["auto", "llm"])
@pytest.mark.parametrize("target", ["gemini", "openai"])
def test_a_server_called_translator_is_asked(start, fake, ask, transport, engine, target):
    server = start(translation=f"{{engine: {engine}, wait_ms: 60000}}", translator=translator_line(fake.url))
    fake.script(TRANSLATED)
    outcome = ask(server, transport, target=target)
    assert kinds(outcome)[0] == "translation"
    assert outcome.events[0]["data"] == ENGLISH
    (request,) = asked(fake, unary=True)
    assert (request["model"], request["temperature"], request["stream"]) == ("Translator", 0, False)


@transports
def test_llm_without_a_translator_asks_whoever_answers(start, fake, ask, transport):
    server = start(translation="{engine: llm, wait_ms: 60000}")
    fake.script(TRANSLATED)
    assert kinds(ask(server, transport, target="openai"))[0] == "translation"
    (request,) = asked(fake, unary=True)
    assert request["model"] == "Luna"


@transports
def test_off_asks_nobody(start, fake, ask, transport):
    server = start(translation="{engine: off}")
    fake.script(TRANSLATED)
    assert "translation" not in kinds(ask(server, transport))
    assert len(fake.requests()) == 1


@transports
def test_text_without_hangul_is_not_translated(auto, fake, ask, transport):
    fake.script(TRANSLATED)
    for said in ("Explain the future of AI.", "人工知能の未来", "1 + 1 = ?"):
        assert "translation" not in kinds(ask(auto, transport, input=said))
    assert asked(fake, unary=True) == []


@transports
def test_a_request_without_the_feature_gets_none(auto, fake, ask, transport):
    fake.script(TRANSLATED)
    assert "translation" not in kinds(ask(auto, transport, ANSWER_ONLY))
    assert asked(fake, unary=True) == []


def test_the_same_text_is_translated_once(auto, fake, ask):
    fake.script(TRANSLATED)
    for user in ("alice", "alice", "bob"):
        outcome = ask(auto, "sse", input="한 번만 번역해 주세요", user_id=user)
        assert outcome.events[0]["data"] == ENGLISH
    assert len(asked(fake, unary=True)) == 1
    assert len(asked(fake, unary=False)) == 3


# --- when it leaves ---------------------------------------------------------------------------------------------------


@transports
def test_words_wait_for_it(auto, fake, ask, transport):
    fake.script(script(GATED, {"text": "하나 둘"}))

    def on_event(event):
        if event["type"] == "emotion":
            fake.wait(finished=1)  # the model has said all it has to say
            fake.step(gate="translation")

    outcome = ask(auto, transport, WANTED | {"emotion": True}, on_event, input=f"단어가 기다려 {transport}")
    assert kinds(outcome) == ["emotion", "translation", "llm_chunk", "llm_chunk", "complete"]


@transports
def test_it_waits_for_the_emotion(start, fake, ask, transport):
    server = start(translation=AUTO, emotion="{engine: llm, target: openai, deadline_ms: 60000}")
    emotion = [{"await": "emotion"}, {"text": '{"emotion": "joy", "confidence": 1}'}]
    steps = [step | {"api": "openai"} for step in emotion]
    steps += [step | {"api": "gemini"} for step in TRANSLATED["steps"]]
    fake.script({"steps": steps})

    def release():
        fake.wait(finished=2)  # the translation and the answer are there
        fake.step(gate="emotion")

    with ThreadPoolExecutor() as pool:
        released = pool.submit(release)
        outcome = ask(server, transport, WANTED | {"emotion": True})
        released.result()
    assert kinds(outcome) == ["emotion", "translation", *["llm_chunk"] * 3, "complete"]


@transports
def test_it_leaves_before_the_model_has_said_anything(hasty, fake, ask, transport):
    fake.script(script([{"text": ENGLISH}], {"await": "step"}, {"text": "하나"}))

    def on_event(event):
        if event["type"] == "translation":
            fake.step()

    outcome = ask(hasty, transport, WANTED, on_event, input=f"번역이 먼저 {transport}")
    assert kinds(outcome) == ["translation", "llm_chunk", "complete"]


@transports
def test_one_that_comes_later_leaves_between_two_words(hasty, fake, ask, transport):
    fake.script(script(GATED, {"text": "하나 둘 "}, {"await": "step"}, {"text": "셋"}))

    def on_event(event):
        if event["type"] == "llm_chunk" and event["data"] == "하나":
            fake.step(gate="translation")
        if event["type"] == "translation":
            fake.step()

    outcome = ask(hasty, transport, WANTED, on_event, input=f"단어 사이에 {transport}")
    seen = kinds(outcome)
    assert seen.count("translation") == 1
    assert 0 < seen.index("translation") < len(seen) - 2
    assert outcome.chunks()[-1].endswith("셋")
    assert "".join(outcome.chunks()) == outcome.last()["data"] == "하나 둘 셋"
    assert [event["sequence"] for event in outcome.events] == list(range(1, len(seen) + 1))


@transports
def test_complete_waits_for_it(hasty, fake, ask, transport):
    fake.script(script(GATED, {"text": "하나"}))

    def on_event(event):
        if event["type"] == "llm_chunk":
            fake.wait(finished=1)
            fake.step(gate="translation")

    outcome = ask(hasty, transport, WANTED, on_event, input=f"끝에서 기다려 {transport}")
    assert kinds(outcome) == ["llm_chunk", "translation", "complete"]


@transports
def test_one_that_takes_too_long_is_dropped(start, fake, ask, transport):
    server = start(translation="{wait_ms: 60000, deadline_ms: 50}")
    fake.script(script(NEVER, {"text": "하나"}))
    assert kinds(ask(server, transport)) == ["llm_chunk", "complete"]
    fake.wait(cancelled=1, open=0)
    assert failures(server) == 1
    said = server.stderr()
    assert "no translation: gemini: no translation within 50 ms (translation.deadline_ms)" in said
    assert SAID not in said


@transports
def test_words_wait_no_longer_than_wait_ms(start, fake, ask, transport):
    server = start(translation="{wait_ms: 20, deadline_ms: 60000}")
    fake.script(script(GATED, {"text": "하나"}))

    def on_event(event):
        if event["type"] == "llm_chunk":
            fake.step(gate="translation")

    assert kinds(ask(server, transport, WANTED, on_event)) == ["llm_chunk", "translation", "complete"]


@transports
def test_an_error_does_not_wait_for_it(hasty, fake, ask, transport):
    error = {"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}
    fake.script(script(NEVER, error))
    assert kinds(ask(hasty, transport, input=f"오류는 기다리지 않아 {transport}")) == ["error"]
    fake.wait(cancelled=1, open=0)


# --- when it fails ----------------------------------------------------------------------------------------------------

FAILED = {
    "overloaded": ([{"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}], "HTTP 503"),
    "blocked": ([{"blocked": "SAFETY"}], "SAFETY"),
    "an end too early": ([{"text": ENGLISH}, {"end": "reset"}], ""),
    "nothing": ([{"text": " "}], "an empty translation"),
    "Hangul left": ([{"text": "Explain 인공지능."}], "a translation with Hangul left in it"),
    "an essay": ([{"text": "AI. " * 100}], "a translation over four times as long as the text"),
    "cut off": ([{"text": "Explain"}, {"finish": "MAX_TOKENS"}], "the translation was cut off by max_tokens"),
}


@transports
@pytest.mark.parametrize("target", ["gemini", "openai"])
@pytest.mark.parametrize("name", FAILED)
def test_without_it_the_answer_still_comes(llm_engine, fake, ask, transport, target, name):
    steps, words = FAILED[name]
    fake.script(script(steps, {"text": "하나"}))
    before = failures(llm_engine)
    assert kinds(ask(llm_engine, transport, target=target)) == ["llm_chunk", "complete"]
    assert failures(llm_engine) == before + 1
    log = llm_engine.stderr()
    assert words in log
    assert "인공지능" not in log


@pytest.fixture(scope="module")
def llm_engine(configure):
    yield from serve(configure, "{engine: llm, wait_ms: 60000, deadline_ms: 60000}")


# --- a caller that leaves ---------------------------------------------------------------------------------------------


@pytest.fixture
def call(stub_for, stubs):
    def ask(kind, server):
        request = {"input": f"떠나는 사람 {kind}", "target": "gemini", "features": WANTED}
        return begin(kind, server, stub_for(server), stubs.messages, request)

    return ask


callers = pytest.mark.parametrize("kind", KINDS)


@callers
def test_leaving_stops_the_translation_too(auto, fake, call, kind):
    fake.script({"steps": [{"await": "step"}, {"text": "너무 늦었어"}]})
    caller = call(kind, auto)
    fake.wait(waiting=2)
    caller.leave()
    state = fake.wait(cancelled=2, open=0)
    assert [(r["outcome"], r["step"]) for r in state["requests"]] == [("cancelled", 0)] * 2


@callers
def test_leaving_while_complete_waits_stops_the_translation(start, fake, call, kind):
    server = start(translation=NO_WAIT, translator=translator_line(fake.url))
    fake.script({"steps": [{"await": "never", "api": "openai"}, {"text": "하나", "api": "gemini"}, *END]})
    caller = call(kind, server)
    fake.wait(finished=1, waiting=1)
    caller.leave()
    assert fake.wait(cancelled=1, open=0)["finished"] == 1


# --- POST /interact and Answer ----------------------------------------------------------------------------------------


def test_the_answer_carries_it(llm_engine, fake, stub_for, stubs):
    fake.script({"steps": [{"text": "Hello", "api": "gemini"}, {"text": "Hello", "api": "openai"}, *END]})
    for target in ("gemini", "openai"):
        request = {"input": f"인사하는 {target}", "target": target, "features": WANTED}
        body = requests.post(f"{llm_engine.url}/interact", json=request, timeout=60).json()
        assert (body["text"], body["translation"]) == ("Hello", "Hello")
        message = ParseDict(request, stubs.messages.AnswerRequest())
        answer = stub_for(llm_engine).Answer(message, timeout=60)
        assert (answer.text, answer.translation) == ("Hello", "Hello")


# --- feeds_model ------------------------------------------------------------------------------------------------------

FEEDS = "{feeds_model: true, wait_ms: 0, deadline_ms: 60000}"
REMEMBERED = WANTED | {"memory": True}


def messages_of(request):
    return [content["parts"][0]["text"] for content in request["contents"]]


@transports
def test_the_model_reads_the_translation_and_memory_keeps_both(start, fake, ask, transport):
    server = start(translation=FEEDS)
    fake.script(TRANSLATED)
    for _ in range(2):
        outcome = ask(server, transport, REMEMBERED)
        assert kinds(outcome)[0] == "translation"
        assert outcome.last()["remembered"]
    first, second = asked(fake, unary=False)
    assert messages_of(first) == [ENGLISH]
    assert messages_of(second) == [ENGLISH, "미래는 매우 밝습니다.", ENGLISH]
    page = requests.get(f"{server.url}/memory/conversations", timeout=60).json()["conversations"]
    assert [(turn["user_message"], turn["translation"]) for turn in page] == [(SAID, ENGLISH)] * 2


def test_the_model_is_not_asked_before_it(start, fake, ask):
    server = start(translation=FEEDS)
    fake.script(script(GATED, {"text": "하나"}))

    def on_event(event):
        if event["type"] == "emotion":
            fake.wait(waiting=1)
            assert len(fake.requests()) == 1
            fake.step(gate="translation")

    assert kinds(ask(server, "sse", WANTED | {"emotion": True}, on_event)) == [
        "emotion",
        "translation",
        "llm_chunk",
        "complete",
    ]
    assert messages_of(asked(fake, unary=False)[0]) == [ENGLISH]


@transports
def test_failing_that_the_model_reads_the_text(start, fake, ask, transport):
    server = start(translation="{feeds_model: true, deadline_ms: 50}")
    fake.script(script(NEVER, {"text": "하나"}))
    assert kinds(ask(server, transport, REMEMBERED)) == ["llm_chunk", "complete"]
    assert messages_of(asked(fake, unary=False)[0]) == [SAID]
    (turn,) = requests.get(f"{server.url}/memory/conversations", timeout=60).json()["conversations"]
    assert (turn["user_message"], turn["translation"]) == (SAID, "")


def test_what_the_model_did_not_read_is_not_kept(auto, fake, ask):
    fake.script(TRANSLATED)
    assert kinds(ask(auto, "sse", REMEMBERED, user_id="carol"))[0] == "translation"
    (turn,) = requests.get(f"{auto.url}/memory/conversations?user_id=carol", timeout=60).json()["conversations"]
    assert (turn["user_message"], turn["translation"]) == (SAID, "")


def test_an_export_holds_both(start, fake, ask):
    server = start(translation=FEEDS)
    fake.script(TRANSLATED)
    ask(server, "sse", REMEMBERED)
    exported = requests.get(f"{server.url}/memory/export", timeout=60).content
    assert json.loads(exported)["conversation"]["translation"] == ENGLISH
    headers = {"Content-Type": "application/x-ndjson"}
    url = f"{server.url}/memory/import?user_id=dora"
    assert requests.post(url, data=exported, headers=headers, timeout=60).json()["imported"] == 1
    (turn,) = requests.get(f"{server.url}/memory/conversations?user_id=dora", timeout=60).json()["conversations"]
    assert turn["translation"] == ENGLISH


def check_ends_once(outcome, code):
    ends = [event for event in outcome.events if event["type"] in ("complete", "error")]
    assert [(end["type"], end["code"]) for end in ends] == [("error", code)]
    assert [event["sequence"] for event in outcome.events] == list(range(1, len(outcome.events) + 1))
    assert ends[0]["text_so_far"] == "미래는"


@pytest.mark.parametrize("transport", ("sse", "grpc"))
def test_the_end_of_the_drain_while_complete_waits_ends_it_once(start, fake, ask, transport):
    server = start(server="{drain_ms: 200}", translation=NO_WAIT)
    fake.script(script(NEVER, {"text": "미래는"}))
    on_event = lambda event: event["type"] == "llm_chunk" and server.send()  # noqa: E731
    check_ends_once(ask(server, transport, on_event=on_event), "SHUTTING_DOWN")
    assert server.exit_code() == 1


def test_the_callers_deadline_while_complete_waits_ends_it_once_over_http(hasty, fake):
    fake.script(script(NEVER, {"text": "미래는"}))
    body = {"input": SAID, "target": "gemini", "features": WANTED | {"details": True}}
    answer = requests.post(f"{hasty.url}/interact/stream", json=body, headers={"Grpc-Timeout": "1S"}, timeout=60)
    events = [json.loads(line[6:]) for line in answer.content.decode().splitlines() if line.startswith("data: ")]
    check_ends_once(type("Outcome", (), {"events": events}), "DEADLINE_EXCEEDED")
    fake.wait(open=0)


@transports
def test_a_translation_is_told_on_a_cache_hit_too(start, fake, ask, transport):
    """The whole flow, twice: emotion, translation, memory, cache."""
    server = start(translation=AUTO)
    wanted = {"details": True}
    fake.script(TRANSLATED)
    first = ask(server, transport, wanted)
    assert kinds(first) == ["emotion", "translation", *["llm_chunk"] * 3, "complete"]
    second = ask(server, transport, wanted)
    assert kinds(second) == ["emotion", "translation", "llm_chunk", "complete"]
    assert second.events[1]["data"] == ENGLISH
    assert (first.last()["cached"], second.last()["cached"]) == (False, True)
    assert second.last()["data"] == first.last()["data"] == second.events[2]["data"]
    assert second.last()["remembered"]
    assert len(fake.requests()) == 2  # the translation, the answer


@transports
def test_a_cache_hit_does_not_wait_for_a_translation_for_long(start, fake, ask, transport):
    server = start(translation="{wait_ms: 50, deadline_ms: 60000}")
    wanted = {"details": True, "memory": False, "emotion": False}
    fake.script(script([{"text": "미래"}], {"text": "미래는"}))
    assert not ask(server, transport, wanted).last()["cached"]  # Hangul is no translation, and is not kept
    fake.script(script(NEVER, {"text": "다른 답"}))
    assert kinds(ask(server, transport, wanted)) == ["llm_chunk", "complete"]


@transports
def test_what_a_model_read_in_translation_is_no_answer_to_the_text(start, fake, ask, transport):
    server = start(translation="{wait_ms: 60000, deadline_ms: 60000, feeds_model: true}")
    wanted = {"details": True, "memory": False, "emotion": False}
    fake.script(TRANSLATED)
    assert not ask(server, transport, wanted).last()["cached"]
    assert ask(server, transport, wanted).last()["cached"]
    fake.script(script([{"text": ENGLISH}], {"text": "원문에 대한 답"}))
    assert ask(server, transport, wanted | {"translation": False}).last()["data"] == "원문에 대한 답"


@transports
def test_an_answer_to_the_text_is_not_kept_where_the_translation_failed(start, fake, ask, transport):
    server = start(translation="{wait_ms: 60000, deadline_ms: 60000, feeds_model: true}")
    wanted = {"details": True, "memory": False, "emotion": False}
    fake.script(script([{"text": "번역 아님"}], {"text": "원문에 대한 답"}))
    assert ask(server, transport, wanted).last()["data"] == "원문에 대한 답"
    fake.script(TRANSLATED)
    assert ask(server, transport, wanted).last()["data"] == "미래는 매우 밝습니다."


@transports
def test_a_cached_answer_that_is_deleted_while_it_is_told_is_not_remembered(start, fake, ask, transport):
    server = start(translation="{wait_ms: 60000, deadline_ms: 60000}")
    wanted = {"details": True, "emotion": False}
    # What has Hangul in it is no translation and is not kept: the hit waits for another.
    fake.script(script([{"text": "번역"}], {"text": "지워질 답"}))
    assert ask(server, transport, wanted).last()["remembered"]
    fake.script(script(GATED, {"text": "다른 답"}))
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(ask, server, transport, wanted)
        fake.wait(waiting=1)
        cleared = requests.delete(f"{server.url}/memory/clear?confirm=true", timeout=60)
        assert cleared.json()["deleted_conversations"] == 1
        fake.step(gate="translation")
        outcome = second.result(60)
    assert (outcome.last()["cached"], outcome.last()["remembered"]) == (True, False)
    left = requests.get(f"{server.url}/memory/recent", timeout=60).json()
    assert left == {"recent_conversations": []}
