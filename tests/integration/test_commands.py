"""What `luna` does beside asking: commands, options and exit codes."""

import json
import os
import pty
import subprocess

import pytest

from processes import CLIENT, clean_environment, read_exactly

STEPS = [{"finish": "STOP"}, {"done": True}]
USERS = iter(f"commands-{number}" for number in range(1000))


@pytest.fixture
def user():
    return next(USERS)


@pytest.fixture
def run(luna):
    def run(*arguments, given="", server=luna.grpc, **environment):
        env = clean_environment(LUNA_SERVER=server, **environment)
        return subprocess.run([CLIENT, *arguments], input=given, capture_output=True, text=True, timeout=60, env=env)

    return run


@pytest.fixture
def said(fake, run, user):
    """Two turns of the user's."""
    for text, answer in (("오늘 날씨가 좋다", "산책하기 좋은 날이에요."), ("I miss my dog", "Tell me about him.")):
        fake.script({"steps": [{"text": answer}, *STEPS]})
        assert run("--user", user, "ask", text).returncode == 0
    return user


def test_help_fits_a_screen(run):
    done = run("--help")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert len(lines) <= 24 and max(map(len, lines)) <= 80


@pytest.mark.parametrize("option", ["--user", "--session"])
def test_options_stand_before_or_behind_a_command(fake, run, user, option):
    fake.script({"steps": [{"text": "네."}, *STEPS]})
    assert run("ask", option, user, "안녕").returncode == 0
    before, behind = (run(*words) for words in ((option, user, "memory", "search"), ("memory", "search", option, user)))
    assert before.stdout == behind.stdout
    assert before.stdout.endswith("1 of 1\n")


def test_a_question_stands_on_stdin(fake, run):
    fake.script({"steps": [{"text": "들었어요."}, *STEPS]})
    assert run("ask", given="들려?\n").stdout == "들었어요.\n"
    assert "들려?" in fake.requests()[-1]["body"]


def test_what_is_named_like_a_command_is_asked_behind_ask_or_two_dashes(fake, run):
    for words in (("ask", "memory"), ("--", "memory"), ("ask", "--", "--json")):
        fake.script({"steps": [{"text": "기억"}, *STEPS]})
        assert run(*words).stdout == "기억\n"
        assert words[-1] in fake.requests()[-1]["body"]
    done = run("memory")
    assert (done.returncode, done.stdout) == (2, "")
    assert "luna ask memory" in done.stderr


def test_recent_shows_the_newest_last(said, run):
    out = run("memory", "recent", "--user", said).stdout
    assert out.index("> 오늘 날씨가 좋다\n산책하기") < out.index("> I miss my dog\nTell me")
    assert "오늘" not in run("memory", "recent", "--count", "1", "--user", said).stdout


def test_search_marks_what_it_found(said, run):
    out = run("memory", "search", "날씨", "--user", said).stdout
    assert "[날씨]가" in out
    assert out.endswith("1 of 1\n")
    assert run("memory", "search", "--since", "2100-01-01T00:00:00Z", "--user", said).stdout == "0 of 0\n"
    wrong = run("memory", "search", "--since", "gestern", "--user", said)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "gestern" in wrong.stderr


def test_search_prints_json(said, run):
    found = json.loads(run("--json", "memory", "search", "dog", "--user", said).stdout)
    assert [turn["user_message"] for turn in found["results"]] == ["I miss my dog"]


def test_what_was_exported_can_be_imported(said, run, user, tmp_path):
    out = run("memory", "export", "--user", said).stdout
    lines = [json.loads(line)["conversation"] for line in out.splitlines()]
    assert [line["user_message"] for line in lines] == ["오늘 날씨가 좋다", "I miss my dog"]
    other = f"{said}-other"
    file = tmp_path / "memory.jsonl"
    file.write_text(out)
    assert run("memory", "import", file, "--user", other).stdout == "2 imported, 0 were there already\n"
    assert run("memory", "import", "-", "--user", other, given=out).stdout == "0 imported, 2 were there already\n"


def test_a_large_file_is_imported_in_parts(run, user, tmp_path):
    """gRPC's limit for a message is 4 MiB."""
    turns = 700
    long = "가" * 3000
    lines = (
        {"conversation": {"timestamp": f"2026-01-01T00:{i // 60:02}:{i % 60:02}Z", "user_message": f"{i}", "assistant_message": long}}
        for i in range(turns)
    )
    file = tmp_path / "memory.jsonl"
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    assert file.stat().st_size > 6 << 20
    done = run("memory", "import", file, "--user", user)
    assert done.stderr == ""
    assert (done.stdout, done.stderr) == (f"{turns} imported, 0 were there already\n", "")


def test_the_originals_list_is_imported_whole(run, user, tmp_path):
    turns = [
        {"timestamp": f"2025-01-01T00:00:{n:02}", "user": f"{n}", "assistant": "가" * 30_000, "metadata": {"emotion": "joy"}}
        for n in range(20)
    ]
    file = tmp_path / "conversation_history.json"
    file.write_text(json.dumps(turns, ensure_ascii=False, indent=2))
    assert file.stat().st_size > 1 << 20
    assert run("memory", "import", file, "--user", user).stdout == "20 imported, 0 were there already\n"


def test_the_originals_list_with_a_byte_order_mark_is_imported_whole(run, user, tmp_path):
    turns = [{"timestamp": f"2025-01-01T00:00:{n:02}", "user": f"{n}", "assistant": "가" * 30_000} for n in range(20)]
    file = tmp_path / "conversation_history.json"
    file.write_text(json.dumps(turns, ensure_ascii=False, indent=2), encoding="utf-8-sig")
    assert run("memory", "import", file, "--user", user).stdout == "20 imported, 0 were there already\n"


def test_a_bad_line_is_counted_from_the_part_that_it_is_in(run, user, tmp_path):
    turn = {"timestamp": "2026-01-01T00:00:00Z", "user_message": "예", "assistant_message": "가" * 300_000}
    lines = [json.dumps({"conversation": turn | {"user_message": f"{n}"}}, ensure_ascii=False) for n in range(2)]
    file = tmp_path / "memory.jsonl"
    file.write_text("\n".join([*lines, "{}"]) + "\n")
    done = run("memory", "import", file, "--user", user, "--language", "en")
    assert done.returncode == 2
    assert "line 2: " in done.stderr
    assert "luna: 1 were imported before that, from the first 1 lines, which it does not count\n" in done.stderr


def test_a_folder_is_no_file_to_import(run, tmp_path):
    done = run("memory", "import", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"luna: {tmp_path}: cannot be read\n")


@pytest.mark.parametrize("content", ['{"conversation": 1}\n', "rubbish\n"])
def test_a_bad_file_is_refused_and_its_line_named(run, user, tmp_path, content):
    file = tmp_path / "memory.jsonl"
    file.write_text(content)
    done = run("memory", "import", file, "--user", user)
    assert (done.returncode, done.stdout) == (2, "")
    assert "INVALID_INPUT" in done.stderr and "1" in done.stderr
    missing = run("memory", "import", tmp_path / "missing", "--user", user)
    assert missing.returncode == 2
    assert "missing" in missing.stderr


def test_clear_deletes_only_when_told_to(said, run):
    refused = run("memory", "clear", "--user", said)
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert run("memory", "search", "--user", said).stdout.endswith("2 of 2\n")
    assert run("memory", "clear", "--yes", "--user", said).stdout == "2 turns deleted\n"
    assert run("memory", "search", "--user", said).stdout == "0 of 0\n"


@pytest.mark.parametrize("answer, left", [(b"n\n", 2), (b"y\n", 0)])
def test_clear_asks_on_a_terminal(said, luna, run, answer, left):
    master, slave = pty.openpty()
    command = [CLIENT, "--server", luna.grpc, "memory", "clear", "--user", said]
    with subprocess.Popen(command, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment()) as asks:
        os.close(slave)
        question = asks.stderr.read(6)
        os.write(master, answer)
        asks.communicate(timeout=60)
    os.close(master)
    assert question == b"Delete"
    assert run("memory", "search", "--user", said).stdout.endswith(f"{left} of {left}\n")


@pytest.mark.parametrize(
    "flags, token, whose",
    [([], "", "default"), ([], "luna_x", "LUNA_TOKEN's user"), (["--user", "minsu"], "luna_x", "minsu")],
    ids=("nobody", "token", "named"),
)
def test_clear_asks_whose_memory_it_deletes(luna, flags, token, whose):
    master, slave = pty.openpty()
    command = [CLIENT, "--server", luna.grpc, "memory", "clear", *flags]
    env = clean_environment(LUNA_TOKEN=token)
    with subprocess.Popen(command, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as asks:
        os.close(slave)
        question = f"Delete all memory of {whose}?".encode()
        asked = read_exactly(asks.stderr, len(question))
        os.write(master, b"n\n")
        asks.communicate(timeout=60)
    assert asked == question
    os.close(master)


def test_analyze_says_the_likeliest_first(run):
    lines = run("analyze", "정말 고마워요!").stdout.splitlines()
    assert lines[0].endswith("gratitude")
    shares = [float(line.split()[0]) for line in lines]
    assert shares == sorted(shares, reverse=True)


def test_the_cache_is_seen_and_cleared(fake, run, user):
    fake.script({"steps": [{"text": "네."}, *STEPS]})
    for session in ("하나", "둘"):
        assert run("--user", user, "--session", session, "오늘 날씨가 어때?").stdout == "네.\n"
    cache = run("cache", "stats", "--user", user).stdout
    assert cache.startswith("1 hits, 1 misses (50.0%), 1 saved; 1 of at most ")
    assert run("cache", "clear", "--user", user).stdout == "1 answers deleted\n"
    assert json.loads(run("--json", "cache", "stats", "--user", user).stdout)["total_cached"] == 0


def test_korean_becomes_english_and_all_else_korean(start, fake, run):
    server = start(translation="{engine: llm}").grpc
    for text, options, translated in (
        ("오늘 날씨가 좋다", (), "The weather is nice today."),
        ("Good morning", (), "좋은 아침이에요."),
        ("Good morning", ("--from", "en", "--to", "ja"), "おはようございます。"),
    ):
        fake.script({"steps": [{"text": translated}, *STEPS]})
        assert run("translate", *options, text, server=server).stdout == translated + "\n"
        assert text in fake.requests()[-1]["body"]
    assert run("translate", given="오늘 날씨가 좋다\n", server=server).stdout == "The weather is nice today.\n"


def test_models_are_listed_the_default_one_first(run):
    models = [line.split() for line in run("models").stdout.splitlines()]
    assert models[0] == ["gemini", "gemini-2.5-flash"]
    assert ["openai", "Luna"] in models
    assert json.loads(run("models", "--json").stdout)["data"][0]["id"] == "gemini"


FAILURES = [
    (2, ("--jsno", "안녕"), None),
    (2, ("--timeout", "-1", "안녕"), None),
    (2, ("--language", "de", "안녕"), None),
    (2, ("ask", "가" * 6000), None),
    (5, ("--target", "nobody", "안녕"), None),
    (6, ("안녕",), {"status": 503, "body": {"error": {"code": 503, "message": "overloaded"}}}),
    (6, ("안녕",), {"status": 429, "body": {"error": {"code": 429, "message": "slow down"}}}),
    (1, ("안녕",), {"status": 400, "body": {"error": {"code": 400, "message": "no"}}}),
    (1, ("안녕",), {"steps": [{"text": "하나"}, {"finish": "SAFETY"}, {"done": True}]}),
]


@pytest.mark.parametrize("code, arguments, script", FAILURES)
def test_the_exit_code_tells_the_kind_of_failure(fake, run, code, arguments, script):
    if script:
        fake.script(script)
    done = run(*arguments)
    assert done.returncode == code, done
    assert done.stderr


def test_a_token_that_is_missing_is_exit_4(start, run, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("0" * 64 + " alice\n")
    tokens.chmod(0o600)
    server = start(auth=f"{{tokens_file: {tokens}}}")
    assert run("안녕", server=server.grpc).returncode == 4
    assert run("memory", "recent", server=server.grpc, LUNA_TOKEN="luna_wrong").returncode == 4
    refused = run("안녕", server=server.grpc, LUNA_TOKEN="two words")
    assert refused.returncode == 2
    assert "LUNA_TOKEN" in refused.stderr


def test_what_no_message_can_hold_is_not_worth_a_retry(run):
    done = run("ask", given="a" * (9 << 20))
    assert (done.returncode, done.stdout) == (2, "")
    assert "RESOURCE_EXHAUSTED" in done.stderr


def test_the_shortest_timeout_is_one(fake, run):
    fake.script({"steps": [{"await": "step"}]})
    assert run("--timeout", "0.0001", "세어 봐").returncode == 6


def test_an_empty_address_is_none(run):
    done = run("models", server="")
    assert done.returncode == 0 or "127.0.0.1:50051" in done.stderr


def test_a_timeout_gives_up_and_cancels_the_upstream(fake, run):
    fake.script({"steps": [{"text": "하나 둘"}, {"await": "step"}, {"text": " 셋"}]})
    done = run("--timeout", "2", "세어 봐")
    assert done.returncode == 6
    assert "DEADLINE_EXCEEDED" in done.stderr
    fake.wait(cancelled=1, open=0)


def on_a_terminal(luna, fake, text, **environment):
    """What stands on the terminal after an answer."""
    fake.script({"steps": [{"text": text}, *STEPS]})
    master, slave = pty.openpty()
    env = clean_environment(TERM="xterm", **environment)
    command = [CLIENT, "--server", luna.grpc, "ask", "안녕"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave, env=env) as asks:
        os.close(slave)
        asks.wait(60)
    shown = os.read(master, 1 << 16)
    os.close(master)
    return shown.decode()


def test_an_answer_cannot_steer_the_terminal(luna, fake):
    shown = on_a_terminal(luna, fake, "빨강 \x1b[31m 종 \x07 지움 \r 탭\t끝")
    assert shown == "빨강 \ufffd[31m 종 \ufffd 지움 \ufffd 탭\t끝\r\n"


def test_failures_are_red_on_a_terminal_alone(fake, luna, free_port):
    nowhere = type("Nowhere", (), {"grpc": f"127.0.0.1:{free_port}"})
    assert on_a_terminal(nowhere, fake, "").startswith("\x1b[31mluna: UNAVAILABLE")
    assert on_a_terminal(nowhere, fake, "", NO_COLOR="1").startswith("luna: UNAVAILABLE")
