"""What stands beside the command `luna`: completion for bash and zsh, and the manual page."""

import re
import shutil
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
        script = f'''. {FOLDER}/completion/luna.bash
            COMP_WORDS=({line.rpartition(" ")[0]} '{line.rpartition(" ")[2]}'); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
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


@pytest.mark.parametrize("command", COMMANDS)
def test_zsh_completes_every_option(zsh, command):
    assert zsh(f"luna {command} --") == options(command)


def test_zsh_completes_commands(zsh):
    assert zsh("luna m") == {"memory", "models"}
    assert zsh("luna memory ") == {"recent", "search", "export", "import", "clear"}
    assert zsh("luna --user me cache ") == {"stats", "clear"}
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
