"""The Python client for asyncio against the real server. What it shares with the blocking one is tested there."""

import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import grpc
import pytest
from luna_client import (
    AsyncCache,
    AsyncClient,
    AsyncMemory,
    Cache,
    Client,
    Complete,
    Emotion,
    LlmChunk,
    LunaError,
    Memory,
    Translation,
)

from scripts import (
    ANSWER,
    ANSWER_ONLY,
    BEFORE,
    CUT,
    ENGLISH,
    MIDDLE,
    PAUSES,
    PAUSES_READ,
    TRANSLATED,
    WHOLE,
    WORDS,
    check_cancelled,
)


@pytest.fixture
def run(luna):
    """Runs a coroutine function on a client, in a loop of its own."""

    def run(story, *arguments, address=luna.grpc, **options):
        async def main():
            async with AsyncClient(address, **options) as client:
                return await asyncio.wait_for(story(client, *arguments), 60)

        return asyncio.run(main())

    return run


def test_each_client_has_a_connection_of_its_own(luna, fake):
    """One carries 100 streams."""
    fake.script(BEFORE)

    async def main():
        async with AsyncClient(luna.grpc) as one, AsyncClient(luna.grpc) as other:
            tasks = [asyncio.ensure_future(client.answer("안녕")) for client in (one, other) for _ in range(60)]
            await asyncio.to_thread(fake.wait, waiting=120)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    fake.wait(cancelled=120)


async def waiting(fake):
    """The provider waits for its step."""
    await asyncio.to_thread(fake.wait, waiting=1)


def test_events_come_one_by_one(run, fake):
    fake.script(WHOLE)

    async def story(client):
        return [event async for event in client.interact("안녕하세요!")]

    emotion, *chunks, complete = run(story)
    assert isinstance(emotion, Emotion)
    assert chunks == [LlmChunk(word) for word in WORDS]
    assert isinstance(complete, Complete)
    assert complete.text == ANSWER


def test_many_at_once(run, fake):
    fake.script(WHOLE)

    async def ask(client):
        return [event async for event in client.interact("안녕")][-1].text

    async def story(client):
        return await asyncio.gather(*(ask(client) for _ in range(20)))

    assert run(story) == [ANSWER] * 20


def test_an_error_event_raises(run, fake):
    fake.script(CUT)

    async def story(client):
        with pytest.raises(LunaError) as failure:
            async for _ in client.interact("안녕", features=ANSWER_ONLY):
                pass
        return failure.value

    error = run(story)
    assert (error.code, error.retryable, error.stage) == ("UPSTREAM_UNAVAILABLE", True, "stream")
    assert error.text_so_far == "하나 둘 셋"
    assert fake.state()["seen"] == 1


@pytest.mark.parametrize("ask", ("interact", "answer"))
def test_what_is_refused_before_the_stream_raises(run, ask):
    async def story(client):
        with pytest.raises(LunaError) as failure:
            if ask == "answer":
                await client.answer("안녕", target="nobody")
            await anext(client.interact("안녕", target="nobody"))
        return failure.value

    error = run(story)
    assert (error.code, error.retryable) == ("UNKNOWN_TARGET", False)


async def leave_by_break(stream, fake):
    async for _ in stream:
        await waiting(fake)
        break


async def leave_by_exception(stream, fake):
    with pytest.raises(KeyError):
        async for _ in stream:
            await waiting(fake)
            raise KeyError


async def leave_by_close(stream, fake):
    async with aclosing(stream):
        await anext(stream)
        await waiting(fake)


async def leave_by_cancellation(stream, fake):
    async def listen():
        async for _ in stream:
            pass

    task = asyncio.create_task(listen())
    await waiting(fake)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


LEAVING = (leave_by_break, leave_by_exception, leave_by_close, leave_by_cancellation)


@pytest.mark.parametrize("script", (BEFORE, MIDDLE), ids=("before the first word", "in mid-stream"))
@pytest.mark.parametrize("leave", LEAVING, ids=lambda leave: leave.__name__)
def test_leaving_the_loop_stops_the_model(run, fake, leave, script):
    fake.script(script)

    async def story(client):
        await leave(client.interact("안녕", features={"memory": False}), fake)
        await asyncio.to_thread(check_cancelled, fake, script)  # while the channel is open

    run(story)


def test_cancelling_a_call_without_a_stream_stops_the_model(run, fake):
    fake.script(BEFORE)

    async def story(client):
        task = asyncio.create_task(client.answer("안녕"))
        await waiting(fake)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(check_cancelled, fake, BEFORE)

    run(story)


async def ask_once(client):
    await client.answer("안녕")


async def ask_streaming(client):
    async for _ in client.interact("안녕"):
        pass


ASKING = (ask_once, ask_streaming)


@pytest.mark.parametrize("timeout", (None, (5, 60)), ids=("no limit", "connect and read"))
@pytest.mark.parametrize("ask", ASKING, ids=lambda ask: ask.__name__)
def test_closing_the_client_is_no_cancellation_of_the_task(run, fake, ask, timeout):
    fake.script(BEFORE)

    async def story(client):
        task = asyncio.create_task(ask(client))
        await waiting(fake)
        await client.close()
        with pytest.raises(LunaError, match="CANCELLED"):
            await task
        await asyncio.to_thread(check_cancelled, fake, BEFORE)

    run(story, timeout=timeout)


@pytest.mark.parametrize("ask", ASKING, ids=lambda ask: ask.__name__)
def test_a_task_that_is_cancelled_as_its_client_closes_is_cancelled(run, fake, ask):
    fake.script(BEFORE)

    async def story(client):
        task = asyncio.create_task(ask(client))
        await waiting(fake)
        task.cancel()
        await client.close()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(story)


@pytest.mark.parametrize("ask", ASKING, ids=lambda ask: ask.__name__)
def test_a_server_that_says_cancelled_is_no_cancellation_of_the_task(run, ask):
    """luna says so of callers that have gone, something between may of others."""

    async def story(client):
        with pytest.raises(LunaError, match="CANCELLED: no more"):
            await ask(client)

    def refuse(request, context):
        context.abort(grpc.StatusCode.CANCELLED, "no more")

    methods = {
        "Answer": grpc.unary_unary_rpc_method_handler(refuse),
        "Interact": grpc.unary_stream_rpc_method_handler(refuse),
    }
    server = grpc.server(ThreadPoolExecutor())
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("luna.v1.InteractionService", methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        run(story, address=f"127.0.0.1:{port}")
    finally:
        server.stop(None)


@pytest.mark.parametrize("timeout", (1.0, (5, 0.5)), ids=("deadline", "connect and read"))
def test_a_limit_ends_the_call_and_the_model(run, fake, timeout):
    fake.script(MIDDLE)

    async def story(client):
        with pytest.raises(LunaError) as failure:
            async for _ in client.interact("안녕", features=ANSWER_ONLY, timeout=timeout):
                pass
        return failure.value

    error = run(story)
    assert (error.code, error.retryable, error.text_so_far) == ("DEADLINE_EXCEEDED", True, "하나 둘 셋")
    check_cancelled(fake, MIDDLE)


def test_a_limit_of_silence_is_none_of_the_whole(run, fake):
    fake.script(PAUSES)

    async def story(client):
        return [event async for event in client.interact("안녕")][-1]

    assert run(story, timeout=(5, PAUSES_READ)).text == "".join(WORDS * 5)


def test_connecting_has_a_limit_of_its_own(run, peers):
    async def story(client):
        with pytest.raises(LunaError) as failure:
            await client.answer("안녕")
        return failure.value

    address = peers["mute"].url.removeprefix("https://")
    error = run(story, address=address, timeout=(0.3, 60))
    assert (error.code, error.retryable) == ("DEADLINE_EXCEEDED", True)
    assert address in error.message


def test_nobody_there_is_said_at_once(run, free_port):
    async def story(client):
        with pytest.raises(LunaError) as failure:
            await anext(client.interact("안녕"))
        return failure.value

    error = run(story, address=f"127.0.0.1:{free_port}", timeout=(30, 30))
    assert (error.code, error.retryable) == ("UNAVAILABLE", True)


def test_a_restart_in_between_is_survived(run, start, start_again, fake):
    server = start()
    fake.script(WHOLE)

    async def story(client):
        assert (await client.answer("하나")).text == ANSWER
        await asyncio.to_thread(server.stop)
        with pytest.raises(LunaError) as failure:
            await client.answer("둘")
        assert (failure.value.code, failure.value.retryable) == ("UNAVAILABLE", True)
        await asyncio.to_thread(start_again, server)
        while True:  # what a caller does who is told that it is retryable
            try:
                return [event async for event in client.interact("셋")][-1]
            except LunaError as error:
                assert error.retryable

    assert run(story, address=server.grpc).text == ANSWER


def test_memory(run, fake, tmp_path):
    fake.script(WHOLE)

    async def story(client):
        for input in ("오늘 날씨가 어때?", "내일은?"):
            await client.answer(input, user_id="async", session_id="산책")
        memory = client.memory("async")
        newest, oldest = await memory.conversations("산책")
        assert await memory.conversation(newest.id) == newest
        assert [turn.user for turn in await memory.recent(1)] == ["내일은?"]
        assert (await memory.search("날씨")).results[0].id == oldest.id
        assert [session.session_id for session in await memory.sessions()] == ["산책"]
        assert (await memory.stats()).total_conversations == 2
        assert await memory.summary("산책") == ""
        assert (await memory.summarize("산책")).status == "success"
        assert len(await memory.summaries()) == 1
        lines = [line async for line in memory.export()]
        assert (await client.memory("async import").import_(lines)).imported == 3
        await memory.delete(newest.id)
        assert await memory.clear() == 1
        with pytest.raises(LunaError, match="INVALID_INPUT"):
            await memory.import_(["{}\n"])

    run(story)


def test_the_cache_is_seen_and_cleared(run, fake):
    fake.script(WHOLE)

    async def story(client):
        for cached in (False, True):
            answer = await client.answer("안녕", user_id="async cache", features={"memory": False})
            assert answer.cached == cached
        cache = client.cache("async cache")
        assert ((await cache.stats()).hits, await cache.clean_up(), await cache.clear()) == (1, 0, 1)
        assert (await cache.stats()).total_cached == 0
        assert (await client.models())[0].id == "gemini"

    run(story)


def test_a_translation(run, translating, fake):
    fake.script(TRANSLATED)

    async def story(client):
        events = [
            event async for event in client.interact("설명해주세요.", features={"emotion": False, "cache": False})
        ]
        assert events[0] == Translation(ENGLISH, "ko", "en")
        assert await client.translate("설명해주세요.") == ENGLISH

    run(story, address=translating.grpc)


def test_what_a_person_feels(run):
    async def story(client):
        emotion = await client.analyze("오늘 너무 슬퍼서 울었어 ㅠㅠ")
        assert emotion.emotion == "sadness"
        assert await client.analyze_all(["오늘 너무 슬퍼서 울었어 ㅠㅠ"]) == [emotion]

    run(story)


BOTH = ((Client, AsyncClient), (Memory, AsyncMemory), (Cache, AsyncCache))


@pytest.mark.parametrize("kinds", BOTH, ids=lambda kinds: kinds[0].__name__)
def test_both_clients_have_the_same_methods(kinds):
    blocking, awaiting = (
        {name: str(inspect.signature(method).parameters) for name, method in vars(kind).items() if name[0] != "_"}
        for kind in kinds
    )
    assert awaiting == blocking
