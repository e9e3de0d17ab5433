"""GenerationService: the model alone, over gRPC, /generate and OpenAI's form; the same honest ends."""

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from behaviours import ROWS
from callers import HttpCaller
from generation import CODES, FINISH, STREAMS, WHOLE, as_chat, post
from rows import ANSWER, APIS, CONTRACT, END, TEXTS, steps

QUESTION = "인공지능의 미래에 대해 설명해주세요."
HAPPY = steps(*TEXTS, *END)
HELLO = {"input": "안녕", "target": "gemini", "skip_cache": True}
MIDDLE = steps({"text": "하나 둘 셋"}, {"await": "step"}, {"text": " 넷"}, *END)
BEFORE = steps({"await": "step"}, *TEXTS, *END)

streams = pytest.mark.parametrize("way", STREAMS)
whole = pytest.mark.parametrize("way", WHOLE)
apis = pytest.mark.parametrize("api", APIS)
rows = pytest.mark.parametrize("api, behaviour", ROWS, ids=str)
rows_without_a_stream = pytest.mark.parametrize(
    "api, behaviour", [(api, row) for api, row in ROWS if not row.streams_only], ids=str
)


@pytest.fixture(scope="session")
def generation(stubs, channel_to):
    """A stub of luna.v1.GenerationService at any server."""
    return lambda server: stubs.generation_services.GenerationServiceStub(channel_to(server))


@pytest.fixture
def ask(luna, generation, stubs):
    """Asks by one of STREAMS or WHOLE, past the cache unless the request says otherwise."""

    def run(play, request, server=luna, **more):
        asked = {} if "messages" in request else {"input": QUESTION}
        request = asked | {"skip_cache": True} | request
        return play(server, generation(server), stubs.generation_messages, request, **more)

    return run


def check_end(answer, way, api, behaviour):
    """Exactly one end; what was told of it."""
    assert answer.ends == 1
    assert answer.text == behaviour.text
    if behaviour.finish:
        assert (answer.finish, answer.status) == (FINISH[behaviour.finish], "OK" if way == "grpc" else 200)
        return
    grpc_status, http_status, _ = CONTRACT[behaviour.error]
    assert answer.finish is None
    assert behaviour.words_for(api) in answer.message
    assert "the-test-key" not in answer.message
    if way == "grpc":
        assert answer.status == grpc_status
    else:
        assert answer.status == (200 if behaviour.text else http_status)
    if way == "generate" and behaviour.text:
        assert answer.code is None
        return
    code = behaviour.error
    if way == "chat":
        code = CODES.get(code, code)
        if behaviour.error == "UPSTREAM_QUOTA" and not behaviour.retryable:
            code = "insufficient_quota"
    assert answer.code == code
    seconds = -(-behaviour.retry_after_ms // 1000)
    if way != "grpc" and not behaviour.text:
        assert answer.headers.get("Retry-After") == (str(seconds) if seconds else None)


@streams
@rows
def test_a_stream_ends_honestly(request, fake, ask, way, api, behaviour):
    server = request.getfixturevalue(behaviour.server)
    if behaviour.script:
        fake.script(behaviour.streamed_script_for(api))
    stepped = []

    def on_chunk():
        if not stepped:
            stepped.append(fake.step())

    target = behaviour.target.format(api=api)
    answer = ask(STREAMS[way], {"target": target}, server, on_chunk=on_chunk)
    check_end(answer, way, api, behaviour)
    if behaviour.script:
        fake.wait(open=0)


@whole
@rows_without_a_stream
def test_a_whole_answer_ends_honestly(request, fake, ask, way, api, behaviour):
    server = request.getfixturevalue(behaviour.server)
    if behaviour.script:
        fake.script(behaviour.script_for(api))
    fake.step()
    answer = ask(WHOLE[way], {"target": behaviour.target.format(api=api)}, server)
    if behaviour.error:
        answer.chunks = []
        behaviour = type(behaviour)(**vars(behaviour) | {"text": ""})
    check_end(answer, way, api, behaviour)


@streams
@apis
def test_an_answer_leaves_in_words_and_says_what_answered(fake, ask, way, api):
    fake.script(HAPPY)
    answer = ask(STREAMS[way], {"target": api})
    assert answer.chunks == ["인공지능의", " 미래는", " 매우", " 밝습니다."]
    assert set(answer.models) == {"gemini-2.5-flash" if api == "gemini" else "Luna"}
    if way != "generate":
        counts = {name: answer.usage[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
        assert counts == {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def test_the_frames_are_the_guide_s_chunks(luna, fake):
    """As luna writes them, to the byte; sections 4 and 5 of the guide read them."""
    fake.script(HAPPY)
    response = post(luna, "/generate/stream", HELLO, **{"X-Request-Id": "r1"})
    frames = response.content.decode().split("\n\n")
    head = '{"id":"chatcmpl-r1","object":"chat.completion.chunk","created":'
    assert frames.pop() == ""
    created = json.loads(frames[0][6:])["created"]
    head += f'{created},"model":"gemini-2.5-flash","choices":['
    first = '{"index":0,"delta":{"role":"assistant","content":"인공지능의"},"finish_reason":null}'
    assert frames == [
        f"data: {head}{first}]}}",
        *(
            f'data: {head}{{"index":0,"delta":{{"content":"{word}"}},"finish_reason":null}}]}}'
            for word in (" 미래는", " 매우", " 밝습니다.")
        ),
        f'data: {head}{{"index":0,"delta":{{}},"finish_reason":"stop"}}]}}',
    ]


def as_the_guide_reads(stream):
    """The loop of the guide's section 5, which section 4 is a part of."""
    said = ""
    for chunk in stream:
        if "error" in chunk:
            said += f"Error: {chunk['error']}"
            break
        if chunk.get("choices"):
            content = chunk["choices"][0]["delta"].get("content", "")
            said += content
    return said


def chunks_of(luna, request):
    with post(luna, "/generate/stream", request, stream=True) as response:
        for line in response.iter_lines():
            if line:
                yield json.loads(line.removeprefix(b"data: "))


GUIDE = {
    "section 4": {
        "target": "gemini",
        "skip_cache": True,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": "Tell me about Python."},
        ],
    },
    "section 5": {
        "target": "gemini",
        "skip_cache": True,
        "system_prompt": "You are a helpful assistant.",
        "user_prompt": "Tell me about Python.",
    },
}


@pytest.mark.parametrize("request_body", GUIDE.values(), ids=GUIDE)
def test_the_guide_s_loop_reads_the_answer(luna, fake, request_body):
    fake.script(HAPPY)
    assert as_the_guide_reads(chunks_of(luna, request_body)) == ANSWER
    (asked,) = fake.requests()
    body = json.loads(asked["body"])
    assert body["systemInstruction"] == {"parts": [{"text": "You are a helpful assistant."}]}
    assert body["contents"] == [{"role": "user", "parts": [{"text": "Tell me about Python."}]}]


def test_the_guide_s_loop_reads_an_error(luna, fake):
    fake.script(steps(*TEXTS, {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}))
    said = as_the_guide_reads(chunks_of(luna, GUIDE["section 4"]))
    assert said.startswith(f"{ANSWER}Error: [L.U.N.A. LLM API] Gemini 스트리밍 중 오류 발생: ")
    assert "overloaded" in said


CONVERSATION = [
    {"role": "system", "content": "가"},
    {"role": "user", "content": "하나"},
    {"role": "user", "content": "둘"},
    {"role": "assistant", "content": "셋"},
    {"role": "developer", "content": "나"},
    {"role": "user", "content": "넷"},
]
SAMPLED = {"messages": CONVERSATION, "temperature": 0.25, "top_p": 0.5, "max_tokens": 9, "stop": ["끝"], "seed": 7}


@whole
def test_a_conversation_reaches_gemini_in_its_own_form(fake, ask, way):
    fake.script(HAPPY)
    assert ask(WHOLE[way], SAMPLED | {"target": "gemini"}).text == ANSWER
    body = json.loads(fake.requests()[0]["body"])
    assert body == {
        "systemInstruction": {"parts": [{"text": "가\n\n나"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "하나\n\n둘"}]},
            {"role": "model", "parts": [{"text": "셋"}]},
            {"role": "user", "parts": [{"text": "넷"}]},
        ],
        "generationConfig": {
            "temperature": 0.25,
            "topP": 0.5,
            "maxOutputTokens": 9,
            "stopSequences": ["끝"],
            "seed": 7,
            "thinkingConfig": {"thinkingBudget": 0},
        },
    }


@streams
def test_a_conversation_reaches_an_openai_style_server_in_its_own_form(fake, ask, way):
    fake.script(HAPPY)
    assert ask(STREAMS[way], SAMPLED | {"target": "openai"}).text == ANSWER
    body = json.loads(fake.requests()[0]["body"])
    assert body == {
        "model": "Luna",
        "messages": [
            {"role": "system", "content": "가\n\n나"},
            {"role": "user", "content": "하나\n\n둘"},
            {"role": "assistant", "content": "셋"},
            {"role": "user", "content": "넷"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.25,
        "top_p": 0.5,
        "max_tokens": 9,
        "stop": ["끝"],
        "seed": 7,
    }


@whole
@apis
def test_without_more_the_target_is_asked_as_it_is_configured(fake, ask, way, api):
    fake.script(HAPPY)
    ask(WHOLE[way], {"target": api})
    body = json.loads(fake.requests()[0]["body"])
    if api == "gemini":
        assert set(body) == {"contents", "generationConfig"}  # and no persona
        assert body["generationConfig"]["maxOutputTokens"] == 1024
    else:
        assert len(body["messages"]) == 1
        assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.85, 0.95, 1024)


def test_a_model_that_is_named_is_the_one_that_is_asked(fake, ask):
    fake.script(HAPPY)
    answer = ask(WHOLE["generate"], {"target": "gemini", "model": "a/../b c"})
    assert answer.models == ["a/../b c"]
    (asked,) = fake.requests()
    assert asked["path"] == "/v1beta/models/a%2f..%2fb%20c:generateContent"
    assert "thinkingConfig" not in json.loads(asked["body"])["generationConfig"]


def test_no_other_model_stands_in_for_the_one_that_is_named(falling, fake, ask):
    refusal = {"status": 404, "body": {"error": {"code": 404, "message": "no such model"}}}
    fake.script(refusal)
    answer = ask(STREAMS["grpc"], {"target": "gemini", "model": "gone"}, falling)
    assert answer.code == "UPSTREAM_REJECTED"
    assert "the request names the model" in answer.message
    fake.script({"status": 503, "body": "no"})
    answer = ask(STREAMS["grpc"], {"target": "gemini", "model": "gone"}, falling)
    assert answer.code == "UPSTREAM_UNAVAILABLE"
    assert [request["body"].count("Spare") for request in fake.requests()] == [0, 0]


@streams
def test_the_next_target_is_asked_before_the_first_text_and_named(falling, fake, ask, way):
    fake.script([{"status": 503, "body": "no"}, HAPPY])
    answer = ask(STREAMS[way], {"target": "gemini"}, falling)
    assert answer.text == ANSWER
    assert set(answer.models) == {"Spare"}


def test_the_next_target_stands_in_for_the_configured_model_that_is_named(falling, fake, ask):
    fake.script([{"status": 503, "body": "no"}, HAPPY])
    answer = ask(STREAMS["grpc"], {"target": "gemini", "model": "gemini-2.5-flash"}, falling)
    assert answer.text == ANSWER
    assert set(answer.models) == {"Spare"}


@streams
def test_it_is_tried_again_before_the_first_text(stubborn, fake, ask, way):
    fake.script([{"status": 503, "body": "no"}, {"status": 503, "body": "no"}, HAPPY])
    assert ask(STREAMS[way], {"target": "openai"}, stubborn).text == ANSWER
    assert fake.state()["seen"] == 3


@whole
def test_the_model_of_a_target_names_it_too(fake, ask, way):
    fake.script(HAPPY)
    assert ask(WHOLE[way], {"target": "Spare"}).models == ["Spare"]
    assert ask(WHOLE[way], {"target": "gemini-2.5-flash"}).text == ANSWER


@whole
def test_an_unknown_target_is_not_found(fake, ask, way):
    answer = ask(WHOLE[way], {"target": "gpt-4o"})
    assert answer.status == ("NOT_FOUND" if way == "grpc" else 404)
    assert answer.code == ("model_not_found" if way == "chat" else "UNKNOWN_TARGET")
    assert "gpt-4o" in answer.message and "gemini" in answer.message
    assert fake.state()["seen"] == 0


@streams
def test_a_target_without_streams_refuses_them(fake, ask, way):
    answer = ask(STREAMS[way], {"target": "still"})
    assert answer.code == "STREAMING_DISABLED"
    assert "POST /generate" in answer.message
    fake.script(HAPPY)
    assert ask(WHOLE[way], {"target": "still"}).text == ANSWER


@whole
def test_what_is_wrong_is_named(fake, ask, way):
    for change, field in (
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop": ["", "a"]}, "stop[0]"),
        ({"input": " "}, "messages" if way == "chat" else "input"),
    ):
        answer = ask(WHOLE[way], change)
        assert answer.status == ("INVALID_ARGUMENT" if way == "grpc" else 400)
        assert answer.message.startswith(field + ": "), answer.message
    assert fake.state()["seen"] == 0


@whole
def test_a_prompt_may_be_as_long_as_a_request(fake, ask, way):
    fake.script(HAPPY)
    assert ask(WHOLE[way], {"input": "a" * (250 << 10)}).text == ANSWER
    answer = ask(WHOLE[way], {"input": "a" * (257 << 10)})
    assert answer.status == ("INVALID_ARGUMENT" if way == "grpc" else 413)
    assert answer.code == ("context_length_exceeded" if way == "chat" else "INPUT_TOO_LARGE")


@streams
@apis
def test_a_caller_that_leaves_in_mid_stream_stops_the_upstream(luna, fake, generation, stubs, way, api):
    fake.script(MIDDLE)
    leave(luna, generation, stubs, way, api, started=True)
    (asked,) = fake.wait(cancelled=1, open=0)["requests"]
    assert (asked["outcome"], asked["step"]) == ("cancelled", 1)


@streams
@apis
def test_a_caller_that_leaves_before_the_first_token_stops_the_upstream(luna, fake, generation, stubs, way, api):
    fake.script(BEFORE)
    leave(luna, generation, stubs, way, api, started=False, when=lambda: fake.wait(waiting=1))
    (asked,) = fake.wait(cancelled=1, open=0)["requests"]
    assert (asked["outcome"], asked["step"]) == ("cancelled", 0)


def leave(luna, generation, stubs, way, api, started, when=lambda: None):
    """Asks by one of STREAMS, and leaves after the first chunk, or before it."""
    if way == "grpc":
        request = stubs.generation_messages.GenerateStreamRequest(input="안녕", target=api, skip_cache=True)
        call = generation(luna).GenerateStream(request, timeout=60)
        if started:
            next(call)
        when()
        call.cancel()
        return
    path = "/generate/stream" if way == "generate" else "/v1/chat/completions"
    body = {"input": "안녕", "target": api, "skip_cache": True}
    if way == "chat":
        body = as_chat(body) | {"stream": True}
    raw = HttpCaller(luna, path, body)
    if started:
        raw.wait_for(b"content")
    when()
    raw.leave()


@whole
def test_leaving_a_whole_answer_stops_the_upstream(luna, fake, generation, stubs, way):
    fake.script(BEFORE)
    if way == "grpc":
        request = stubs.generation_messages.GenerateRequest(**HELLO)
        call = generation(luna).Generate.future(request, timeout=60)
        fake.wait(waiting=1)
        call.cancel()
    else:
        body = as_chat(HELLO) if way == "chat" else HELLO
        raw = HttpCaller(luna, "/generate" if way == "generate" else "/v1/chat/completions", body)
        fake.wait(waiting=1)
        raw.leave()
    (asked,) = fake.wait(cancelled=1, open=0)["requests"]
    assert (asked["outcome"], asked["step"]) == ("cancelled", 0)


@streams
@pytest.mark.parametrize("script, text", ((BEFORE, ""), (MIDDLE, "하나 둘")), ids=("before", "in mid-stream"))
def test_the_caller_s_deadline_ends_it_and_the_upstream(fake, ask, way, script, text):
    fake.script(script)
    more = {"timeout": 1} if way == "grpc" else {"Grpc-Timeout": "1S"}
    answer = ask(STREAMS[way], {}, **more)
    assert answer.ends == 1
    assert answer.text.startswith(text)
    assert answer.finish is None
    if way == "grpc":
        assert answer.status == "DEADLINE_EXCEEDED"
    else:
        assert answer.status == (200 if text else 504)
        assert "deadline" in answer.message
    fake.wait(cancelled=1, open=0)


@pytest.fixture
def in_the_middle(fake, ask):
    """Runs a stream that stands in its middle; gives what will be its answer."""
    with ThreadPoolExecutor(1) as thread:

        def run(way, server):
            fake.script(MIDDLE)
            begun = threading.Event()
            answer = thread.submit(ask, STREAMS[way], {}, server, on_chunk=begun.set)
            assert begun.wait(30)
            fake.wait(waiting=1)
            return answer

        yield run


@streams
def test_a_server_that_stops_lets_nobody_in_and_the_others_end(start, fake, ask, in_the_middle, way):
    server = start()
    answer = in_the_middle(way, server)
    server.send()
    while requests.get(f"{server.url}/health", timeout=30).status_code == 200:
        pass
    refused = ask(WHOLE[way], {}, server)
    assert refused.code == "SHUTTING_DOWN"
    assert refused.status == ("UNAVAILABLE" if way == "grpc" else 503)
    if way != "grpc":
        assert int(refused.headers["Retry-After"]) > 0
    fake.step()
    assert answer.result(30).text == "하나 둘 셋 넷"
    assert server.exit_code() == 0


@streams
def test_what_still_runs_after_the_drain_time_is_told(start, fake, in_the_middle, way):
    server = start(server="{drain_ms: 200}")
    answer = in_the_middle(way, server)
    server.send()
    ended = answer.result(30)
    assert ended.ends == 1
    assert ended.finish is None
    assert ended.code == (None if way == "generate" else "SHUTTING_DOWN")
    assert "stopping" in ended.message
    assert server.exit_code() == 1
    assert "code=SHUTTING_DOWN stage=stream" in server.stderr()
    fake.wait(cancelled=1, open=0)


@streams
def test_one_too_many_is_told_when_to_come_back(start, fake, ask, in_the_middle, way):
    server = start(server="{max_streams: 1}")
    answer = in_the_middle(way, server)
    for refused in (ask(WHOLE[way], {}, server), ask(STREAMS[way], {}, server)):
        assert refused.code == ("rate_limit_exceeded" if way == "chat" else "OVERLOADED")
        assert refused.status == ("RESOURCE_EXHAUSTED" if way == "grpc" else 429)
        if way != "grpc":
            assert int(refused.headers["Retry-After"]) > 0
    fake.step()
    assert answer.result(30).text == "하나 둘 셋 넷"


def test_the_log_says_how_it_ended_and_nothing_that_was_said(start, fake):
    server = start()
    fake.script([HAPPY, steps(*TEXTS, {"error": {"code": 503, "message": "the secret", "status": "X"}})])
    for _ in range(2):
        post(server, "/generate/stream", HELLO | {"input": "비밀이야"}, **{"X-Request-Id": "mine"})
    post(server, "/generate", {"input": "비밀이야", "target": "nobody"})
    said = server.stderr()
    counted = server.metrics()
    (good,) = [line for line in said.splitlines() if "id=mine transport=http code=OK stage= target=gemini" in line]
    assert f"events=4 bytes={len(ANSWER.encode())} first_chunk_ms=" in good
    assert "code=UPSTREAM_UNAVAILABLE stage=stream target=gemini" in said
    assert "Gemini 스트리밍 중 오류 발생: " in said
    assert "code=UNKNOWN_TARGET stage=request target=" in said
    for word in ("비밀", "the secret", "인공지능"):
        assert word not in said
    assert counted['luna_requests_total{code="OK",stage="",transport="http"}'] == 1
    assert counted['luna_requests_total{code="UPSTREAM_UNAVAILABLE",stage="stream",transport="http"}'] == 1
    assert counted["luna_first_chunk_seconds_count"] == 2


def test_nothing_is_remembered(luna, fake):
    fake.script(HAPPY)
    for path in ("/generate", "/generate/stream"):
        assert post(luna, path, HELLO | {"user_id": "nobody-else"}).status_code == 200
    stats = requests.get(f"{luna.url}/memory/stats", params={"user_id": "nobody-else"}, timeout=60)
    assert stats.json()["total_conversations"] == 0


def test_the_original_s_request_and_answer(luna, fake):
    fake.script(HAPPY)
    request = {"input": "안녕하세요", "temperature": 0.85, "max_tokens": 64}
    answer = post(luna, "/generate", request)
    assert answer.json()["content"] == ANSWER
    assert json.loads(fake.requests()[0]["body"])["generationConfig"]["maxOutputTokens"] == 64


def ask_twice(ask, way, first=None, second=None):
    """What is asked through the cache, twice."""
    return [ask(way, {"skip_cache": False} | (change or {})) for change in (first, second)]


def own_words():
    """A question that no other test asks."""
    return {"input": f"무엇이 새로운가요? {uuid.uuid4()}"}


@streams
def test_the_same_again_comes_from_the_cache_at_once_and_whole(fake, ask, way):
    fake.script([HAPPY])
    words = own_words()
    first, again = ask_twice(ask, STREAMS[way], words, words)
    assert len(first.chunks) > 1
    assert again.chunks == [ANSWER]
    assert (again.finish, again.ends) == ("stop", 1)
    assert set(again.models) == set(first.models)
    assert again.usage == first.usage
    assert fake.state()["seen"] == 1


def test_all_ways_share_the_cache(fake, ask):
    fake.script([HAPPY])
    words = own_words()
    for play in (*STREAMS.values(), *WHOLE.values()):
        assert ask(play, words | {"skip_cache": False}).text == ANSWER
    assert fake.state()["seen"] == 1


@pytest.mark.parametrize(
    "change",
    (
        {"user_id": "somebody-else"},
        {"target": "openai"},
        {"model": "another"},
        {"temperature": 0.1},
        {"top_p": 0.1},
        {"max_tokens": 10},
        {"stop": ["x"]},
        {"seed": 1},
        {"system_prompt": "Be short."},
        {"skip_cache": True},
    ),
    ids=lambda change: next(iter(change)),
)
def test_whatever_may_change_the_answer_is_asked_anew(fake, ask, change):
    fake.script(HAPPY)
    words = own_words()
    ask_twice(ask, WHOLE["grpc"], words, words | change)
    assert fake.state()["seen"] == 2


def test_white_space_and_earlier_turns_may_change_the_answer(fake, ask):
    fake.script(HAPPY)
    words = own_words()["input"]
    for content in (words, words + "\n", f" {words}"):
        ask(WHOLE["chat"], {"messages": [{"role": "user", "content": content}], "skip_cache": False})
    before = [{"role": "user", "content": "하나"}, {"role": "assistant", "content": "둘"}]
    ask(WHOLE["chat"], {"messages": [*before, {"role": "user", "content": words}], "skip_cache": False})
    assert fake.state()["seen"] == 4


def test_what_skips_the_cache_is_not_kept(fake, ask):
    fake.script(HAPPY)
    words = own_words()
    ask_twice(ask, WHOLE["generate"], words | {"skip_cache": True}, words)
    assert fake.state()["seen"] == 2


@pytest.mark.parametrize(
    "script",
    (steps(*TEXTS, {"finish": "MAX_TOKENS"}, {"done": True}), steps(*TEXTS, {"finish": "SAFETY"})),
    ids=("cut", "blocked"),
)
def test_only_a_whole_answer_is_kept(fake, ask, script):
    fake.script([script, HAPPY])
    words = own_words()
    first, again = ask_twice(ask, STREAMS["grpc"], words, words)
    assert first.finish != "stop"
    assert (again.finish, again.text) == ("stop", ANSWER)


def test_what_another_target_said_is_not_kept(falling, fake, ask):
    fake.script([{"status": 503, "body": "no"}, HAPPY, HAPPY])
    words = own_words() | {"skip_cache": False}
    assert set(ask(STREAMS["grpc"], words, falling).models) == {"Spare"}
    assert set(ask(STREAMS["grpc"], words, falling).models) == {"gemini-2.5-flash"}


def test_a_cached_answer_says_so(luna, fake):
    fake.script([HAPPY])
    words = own_words()
    told = [post(luna, "/generate", words).json()["cached"] for _ in range(2)]
    assert told == [False, True]
