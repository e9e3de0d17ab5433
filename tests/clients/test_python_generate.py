"""The Python client asks a model directly: the guide's chunks, and its classes."""

import asyncio
import json

import pytest
from luna_client import AsyncClient, LLMAPIService, LLMManager

from scripts import ANSWER, BEFORE, CUT, MIDDLE, WHOLE, WORDS, check_cancelled

QUESTION = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "Tell me about Python."},
]


class Awaited:
    """An AsyncClient's generate, as if it blocked."""

    def __init__(self, address):
        self._address = address

    def generate(self, *, stream=False, **asked):
        async def main():
            async with AsyncClient(self._address) as client:
                if stream:
                    return [chunk async for chunk in client.generate(stream=True, **asked)]
                return await client.generate(**asked)

        return asyncio.run(main())


@pytest.fixture(params=("blocking", "asyncio"))
def either(request, client, luna):
    return client if request.param == "blocking" else Awaited(luna.grpc)


def asked(fake):
    """What the provider was asked last."""
    return json.loads(fake.requests()[-1]["body"])


def test_a_stream_gives_the_guides_chunks(either, fake):
    fake.script(WHOLE)
    *chunks, last = either.generate(target="gemini", messages=QUESTION, stream=True)
    assert [chunk["choices"][0]["delta"]["content"] for chunk in chunks] == WORDS
    assert {chunk["choices"][0]["finish_reason"] for chunk in chunks} == {None}
    assert last["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    assert (last["model"], last["target"], last["cached"]) == ("gemini-2.5-flash", "gemini", False)
    assert last["usage"]["total_tokens"] > 0
    assert not any("error" in chunk for chunk in (*chunks, last))


def test_the_whole_answer_at_once(either, fake):
    fake.script(WHOLE)
    completion = either.generate(target="gemini", messages=QUESTION)
    assert completion["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
    ]
    assert completion["model"] == "gemini-2.5-flash"
    assert completion["usage"]["total_tokens"] > 0


def test_a_failure_is_the_last_chunk(either, fake):
    fake.script(CUT)
    *chunks, last = either.generate(user_prompt="안녕", stream=True)
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks) == "하나 둘 셋" == last["text_so_far"]
    assert (last["code"], last["retryable"]) == ("UPSTREAM_UNAVAILABLE", True)
    assert "choices" not in last
    assert fake.state()["seen"] == 1


@pytest.mark.parametrize("stream", (True, False))
def test_a_refusal_is_a_dictionary_too(either, stream):
    answer = either.generate(target="nobody", user_prompt="안녕", stream=stream)
    if stream:
        (answer,) = answer
    assert answer["code"] == "UNKNOWN_TARGET"
    assert "nobody" in answer["error"]


def test_what_a_model_is_told_arrives(client, fake):
    fake.script(WHOLE)
    client.generate(target="openai", messages=QUESTION, model="other", temperature=0.5, max_tokens=7, stop=["끝"])
    body = asked(fake)
    assert (body["messages"], body["model"]) == (QUESTION, "other")
    assert (body["temperature"], body["max_tokens"], body["stop"]) == (0.5, 7, ["끝"])


@pytest.mark.parametrize("stream", (True, False))
def test_an_unknown_option_is_a_mistake_of_the_program(client, stream):
    with pytest.raises(ValueError, match="temprature"):
        client.generate(user_prompt="안녕", temprature=1, stream=stream)


@pytest.mark.parametrize("script", (BEFORE, MIDDLE), ids=("before the first word", "in mid-stream"))
def test_a_limit_stops_the_model(client, fake, script):
    fake.script(script)
    *_, last = client.generate(user_prompt="안녕", stream=True, timeout=(5, 0.5))
    assert (last["code"], last["retryable"]) == ("DEADLINE_EXCEEDED", True)
    check_cancelled(fake, script)


def test_leaving_the_loop_stops_the_model(client, fake):
    fake.script(MIDDLE)
    for _ in client.generate(user_prompt="안녕", stream=True):
        fake.wait(waiting=1)
        break
    check_cancelled(fake, MIDDLE)


def test_models_are_listed(client):
    models = client.models()
    assert models[0].id == "gemini"
    assert {"gemini", "openai", "spare"} <= {model.id for model in models}
    assert models[0].model == "gemini-2.5-flash"


def test_the_cache_is_seen_and_cleared(client, fake):
    fake.script(WHOLE)
    options = {"user_id": "cache", "features": {"memory": False}}
    assert not client.answer("오늘 날씨가 어때?", **options).cached
    assert client.answer("오늘 날씨가 어때?", **options).cached
    cache = client.cache("cache")
    stats = cache.stats()
    assert (stats.hits, stats.saves, stats.total_cached) == (1, 1, 1)
    assert cache.clean_up() == 0
    assert cache.clear() == 1
    assert cache.stats().total_cached == 0


def test_the_guides_manager_says_what_its_configuration_says(client, fake):
    fake.script(WHOLE)
    configs = {"openai": {"model": "other", "temperature": 0.1, "api_key": "a secret of old"}}
    manager = LLMManager(mode="server", server_configs=configs, client=client)
    answer = manager.generate("openai", QUESTION, temperature=0.3)
    assert answer["choices"][0]["message"]["content"] == ANSWER
    body = asked(fake)
    assert (body["model"], body["temperature"]) == ("other", 0.3)
    assert "a secret of old" not in str(fake.requests())


def test_the_guides_api_service_asks_its_provider(client, fake):
    fake.script(WHOLE)
    service = LLMAPIService(api_configs={"gemini": {"model": "gemini-2.5-flash"}}, client=client)
    chunks = service.generate(target_provider="gemini", system_prompt="짧게.", user_prompt="안녕", stream=True)
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == ANSWER
    assert asked(fake)["contents"][0]["parts"][0]["text"] == "안녕"


def test_the_guides_manager_finds_luna_by_the_environment(luna, fake, monkeypatch):
    fake.script(WHOLE)
    monkeypatch.setenv("LUNA_SERVER", luna.grpc)
    answer = LLMManager().generate("gemini", QUESTION)
    assert answer["choices"][0]["message"]["content"] == ANSWER
