"""The Go client: its tests against the real server, its stubs, how its example fails."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from configuration import SHORT
from processes import ROOT, SERVER, clean_environment
from scripts import TOKEN

CLIENT = ROOT / "client/go"


@pytest.fixture(scope="module")
def go():
    program = shutil.which("go")
    assert program, "go is missing: ./run test sets it up"

    def run(*arguments, **environment):
        env = clean_environment(GOPROXY="off", **environment)
        command = [program, "-C", CLIENT, *map(str, arguments)]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=600)

    return run


def check(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_against_the_real_server_with_the_race_detector(go, luna, guarded, configure, fake):
    environment = {
        "LUNA_TEST_ADDRESS": luna.grpc,
        "LUNA_TEST_GUARDED": guarded.grpc,
        "LUNA_TEST_TOKEN": TOKEN,
        "LUNA_TEST_FAKE": fake.url,
        "LUNA_TEST_SERVER": str(SERVER.resolve()),
        "LUNA_TEST_CONFIG": str(configure(retries="{count: 0}", timeouts=SHORT)),
        "GEMINI_API_KEY": "the-test-key",
    }
    said = check(go("test", "-race", "-count=1", "-v", "-timeout=300s", ".", **environment))
    ran = re.findall(r"^--- PASS: (\w+)", said, re.MULTILINE)
    listed = re.findall(r"^func (Test\w+)\(t ", (CLIENT / "client_test.go").read_text(), re.MULTILINE)
    assert sorted(ran) == sorted(listed)


def test_vet_finds_nothing(go):
    check(go("vet", "./..."))


def test_it_is_formatted(go):
    gofmt = check(go("env", "GOROOT")).strip() + "/bin/gofmt"
    files = [path for path in CLIENT.rglob("*.go")]
    assert subprocess.check_output([gofmt, "-l", *files], text=True) == ""


def test_the_committed_stubs_are_those_of_the_contract(tmp_path):
    env = os.environ | {"PYTHON": sys.executable, "GOPROXY": "off"}
    subprocess.run([CLIENT / "generate.sh", tmp_path], env=env, check=True, timeout=600)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made
    assert made == {path.name: path.read_text() for path in (CLIENT / "lunapb").iterdir()}


def test_the_example_says_what_failed(go, luna, fake):
    fake.script({"status": 503, "body": "no"})
    done = go("run", "./example", "안녕하세요!", LUNA_SERVER=luna.grpc)
    assert done.returncode == 1
    assert "UPSTREAM_UNAVAILABLE" in done.stderr
    assert "later" in done.stderr
