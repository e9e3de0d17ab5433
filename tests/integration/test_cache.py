"""Answers that are given again: what hits and what does not, and CacheService."""

import itertools
import json
import subprocess

import grpc
import pytest
import requests
from google.protobuf.json_format import MessageToDict

from callers import HttpCaller
from processes import LunaServer
from test_memory import conversations, files_of, get, reason
from transports import TRANSPORTS

END = [{"finish": "STOP"}, {"done": True}]
ANSWER = "인공지능의 미래는 매우 밝습니다."
FEATURES = {"emotion": False, "translation": False}

transports = pytest.mark.parametrize("transport", TRANSPORTS)


@pytest.fixture
def user(request, counter=itertools.count()):
    """A user that no other test knows."""
    return f"{request.node.name[:80]}-{next(counter)}"


@pytest.fixture
def say(stub_for, stubs, fake):
    """One request over the transport; resumes with its events. The model would say `answer`."""

    def run(server, user, text="질문", answer=ANSWER, transport="sse", session="s1", target="gemini", **features):
        fake.script({"steps": [{"text": answer}, *END]})
        request = {"input": text, "user_id": user, "session_id": session, "target": target}
        request["features"] = FEATURES | features
        return TRANSPORTS[transport](server, stub_for(server), stubs.messages, request, lambda event: None)

    return run


def answer(server, user, text="질문", session="s1", target="gemini", **features):
    """The same by POST /interact."""
    request = {"input": text, "user_id": user, "session_id": session, "target": target}
    response = requests.post(f"{server.url}/interact", json=request | {"features": FEATURES | features}, timeout=60)
    assert response.status_code == 200, response.text
    return response.json()


def cache(server, method, path, **query):
    response = requests.request(method, f"{server.url}/cache/{path}", params=query, timeout=60)
    assert response.status_code == 200, response.text
    return response.json()


def stats(server, user):
    return cache(server, "GET", "stats", user_id=user)


def curl(server, *body):
    """The guide's, to the letter; gives its frames."""
    command = ["curl", "-sS", "-X", "POST", f"{server.url}/interact/stream", "-H", "Content-Type: application/json"]
    done = subprocess.run([*command, "-d", *body], capture_output=True, check=True, timeout=60)
    frames = done.stdout.decode().removesuffix("\n\n").split("\n\n")
    return [json.loads(frame.removeprefix("data: ")) for frame in frames]


# --- what hits --------------------------------------------------------------------------------------------------------


def test_the_guides_curl_twice(start, fake):
    luna = start()
    fake.script({"steps": [{"text": "인공지능의 미"}, {"text": "래는 매우"}, {"text": " 밝습니다."}, *END]})
    body = '{"input": "인공지능의 미래에 대해 설명해주세요."}'
    emotion, *words, complete = curl(luna, body)
    assert [word["data"] for word in words] == ["인공지능의", " 미래는", " 매우", " 밝습니다."]
    again = curl(luna, body)
    assert again == [emotion, {"type": "llm_chunk", "data": ANSWER}, complete]
    assert complete == {"type": "complete", "data": ANSWER}
    assert fake.state()["seen"] == 1


@transports
@pytest.mark.parametrize("target", ["gemini", "openai"])
def test_the_same_again_is_answered_at_once(luna, fake, say, user, transport, target):
    first = say(luna, user, transport=transport, target=target).last()
    assert first["cached"] is False
    for text in ("질문", "  질문\n", "\u110c\u1175\u11af\u1106\u116e\u11ab"):
        outcome = say(luna, user, text, "딴소리", transport, target=target)
        again = outcome.last()
        assert outcome.chunks() == [ANSWER]
        assert [event["sequence"] for event in outcome.events] == [1, 2]
        kept = ("data", "finish_reason", "usage", "model", "target")
        assert [again[name] for name in kept] == [first[name] for name in kept]
        assert (again["cached"], again["remembered"]) == (True, True)
    assert fake.state()["seen"] == 1
    turns = conversations(luna, user)
    assert [(turn["assistant_message"], turn["cached"]) for turn in turns] == [(ANSWER, True)] * 3 + [(ANSWER, False)]
    assert get(luna, "stats", user_id=user).json()["cache_hit_rate"] == 0.75


def test_every_way_to_ask_reads_and_writes_the_same_cache(luna, fake, say, user):
    say(luna, user)
    hit = answer(luna, user)
    assert (hit["text"], hit["cached"], hit["remembered"]) == (ANSWER, True, True)
    other = answer(luna, user, "다른 질문")
    assert other["cached"] is False
    assert say(luna, user, "다른 질문", transport="grpc").last()["cached"] is True
    assert fake.state()["seen"] == 2


def test_after_something_else_it_is_asked_anew(luna, fake, say, user):
    for text, cached in (("질문", False), ("다른 말", False), ("질문", False), ("질문", True)):
        assert say(luna, user, text).last()["cached"] is cached, text
    assert fake.state()["seen"] == 3


def test_in_a_long_session_too(luna, fake, say, user):
    """Longer than the context: the oldest turn that the first was told of is out of it the second time."""
    for number in range(8):
        say(luna, user, f"말 {number}")
    assert [say(luna, user).last()["cached"] for _ in range(3)] == [False, True, True]
    assert fake.state()["seen"] == 9


def test_a_summary_that_is_made_meanwhile_changes_nothing(start, fake, say):
    luna = start()
    say(luna, "u", "하나")
    assert say(luna, "u").last()["cached"] is False
    fake.script({"steps": [{"text": "요약"}, *END]})
    request = {"user_id": "u", "session_id": "s1"}
    made = requests.post(f"{luna.url}/memory/summarize", json=request, timeout=60).json()
    assert made["status"] == "success"
    assert say(luna, "u").last()["cached"] is True
    assert say(luna, "u", "둘").last()["cached"] is False


def test_another_session_with_the_same_past_hits(luna, fake, say, user):
    """The model would be asked the very same."""
    say(luna, user, session="s1")
    assert say(luna, user, session="s2").last()["cached"] is True
    say(luna, user, "하나", session="s3")
    assert say(luna, user, session="s3").last()["cached"] is False
    assert say(luna, user, session="s4", memory=False).last()["cached"] is True
    assert fake.state()["seen"] == 3


def test_another_user_target_and_letter_case_miss(luna, fake, say, user):
    say(luna, user, "Hello")
    for other in (user + "x", user.upper(), "", "default"):
        assert say(luna, other, "Hello", session=user).last()["cached"] is (other == "default"), other
    assert say(luna, user, "Hello", session="t", target="openai").last()["cached"] is False
    assert say(luna, user, "hello", session="u").last()["cached"] is False


@pytest.mark.parametrize(
    "change",
    [{"temperature": 0.86}, {"persona": "너는 해나야."}, {"cache": "{max_size: 0}"}],
    ids=["temperature", "prompt", "switched off"],
)
def test_another_configuration_misses(configure, fake, say, change):
    data = configure().parent / "data"
    for changes, cached in (({}, False), ({}, True), (change, False), ({}, True)):
        persona = changes.get("persona")
        file = configure(data=data, **{name: value for name, value in changes.items() if name != "persona"})
        if persona:
            (file.parent / "persona.txt").write_text(persona)
        luna = LunaServer(file)
        assert say(luna, "u", memory=False).last()["cached"] is cached
        luna.stop()


def test_words_are_replayed_where_configured(start, fake, say):
    luna = start(cache="{replay: words}")
    first = say(luna, "u")
    again = say(luna, "u")
    assert again.last()["cached"] is True
    assert again.chunks() == first.chunks() == ["인공지능의", " 미래는", " 매우", " 밝습니다."]
    assert fake.state()["seen"] == 1


def test_without_the_feature_it_is_neither_read_nor_written(luna, fake, say, user):
    for cache_on, cached in ((False, False), (True, False), (False, False), (True, True)):
        outcome = say(luna, user, cache=cache_on)
        assert outcome.last()["cached"] is cached
    assert (stats(luna, user)["hits"], stats(luna, user)["misses"], stats(luna, user)["saves"]) == (1, 1, 1)
    assert fake.state()["seen"] == 3


# --- what is not kept -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        {"status": 503, "body": "busy"},
        {"steps": [{"text": "반쪽"}, {"finish": "MAX_TOKENS"}, {"done": True}]},
        {"steps": [{"text": "반쪽"}, {"finish": "SAFETY"}, {"done": True}]},
        {"steps": [{"text": "반쪽"}, {"end": "close"}]},
        {"steps": [{"text": "반쪽"}, {"end": "reset"}]},
    ],
    ids=["error", "MAX_TOKENS", "blocked", "closed", "reset"],
)
@pytest.mark.parametrize("path", ["/interact", "/interact/stream"])
def test_only_a_whole_answer_is_kept(luna, fake, say, user, script, path):
    request = {"input": "질문", "user_id": user, "session_id": "s1", "target": "gemini", "features": FEATURES}
    for _ in range(2):
        fake.script(script)
        requests.post(luna.url + path, json=request, timeout=60)
    assert fake.state()["seen"] == 2
    assert (stats(luna, user)["saves"], stats(luna, user)["total_cached"]) == (0, 0)
    assert say(luna, user).last()["cached"] is False


def test_of_a_client_that_leaves_nothing_is_kept(luna, fake, say, user):
    fake.script({"steps": [{"text": "하나 둘 셋"}, {"await": "step"}, {"text": " 넷"}, *END]})
    request = {"input": "질문", "user_id": user, "session_id": "s1", "target": "gemini", "features": FEATURES}
    caller = HttpCaller(luna, "/interact/stream", request)
    caller.wait_for_a_chunk()
    caller.leave()
    fake.wait(cancelled=1, open=0)
    luna.wait_until_nothing_is_open()
    assert stats(luna, user)["saves"] == 0
    assert say(luna, user).last()["cached"] is False


def test_an_answer_of_a_fallback_is_not_kept(start, fake, say):
    luna = start(fallback="[spare]")
    for _ in range(2):
        assert say(luna, "u", target="gemini_gone").last()["target"] == "spare"
    assert fake.state()["seen"] == 2
    assert stats(luna, "u")["saves"] == 0


# --- what is deleted --------------------------------------------------------------------------------------------------


def test_what_is_deleted_is_gone_from_the_cache_and_the_files(start, fake, say):
    luna = start()
    say(luna, "other", answer="다른 답")
    words = [b"tigerfoxbear", b"secretuser"]
    for ways in ("conversations/{id}", "clear?confirm=true", "clear?confirm=true&session_id=s1"):
        say(luna, "secretuser", "하나", "tigerfoxbear")
        say(luna, "secretuser", answer="tigerfoxbear")
        assert say(luna, "secretuser").last()["cached"] is True
        assert all(word in files_of(luna) for word in words)
        while turns := conversations(luna, "secretuser"):
            path = ways.format(id=turns[-1]["id"])
            gone = requests.delete(f"{luna.url}/memory/{path}", params={"user_id": "secretuser"}, timeout=60)
            assert gone.status_code == 200
            assert stats(luna, "secretuser")["total_cached"] == 0
        assert not any(word in files_of(luna) for word in words), ways
    seen = fake.state()["seen"]
    assert say(luna, "other").last()["cached"] is True
    assert fake.state()["seen"] == seen


def test_the_turn_of_a_hit_is_deleted_with_the_answer(luna, fake, say, user):
    """The first was asked without memory: only the second left a turn."""
    say(luna, user, memory=False)
    assert say(luna, user).last()["cached"] is True
    (turn,) = conversations(luna, user)
    requests.delete(f"{luna.url}/memory/conversations/{turn['id']}", params={"user_id": user}, timeout=60)
    assert say(luna, user).last()["cached"] is False


def test_an_answer_under_way_is_not_kept_where_its_past_is_deleted(luna, fake, say, user):
    say(luna, user, "하나")
    fake.script({"steps": [{"await": "step"}, {"text": ANSWER}, *END]})
    request = {"input": "질문", "user_id": user, "session_id": "s1", "target": "gemini", "features": FEATURES}
    caller = HttpCaller(luna, "/interact/stream", request)
    fake.wait(waiting=1)
    (turn,) = conversations(luna, user)
    requests.delete(f"{luna.url}/memory/conversations/{turn['id']}", params={"user_id": user}, timeout=60)
    fake.step()
    caller.wait_for_a_chunk()
    luna.wait_until_nothing_is_open()
    caller.leave()
    assert [turn["user_message"] for turn in conversations(luna, user)] == ["질문"]
    assert stats(luna, user)["total_cached"] == 0


# --- CacheService -----------------------------------------------------------------------------------------------------


def test_stats_cleanup_and_clear(luna, say, user):
    assert stats(luna, user) == {
        "hits": 0,
        "misses": 0,
        "saves": 0,
        "hit_rate": "0.0%",
        "total_cached": 0,
        "max_size": 100,
        "ttl_seconds": 3600,
    }
    for _ in range(3):
        say(luna, user)
    seen = stats(luna, user)
    assert (seen["hits"], seen["misses"], seen["saves"], seen["hit_rate"], seen["total_cached"]) == (2, 1, 1, "66.7%", 1)
    assert cache(luna, "POST", "cleanup", user_id=user) == {
        "status": "success",
        "removed": 0,
        "message": "오래된 캐시 답변 0개를 삭제했습니다.",
    }
    assert cache(luna, "DELETE", "clear", user_id=user, language="en") == {
        "status": "success",
        "removed": 1,
        "message": "1 cached answers are deleted",
    }
    assert stats(luna, user)["hit_rate"] == "0.0%"
    assert say(luna, user).last()["cached"] is False


def test_a_short_life_ends(start, say):
    luna = start(cache="{ttl_seconds: 1}")
    say(luna, "u")
    removed = 0
    while removed == 0:  # within a second or so
        removed = cache(luna, "POST", "cleanup", user_id="u")["removed"]
    assert removed == 1
    assert say(luna, "u").last()["cached"] is False


def test_metrics_count(start, say):
    luna = start()
    for _ in range(3):
        say(luna, "u")
    say(luna, "u", cache=False)
    seen = luna.metrics()
    assert (seen["luna_cache_hits_total"], seen["luna_cache_misses_total"]) == (2, 1)


@pytest.mark.parametrize(("method", "path"), [("GET", "stats"), ("POST", "cleanup"), ("DELETE", "clear")])
@pytest.mark.parametrize(
    ("query", "word"), [({"user_id": "x" * 129}, "user_id"), ({"language": "de"}, "language"), ({"colour": "red"}, "colour")]
)
def test_bad_requests_name_the_field(luna, method, path, query, word):
    refused = requests.request(method, f"{luna.url}/cache/{path}", params=query, timeout=60)
    assert reason(refused) == "INVALID_INPUT"
    assert word in refused.json()["message"]


def test_no_route_and_no_rpc_shows_or_takes_what_is_anothers(luna, fake, say, user, stubs):
    say(luna, user)
    messages = stubs.cache_messages
    with grpc.insecure_channel(luna.grpc) as channel:
        stub = stubs.cache_services.CacheServiceStub(channel)
        for other in (user + "x", user.upper() + "%", "%", "u1"):
            assert stats(luna, other)["total_cached"] == 0
            assert cache(luna, "POST", "cleanup", user_id=other)["removed"] == 0
            assert cache(luna, "DELETE", "clear", user_id=other)["removed"] == 0
            assert stub.GetCacheStats(messages.GetCacheStatsRequest(user_id=other)).total_cached == 0
            assert stub.CleanUpCache(messages.CleanUpCacheRequest(user_id=other)).removed == 0
            assert stub.ClearCache(messages.ClearCacheRequest(user_id=other)).removed == 0
            clear = {"user_id": other, "confirm": "true"}
            assert requests.delete(f"{luna.url}/memory/clear", params=clear, timeout=60).status_code == 200
        mine = stub.GetCacheStats(messages.GetCacheStatsRequest(user_id=user))
        as_json = MessageToDict(mine, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        assert as_json == stats(luna, user)
        assert mine.total_cached == 1
        assert say(luna, user).last()["cached"] is True
        assert stub.ClearCache(messages.ClearCacheRequest(user_id=user)).removed == 1
    assert say(luna, user).last()["cached"] is False


# --- what outlives the server -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_cache_outlives_the_server(configure, fake, say, end):
    file = configure()
    first = LunaServer(file)
    say(first, "u")
    getattr(first, end)()
    second = LunaServer(file)
    assert say(second, "u").last()["cached"] is True
    assert stats(second, "u")["total_cached"] == 1
    second.stop()
    assert fake.state()["seen"] == 1
