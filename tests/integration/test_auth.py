"""Who a caller is: every route and RPC with and without a token."""

import hashlib
import shutil
import socket
import subprocess

import grpc
import pytest
import requests
from google.api import annotations_pb2
from google.protobuf.message_factory import GetMessageClass

from configuration import write_configuration
from processes import CLIENT, SERVER, LunaServer, clean_environment

ALICE, SERVICE = "luna_the-secret-of-alice", "luna_the-secret-of-a-service"
ORIGIN = "https://app.example"
SCRIPT = {"steps": [{"text": "하나"}, {"finish": "STOP"}, {"done": True}]}


def sha256(token):
    return hashlib.sha256(token.encode()).hexdigest()


# Values of `authorization` that let nobody in.
WRONG = {
    "missing": None,
    "empty": "",
    "unknown": "Bearer luna_nobody",
    "the hash": f"Bearer {sha256(ALICE)}",
    "a part": f"Bearer {ALICE[:-1]}",
    "no scheme": ALICE,
    "another scheme": f"Basic {ALICE}",
    "no token": "Bearer",
}
CHAT = ("POST", "/v1/chat/completions")
REFUSALS = ("UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED")
RIGHT = (f"Bearer {ALICE}", f"bearer {ALICE}", f"BEARER  {SERVICE}")
BOTH = pytest.mark.parametrize("token", (ALICE, SERVICE), ids=("alice", "service"))
wrong = pytest.mark.parametrize("authorization", WRONG.values(), ids=WRONG)
right = pytest.mark.parametrize("authorization", RIGHT)


def start_server(folder, fake, lines):
    (folder / "tokens").write_text("".join(f"{line}\n" for line in lines))
    (folder / "tokens").chmod(0o600)
    changes = {"auth": "{tokens_file: tokens}", "server": f"{{cors_origins: ['{ORIGIN}']}}"}
    return LunaServer(write_configuration(folder, fake.url, fake.url, **changes))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, fake_process):
    """A server that wants a token; its stderr is checked at the end."""
    lines = ("# of the tests", f"{sha256(ALICE)} alice", f"{sha256(SERVICE)} *")
    server = start_server(tmp_path_factory.mktemp("guarded"), fake_process, lines)
    yield server
    server.stop()
    assert "code=UNAUTHENTICATED" in server.stderr()
    assert "the-secret" not in server.stderr()


@pytest.fixture(scope="module")
def channel(guarded):
    with grpc.insecure_channel(guarded.grpc) as channel:
        yield channel


@pytest.fixture(scope="module")
def methods(stubs):
    """Every RPC of luna.v1, as its descriptor."""
    modules = (
        stubs.messages,
        stubs.emotion_messages,
        stubs.memory_messages,
        stubs.cache_messages,
        stubs.generation_messages,
    )
    files = [module.DESCRIPTOR for module in modules]
    services = [service for file in files for service in file.services_by_name.values()]
    found = [method for service in services for method in service.methods]
    names = {"Interact", "Answer", "Analyze", "Export", "Import", "ClearCache", "Generate", "GenerateStream"}
    assert names <= {method.name for method in found}
    return found


def for_user(method, user_id):
    """A request of this RPC that names the user; nothing where none can be named."""
    request = GetMessageClass(method.input_type)()
    if "user_id" not in method.input_type.fields_by_name:
        return None
    request.user_id = user_id
    return request


def call(channel, method, request=None, authorization=None):
    """The status of a call, by default an empty one: its name and its words."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    kind = channel.unary_stream if method.server_streaming else channel.unary_unary
    metadata = [] if authorization is None else [("authorization", authorization)]
    body = b"" if request is None else request.SerializeToString()
    try:
        answer = kind(path)(body, metadata=metadata, timeout=60)
        list(answer)
    except grpc.RpcError as error:
        return error.code().name, error.details()
    return "OK", ""


def route_of(method):
    """The method and the path of an RPC's HTTP form, and whether its body is the request."""
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    variables = dict.fromkeys(method.input_type.fields_by_name, "1")
    return verb.upper(), getattr(rule, verb).format_map(variables), rule.body == "*"


def ask(server, verb, path, authorization=None, headers=None, **more):
    headers = dict(headers or {})
    if authorization is not None:
        headers["Authorization"] = authorization
    return requests.request(verb, server.url + path, headers=headers, timeout=60, **more)


def ask_rpc(server, method, authorization, **fields):
    """An RPC by its HTTP form, with these fields alone."""
    verb, path, has_body = route_of(method)
    return ask(server, verb, path, authorization, **{"json" if has_body else "params": fields})


def reason(response):
    body = response.json()
    if "error" in body:  # OpenAI's form, and word
        code = body["error"]["code"]
        return response.status_code, {"invalid_api_key": "UNAUTHENTICATED"}.get(code, code)
    return response.status_code, body["details"][0]["reason"]


@wrong
def test_no_rpc_is_called_without_a_token(channel, methods, fake, authorization):
    for method in methods:
        code, words = call(channel, method, authorization=authorization)
        assert code == "UNAUTHENTICATED", method.full_name
        assert "authorization" in words
    assert fake.state()["seen"] == 0


@wrong
def test_no_route_is_there_without_a_token(guarded, methods, fake, authorization):
    routes = [route_of(method)[:2] for method in methods]
    others = [CHAT, ("GET", "/metrics"), ("GET", "/nothing"), ("GET", "/v1/nothing"), ("PUT", "/interact")]
    for verb, path in routes + others:
        response = ask(guarded, verb, path, authorization)
        assert reason(response) == (401, "UNAUTHENTICATED"), path
        challenge = 'Bearer realm="luna"'
        if authorization is not None:
            challenge += ', error="invalid_token"'
        assert response.headers["WWW-Authenticate"] == challenge
    assert fake.state()["seen"] == 0


@right
def test_every_rpc_is_called_with_a_token(channel, methods, authorization):
    for method in methods:
        code, words = call(channel, method, authorization=authorization)
        assert code not in REFUSALS, (method.full_name, words)


@right
def test_every_route_is_there_with_a_token(guarded, methods, authorization):
    for method in methods:
        response = ask_rpc(guarded, method, authorization)
        assert response.status_code not in (401, 403), method.full_name
    assert ask(guarded, "GET", "/metrics", authorization).status_code == 200
    assert ask(guarded, "GET", "/nothing", authorization).status_code == 404


@BOTH
def test_a_token_gets_an_answer(guarded, channel, stubs, fake, token):
    fake.script(SCRIPT)
    body = {"input": "안녕"}
    for path in ("/interact", "/interact/stream", "/generate", "/generate/stream"):
        response = ask(guarded, "POST", path, f"Bearer {token}", json=body)
        assert response.status_code == 200
        assert "하나" in response.content.decode()
    stub = stubs.services.InteractionServiceStub(channel)
    metadata = [("authorization", f"Bearer {token}")]
    request = stubs.messages.InteractRequest(**body)
    events = list(stub.Interact(request, metadata=metadata, timeout=60))
    assert events[-1].complete.text == "하나"


def test_another_user_is_403_by_every_rpc_and_route(guarded, channel, methods, fake):
    denied = 0
    for method in methods:
        request = for_user(method, "bob")
        if request is None:
            continue
        code, words = call(channel, method, request, f"Bearer {ALICE}")
        assert (code, "user_id" in words) == ("PERMISSION_DENIED", True), method.full_name
        response = ask_rpc(guarded, method, f"Bearer {ALICE}", user_id="bob")
        assert reason(response) == (403, "PERMISSION_DENIED"), method.full_name
        denied += 1
    assert denied >= 2
    assert fake.state()["seen"] == 0


@pytest.mark.parametrize("token, user", ((ALICE, "alice"), (SERVICE, "bob"), (SERVICE, "")))
def test_whoever_the_token_stands_for_may_be_named(guarded, channel, methods, token, user):
    for method in methods:
        request = for_user(method, user)
        if request is None:
            continue
        assert call(channel, method, request, f"Bearer {token}")[0] not in REFUSALS, method.full_name
        response = ask_rpc(guarded, method, f"Bearer {token}", user_id=user)
        assert response.status_code not in (401, 403), method.full_name


@BOTH
def test_a_user_id_is_as_long_as_ever(guarded, token):
    body = {"input": "안녕", "user_id": "u" * 129}
    response = ask(guarded, "POST", "/interact", f"Bearer {token}", json=body)
    assert reason(response) == ((400, "INVALID_INPUT") if token == SERVICE else (403, "PERMISSION_DENIED"))


def test_health_and_preflights_want_no_token(guarded, channel):
    assert ask(guarded, "GET", "/health").json()["status"] == "healthy"
    check = channel.unary_unary("/grpc.health.v1.Health/Check")
    assert check(b"", timeout=60) == b"\x08\x01"  # SERVING
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "authorization, content-type"
    preflight = ask(guarded, "OPTIONS", "/interact", headers=asked)
    assert preflight.status_code == 204
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]


def test_a_file_is_not_read_of_who_has_no_token(guarded):
    """It may be long: who sends it is asked before it comes."""
    host, port = guarded.http.split(":")
    head = "POST /memory/import HTTP/1.1\r\nHost: luna\r\nContent-Type: text/plain\r\n"
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(f"{head}Content-Length: {16 << 20}\r\n\r\n".encode())
        assert connection.makefile().read().startswith("HTTP/1.1 401 ")


def test_a_page_reads_why_it_was_refused(guarded):
    refused = ask(guarded, "POST", "/interact", json={}, headers={"Origin": ORIGIN})
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_any_host_will_do_but_not_any_origin(guarded):
    metrics = ("GET", "/metrics", f"Bearer {ALICE}")
    assert ask(guarded, *metrics, headers={"Host": "luna.example"}).status_code == 200
    assert ask(guarded, *metrics, headers={"Origin": "https://evil.example"}).status_code == 403


def test_reflection_wants_a_token(guarded):
    program = shutil.which("grpcurl")
    assert program, "grpcurl is missing: ./run test sets it up"

    def run(*flags):
        command = [program, "-plaintext", *flags, guarded.grpc, "describe"]
        done = subprocess.run(command, capture_output=True, timeout=60)
        return done.returncode, (done.stdout + done.stderr).decode()

    for flags in ((), ("-H", "authorization: Bearer luna_nobody")):
        code, said = run(*flags)
        assert code != 0
        assert "Unauthenticated" in said
        assert "InteractRequest" not in said
    code, said = run("-H", f"authorization: Bearer {ALICE}")
    assert code == 0, said
    assert "InteractRequest" in said


def test_the_command_takes_its_token_from_the_environment(guarded, fake):
    def run(**environment):
        command = [CLIENT, "--server", guarded.grpc, "안녕"]
        env = clean_environment(**environment)
        done = subprocess.run(command, capture_output=True, env=env, timeout=60)
        return done.stdout.decode(), done.stderr.decode(), done.returncode

    fake.script(SCRIPT)
    assert run(LUNA_TOKEN=ALICE) == ("하나\n", "", 0)
    out, err, code = run()
    assert (out, code) == ("", 4)
    assert "UNAUTHENTICATED" in err
    out, err, code = run(LUNA_TOKEN="two words")
    assert (out, code) == ("", 2)
    assert "LUNA_TOKEN" in err
    assert "two words" not in err


@pytest.mark.parametrize("user, other", (("철수", 403), ("*", 400)), ids=("user", "service"))
def test_a_new_token_opens_the_server_that_got_its_line(tmp_path, fake, user, other):
    command = [SERVER.resolve(), "--new-token", user]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=60, check=True)
    token, line = done.stdout.decode().splitlines()
    assert token not in done.stderr.decode()
    server = start_server(tmp_path, fake, [line])
    try:
        assert "chmod" not in server.stderr()
        mine = {} if user == "*" else {"user_id": user}
        for body, status in ((mine, 400), ({"user_id": "bob"}, other)):
            response = ask(server, "POST", "/interact", f"Bearer {token}", json=body)
            assert response.status_code == status
    finally:
        server.stop()
    assert token not in server.stderr()
