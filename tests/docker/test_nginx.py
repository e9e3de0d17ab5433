"""docker/nginx.conf in Debian's nginx, before a luna that runs by docker/models.tls.yaml."""

import hashlib
import json
import os
import shutil
import socket
import subprocess

import grpc
import pytest
import requests

from processes import ROOT, STOP_SECONDS, LunaServer

DOCKER = ROOT / "docker"
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
NAME = "luna.example"
TOKEN = "luna_of_the_tests"
AUTHORIZATION = {"authorization": f"Bearer {TOKEN}"}
WORDS = ["하나", " 둘", " 셋", " 넷", " 다섯"]
# A word leaves once it is known to be whole, or after stream.word_hold_ms.
STEPS = [step for word in WORDS for step in ({"text": word}, {"await": "step"})]
ANSWER = {"steps": [*STEPS, {"finish": "STOP"}, {"done": True}]}
REQUEST = {"input": "세어 줘", "features": {"emotion": False, "translation": False, "cache": False}}


def replaced(text, changes):
    for old, new in changes.items():
        assert text.count(old) >= 1, old
        text = text.replace(old, str(new))
    return text


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, fake_process):
    folder = tmp_path_factory.mktemp("guarded")
    tokens = folder / "tokens"
    tokens.write_text(f"{hashlib.sha256(TOKEN.encode()).hexdigest()} alice\n")
    tokens.chmod(0o600)
    changes = {"http://model:8080": fake_process.url, "/run/secrets/tokens": tokens}
    config = folder / "models.yaml"
    config.write_text(replaced((DOCKER / "models.tls.yaml").read_text(), changes))
    server = LunaServer(config, "--data-dir", folder / "data")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1",
         "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder / "fullchain.pem"


@pytest.fixture(scope="module")
def address(tmp_path_factory, guarded, certificate):
    """Where nginx listens. It has nothing to say against its configuration, nor of what it did."""
    assert NGINX, "nginx is missing: apt install nginx-light"
    folder = tmp_path_factory.mktemp("nginx")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    changes = {
        "/tmp/": f"{folder}/",  # before there are other paths below /tmp in it
        "/run/secrets/": f"{certificate.parent}/",
        "/dev/stderr": folder / "log",
        "listen 8443": f"listen {address}",
        "server luna:8000": f"server {guarded.http}",
        "server luna:50051": f"server {guarded.grpc}",
    }
    conf = folder / "nginx.conf"
    conf.write_text(replaced((DOCKER / "nginx.conf").read_text(), changes))
    user = "user root; " if os.geteuid() == 0 else ""  # who may read pytest's folders
    command = [NGINX, "-p", folder, "-e", folder / "log", "-c", conf, "-g", f"{user}daemon off;"]
    process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *command])
    while not connects(address):
        assert process.poll() is None, (folder / "log").read_text()
    yield address
    process.terminate()
    assert process.wait(STOP_SECONDS) == 0
    said = (folder / "log").read_text().splitlines()
    assert [line for line in said if "a client request body is buffered to a temporary file" not in line] == []


def connects(address):
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


@pytest.fixture
def https(address, certificate):
    """POST by HTTP/1.1, with the token."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = certificate
        session.headers.update(AUTHORIZATION)
        yield lambda path, **how: session.post(f"https://{address}{path}", timeout=60, **how)


@pytest.fixture
def interact(address, certificate, stubs):
    with grpc.secure_channel(address, grpc.ssl_channel_credentials(certificate.read_bytes())) as channel:
        stub = stubs.services.InteractionServiceStub(channel)
        request = stubs.messages.InteractRequest(input=REQUEST["input"], features=REQUEST["features"])
        yield lambda metadata=AUTHORIZATION: stub.Interact(request, metadata=tuple(metadata.items()), timeout=60)


def events(response):
    for line in response.iter_lines(decode_unicode=False):
        if line.startswith(b"data: "):
            event = json.loads(line[6:])
            yield event["type"], event["data"]


def events_of(call):
    for response in call:
        kind = response.WhichOneof("event")
        yield kind, getattr(response, kind).text


def check_one_by_one(fake, stream):
    """Each word is here before the model says the next: nothing was held back on the way."""
    said = []
    for kind, text in stream:
        if kind == "llm_chunk":
            said.append(text)
            fake.step()
    assert said == WORDS
    assert (kind, text) == ("complete", "".join(WORDS))


def test_words_come_one_by_one_over_http(fake, https):
    fake.script(ANSWER)
    with https("/interact/stream", json=REQUEST, stream=True) as response:
        assert response.status_code == 200, response.text
        check_one_by_one(fake, events(response))


def test_words_come_one_by_one_over_grpc(fake, interact):
    fake.script(ANSWER)
    check_one_by_one(fake, events_of(interact()))


def test_a_caller_that_leaves_stops_the_model(fake, https, interact):
    fake.script(ANSWER)
    with https("/interact/stream", json=REQUEST, stream=True) as response:
        assert next(events(response)) == ("llm_chunk", WORDS[0])
    fake.wait(cancelled=1)
    call = interact()
    assert next(call).llm_chunk.text == WORDS[0]
    call.cancel()
    fake.wait(cancelled=2)


def test_nobody_is_let_in_without_a_token(https, interact):
    assert https("/interact", json=REQUEST, headers={"authorization": None}).status_code == 401
    with pytest.raises(grpc.RpcError) as refused:
        list(interact(metadata={}))
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("version", ("--http1.1", "--http2"))
@pytest.mark.parametrize("origin, status", ((f"https://{NAME}", 200), ("https://elsewhere.example", 403)))
def test_a_page_of_that_name_may_call_and_no_other(fake, address, certificate, version, origin, status):
    """luna sees the name that the caller wrote."""
    fake.script({"steps": [{"text": "응"}, {"finish": "STOP"}, {"done": True}]})
    asked = subprocess.run(
        ["curl", "-sS", version, "--noproxy", "*", "--cacert", certificate, "--connect-to", f"{NAME}:443:{address}",
         "-H", f"authorization: Bearer {TOKEN}", "-H", f"origin: {origin}", "-H", "content-type: application/json",
         "-d", json.dumps(REQUEST), "-o", "/dev/null", "-w", "%{http_version} %{http_code}", f"https://{NAME}/interact"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert asked.stdout == f"{version.removeprefix('--http')} {status}"


def test_a_memory_of_megabytes_passes(https):
    """More than nginx takes by default."""
    turns = [
        {"timestamp": "2026-01-31T00:00:00", "user": f"{number} " + "가" * 300, "assistant": "응", "metadata": {}}
        for number in range(2500)
    ]
    body = json.dumps(turns, ensure_ascii=False).encode()
    assert len(body) > 2 << 20
    imported = https("/memory/import", data=body, headers={"content-type": "application/x-ndjson"})
    assert imported.status_code == 200, imported.text
