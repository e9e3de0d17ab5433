"""luna-server before it serves: flags, configuration, addresses."""

import socket
import subprocess

import pytest
import requests

from configuration import write_configuration
from processes import SERVER, LunaServer, clean_environment

HERE = "http://127.0.0.1:9"


def run(*arguments, cwd=None, **environment):
    command = [SERVER, *(str(argument) for argument in arguments)]
    env = clean_environment(**environment)
    done = subprocess.run(command, capture_output=True, cwd=cwd, env=env, timeout=60)
    return done.stdout.decode(), done.stderr.decode(), done.returncode


@pytest.fixture
def good(tmp_path):
    return write_configuration(tmp_path, HERE, HERE)


def write(folder, text):
    file = folder / "models.yaml"
    file.write_text(text)
    return file


def refused(*arguments, **environment):
    """The one line that a refused configuration gets."""
    out, err, code = run(*arguments, **environment)
    assert (out, code) == ("", 2), err
    assert err.count("\n") == 1, err
    return err


def test_version():
    out, err, code = run("--version")
    assert (err, code) == ("", 0)
    assert out.startswith("luna ")


def test_check_config_says_what_it_would_do(good):
    out, err, code = run("--config", good, "--check-config", GEMINI_API_KEY="the-secret")
    assert (err, code) == ("", 0)
    assert "gemini-2.5-flash" in out
    assert "the-secret" not in out


BAD = {
    "unknown key": ("llm:\n  mode: api\n  tempature: 1\n", 3, "tempature"),
    "unknown key below a target": ("llm:\n  api:\n    gemini:\n      modle: x\n", 4, "modle"),
    "wrong type": ("llm:\n  timeouts:\n    gap_ms: soon\n", 3, "llm.timeouts.gap_ms"),
    "bad mode": ("llm:\n  mode: cloud\n", 2, "llm.mode"),
    "bad URL": ('llm:\n  mode: server\n  servers:\n    main:\n      url: "nowhere"\n', 5, "url"),
    "bad address": ('server:\n  http: "127.0.0.1"\n', 2, "server.http"),
    "out of range": ("server:\n  http: '127.0.0.1:70000'\n", 2, "server.http"),
    "name in both maps": (
        "llm:\n  api:\n    main: {model: m}\n  servers:\n    main: {url: 'http://127.0.0.1:1'}\n",
        5,
        "main",
    ),
    "unknown fallback": ("llm:\n  fallback: [nobody]\n", 2, "nobody"),
    "bad YAML": ("llm:\n  mode: [api\n", None, "models.yaml"),
}


@pytest.mark.parametrize("text, line, words", BAD.values(), ids=BAD)
def test_a_bad_configuration_is_one_line_with_its_place(tmp_path, text, line, words):
    file = write(tmp_path, text)
    err = refused("--config", file, GEMINI_API_KEY="key")
    place = f"{file}:{line}:" if line else f"{file}:"
    assert place in err
    assert words in err


def test_a_missing_file_is_named(tmp_path):
    assert str(tmp_path / "none.yaml") in refused("--config", tmp_path / "none.yaml")


def test_a_missing_persona_is_named_with_its_place(tmp_path):
    file = write(tmp_path, "prompt:\n  system_file: gone.txt\n")
    err = refused("--config", file, GEMINI_API_KEY="key")
    assert f"{file}:2:" in err
    assert "gone.txt" in err


def test_an_unknown_flag_is_exit_2():
    _, err, code = run("--nonsense")
    assert code == 2
    assert "--nonsense" in err


def test_api_mode_without_a_key_is_exit_2_and_says_what_to_do(good):
    err = refused("--config", good)
    assert "GEMINI_API_KEY" in err
    assert "LLM_MODE=server" in err


@pytest.mark.parametrize("flag", ("--http", "--grpc"))
def test_a_port_in_use_is_exit_2_and_named(good, flag):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        other = "--grpc" if flag == "--http" else "--http"
        ports = [flag, address, other, "127.0.0.1:0"]
        assert address in refused("--config", good, *ports, GEMINI_API_KEY="key")


@pytest.mark.parametrize("flag, key", (("--http", "server.http"), ("--grpc", "server.grpc")))
@pytest.mark.parametrize("address", ("0.0.0.0:0", "[::]:0", "192.0.2.1:1"))
def test_an_address_that_others_reach_is_exit_2_without_tokens(good, flag, key, address):
    err = refused("--config", good, flag, address, GEMINI_API_KEY="key")
    for word in (key, address, "auth.tokens_file", "auth.none: true"):
        assert word in err


def test_an_address_that_others_reach_is_taken_with_tokens_or_where_it_is_meant(tmp_path):
    (tmp_path / "tokens").write_text(f"{'a' * 64} alice\n")
    for auth in ("none: true", "tokens_file: tokens"):
        file = write(tmp_path, f"server: {{http: '0.0.0.0:0', grpc: '[::]:0'}}\nauth: {{{auth}}}\n")
        assert run("--config", file, "--check-config", GEMINI_API_KEY="key")[2] == 0


BAD_TOKENS = {
    "no file": (None, "models.yaml:1: auth.tokens_file: no such file"),
    "empty": ("", "tokens: no token in it"),
    "a token itself": (f"{'a' * 64} alice\nluna_secret bob\n", "tokens:2: expected the SHA-256"),
    "no user": (f"# one\n{'a' * 64}\n", "tokens:2: expected a user_id"),
}


@pytest.mark.parametrize("flag", ((), ("--check-config",)), ids=("start", "check"))
@pytest.mark.parametrize("text, words", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_a_bad_file_of_tokens_is_one_line_with_its_place(tmp_path, text, words, flag):
    if text is not None:
        (tmp_path / "tokens").write_text(text)
    file = write(tmp_path, "auth: {tokens_file: tokens}\n")
    err = refused("--config", file, *flag, GEMINI_API_KEY="key")
    assert f"{tmp_path}/{words}" in err
    assert "secret" not in err


def test_a_file_of_tokens_that_others_may_open_is_a_warning(tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{'a' * 64} alice\n")
    command = ("--config", write(tmp_path, "auth: {tokens_file: tokens}\n"), "--check-config")
    for mode, warned in ((0o644, True), (0o602, True), (0o640, False)):
        tokens.chmod(mode)
        _, err, code = run(*command, GEMINI_API_KEY="key")
        assert code == 0
        assert (f"chmod o= {tokens}" in err) is warned


@pytest.mark.parametrize(
    "more, warned",
    [
        ("server: {cors_origins: ['*']}\n", True),
        ("server: {cors_origins: ['https://luna.example']}\n", False),
        ("server: {cors_origins: ['*']}\nauth: {tokens_file: tokens}\n", False),
    ],
    ids=("every page", "one page", "tokens"),
)
def test_every_page_without_tokens_is_warned_of(tmp_path, more, warned):
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{'a' * 64} alice\n")
    tokens.chmod(0o600)
    _, err, code = run("--config", write(tmp_path, more), "--check-config", GEMINI_API_KEY="key")
    assert code == 0
    assert ("can read and delete all memory" in err) is warned


@pytest.mark.parametrize("user", ("", "two words", "u" * 129), ids=("empty", "space", "long"))
def test_no_token_is_made_for_what_is_no_user_id(user):
    assert "--new-token" in refused("--new-token", user)


@pytest.mark.parametrize("name", ("GEMINI_API_KEY", "GENAI_API_KEY"))
def test_either_name_of_the_key_does(good, name):
    assert run("--config", good, "--check-config", **{name: "key"})[2] == 0


def test_the_environment_beats_the_file_and_flags_beat_both(good):
    listen = {"LUNA_HTTP_LISTEN": "127.0.0.1:1234", "LUNA_GRPC_LISTEN": "127.0.0.1:4321"}
    flags = ("--config", good, "--check-config", "--grpc", "127.0.0.1:5678")
    out, _, code = run(*flags, GEMINI_API_KEY="key", GEMINI_MODEL="gemini-next", **listen)
    assert code == 0
    assert "gemini-next" in out
    assert "127.0.0.1:1234" in out
    assert "127.0.0.1:5678" in out
    assert "127.0.0.1:4321" not in out


def root_of(server):
    """What `/` is; the server is stopped then."""
    answer = requests.get(f"{server.url}/", timeout=60)
    server.stop()
    return answer.status_code, answer.headers["Content-Type"]


def test_the_page_is_at_the_root(good):
    server = LunaServer(good)
    assert root_of(server) == (200, "text/html; charset=utf-8")
    assert "server.page" not in server.stderr()


def test_without_its_page_it_serves_all_the_same_and_says_so(good, tmp_path):
    server = LunaServer(good, through=("env", "-C", tmp_path))
    assert root_of(server)[0] == 404
    assert server.stderr().count("server.page: client/web/index.html: no such file; there is no page at /") == 1


def test_the_page_can_be_off(tmp_path):
    off = write_configuration(tmp_path, HERE, HERE, server="{page: false}")
    server = LunaServer(off)
    assert root_of(server)[0] == 404
    assert "server.page" not in server.stderr()
    assert "page: off" in run("--config", off, "--check-config", GEMINI_API_KEY="key")[0]


def test_server_mode_needs_no_key(good):
    server = LunaServer(good, LLM_MODE="server", GEMINI_API_KEY="")
    server.stop()
