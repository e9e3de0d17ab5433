"""The emotion of what was said: the first event, and EmotionService.Analyze."""

import json
import re
import subprocess

import grpc
import pytest
import requests
from google.protobuf.json_format import MessageToDict, ParseDict

from processes import ROOT
from transports import ANSWER_ONLY, TRANSPORTS

LABELS = (ROOT / "config/emotion/data/labels.txt").read_text().split()
SAD = "너무 슬퍼서 하루 종일 울었어 ㅠㅠ"
EMOTION_ONLY = ANSWER_ONLY | {"emotion": True}
END = [{"finish": "STOP"}, {"done": True}]
WAITING = {"steps": [{"await": "step"}, {"text": "괜찮아?"}, *END]}
ANSWER = {"steps": [{"text": "괜찮아?"}, *END]}

transports = pytest.mark.parametrize("transport", TRANSPORTS)


@pytest.fixture
def ask(stub_for, stubs):
    def run(server, transport, features, on_event=lambda event: None, **more):
        request = {"input": SAD, "features": features, "target": "gemini"} | more
        return TRANSPORTS[transport](server, stub_for(server), stubs.messages, request, on_event)

    return run


def kinds(outcome):
    return [event["type"] for event in outcome.events]


# --- the event --------------------------------------------------------------------------------------------------------


@transports
def test_the_emotion_comes_first_before_the_model_has_said_anything(luna, fake, ask, transport):
    fake.script(WAITING)

    def on_event(event):
        if event["type"] == "emotion":
            fake.step()  # the model says nothing before the emotion is here

    outcome = ask(luna, transport, EMOTION_ONLY, on_event)
    assert kinds(outcome) == ["emotion", "llm_chunk", "complete"]
    assert [event["sequence"] for event in outcome.events] == [1, 2, 3]
    emotion = outcome.events[0]["data"]
    assert emotion["emotion"] == "sadness"
    assert 0.3 < emotion["confidence"] < 1


@transports
def test_the_emotion_is_on_by_default(luna, fake, ask, transport):
    fake.script(ANSWER)
    assert kinds(ask(luna, transport, {}))[0] == "emotion"


@transports
def test_a_request_without_the_feature_gets_none(luna, fake, ask, transport):
    fake.script(ANSWER)
    assert kinds(ask(luna, transport, {"emotion": False})) == ["llm_chunk", "complete"]


@transports
def test_the_emotion_comes_before_an_error_too(luna, fake, ask, transport):
    fake.script({"status": 503, "body": {"error": {"code": 503, "message": "overloaded"}}})
    assert kinds(ask(luna, transport, {"cache": False})) == ["emotion", "error"]


def test_a_frame_is_as_in_the_guide(luna, fake):
    fake.script(ANSWER)
    body = json.dumps({"input": SAD})
    frames = subprocess.run(
        ["curl", "-sS", "-N", f"{luna.url}/interact/stream", "-H", "Content-Type: application/json", "-d", body],
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout.decode()
    frame = r'data: \{"type": "emotion", "data": \{"emotion": "sadness", "confidence": 0\.\d+\}\}\n\n'
    assert re.match(frame + 'data: {"type": "llm_chunk"', frames), frames


def test_grpc_adds_the_five_best(luna, fake, stubs, interaction):
    fake.script(ANSWER)
    first = next(interaction.Interact(stubs.messages.InteractRequest(input=SAD, target="gemini"), timeout=60))
    top = first.emotion.top
    assert len(top) == 5
    assert (top[0].emotion, top[0].confidence) == (first.emotion.emotion, first.emotion.confidence)
    assert [score.confidence for score in top] == sorted((score.confidence for score in top), reverse=True)
    assert {score.emotion for score in top} <= set(LABELS)


def test_the_answer_carries_it(luna, fake):
    fake.script(ANSWER)
    answer = requests.post(f"{luna.url}/interact", json={"input": SAD, "target": "gemini"}, timeout=60).json()
    assert answer["emotion"] == "sadness"
    assert 0.3 < answer["confidence"] < 1


def test_what_is_not_understood_is_neutral(luna, fake, ask):
    fake.script(ANSWER)
    assert ask(luna, "sse", {}, input="。。").events[0]["data"]["emotion"] == "neutral"


# --- an engine that is off, or cannot be --------------------------------------------------------------------------------


@transports
def test_off_sends_none(start, fake, ask, transport):
    server = start(emotion="{engine: off}")
    fake.script(ANSWER)
    assert kinds(ask(server, transport, {})) == ["llm_chunk", "complete"]
    assert "emotion" not in server.stderr()


@pytest.mark.parametrize("content", [None, b"", b"luna-emotion 3\n", b"\x93\x16\x4f\x2f" * 100], ids=str)
def test_a_model_that_cannot_be_read_is_named_and_the_answer_still_comes(start, fake, ask, tmp_path, content):
    model = tmp_path / "model.bin"
    if content is not None:
        model.write_bytes(content)
    server = start(emotion=f"{{model_file: {model}}}")
    said = server.stderr()
    assert re.search(f" error emotion: {re.escape(str(model))}: .*; no emotion is sent\n", said), said
    fake.script(ANSWER)
    for transport in TRANSPORTS:
        assert kinds(ask(server, transport, {})) == ["llm_chunk", "complete"]
    refused = requests.post(f"{server.url}/analyze", json={"text": SAD}, timeout=60)
    assert refused.status_code == 400
    assert refused.json()["details"][0]["reason"] == "EMOTION_UNAVAILABLE"


# --- emotion.engine: llm ------------------------------------------------------------------------------------------------


def llm_says(text, *before):
    """`openai` is asked for the emotion, `gemini` for the answer."""
    emotion = [step | {"api": "openai"} for step in [*before, {"text": text}]]
    return {"steps": [*emotion, {"text": "괜찮아?", "api": "gemini"}, *END]}


@transports
def test_the_llm_says_it(start, fake, ask, transport):
    server = start(emotion="{engine: llm, target: openai, deadline_ms: 30000}")
    fake.script(llm_says('{"emotion": "grief", "confidence": 0.75}'))
    outcome = ask(server, transport, {})
    assert kinds(outcome) == ["emotion", "llm_chunk", "complete"]
    assert outcome.events[0]["data"] == {"emotion": "grief", "confidence": 0.75}


@pytest.mark.parametrize("emotion", ['{"emotion": "hangry", "confidence": 1}', "슬픔이요", "{}"])
def test_the_embedded_engine_answers_for_an_llm_that_says_no_label(start, fake, ask, emotion):
    server = start(emotion=f"{{engine: llm, target: openai, deadline_ms: 30000, model_file: {MODEL}}}")
    fake.script(llm_says(emotion))
    outcome = ask(server, "sse", {})
    assert kinds(outcome) == ["emotion", "llm_chunk", "complete"]
    assert outcome.events[0]["data"]["emotion"] == "sadness"
    assert "luna_emotion_fallbacks_total 1\n" in requests.get(f"{server.url}/metrics", timeout=60).text


def test_the_embedded_engine_answers_for_an_llm_that_fails(start, fake, ask):
    server = start(emotion=f"{{engine: llm, target: openai_gone, model_file: {MODEL}}}")
    fake.script(ANSWER)
    assert ask(server, "sse", {}).events[0]["data"]["emotion"] == "sadness"
    assert "target openai_gone did not say: UPSTREAM_UNAVAILABLE" in server.stderr()


def test_the_embedded_engine_answers_after_the_llms_deadline(start, fake, ask):
    server = start(emotion=f"{{engine: llm, target: openai, deadline_ms: 50, model_file: {MODEL}}}")
    fake.script(llm_says('{"emotion": "grief", "confidence": 1}', {"await": "never"}))
    outcome = ask(server, "sse", {})
    assert kinds(outcome) == ["emotion", "llm_chunk", "complete"]
    assert outcome.events[0]["data"]["emotion"] == "sadness"
    fake.wait(cancelled=1)
    assert SAD not in server.stderr()


def test_a_target_without_a_key_is_named_at_the_start(start, fake, ask):
    server = start(
        emotion=f"{{engine: llm, target: gemini, model_file: {MODEL}}}",
        environment={"LLM_MODE": "server", "GEMINI_API_KEY": ""},
    )
    said = " warning emotion: target gemini has no API key, GEMINI_API_KEY is not set: it will not be able to say\n"
    assert said in server.stderr()
    fake.script(ANSWER)
    assert ask(server, "sse", {}, target="openai").events[0]["data"]["emotion"] == "sadness"


def test_a_server_needs_no_key(start):
    server = start(emotion=f"{{engine: llm, target: openai, model_file: {MODEL}}}")
    assert "API key" not in server.stderr()


def test_without_any_engine_that_answers_the_answer_still_comes(start, fake, ask):
    server = start(emotion="{engine: llm, target: openai_gone, model_file: none.bin}")
    assert "none.bin: cannot be read; where the target fails, no emotion is sent" in server.stderr()
    fake.script(ANSWER)
    assert kinds(ask(server, "sse", {})) == ["llm_chunk", "complete"]


MODEL = ROOT / "config/emotion/model.bin"


# --- Analyze ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def analyze(luna):
    return lambda body: requests.post(f"{luna.url}/analyze", json=body, timeout=60)


@pytest.fixture(scope="session")
def emotion_stub(luna, stubs):
    with grpc.insecure_channel(luna.grpc) as channel:
        yield stubs.emotion_services.EmotionServiceStub(channel)


def test_analyzes_one_text(analyze):
    response = analyze({"text": SAD})
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["emotion"] == "sadness"
    assert 0.3 < body["confidence"] < 1
    assert body["top"][0] == {"emotion": body["emotion"], "confidence": body["confidence"]}
    assert len(body["top"]) == 5


def test_analyzes_several_texts_in_their_order(analyze):
    results = analyze({"texts": [SAD, "정말 감사합니다", "ㅋㅋㅋㅋㅋㅋ"]}).json()["results"]
    assert [result["emotion"] for result in results] == ["sadness", "gratitude", "amusement"]
    assert results[0] == {key: analyze({"text": SAD}).json()[key] for key in ("emotion", "confidence", "top")}


def test_several_texts_have_one_deadline_with_an_llm(start, fake):
    server = start(emotion=f"{{engine: llm, target: openai, deadline_ms: 2000, model_file: {MODEL}}}")
    said = {"steps": [{"text": '{"emotion": "grief", "confidence": 1}'}, *END]}
    fake.script([said, {"steps": [{"await": "never"}]}, said])
    texts = {"texts": [SAD, SAD, "정말 감사합니다"]}
    results = requests.post(f"{server.url}/analyze", json=texts, timeout=60).json()["results"]
    assert [result["emotion"] for result in results] == ["grief", "sadness", "gratitude"]
    assert [len(result["top"]) for result in results] == [1, 5, 5]
    assert len(fake.requests()) == 2


def test_analyzes_over_grpc_as_over_http(analyze, emotion_stub, stubs):
    for request in ({"text": SAD}, {"texts": [SAD, "hello"]}):
        message = emotion_stub.Analyze(ParseDict(request, stubs.emotion_messages.AnalyzeRequest()), timeout=60)
        assert analyze(request).json() == MessageToDict(
            message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )


@pytest.mark.parametrize(
    "body, reason, words",
    [
        ({}, "INVALID_INPUT", "expected either text or texts"),
        ({"text": "a", "texts": ["b"]}, "INVALID_INPUT", "expected either text or texts"),
        ({"texts": []}, "INVALID_INPUT", "expected either text or texts"),
        ({"text": " \n"}, "INVALID_INPUT", "text: must not be empty"),
        ({"texts": ["a", ""]}, "INVALID_INPUT", "texts[1]: must not be empty"),
        ({"texts": ["a"] * 101}, "INVALID_INPUT", "texts: more than 100"),
        ({"text": "a" * 16385}, "INPUT_TOO_LARGE", "text: longer than 16384 bytes"),
        ({"texts": ["a", "a" * 16385]}, "INPUT_TOO_LARGE", "texts[1]: longer than 16384 bytes"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_refuses_what_is_not_one_or_some_texts(analyze, emotion_stub, stubs, body, reason, words):
    body = body | {"language": "en"}
    response = analyze(body)
    assert response.status_code == (413 if reason == "INPUT_TOO_LARGE" else 400)
    assert response.json()["details"][0]["reason"] == reason
    assert response.json()["message"] == words
    with pytest.raises(grpc.RpcError) as refused:
        emotion_stub.Analyze(ParseDict(body, stubs.emotion_messages.AnalyzeRequest()), timeout=60)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details() == words


def test_a_refusal_is_korean_by_default(analyze):
    assert analyze({"text": ""}).json()["message"] == "text: 내용이 비어 있습니다."
    assert analyze({"text": "a", "language": "fr"}).status_code == 400


def test_the_largest_allowed_is_analyzed(analyze):
    assert len(analyze({"texts": ["가" * 400] * 100}).json()["results"]) == 100
    assert analyze({"text": "a" * 16384}).json()["emotion"] in LABELS
