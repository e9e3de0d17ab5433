"""`luna chat` on a terminal, as a person types."""

import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import pytest

from processes import CLIENT, LunaServer, clean_environment

STEPS = [{"finish": "STOP"}, {"done": True}]


class Terminal:
    """A pseudo-terminal with `luna chat` on it."""

    def __init__(self, server, folder, *arguments, **environment):
        self._master, slave = pty.openpty()
        self.seen = ""
        self._raw = b""
        env = clean_environment(**{"TERM": "xterm", "LANG": "C.UTF-8", "XDG_STATE_HOME": str(folder)} | environment)
        command = [CLIENT, "--server", server, "chat", *arguments]
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True
        )
        self._slave = slave
        self.until("> ")

    def type(self, text):
        """Types, once keys are read one by one: the editor says so a moment after its prompt."""
        until = time.monotonic() + 30
        while termios.tcgetattr(self._slave)[3] & termios.ICANON:
            assert time.monotonic() < until
        self.seen = ""
        os.write(self._master, text.encode())

    def until(self, pattern):
        """What was shown since the last `type`, once it matches."""
        until = time.monotonic() + 30
        while not re.search(pattern, self.seen):
            ready, _, _ = select.select([self._master], [], [], max(0, until - time.monotonic()))
            assert ready, f"{pattern!r} never came: {self.seen!r}"
            self._raw += os.read(self._master, 4096)
            whole = self._raw.decode(errors="ignore")
            self._raw = b"" if whole.encode() == self._raw else self._raw
            if not self._raw:
                self.seen += whole
        return self.seen

    def modes(self):
        """Which of a shell's modes the terminal is in."""
        modes = termios.tcgetattr(self._slave)[3]
        return {name for name in ("ICANON", "ECHO", "ISIG") if modes & getattr(termios, name)}

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def end(self):
        self.process.kill()
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture
def chat(luna, tmp_path):
    """Starts it, for a user of the test's own."""
    started = []

    def start(**environment):
        started.append(Terminal(luna.grpc, tmp_path, "--user", tmp_path.name, **environment))
        return started[-1]

    yield start
    for terminal in started:
        terminal.end()


def answer(fake, text):
    fake.script({"steps": [{"text": text}, *STEPS]})


def test_shows_the_answer_the_emotion_and_the_time(fake, chat):
    answer(fake, "저도 기뻐요.")
    terminal = chat(NO_COLOR="1")
    terminal.type("합격했어! 너무 기뻐!\r")
    shown = terminal.until(r"first word after [\d.]+ s\r\n\r\n> ")
    assert "저도 기뻐요.\r\n" in shown
    assert re.search(r"\r\n(joy|excitement) \d+ %, first word after", shown)


def test_shows_the_translation(fake, start, tmp_path):
    answered = [step | {"stream": True} for step in ({"text": "네."}, *STEPS)]
    translated = [step | {"stream": False} for step in ({"text": "The weather is nice."}, *STEPS)]
    fake.script({"steps": [*translated, *answered]})
    terminal = Terminal(start(translation="{wait_ms: 60000, deadline_ms: 60000}").grpc, tmp_path, NO_COLOR="1")
    terminal.type("날씨가 좋다\r")
    shown = terminal.until(r"first word .*\r\n[^\r]+\r\n\r\n> ")
    assert "\r\nThe weather is nice.\r\n\r\n> " in shown
    terminal.end()


def test_colours_are_for_terminals_that_want_them(fake, chat):
    answer(fake, "네.")
    terminal = chat()
    terminal.type("안녕\r")
    assert "\x1b[2m" in terminal.until("first word .*\r\n\r\n")
    answer(fake, "네.")
    plain = chat(NO_COLOR="1")
    plain.type("안녕\r")
    assert "\x1b[2m" not in plain.until("first word .*\r\n\r\n")


def test_hangul_is_edited_by_the_character(fake, chat):
    answer(fake, "네.")
    terminal = chat()
    terminal.type("안녕하세욥\x7f요\r")
    terminal.until("first word")
    assert "안녕하세요" in fake.requests()[-1]["body"]
    assert "욥" not in fake.requests()[-1]["body"]


def test_ctrl_c_stops_the_answer_and_not_the_chat(fake, chat):
    fake.script({"steps": [{"text": "하나 둘"}, {"await": "step"}, {"text": " 셋"}]})
    terminal = chat()
    terminal.type("세어 봐\r")
    terminal.until("하나")
    fake.wait(waiting=1)
    terminal.interrupt()
    fake.wait(cancelled=1, open=0)
    terminal.until("> ")
    answer(fake, "아직 있어요.")
    terminal.type("있어?\r")
    terminal.until("아직 있어요.")


@pytest.mark.parametrize("leave, code", [(lambda t: t.type("\x04"), 0), (Terminal.interrupt, 130)])
def test_ctrl_d_and_ctrl_c_at_the_prompt_end_it(chat, leave, code):
    terminal = chat()
    leave(terminal)
    assert terminal.process.wait(30) == code
    assert terminal.modes() == {"ICANON", "ECHO", "ISIG"}
    terminal.until(r"\n$")  # where the shell's prompt comes


def test_the_history_outlives_the_chat_and_is_for_its_owner_alone(fake, chat, tmp_path):
    answer(fake, "네.")
    first = chat()
    first.type("어제 뭐 했어?\r")
    first.until("first word")
    file = tmp_path / "luna/history"
    assert file.stat().st_mode & 0o777 == 0o600
    second = chat()
    second.type("\x1b[A")
    second.until("어제 뭐 했어")


def test_no_history_where_none_is_wanted(fake, chat, tmp_path):
    answer(fake, "네.")
    terminal = chat(LUNA_HISTORY="")
    terminal.type("비밀이야\r")
    terminal.until("first word")
    assert not (tmp_path / "luna").exists()


def test_a_history_that_cannot_be_written_is_told_once(fake, chat):
    terminal = chat(LUNA_HISTORY="/proc/nowhere/history")
    for _ in range(2):
        answer(fake, "네.")
        terminal.type("안녕\r")
        terminal.until("first word .*\r\n\r\n> ")
    assert "could not be written" not in terminal.seen


def test_a_failure_does_not_end_it(fake, chat):
    fake.script({"status": 400, "body": {"error": {"code": 400, "message": "no such thing"}}})
    terminal = chat()
    terminal.type("안녕\r")
    terminal.until("UPSTREAM_REJECTED[^>]*> ")
    answer(fake, "네.")
    terminal.type("다시\r")
    terminal.until("first word")


@pytest.fixture
def pipe():
    """Runs it with lines from a pipe."""

    def run(server, lines):
        command = [CLIENT, "--server", server.grpc, "chat"]
        return subprocess.run(command, input=lines, capture_output=True, timeout=60, env=clean_environment())

    return run


def test_a_pipe_is_asked_line_by_line(luna, fake, pipe):
    fake.script([{"steps": [{"text": text}, *STEPS]} for text in ("하나", "둘")])
    done = pipe(luna, "첫째\n\n둘째\n".encode())
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, "하나\n둘\n", b"")


def test_a_pipes_failure_is_the_exit_code(luna, fake, pipe):
    fake.script([{"status": 503, "body": "no"}, {"steps": [{"text": "둘"}, *STEPS]}])
    done = pipe(luna, "첫째\n둘째\n".encode())
    assert (done.returncode, done.stdout.decode()) == (6, "둘\n")
    done = pipe(luna, b"\xea\xb0\n")
    assert (done.returncode, done.stdout) == (2, b"")


def test_a_restart_in_between_is_survived(start, fake, tmp_path):
    answer(fake, "네.")
    server = start()
    terminal = Terminal(server.grpc, tmp_path)
    terminal.type("하나\r")
    terminal.until("first word[^>]*> ")
    server.stop()
    terminal.type("둘\r")
    terminal.until("UNAVAILABLE[^>]*> ")
    again = LunaServer(server.config, grpc=server.grpc)
    until = time.monotonic() + 30
    while True:
        terminal.type("셋\r")
        if "first word" in terminal.until("(first word|UNAVAILABLE)[^>]*> "):
            break
        assert time.monotonic() < until
    terminal.end()
    again.stop()
