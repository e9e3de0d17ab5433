"""What stands beside the command `luna`: completion for bash and zsh, and the manual page."""

import os
import pty
import re
import select
import subprocess

import pytest

from processes import CLIENT, ROOT, clean_environment

FOLDER = ROOT / "client/cpp"
COMMANDS = ["ask", "chat", "memory recent", "memory search", "memory export", "memory import", "memory clear"]
COMMANDS += ["cache stats", "cache clear", "translate", "analyze", "models"]
COMMON = {"--help", "--server", "--user", "--session", "--target", "--language", "--timeout", "--json"}


def run(*command, given=None):
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, env=clean_environment())


def options(command):
    """What `luna COMMAND --help` lists."""
    shown = run(CLIENT, *command.split(), "--help").stdout
    return set(re.findall(r"^  (?:-\w,)?(--[\w-]+)", shown, re.MULTILINE))


@pytest.fixture
def bash():
    """What bash offers for a line with the cursor at its end."""

    def complete(line):
        # Readline cuts words at : and =, which are words then. compopt works within readline alone.
        words = " ".join(f"'{word}'" for word in re.findall(r"[^\s:=]+|[:=]|(?<=\s)$", line))
        script = f'''. {FOLDER}/completion/luna.bash; compopt() {{ :; }}
            COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}
            _luna && printf '%s\\n' "${{COMPREPLY[@]}}"'''
        done = run("bash", "-euc", script)
        assert done.stderr == ""
        return set(done.stdout.split())

    return complete


@pytest.fixture
def zsh():
    """The same of zsh, on a terminal of its own."""

    def complete(line):
        done = run("zsh", "-f", ROOT / "tests/integration/complete.zsh", FOLDER / "completion", line)
        assert (done.stderr, done.returncode) == ("", 0)
        found = re.findall(r"<([^<>]+)>", done.stdout)
        assert found.pop() == "done"
        return set(found)

    return complete


@pytest.mark.parametrize("command", COMMANDS)
def test_bash_completes_every_option(bash, command):
    assert options(command) >= COMMON
    assert bash(f"luna {command} --") == options(command)
    assert bash(f"luna --user me {command} --") == options(command)


def test_bash_completes_commands(bash):
    assert bash("luna m") == {"memory", "models"}
    assert bash("luna memory ") == {"recent", "search", "export", "import", "clear"}
    assert bash("luna cache ") == {"stats", "clear"}
    assert bash("luna --") == COMMON | {"--version"}
    assert bash("luna --language ") == {"ko", "en"}
    assert bash("luna --user m") == set()
    assert "/etc/hostname" in bash("luna memory import /etc/host") | bash("luna memory import /etc/hostname")


def test_bash_knows_values_behind_equals_signs_and_with_colons(bash):
    assert bash("luna --server 127.0.0.1:50051 mem") == {"memory"}
    assert bash("luna --server=127.0.0.1:50051 memory re") == {"recent"}
    assert bash("luna --user= mem") == {"memory"}
    assert bash("luna memory search --since 2026-01-01T00:00:00Z --em") == {"--emotion"}
    assert bash("luna --language=") == {"ko", "en"}
    assert bash("luna --language=k") == {"ko"}
    assert bash("luna --user=m") == set()


def test_bash_completes_files_as_it_does_for_others(tmp_path):
    (tmp_path / "my folder").mkdir()
    (tmp_path / "my folder/my file").touch()
    master, slave = pty.openpty()
    env = clean_environment(PS1="ready ", TERM="dumb")
    command = ["bash", "--norc", "--noprofile", "-i"]
    shell = subprocess.Popen(
        command, cwd=tmp_path, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True
    )
    shown = ""
    try:
        for typed, answer in (
            (f". {FOLDER}/completion/luna.bash\n", "ready .*ready "),
            ("luna memory import my\t", re.escape("my\\ folder/")),
            ("m\t", re.escape("my\\ folder/my\\ file ")),
        ):
            os.write(master, typed.encode())
            while not re.search(answer, shown, re.DOTALL):
                assert select.select([master], [], [], 30)[0], shown
                shown += os.read(master, 4096).decode()
    finally:
        shell.kill()
        shell.wait()
        os.close(slave)
        os.close(master)


@pytest.mark.parametrize("command", COMMANDS)
def test_zsh_completes_every_option(zsh, command):
    assert zsh(f"luna {command} --") == options(command)


def test_zsh_completes_commands(zsh):
    assert zsh("luna m") == {"memory", "models"}
    assert zsh("luna memory ") == {"recent", "search", "export", "import", "clear"}
    assert zsh("luna --user me cache ") == {"stats", "clear"}
    assert zsh("luna --user=me --server=127.0.0.1:50051 cache ") == {"stats", "clear"}
    assert zsh("luna --language=") == zsh("luna --language ") == {"ko", "en"}
    assert zsh("luna --") == COMMON | {"--version"}
    assert "hostname" in zsh("luna memory import /etc/hostn")


def test_the_manual_page_is_whole():
    assert run("mandoc", "-T", "lint", "-W", "warning", FOLDER / "luna.1").stdout == ""
    page = run("mandoc", "-T", "utf8", "-O", "width=200", FOLDER / "luna.1").stdout
    page = re.sub(".\x08", "", page)
    for command in COMMANDS:
        assert re.search(rf"^ +{command}\b", page, re.MULTILINE), command
        for option in options(command):
            assert option in page, (command, option)
    for code in re.findall(r"(\d+) ", run(CLIENT, "--help").stdout.partition("Exit code:")[2]):
        assert re.search(rf"^ +{code}\b", page, re.MULTILINE), code
