"""What a container engine would read: by its linters, its schema, and luna itself."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from dockerfile import context, instructions
from processes import ROOT, SERVER, clean_environment

DOCKER = ROOT / "docker"
COMPOSE = ("compose.yaml", "compose.tls.yaml")
TOOLS = Path(sys.executable).parent
# Debian's versions are those of bookworm; a pinned one is gone with the next security update.
LEFT_OUT = ("--ignore", "DL3008")


def run(*command, **environment):
    done = subprocess.run(command, capture_output=True, text=True, env=clean_environment(**environment))
    return done.returncode, done.stdout + done.stderr


def settings():
    """The Dockerfile's ENV."""
    pairs = [rest for name, rest in instructions((DOCKER / "Dockerfile").read_text()) if name == "ENV"]
    return dict(pair.split("=", 1) for line in pairs for pair in line.split())


def test_the_dockerfile_passes_hadolint():
    assert run(TOOLS / "hadolint", *LEFT_OUT, DOCKER / "Dockerfile") == (0, "")


@pytest.mark.parametrize("name", COMPOSE)
def test_compose_files_obey_the_schema(name):
    code, words = run(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DOCKER / name)
    assert code == 0, words


def test_what_the_compose_files_name_is_there():
    """Files of the repository, that is; docker/tls is its user's."""
    named = re.findall(r"- \./([\w.]+):", "".join((DOCKER / name).read_text() for name in COMPOSE))
    assert len(named) == 3
    assert [name for name in named if not (DOCKER / name).is_file()] == []


def test_compose_opens_what_the_image_listens_on_to_this_machine_alone():
    listens = [settings()[name].removeprefix("0.0.0.0:") for name in ("LUNA_HTTP_LISTEN", "LUNA_GRPC_LISTEN")]
    ports = YAML(typ="safe").load((DOCKER / "compose.yaml").read_text())["services"]["luna"]["ports"]
    assert ports == [f"127.0.0.1:{port}:{port}" for port in listens]


def test_luna_takes_the_configurations_with_all_addresses(tmp_path):
    (tmp_path / "tokens").write_text(f"{'a' * 64} alice\n")
    (tmp_path / "tokens").chmod(0o640)
    for name in ("models.yaml", "models.tls.yaml"):
        text = (DOCKER / name).read_text().replace("/run/secrets/", f"{tmp_path}/")
        (tmp_path / name).write_text(text)
        code, words = run(SERVER, "--config", tmp_path / name, "--check-config", **settings())
        assert code == 0, words
        assert "url: http://model:8080" in words


def test_luna_refuses_the_images_own_configuration_until_it_says_who_may_call():
    code, words = run(SERVER, "--config", ROOT / "config/models.yaml", GEMINI_API_KEY="key", **settings())
    assert code == 2
    assert "auth.tokens_file" in words


def test_a_build_is_sent_what_it_needs():
    sent = context((ROOT / ".dockerignore").read_text())
    assert {name.split("/")[0] for name in sent} == {
        "CMakeLists.txt", "CMakePresets.json", "LICENSE", "client", "config", "proto", "run", "server",
    }  # fmt: skip
    assert "config/emotion/model.bin" in sent
    assert not [name for name in sent if name.startswith(("config/emotion/data/", "client/go/"))]


def test_the_packages_stand_in_run_alone(tmp_path):
    """`run` says them before it reads anything else: the Dockerfile has not copied more yet."""
    shutil.copy(ROOT / "run", tmp_path)
    code, words = run(tmp_path / "run", "packages")
    assert code == 0
    assert {"g++", "libboost1.81-dev", "dpkg-dev"} <= set(words.split())
    for installed in re.findall(r"apt-get install (.*?)(?: && |$)", (DOCKER / "Dockerfile").read_text(), re.MULTILINE):
        assert not set(words.split()) & set(installed.split())
