"""The conversation so far: what the model is told of it, and MemoryService."""

import contextlib
import itertools
import json
import resource
import sqlite3
import subprocess
import threading
import time

import grpc
import pytest
import requests
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.timestamp_pb2 import Timestamp

from processes import SERVER, LunaServer
from transports import TRANSPORTS

END = [{"finish": "STOP"}, {"done": True}]
MEMORY_ONLY = {"emotion": False, "translation": False, "cache": False}

transports = pytest.mark.parametrize("transport", TRANSPORTS)


def answering(text):
    return {"steps": [{"text": text}, *END]}


@pytest.fixture
def user(request, counter=itertools.count()):
    """A user that no other test knows."""
    return f"{request.node.name[:80]}-{next(counter)}"


@pytest.fixture
def say(stub_for, stubs, fake):
    """One request over the transport; resumes with its events."""

    def run(server, user, text, answer="네", transport="sse", session="s1", target="gemini", **features):
        fake.script(answering(answer))
        request = {"input": text, "user_id": user, "session_id": session, "target": target}
        request["features"] = MEMORY_ONLY | features
        return TRANSPORTS[transport](server, stub_for(server), stubs.messages, request, lambda event: None)

    return run


def told(fake):
    """What the model was told with the last request: (role, text) each."""
    body = json.loads(fake.requests()[-1]["body"])
    if "contents" in body:
        return [(turn["role"], turn["parts"][0]["text"]) for turn in body["contents"]]
    roles = {"user": "user", "assistant": "model"}
    return [(roles[turn["role"]], turn["content"]) for turn in body["messages"] if turn["role"] != "system"]


def get(server, path, **query):
    return requests.get(f"{server.url}/memory/{path}", params=query, timeout=60)


def conversations(server, user, **query):
    answer = get(server, "conversations", user_id=user, session_id="s1", **query)
    assert answer.status_code == 200, answer.text
    return answer.json()["conversations"]


def search(server, user, keyword, **more):
    answer = requests.post(
        f"{server.url}/memory/conversations/search", json={"user_id": user, "keyword": keyword} | more, timeout=60
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def reason(answer):
    return answer.json()["details"][0]["reason"]


def wait_for(condition):
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


# --- what the model is told -------------------------------------------------------------------------------------------


@transports
@pytest.mark.parametrize("target", ["gemini", "openai"])
def test_the_second_turn_of_a_session_tells_the_first(luna, fake, say, user, transport, target):
    first = say(luna, user, "내 이름은 민수야", "반가워요, 민수님!", transport, target=target)
    assert first.last()["remembered"] is True
    assert told(fake) == [("user", "내 이름은 민수야")]
    say(luna, user, "내 이름이 뭐야?", "민수님이요", transport, target=target)
    assert told(fake) == [
        ("user", "내 이름은 민수야"),
        ("model", "반가워요, 민수님!"),
        ("user", "내 이름이 뭐야?"),
    ]


def test_another_user_and_another_session_are_told_nothing(luna, fake, say, user):
    say(luna, user, "비밀이야", "알겠어요")
    for other, session in [(user + "x", "s1"), (user.upper(), "s1"), (user, "s2"), ("", "s1"), ("default", "s1")]:
        say(luna, other, "뭐라고 했지?", session=session)
        assert ("user", "비밀이야") not in told(fake), (other, session)


def test_a_request_without_memory_sees_nothing_and_leaves_nothing(luna, fake, say, user):
    say(luna, user, "하나")
    outcome = say(luna, user, "둘", memory=False)
    assert outcome.last()["remembered"] is False
    assert told(fake) == [("user", "둘")]
    say(luna, user, "셋")
    assert told(fake) == [("user", "하나"), ("model", "네"), ("user", "셋")]


def test_who_says_nothing_of_himself_is_default(start, fake):
    luna = start()
    fake.script(answering("네"))
    body = {"input": "안녕", "features": MEMORY_ONLY}
    assert requests.post(f"{luna.url}/interact", json=body, timeout=60).json()["remembered"] is True
    answer = get(luna, "conversations").json()
    assert [(turn["user_id"], turn["session_id"]) for turn in answer["conversations"]] == [("default", "default")]


def test_an_answer_that_failed_is_not_remembered(luna, fake, user):
    fake.script({"steps": [{"text": "반쪽"}, {"end": "close"}]})
    body = {"input": "안녕", "user_id": user, "session_id": "s1", "features": MEMORY_ONLY}
    assert requests.post(f"{luna.url}/interact", json=body | {"target": "gemini"}, timeout=60).status_code == 503
    assert conversations(luna, user) == []


def test_the_context_is_bounded(start, fake, say):
    luna = start(memory="{max_context_turns: 2}")
    for number in range(4):
        say(luna, "u", f"말 {number}")
    assert told(fake) == [("user", "말 1"), ("model", "네"), ("user", "말 2"), ("model", "네"), ("user", "말 3")]


def test_two_requests_of_a_session_at_once_are_both_kept(luna, fake, say, user):
    fake.script({"steps": [{"await": "step"}, {"text": "네"}, *END]})
    body = {"user_id": user, "session_id": "s1", "features": MEMORY_ONLY, "target": "gemini"}
    answers = []

    def ask(text):
        answer = requests.post(f"{luna.url}/interact", json=body | {"input": text}, timeout=60)
        answers.append((text, answer.json()))

    threads = [threading.Thread(target=ask, args=(text,)) for text in ("하나", "둘")]
    for thread in threads:
        thread.start()
    fake.wait(waiting=2)
    for ended in (1, 2):
        fake.step()
        wait_for(lambda count=ended: len(answers) == count)
    for thread in threads:
        thread.join()
    assert [answer["remembered"] for _, answer in answers] == [True, True]
    assert [turn["user_message"] for turn in conversations(luna, user)] == [text for text, _ in reversed(answers)]


TOO_LONG = {
    "gemini": {
        "status": 400,
        "body": {
            "error": {
                "code": 400,
                "status": "INVALID_ARGUMENT",
                "message": "The input token count (9000) exceeds the maximum number of tokens allowed (8192).",
            }
        },
    },
    "openai": {
        "status": 400,
        "body": {
            "error": {
                "code": 400,
                "type": "exceed_context_size_error",
                "message": "the request exceeds the available context size",
                "n_prompt_tokens": 9000,
                "n_ctx": 4096,
            }
        },
    },
}


@pytest.mark.parametrize("target", TOO_LONG)
def test_what_does_not_fit_the_model_is_asked_with_less_of_the_past(luna, fake, say, user, target):
    for text in ("하나", "둘", "셋"):
        say(luna, user, text, target=target)
    fake.reset()
    fake.script([TOO_LONG[target], answering("넷이군요")])
    body = {"input": "넷", "user_id": user, "session_id": "s1", "target": target, "features": MEMORY_ONLY}
    answer = requests.post(f"{luna.url}/interact", json=body, timeout=60)
    assert answer.json()["text"] == "넷이군요"
    assert len(fake.requests()) == 2
    assert told(fake) == [("user", "셋"), ("model", "네"), ("user", "넷")]


@pytest.mark.parametrize("target", TOO_LONG)
def test_an_input_too_long_by_itself_is_an_error(luna, fake, say, user, target):
    say(luna, user, "하나", target=target)
    fake.reset()
    fake.script(TOO_LONG[target])
    body = {"input": "둘", "user_id": user, "session_id": "s1", "target": target, "features": MEMORY_ONLY}
    answer = requests.post(f"{luna.url}/interact", json=body, timeout=60)
    assert (answer.status_code, reason(answer)) == (413, "INPUT_TOO_LARGE")
    assert told(fake) == [("user", "둘")]
    assert len(fake.requests()) == 2


# --- MemoryService ----------------------------------------------------------------------------------------------------


def test_a_turn_as_the_original_shows_it(luna, say, user):
    say(luna, user, "안녕", "안녕하세요!", emotion=True)
    (turn,) = conversations(luna, user)
    one = get(luna, f"conversations/{turn['id']}", user_id=user).json()
    assert one == turn
    assert one["user_message"] == "안녕"
    assert one["assistant_message"] == "안녕하세요!"
    assert (one["user_id"], one["session_id"]) == (user, "s1")
    assert one["emotion"]
    assert one["cached"] is False
    assert one["model"] == "fake-1"
    assert one["mode"] == "api"
    assert one["finish_reason"] == "STOP"
    assert 0 < one["processing_time"] < 60
    recent = get(luna, "recent", user_id=user).json()["recent_conversations"]
    assert recent == [
        {
            "timestamp": one["timestamp"],
            "user": "안녕",
            "assistant": "안녕하세요!",
            "metadata": {"emotion": one["emotion"], "mode": "api"},
        }
    ]


def test_lists_come_in_pages(luna, say, user):
    for text in ("하나", "둘", "셋"):
        say(luna, user, text)
    answer = get(luna, "conversations", user_id=user, session_id="s1", limit=2, offset=1).json()
    assert [turn["user_message"] for turn in answer["conversations"]] == ["둘", "하나"]
    assert (answer["count"], answer["limit"], answer["offset"]) == (2, 2, 1)
    recent = get(luna, "recent", user_id=user, count=1).json()["recent_conversations"]
    assert [turn["user"] for turn in recent] == ["셋"]


def test_search_marks_what_it_found(luna, say, user):
    say(luna, user, "오늘 날씨가 좋네", "산책하기 좋아요")
    say(luna, user, "배고파", "밥 먹어요")
    found = search(luna, user, "날씨")
    assert (found["total"], found["count"], found["limit"], found["offset"]) == (1, 1, 50, 0)
    assert found["results"][0]["snippet"] == [
        {"text": "오늘 ", "match": False},
        {"text": "날씨", "match": True},
        {"text": "가 좋네", "match": False},
    ]
    assert search(luna, user, "밥")["results"][0]["user_message"] == "배고파"
    assert search(luna, user, "눈")["results"] == []


def test_search_takes_the_query_as_the_original_does(luna, say, user):
    say(luna, user, "오늘 날씨가 좋네")
    found = requests.post(
        f"{luna.url}/memory/conversations/search", params={"keyword": "날씨", "user_id": user, "limit": 1}, timeout=60
    ).json()
    assert (found["total"], found["limit"]) == (1, 1)
    body_counts_alone = requests.post(
        f"{luna.url}/memory/conversations/search",
        params={"keyword": "날씨"},
        json={"user_id": user, "keyword": "눈"},
        timeout=60,
    ).json()
    assert body_counts_alone["total"] == 0


def test_sessions_and_stats(luna, say, user):
    say(luna, user, "하나", emotion=True)
    say(luna, user, "둘", session="s2", emotion=True)
    sessions = get(luna, "sessions", user_id=user).json()
    assert [(one["session_id"], one["conversations"], one["last_message"]) for one in sessions["sessions"]] == [
        ("s2", 1, "둘"),
        ("s1", 1, "하나"),
    ]
    stats = get(luna, "stats", user_id=user).json()
    assert (stats["total_conversations"], stats["unique_sessions"], stats["total_summaries"]) == (2, 2, 0)
    assert sum(stats["emotions_distribution"].values()) == 2
    assert list(stats["conversations_by_date"].values()) == [2]
    assert stats["first_conversation"] < stats["last_conversation"]


def test_one_turn_is_deleted_and_the_next_prompt_is_without_it(luna, fake, say, user):
    say(luna, user, "하나")
    say(luna, user, "둘")
    one = conversations(luna, user)[1]
    deleted = requests.delete(f"{luna.url}/memory/conversations/{one['id']}", params={"user_id": user}, timeout=60)
    assert (deleted.status_code, deleted.json()["status"]) == (200, "success")
    assert get(luna, f"conversations/{one['id']}", user_id=user).status_code == 404
    assert search(luna, user, "하나")["total"] == 0
    say(luna, user, "셋")
    assert told(fake) == [("user", "둘"), ("model", "네"), ("user", "셋")]


def test_clearing_needs_to_be_confirmed(luna, say, user):
    say(luna, user, "하나")
    say(luna, user, "둘", session="s2")
    url = f"{luna.url}/memory/clear"
    refused = requests.delete(url, params={"user_id": user}, timeout=60)
    assert refused.status_code == 400
    assert "confirm" in refused.json()["message"]
    assert len(conversations(luna, user)) == 1
    of_one_session = {"user_id": user, "session_id": "s1", "confirm": "true"}
    assert requests.delete(url, params=of_one_session, timeout=60).json() == {
        "status": "success",
        "deleted_conversations": 1,
    }
    rest = {"user_id": user, "confirm": "true"}
    assert requests.delete(url, params=rest, timeout=60).json()["deleted_conversations"] == 1
    assert get(luna, "stats", user_id=user).json()["total_conversations"] == 0


def files_of(server):
    """Every byte in the server's data directory."""
    return b"".join(file.read_bytes() for file in (server.config.parent / "data").iterdir())


def test_what_is_deleted_is_gone_from_the_files(start, say):
    luna = start()
    secret, answer = "내 비밀번호는 호랑이여우곰", "tigerfoxbear를 기억할게요"
    for number in range(20):
        say(luna, "other", f"다른 이야기 {number}")
    say(luna, "secretuser", secret, answer)
    words = [secret.encode(), answer.encode(), b"tigerfoxbear", b"secretuser"]
    assert all(word in files_of(luna) for word in words)
    (turn,) = conversations(luna, "secretuser")
    url = f"{luna.url}/memory/conversations/{turn['id']}"
    assert requests.delete(url, params={"user_id": "secretuser"}, timeout=60).status_code == 200
    assert not any(word in files_of(luna) for word in words)
    assert len(conversations(luna, "other")) == 20


@pytest.mark.parametrize(
    ("method", "path", "query", "word"),
    [
        ("GET", "conversations", {"limit": 0}, "limit"),
        ("GET", "conversations", {"limit": 1001}, "limit"),
        ("GET", "conversations", {"offset": -1}, "offset"),
        ("GET", "conversations", {"limit": "viele"}, "limit"),
        ("GET", "conversations", {"user_id": "x" * 129}, "user_id"),
        ("GET", "conversations", {"session_id": "x" * 129}, "session_id"),
        ("GET", "conversations", {"language": "de"}, "language"),
        ("GET", "conversations", {"colour": "red"}, "colour"),
        ("GET", "conversations/first", {}, "id"),
        ("GET", "recent", {"count": 0}, "count"),
        ("GET", "sessions", {"limit": 0}, "limit"),
        ("POST", "conversations/search", {"keyword": "x" * 1025}, "keyword"),
        ("POST", "conversations/search", {"since": "yesterday"}, "since"),
        ("DELETE", "conversations/first", {}, "id"),
        ("DELETE", "clear", {"confirm": "maybe"}, "confirm"),
    ],
)
def test_bad_requests_name_the_field(luna, method, path, query, word):
    answer = requests.request(method, f"{luna.url}/memory/{path}", params=query, timeout=60)
    assert (answer.status_code, reason(answer)) == (400, "INVALID_INPUT"), answer.text
    assert word in answer.json()["message"]


# --- nobody else's ----------------------------------------------------------------------------------------------------

# Every route, as another user calls it, and what he gets of it.
ROUTES = [
    ("GET", "recent", {}, lambda body: body == {"recent_conversations": []}),
    ("GET", "conversations", {"session_id": "s1"}, lambda body: body["conversations"] == []),
    ("GET", "conversations/{id}", {}, None),
    ("POST", "conversations/search", {"keyword": "비밀"}, lambda body: (body["results"], body["total"]) == ([], 0)),
    ("POST", "conversations/search", {"session_id": "s1"}, lambda body: (body["results"], body["total"]) == ([], 0)),
    ("DELETE", "conversations/{id}", {}, None),
    ("GET", "sessions", {}, lambda body: body["sessions"] == []),
    ("GET", "summaries", {}, lambda body: body["summaries"] == []),
    ("GET", "summary", {"session_id": "s1"}, lambda body: body == {"summary": ""}),
    ("POST", "summarize", {"session_id": "s1"}, lambda body: (body["status"], body["summary"]) == ("failed", "")),
    ("GET", "stats", {}, lambda body: body["total_conversations"] == 0),
    ("DELETE", "clear", {"confirm": "true"}, lambda body: body["deleted_conversations"] == 0),
]


@pytest.mark.parametrize(("method", "path", "query", "is_nothing"), ROUTES, ids=lambda value: str(value)[:30])
def test_no_route_shows_or_takes_what_is_anothers(luna, say, user, method, path, query, is_nothing):
    say(luna, user, "비밀 이야기")
    (turn,) = conversations(luna, user)
    url = f"{luna.url}/memory/{path.format(id=turn['id'])}"
    for other in (user + "x", user.upper() + "%", "", "default", "%", "u1"):
        answer = requests.request(method, url, params=query | {"user_id": other}, timeout=60)
        if is_nothing is None:
            never = url.replace(str(turn["id"]), "2000000000")
            missing = requests.request(method, never, params={"user_id": other}, timeout=60)
            assert answer.status_code == missing.status_code == 404
            assert answer.text.replace(str(turn["id"]), "2000000000") == missing.text
        elif other not in ("", "default"):  # where other tests have left something
            assert answer.status_code == 200
            assert is_nothing(answer.json()), answer.text
        assert "비밀" not in answer.text
    assert conversations(luna, user) == [turn]


def test_every_rpc_serves_what_its_route_does(luna, say, user, stubs):
    say(luna, user, "하나", "둘")
    (turn,) = conversations(luna, user)
    messages = stubs.memory_messages
    requests_by_rpc = {
        "ListRecent": ("GET", "recent", {"user_id": user}),
        "ListConversations": ("GET", "conversations", {"user_id": user, "session_id": "s1"}),
        "GetConversation": ("GET", f"conversations/{turn['id']}", {"user_id": user, "id": turn["id"]}),
        "SearchConversations": ("POST", "conversations/search", {"user_id": user, "keyword": "하나"}),
        "ListSessions": ("GET", "sessions", {"user_id": user}),
        "ListSummaries": ("GET", "summaries", {"user_id": user}),
        "GetSummary": ("GET", "summary", {"user_id": user, "session_id": "s1"}),
        "GetStats": ("GET", "stats", {"user_id": user}),
    }
    with grpc.insecure_channel(luna.grpc) as channel:
        stub = stubs.memory_services.MemoryServiceStub(channel)
        for rpc, (method, path, fields) in requests_by_rpc.items():
            message = ParseDict(fields, getattr(messages, f"{rpc}Request")())
            response = getattr(stub, rpc)(message, timeout=60)
            as_json = MessageToDict(
                response, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
            )
            query = {name: value for name, value in fields.items() if name != "id"}
            over_http = requests.request(method, f"{luna.url}/memory/{path}", params=query, timeout=60).json()
            assert as_json.get("conversation", as_json) == over_http, rpc
        assert stub.Summarize(messages.SummarizeRequest(user_id=user + "x", session_id="s1"), timeout=60).status == "failed"
        for other in (user + "x", "default"):
            for rpc in ("GetConversation", "DeleteConversation"):
                message = getattr(messages, f"{rpc}Request")(user_id=other, id=turn["id"])
                with pytest.raises(grpc.RpcError) as refused:
                    getattr(stub, rpc)(message, timeout=60)
                assert refused.value.code() == grpc.StatusCode.NOT_FOUND
        with pytest.raises(grpc.RpcError) as refused:
            stub.Clear(messages.ClearRequest(user_id=user), timeout=60)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert stub.Clear(messages.ClearRequest(user_id=user, confirm=True), timeout=60).deleted_conversations == 1
    assert conversations(luna, user) == []


@pytest.mark.parametrize("field", ("since", "until"))
@pytest.mark.parametrize("time", ({"seconds": 1 << 62}, {"nanos": 1_000_000_000}), ids=("far", "nanos"))
def test_no_rpc_takes_what_is_no_time(luna, user, stubs, field, time):
    request = stubs.memory_messages.SearchConversationsRequest(user_id=user, **{field: Timestamp(**time)})
    with grpc.insecure_channel(luna.grpc) as channel:
        stub = stubs.memory_services.MemoryServiceStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.SearchConversations(request)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details().startswith(f"{field}: ")


def test_no_rpc_shows_or_takes_what_is_anothers(luna, say, user, stubs):
    say(luna, user, "비밀 이야기", "비밀이군요")
    (turn,) = conversations(luna, user)
    messages = stubs.memory_messages
    calls = {
        "ListRecent": {},
        "ListConversations": {"session_id": "s1"},
        "SearchConversations": {"keyword": "비밀"},
        "ListSessions": {},
        "ListSummaries": {},
        "GetSummary": {"session_id": "s1"},
        "Summarize": {"session_id": "s1"},
        "GetStats": {},
        "Export": {},
        "Clear": {"confirm": True},
    }
    by_id = {"GetConversation", "DeleteConversation"}  # the test before this one
    service = messages.DESCRIPTOR.services_by_name["MemoryService"]
    assert {method.name for method in service.methods} == calls.keys() | by_id | {"Import"}
    with grpc.insecure_channel(luna.grpc) as channel:
        stub = stubs.memory_services.MemoryServiceStub(channel)
        for rpc, fields in calls.items():
            for other in (user + "x", user.upper() + "%", "%"):
                message = ParseDict(fields | {"user_id": other}, getattr(messages, f"{rpc}Request")())
                response = getattr(stub, rpc)(message, timeout=60)
                told = MessageToDict(response) if rpc != "Export" else {"lines": len(list(response))}
                known = {"limit", "offset", "status", "message", "summary"}
                nothing = {name: value for name, value in told.items() if value and name not in known}
                assert nothing == {}, (rpc, other)
    assert conversations(luna, user) == [turn]


# --- what outlives the server -----------------------------------------------------------------------------------------


def test_memory_outlives_the_server(configure, fake, say):
    file = configure()
    first = LunaServer(file)
    say(first, "u", "하나")
    first.stop()
    second = LunaServer(file)
    say(second, "u", "둘")
    assert told(fake) == [("user", "하나"), ("model", "네"), ("user", "둘")]
    second.stop()


def test_a_second_server_on_the_same_data_is_refused(start):
    luna = start()
    second = subprocess.run(
        [SERVER, "--config", luna.config, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        timeout=60,
        env={"GEMINI_API_KEY": "k"},
    )
    assert second.returncode == 2
    assert f"process {luna.pid};" in second.stderr
    assert "--data-dir" in second.stderr


def test_a_damaged_database_is_set_aside_and_reported(configure, fake, say):
    file = configure()
    data = file.parent / "data"
    data.mkdir()
    (data / "luna.db").write_bytes(b"this is no database" * 1000)
    luna = LunaServer(file)
    assert say(luna, "u", "하나").last()["remembered"] is True
    luna.stop()
    (aside,) = data.glob("luna.db.damaged-*")
    assert aside.read_bytes().startswith(b"this is no database")
    assert f"it is kept as {aside}" in luna.stderr()


def test_damage_met_at_run_time_is_set_aside_at_the_next_start(configure, say):
    file = configure()
    luna = LunaServer(file)
    for number in range(40):
        say(luna, "u", f"하나 {number} " + "가" * 500)
    luna.stop()
    database = file.parent / "data/luna.db"
    with database.open("r+b") as pages:
        for page in range(2, database.stat().st_size // 4096):
            pages.seek(page * 4096)
            pages.write(b"\xee" * 4096)
    luna = LunaServer(file)  # the first page, which a start reads, is whole
    assert say(luna, "u", "둘").last()["remembered"] is False
    luna.stop()
    assert "is damaged; the next start sets it aside" in luna.stderr()
    luna = LunaServer(file)
    assert say(luna, "u", "셋").last()["remembered"] is True
    luna.stop()
    assert len(list(database.parent.glob("luna.db.damaged-*"))) >= 1


def test_a_full_disk_gives_answers_that_are_not_remembered(start, say):
    """A file may not grow past the limit, until it may again."""
    luna = start(through=("prlimit", f"--fsize={1 << 20}:"))
    remembered = True
    turns = 0
    while remembered:
        outcome = say(luna, "u", "가" * 3000, "나" * 5000)
        assert outcome.last()["type"] == "complete"
        remembered = outcome.last()["remembered"]
        turns += remembered
        assert turns < 200
    assert luna.metrics()['luna_part_failures_total{part="memory"}'] >= 1
    assert "no memory: luna.db: " in luna.stderr()
    resource.prlimit(luna.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert say(luna, "u", "다시").last()["remembered"] is True
    assert get(luna, "stats", user_id="u").json()["total_conversations"] == turns + 1


def test_a_turn_that_had_to_wait_is_kept_late(start, say):
    luna = start()
    with contextlib.closing(sqlite3.connect(luna.config.parent / "data/luna.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # as a purge of a large memory, or a long import, holds up the writer
        for text in ("하나", "둘"):  # the writer waits for the lock, then the second turn for the writer
            assert say(luna, "u", text).last()["remembered"] is False
        other.execute("ROLLBACK")
    wait_for(lambda: [turn["user_message"] for turn in conversations(luna, "u")] == ["둘", "하나"])
    assert say(luna, "u", "셋").last()["remembered"] is True
    assert [turn["user_message"] for turn in conversations(luna, "u")] == ["셋", "둘", "하나"]


def test_a_data_dir_that_cannot_be_made_is_refused_by_name(configure):
    file = configure(data="/proc/luna")
    refused = subprocess.run(
        [SERVER, "--config", file], capture_output=True, text=True, timeout=60, env={"GEMINI_API_KEY": "k"}
    )
    assert refused.returncode == 2
    assert "data_dir: cannot make /proc/luna" in refused.stderr


def test_a_killed_server_has_kept_what_it_said_it_had(configure, fake, say):
    file = configure()
    luna = LunaServer(file)
    say(luna, "u", "하나")
    luna.kill()
    luna = LunaServer(file)
    assert [turn["user_message"] for turn in conversations(luna, "u")] == ["하나"]
    luna.stop()
