"""The Dockerfile, step by step in folders, and what comes of it as compose.yaml starts it. The build takes minutes."""

import os
import re
import signal
import subprocess
import time

import pytest
import requests

from debian import KEPT, why_not
from dockerfile import Stage, build, instructions
from processes import ROOT, FakeProvider, Process

# What the image is made of, the package, is installed and asked in every run: tests/install.
long_only = pytest.mark.skipif(
    not os.environ.get("LUNA_LONG"), reason="builds luna anew in a bare Debian, which takes minutes: ./run test --long"
)
DOCKER = ROOT / "docker"


def test_an_unknown_instruction_is_refused():
    stage = Stage.__new__(Stage)
    for name in ("ADD", "ONBUILD", "run", "RUNS"):
        with pytest.raises(AssertionError, match=name):
            stage.perform(name, "x")


def test_every_instruction_of_the_dockerfile_is_known():
    """So that no more than the build's own words can fail where it is not run."""
    names = [name for name, _ in instructions((DOCKER / "Dockerfile").read_text())]
    assert {name for name in names if not hasattr(Stage, f"_{name.lower()}")} == {"FROM"}
    assert names.count("FROM") == 2


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    if reason := why_not():
        pytest.skip(reason)
    ccache = KEPT / "ccache"
    ccache.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    texts = (DOCKER / "Dockerfile").read_text(), (ROOT / ".dockerignore").read_text()
    made = build(*texts, tmp_path_factory.mktemp("image"), ccache)
    print(f"built in {time.monotonic() - begun:.0f} s")
    return made


@pytest.fixture(scope="module")
def answering():
    fake = FakeProvider()
    yield fake
    fake.stop()


def container(image, tmp_path, *words, **environment):
    """The command that starts one as compose.yaml does: a root that nobody writes to, /tmp in memory, the volumes, the
    configuration; with a process tree of its own, so that the entry point is its first process."""
    mounts = "mount --rbind $1 $1; mount -o remount,bind,ro $1; mount -t tmpfs tmpfs $1/tmp; "
    for number, volume in enumerate(image.volumes):
        data = tmp_path / f"volume{number}"
        data.mkdir()
        os.chown(data, *map(int, image.user.split(":")))
        mounts += f"mount --bind {data} $1{volume}; "
    mounts += f"mount --bind {DOCKER}/models.yaml $1/etc/luna/models.yaml"
    apart = ("--pid", "--fork", "--kill-child")
    return image.debian.command(
        *image.entrypoint, *words, mounts=mounts, unshare=apart, **image.run_settings() | environment
    )


@long_only
def test_it_serves_as_nobody_with_a_root_that_cannot_be_written(image, tmp_path, answering):
    ports = {"LUNA_HTTP_LISTEN": "127.0.0.1:0", "LUNA_GRPC_LISTEN": "127.0.0.1:0"}
    process = Process(container(image, tmp_path, LLM_SERVER_URL=answering.url, **ports))
    address = re.search("http=(.*) grpc=", process.first_line)[1]
    (first,) = children(process.pid)
    assert os.readlink(f"/proc/{first}/exe").endswith("/tini")
    (server,) = children(first)
    status = dict(re.findall(r"^(\w+):\t(.*)$", open(f"/proc/{server}/status").read(), re.MULTILINE))
    assert status["Uid"].split() == ["10001"] * 4
    assert status["CapEff"] == "0" * 16

    health = [word.replace("127.0.0.1:8000", address) for word in image.health]
    assert health != image.health
    image.debian.run(*health, user=image.user)
    answer = requests.post(f"http://{address}/interact", json={"input": "안녕"}, timeout=60)
    assert (answer.status_code, answer.json()["remembered"]) == (200, True)
    assert (tmp_path / "volume0/luna.db").exists()
    assert requests.get(f"http://{address}/", timeout=60).text == (ROOT / "client/web/index.html").read_text()

    os.kill(first, getattr(signal, image.stop_signal))
    assert process.exit_code() == 0


@long_only
def test_it_listens_where_the_image_says(image, tmp_path):
    described = subprocess.run(container(image, tmp_path, "--check-config"), capture_output=True, text=True)
    assert described.returncode == 0, described.stderr
    listens = re.findall(r"^(?:http|grpc): 0\.0\.0\.0:(\d+)$", described.stdout, re.MULTILINE)
    assert listens == image.ports


@long_only
def test_it_holds_nothing_that_it_was_built_with(image):
    installed = set(image.debian.run("dpkg-query", "-W", "-f", "${Package}\\n").split())
    assert "luna" in installed
    assert not {"g++", "cmake", "libgrpc++-dev", "python3"} & installed


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]
