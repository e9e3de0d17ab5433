"""The README's commands, as they stand, from a running server to the words."""

import re
import shutil
import subprocess

import pytest

from package import WITHOUT_NETWORK, clean_clone
from processes import ROOT, clean_environment
from scripts import ANSWER, WHOLE

READMES = [(ROOT / name).read_text() for name in ("README.md", "README.ko.md")]


def command(part):
    """The one line of a README that runs something in that folder; it is the same in both."""
    (line,) = {tuple(re.findall(rf"^\$ (.*{part} .*)", text, re.MULTILINE)) for text in READMES}
    return line[0]


@pytest.fixture
def run(luna, tmp_path):
    """What a command prints in a clean clone."""

    def run(line):
        clean_clone(tmp_path)
        shutil.copytree(ROOT / "client/go", tmp_path / "client/go")
        env = clean_environment(LUNA_SERVER=luna.grpc, GOPROXY="off", PYTHONIOENCODING="utf-8", **WITHOUT_NETWORK)
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=env, capture_output=True, check=False, timeout=300
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode()
        return done.stdout.decode()

    return run


def test_from_python(run, fake):
    fake.script(WHOLE)
    assert f"응답: {ANSWER}\n완료!" in run(command("client/python"))


def test_from_go(run, fake):
    fake.script(WHOLE)
    assert run(command("client/go")) == ANSWER + "\n"
