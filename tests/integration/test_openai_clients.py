"""OpenAI's own clients at luna, as they are: the Python one, and the one for JavaScript."""

import asyncio
import json
import subprocess

import openai
import pytest

from processes import ROOT
from rows import ANSWER, END, TEXTS, steps

HAPPY = steps(*TEXTS, *END)
BUSY = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
QUESTION = [
    {"role": "system", "content": "너는 루나야."},
    {"role": "user", "content": [{"type": "text", "text": "안녕"}]},
]
PAST_THE_CACHE = {"skip_cache": True}
REQUEST = {"model": "gemini", "messages": QUESTION, "extra_body": PAST_THE_CACHE}
WITH_USAGE = {"stream": True, "stream_options": {"include_usage": True}}
ANY_KEY = "whatever"


@pytest.fixture
def client(luna):
    with openai.OpenAI(base_url=f"{luna.url}/v1", api_key=ANY_KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def run(luna):
    """Runs what is done with the asynchronous client."""

    def play(work):
        async def all_of_it():
            async with openai.AsyncOpenAI(base_url=f"{luna.url}/v1", api_key=ANY_KEY, max_retries=0) as client:
                return await work(client)

        return asyncio.run(all_of_it())

    return play


def check_whole(completion):
    (choice,) = completion.choices
    assert choice.message.content == ANSWER
    assert (choice.message.role, choice.finish_reason) == ("assistant", "stop")
    assert completion.model == "gemini-2.5-flash"
    check_usage(completion.usage)


def check_usage(usage):
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (7, 3, 10)


def check_chunks(chunks):
    *pieces, last, usage = chunks
    assert [chunk.choices[0].delta.content for chunk in pieces] == ["인공지능의", " 미래는", " 매우", " 밝습니다."]
    assert pieces[0].choices[0].delta.role == "assistant"
    assert last.choices[0].finish_reason == "stop"
    assert usage.choices == []
    check_usage(usage.usage)


def test_a_whole_answer(client, fake):
    fake.script(HAPPY)
    check_whole(client.chat.completions.create(**REQUEST))


def test_a_stream(client, fake):
    fake.script(HAPPY)
    check_chunks(list(client.chat.completions.create(**REQUEST, **WITH_USAGE)))


def test_the_client_s_own_reader_of_streams(client, fake):
    fake.script(HAPPY)
    with client.chat.completions.stream(**REQUEST) as stream:
        said = "".join(event.delta for event in stream if event.type == "content.delta")
        whole = stream.get_final_completion()
    assert said == whole.choices[0].message.content == ANSWER


def test_a_whole_answer_asynchronously(run, fake):
    fake.script(HAPPY)
    check_whole(run(lambda client: client.chat.completions.create(**REQUEST)))


def test_a_stream_asynchronously(run, fake):
    async def read(client):
        return [chunk async for chunk in await client.chat.completions.create(**REQUEST, **WITH_USAGE)]

    fake.script(HAPPY)
    check_chunks(run(read))


def test_models(client):
    models = client.models.list().data
    assert [model.id for model in models][:2] == ["gemini", "gemini_closing"]
    assert "openai" in {model.id for model in models}
    assert client.models.list().object == "list"


def test_an_unknown_model_is_the_client_s_own_error(client):
    with pytest.raises(openai.NotFoundError) as failure:
        client.chat.completions.create(**REQUEST | {"model": "gpt-4o"})
    assert (failure.value.code, failure.value.param) == ("model_not_found", "model")
    assert failure.value.type == "invalid_request_error"
    assert "gpt-4o" in failure.value.message


def test_what_luna_cannot_do_is_a_bad_request(client, fake):
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    with pytest.raises(openai.BadRequestError) as failure:
        client.chat.completions.create(**REQUEST, tools=tools)
    assert failure.value.param == "tools"
    image = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}]
    with pytest.raises(openai.BadRequestError) as failure:
        client.chat.completions.create(**REQUEST | {"messages": image})
    assert failure.value.param == "messages[0].content[0].type"
    assert fake.state()["seen"] == 0


def test_a_failure_in_mid_stream_is_an_error(client, fake):
    fake.script(steps(*TEXTS, BUSY))
    said = ""
    with pytest.raises(openai.APIError) as failure:
        for chunk in client.chat.completions.create(**REQUEST, stream=True):
            said += chunk.choices[0].delta.content or ""
    assert said == ANSWER
    assert failure.value.code == "UPSTREAM_UNAVAILABLE"
    assert "overloaded" in failure.value.message


def test_a_failure_before_the_first_word_is_a_status_that_the_client_tries_again(luna, fake):
    fake.script([{"status": 503, "body": "no"}, HAPPY])
    with openai.OpenAI(base_url=f"{luna.url}/v1", api_key=ANY_KEY, max_retries=1) as client:
        said = [chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**REQUEST, stream=True)]
    assert "".join(said) == ANSWER
    assert fake.state()["seen"] == 2


def test_closing_a_stream_stops_the_model(client, fake):
    fake.script(steps({"text": "하나 둘 셋"}, {"await": "step"}, *TEXTS, *END))
    stream = client.chat.completions.create(**REQUEST, stream=True)
    next(iter(stream))
    stream.close()
    fake.wait(cancelled=1, open=0)


JAVASCRIPT = """
import OpenAI from 'openai'
const client = new OpenAI({ baseURL: process.argv[1], apiKey: 'whatever', maxRetries: 0 })
const request = JSON.parse(process.argv[2])
const told = {}
told.models = (await client.models.list()).data.map((model) => model.id)
told.whole = (await client.chat.completions.create(request)).choices[0].message.content
told.pieces = []
for await (const chunk of await client.chat.completions.create({ ...request, stream: true, stream_options: { include_usage: true } })) {
  if (chunk.usage) told.usage = chunk.usage
  for (const choice of chunk.choices) {
    if (choice.finish_reason) told.finish = choice.finish_reason
    else told.pieces.push(choice.delta.content)
  }
}
told.failed = ''
try {
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
    told.failed += chunk.choices[0].delta.content ?? ''
  }
} catch (error) {
  told.error = [error instanceof OpenAI.APIError, error.code]
}
try {
  await client.chat.completions.create({ ...request, model: 'gpt-4o' })
} catch (error) {
  told.unknown = [error instanceof OpenAI.NotFoundError, error.code]
}
console.log(JSON.stringify(told))
"""


def test_the_client_for_javascript(luna, fake):
    fake.script([HAPPY, HAPPY, steps(*TEXTS, BUSY)])
    request = {"model": "gemini", "messages": QUESTION} | PAST_THE_CACHE
    node = ["node", "--input-type=module", "-e", JAVASCRIPT, f"{luna.url}/v1", json.dumps(request)]
    done = subprocess.run(node, capture_output=True, timeout=60, cwd=ROOT / "build/tools")
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert told["models"][0] == "gemini"
    assert told["whole"] == ANSWER
    assert told["pieces"] == ["인공지능의", " 미래는", " 매우", " 밝습니다."]
    assert (told["finish"], told["usage"]["total_tokens"]) == ("stop", 10)
    assert (told["failed"], told["error"]) == (ANSWER, [True, "UPSTREAM_UNAVAILABLE"])
    assert told["unknown"] == [True, "model_not_found"]
