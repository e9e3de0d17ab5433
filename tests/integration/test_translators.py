"""TranslationService.Translate, and the services that translate."""

import hashlib
import json

import grpc
import pytest
import requests
from fake_translators import (
    AZURE_BUSY,
    AZURE_DOWN,
    KEY,
    LIBRETRANSLATE_BUSY,
    LIBRETRANSLATE_DOWN,
    REGION,
    FakeAzure,
    FakeLibreTranslate,
)
from google.protobuf.json_format import ParseDict
from test_startup import run

from callers import HttpCaller
from configuration import PATIENT, write_configuration
from processes import LunaServer
from transports import ANSWER_ONLY, TRANSPORTS

SAID = "안녕, 루나"
ENGLISH = "Hello, Luna"
WANTED = ANSWER_ONLY | {"translation": True}
END = [{"finish": "STOP"}, {"done": True}]
RETRIES = "{count: 2, first_ms: 1, longest_ms: 50}"
ENGINES = ("azure", "libretranslate")

transports = pytest.mark.parametrize("transport", TRANSPORTS)
engines = pytest.mark.parametrize("engine", ENGINES)


@pytest.fixture(scope="module")
def fakes():
    started = {"azure": FakeAzure(), "libretranslate": FakeLibreTranslate()}
    yield started
    for service in started.values():
        service.stop()


@pytest.fixture(autouse=True)
def as_they_started(fakes):
    for service in fakes.values():
        service.reset()


@pytest.fixture
def service(fakes, engine):
    return fakes[engine]


def settings(engine, url, key=KEY, **more):
    """The configuration and the environment of an engine."""
    options = ", ".join(f"{name}: {value}" for name, value in more.items())
    libretranslate = f"libretranslate: {{url: '{url}/', key_env: LT_KEY}}"
    translation = f"{{engine: {engine}, wait_ms: 60000, {options or 'deadline_ms: 60000'}, {libretranslate}}}"
    environment = {"LT_KEY": key}
    if engine == "azure":
        environment = {"AZURE_TRANSLATOR_KEY": key, "AZURE_TRANSLATOR_REGION": REGION}
        environment["AZURE_TRANSLATOR_ENDPOINT"] = url + "/"
    return {"translation": translation, "environment": environment}


@pytest.fixture
def translating(start, engine, service):
    def run_with(retries=RETRIES, **more):
        return start(retries=retries, **settings(engine, service.url, **more))

    return run_with


@pytest.fixture
def ask(stub_for, stubs):
    def run_at(server, transport, **more):
        request = {"input": SAID, "features": WANTED, "target": "openai"} | more
        return TRANSPORTS[transport](server, stub_for(server), stubs.messages, request, lambda event: None)

    return run_at


def translate(server, body):
    return requests.post(f"{server.url}/translate", json=body, timeout=60)


def reason(response):
    return response.json()["details"][0]["reason"]


def kinds(outcome):
    return [event["type"] for event in outcome.events]


# --- the services -----------------------------------------------------------------------------------------------------


@transports
@engines
def test_a_service_translates_for_any_target(translating, service, fake, ask, transport):
    server = translating()
    fake.script({"steps": [{"text": "반가워요"}, *END]})
    for target in ("openai", "gemini"):
        outcome = ask(server, transport, target=target)
        assert kinds(outcome) == ["translation", "llm_chunk", "complete"]
        assert outcome.events[0]["data"] == ENGLISH
    assert len(service.requests) == 1  # the second is known
    assert len(fake.requests()) == 2


@pytest.mark.parametrize("engine", ["azure"])
def test_azure_is_asked_as_it_documents(translating, service):
    assert translate(translating(), {"text": SAID, "from_lang": "KO", "to_lang": "en"}).status_code == 200
    (request,) = service.requests
    assert (request.path, request.query) == ("/translate", {"api-version": ["3.0"], "from": ["ko"], "to": ["en"]})
    assert json.loads(request.body) == [{"Text": SAID}]


@pytest.mark.parametrize("engine", ["libretranslate"])
def test_libretranslate_is_asked_as_it_documents(translating, service):
    assert translate(translating(), {"text": SAID, "from_lang": "ko", "to_lang": "en"}).status_code == 200
    (request,) = service.requests
    assert (request.path, request.query) == ("/translate", {})
    fields = {"q": SAID, "source": "ko", "target": "en", "format": "text", "api_key": KEY}
    assert json.loads(request.body) == fields


@engines
def test_what_may_pass_is_tried_again(translating, service, engine):
    busy, down = {"azure": (AZURE_BUSY, AZURE_DOWN), "libretranslate": (LIBRETRANSLATE_BUSY, LIBRETRANSLATE_DOWN)}[engine]
    service.answer_next(busy, down)
    server = translating()
    assert translate(server, {"text": SAID, "to_lang": "en"}).json() == {"translated_text": ENGLISH}
    assert len(service.requests) == 3
    assert server.metrics()[f'luna_upstream_retries_total{{target="{engine}"}}'] == 2


@engines
def test_a_wait_beyond_the_deadline_is_not_begun(translating, service, engine, fake, ask):
    service.answer_next((429, {"error": {"code": 429000, "message": "slower"}}, [("Retry-After", "3600")]))
    server = translating()
    fake.script({"steps": [{"text": "반가워요"}, *END]})
    assert kinds(ask(server, "sse")) == ["llm_chunk", "complete"]
    assert len(service.requests) == 1
    assert server.metrics()['luna_part_failures_total{part="translation"}'] == 1


@transports
@engines
def test_a_bad_key_is_said_and_the_answer_still_comes(translating, service, fake, ask, transport, engine):
    server = translating(key="a-wrong-key")
    fake.script({"steps": [{"text": "반가워요"}, *END]})
    assert kinds(ask(server, transport)) == ["llm_chunk", "complete"]
    assert f"no translation: {engine}: HTTP 40" in server.stderr()
    refused = translate(server, {"text": SAID, "to_lang": "en"})
    assert (refused.status_code, reason(refused)) == (400, "UPSTREAM_AUTH")
    variable = "AZURE_TRANSLATOR_KEY" if engine == "azure" else "LT_KEY"
    assert f"(the key is that of {variable})" in refused.json()["message"]
    assert "a-wrong-key" not in refused.text + server.stderr()
    assert len(service.requests) == 2


@engines
def test_a_service_that_is_gone_costs_the_translation_alone(start, free_port, fake, ask, engine):
    server = start(**settings(engine, f"http://127.0.0.1:{free_port}"))
    fake.script({"steps": [{"text": "반가워요"}, *END]})
    assert kinds(ask(server, "sse")) == ["llm_chunk", "complete"]
    gone = translate(server, {"text": SAID, "to_lang": "en"})
    assert (gone.status_code, reason(gone)) == (503, "UPSTREAM_UNAVAILABLE")


@engines
def test_its_deadline_is_kept(translating, service, fake, ask):
    service.hold()
    server = translating(deadline_ms=50)
    fake.script({"steps": [{"text": "반가워요"}, *END]})
    assert kinds(ask(server, "sse")) == ["llm_chunk", "complete"]
    service.wait_for(left=1)
    late = translate(server, {"text": SAID, "to_lang": "en"})
    assert (late.status_code, reason(late)) == (504, "UPSTREAM_TIMEOUT")


@engines
@pytest.mark.parametrize("path", ["/interact/stream", "/interact", "/translate"])
def test_a_caller_that_leaves_stops_its_request(translating, service, fake, path):
    service.hold()
    server = translating()
    fake.script({"steps": [{"await": "never"}]})
    body = {"text": SAID, "to_lang": "en"} if path == "/translate" else {"input": SAID, "features": WANTED}
    caller = HttpCaller(server, path, body)
    service.wait_for(requests=1)
    caller.leave()
    service.wait_for(left=1)
    server.wait_until_nothing_is_open()


# --- POST /translate and Translate ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def with_azure(configure, fakes):
    made = settings("azure", fakes["azure"].url)
    server = LunaServer(configure(**PATIENT, translation=made["translation"]), **made["environment"])
    yield server
    server.stop()


@pytest.fixture(scope="module")
def translation_stub(with_azure, stubs):
    with grpc.insecure_channel(with_azure.grpc) as channel:
        yield stubs.translation_services.TranslationServiceStub(channel)


DIRECTIONS = {
    "ko to en": ({"text": SAID, "from_lang": "ko", "to_lang": "en"}, ENGLISH),
    "en to ko": ({"text": ENGLISH, "from_lang": "en", "to_lang": "ko"}, SAID),
    "anything to en": ({"text": SAID, "from_lang": "", "to_lang": "en"}, ENGLISH),
    "anything to ko": ({"text": ENGLISH, "to_lang": "KOR"}, SAID),
}


@pytest.mark.parametrize("name", DIRECTIONS)
def test_translates_over_http_and_grpc(with_azure, translation_stub, stubs, name):
    request, expected = DIRECTIONS[name]
    response = translate(with_azure, request)
    assert (response.status_code, response.json()) == (200, {"translated_text": expected})
    message = ParseDict(request, stubs.translation_messages.TranslateRequest())
    assert translation_stub.Translate(message, timeout=60).translated_text == expected


RUBBISH = ("k", "ko_KR", "english", "한국어", "zz", "auto", "en-", "-", "12", "en ko", "e" * 40)
REFUSED = {
    "no text": ({"to_lang": "en"}, "INVALID_INPUT", "text: must not be empty"),
    "blank text": ({"text": " \n", "to_lang": "en"}, "INVALID_INPUT", "text: must not be empty"),
    "long text": ({"text": "a" * 16385, "to_lang": "ko"}, "INPUT_TOO_LARGE", "text: longer than 16384 bytes"),
    "no language": ({"text": SAID}, "INVALID_INPUT", 'to_lang: expected a language such as ko, en or pt-BR (BCP 47), got ""'),
} | {
    f"{field} {tag}": (
        {"text": SAID, "to_lang": "en"} | {field: tag},
        "INVALID_INPUT",
        f'{field}: expected a language such as ko, en or pt-BR (BCP 47), got "{tag}"',
    )
    for tag in RUBBISH
    for field in ("from_lang", "to_lang")
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_what_it_cannot_translate(with_azure, translation_stub, stubs, fakes, name):
    request, code, words = REFUSED[name]
    request = request | {"language": "en"}
    response = translate(with_azure, request)
    assert response.status_code == (413 if code == "INPUT_TOO_LARGE" else 400)
    assert (reason(response), response.json()["message"]) == (code, words)
    with pytest.raises(grpc.RpcError) as refused:
        message = ParseDict(request, stubs.translation_messages.TranslateRequest())
        translation_stub.Translate(message, timeout=60)
    assert (refused.value.code(), refused.value.details()) == (grpc.StatusCode.INVALID_ARGUMENT, words)
    assert fakes["azure"].requests == []


def test_a_language_that_the_service_lacks_is_refused_in_its_words(with_azure):
    response = translate(with_azure, {"text": SAID, "to_lang": "tlh"})
    assert (response.status_code, reason(response)) == (400, "UPSTREAM_REJECTED")
    assert 'The target language ("To" field) is missing or invalid.' in response.json()["message"]


def test_a_refusal_is_korean_by_default(with_azure):
    message = translate(with_azure, {"text": SAID, "to_lang": "zz"}).json()["message"]
    assert message == 'to_lang: ko, en, pt-BR 같은 언어 코드(BCP 47)여야 합니다: "zz"'


def test_each_request_is_counted(with_azure):
    ok = 'luna_requests_total{code="OK",stage="",transport="http"}'
    bad = 'luna_requests_total{code="INVALID_INPUT",stage="request",transport="http"}'
    before = with_azure.metrics()
    translate(with_azure, {"text": SAID, "to_lang": "en"})
    translate(with_azure, {"text": SAID, "to_lang": "zz"})
    after = with_azure.metrics()
    assert [after[name] - before.get(name, 0) for name in (ok, bad)] == [1, 1]


UNAVAILABLE = {
    "off": {"translation": "{engine: off}"},
    "auto with a local model": {"translation": "{engine: auto}", "environment": {"LLM_MODE": "server"}},
    "azure without a key": {"translation": "{engine: azure}"},
}


@pytest.mark.parametrize("name", UNAVAILABLE)
def test_without_an_engine_it_says_so(start, name):
    refused = translate(start(**UNAVAILABLE[name]), {"text": SAID, "to_lang": "en", "language": "en"})
    assert (refused.status_code, reason(refused)) == (400, "TRANSLATION_UNAVAILABLE")
    assert refused.json()["message"].startswith("translation: nobody translates: ")


@pytest.mark.parametrize("target", ["gemini", "openai"])
def test_the_default_target_translates_with_llm(start, fake, target):
    mode = {"gemini": "api", "openai": "server"}[target]
    server = start(translation="{engine: llm}", environment={"LLM_MODE": mode})
    fake.script({"steps": [{"text": SAID}, *END]})
    response = translate(server, {"text": ENGLISH, "to_lang": "ko"})
    assert (response.status_code, response.json()) == (200, {"translated_text": SAID})
    (request,) = fake.requests()
    assert "You translate into Korean." in request["body"]


def test_leaving_stops_a_translation_by_a_model(start, fake):
    server = start(translation="{engine: auto}")
    fake.script({"steps": [{"await": "step"}, {"text": "Hello"}]})
    caller = HttpCaller(server, "/translate", {"text": SAID, "to_lang": "en"})
    fake.wait(waiting=1)
    caller.leave()
    assert fake.wait(cancelled=1, open=0)["finished"] == 0


def test_a_token_is_needed_where_tokens_are(configure, tmp_path, fakes):
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{hashlib.sha256(b'luna_test').hexdigest()} alice\n")
    made = settings("azure", fakes["azure"].url)
    config = configure(**PATIENT, translation=made["translation"], auth=f"{{tokens_file: '{tokens}'}}")
    server = LunaServer(config, **made["environment"])
    body = {"text": SAID, "to_lang": "en"}
    assert translate(server, body).status_code == 401
    headers = {"Authorization": "Bearer luna_test"}
    assert requests.post(f"{server.url}/translate", json=body, headers=headers, timeout=60).status_code == 200
    server.stop()


# --- the start --------------------------------------------------------------------------------------------------------


def test_a_missing_key_is_said_at_the_start(start, fake, ask):
    server = start(translation="{engine: azure}")
    said = "warning translation: azure has no key, AZURE_TRANSLATOR_KEY is not set: nothing is translated\n"
    assert said in server.stderr()
    fake.script({"steps": [{"text": "반가워요"}, *END]})
    assert kinds(ask(server, "sse")) == ["llm_chunk", "complete"]
    assert 'luna_part_failures_total{part="translation"}' not in server.metrics()
    server = start(translation="{engine: libretranslate, libretranslate: {url: 'http://127.0.0.1:9', key_env: LT_KEY}}")
    assert "warning translation: LT_KEY is not set: libretranslate is asked without a key\n" in server.stderr()


DESCRIBED = {
    "{engine: off}": "off",
    "{}": "auto, which asks gemini",
    "{engine: llm}": "llm, which asks gemini",
    "{engine: azure}": "azure at https://api.cognitive.microsofttranslator.com, region none, key missing, "
    "AZURE_TRANSLATOR_KEY is not set",
    "{engine: libretranslate, libretranslate: {url: 'http://h:5000/', key_env: LT_KEY}}": "libretranslate at "
    "http://h:5000, key set, from LT_KEY",
    "{engine: libretranslate, libretranslate: {url: 'http://h:5000'}}": "libretranslate at http://h:5000, key none, "
    "key_env is empty",
}


@pytest.mark.parametrize("translation", DESCRIBED)
def test_check_config_says_who_translates(tmp_path, translation):
    file = write_configuration(tmp_path, "http://h", "http://h", translation=translation)
    out, err, code = run("--config", file, "--check-config", GEMINI_API_KEY="k", LT_KEY="secret-key")
    assert (err, code) == ("", 0)
    assert f"\ntranslation: {DESCRIBED[translation]}\n" in out
    assert "secret-key" not in out


def test_check_config_says_that_nobody_translates(tmp_path):
    file = write_configuration(tmp_path, "http://h", "http://h", translation="{}")
    out, _, _ = run("--config", file, "--check-config", LLM_MODE="server")
    assert "\ntranslation: auto, which is none for the default target\n" in out


@pytest.mark.parametrize(
    "variable, value, words",
    [
        ("AZURE_TRANSLATOR_KEY", "a key", "not a key"),
        ("AZURE_TRANSLATOR_ENDPOINT", "somewhere", "not an http:// or https:// address"),
        ("AZURE_TRANSLATOR_REGION", "korea central", "expected a region such as koreacentral"),
    ],
)
def test_a_bad_variable_is_named(tmp_path, variable, value, words):
    for engine in ("azure", "off"):
        file = write_configuration(tmp_path, "http://h", "http://h", translation=f"{{engine: {engine}}}")
        _, err, code = run("--config", file, "--check-config", GEMINI_API_KEY="k", **{variable: value})
        if engine == "off":
            assert (err, code) == ("", 0)
        else:
            assert code == 2
            assert err.startswith(f"luna-server: {variable}: {words}"), err
