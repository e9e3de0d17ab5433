"""`cmake --install`: what lies where, and that it runs from there."""

import re
import subprocess

import pytest
import requests

from processes import BUILD, ROOT, Process, clean_environment

FILES = {
    "bin/luna",
    "bin/luna-server",
    "lib/systemd/system/luna.service",
    "share/bash-completion/completions/luna",
    "share/doc/luna/LICENSE",
    "share/doc/luna/copyright",
    "share/luna/emotion/model.bin",
    "share/man/man1/luna.1",
    "share/man/man8/luna-server.8",
    "share/zsh/vendor-completions/_luna",
}
WEB = ROOT / "client/web"
FILES |= {f"share/luna/web/{path.name}" for path in WEB.iterdir() if path.suffix in (".html", ".css", ".js", ".svg")}
EDITED = {"etc/default/luna", "etc/luna/models.yaml", "etc/luna/prompts/companion.ko.txt"}


def install(prefix, **environment):
    done = subprocess.run(
        ["cmake", "--install", BUILD, "--prefix", prefix],
        env=clean_environment(**environment), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    install(prefix)
    return prefix


def test_all_of_it_lies_below_the_prefix(prefix):
    assert files_below(prefix) == FILES | EDITED


def test_where_the_prefix_is_usr_what_is_edited_lies_in_etc(tmp_path):
    install("/usr", DESTDIR=str(tmp_path))
    assert files_below(tmp_path) == {f"usr/{name}" for name in FILES} | EDITED
    unit = (tmp_path / "usr/lib/systemd/system/luna.service").read_text()
    assert "\nExecStart=/usr/bin/luna-server --config /etc/luna/models.yaml\n" in unit
    assert "\nEnvironmentFile=-/etc/default/luna\n" in unit


def test_what_was_edited_is_kept(tmp_path):
    install(tmp_path)
    (tmp_path / "etc/luna/models.yaml").write_text("# mine\n")
    (tmp_path / "bin/luna").write_text("old")
    install(tmp_path)
    assert (tmp_path / "etc/luna/models.yaml").read_text() == "# mine\n"
    assert (tmp_path / "bin/luna").stat().st_size > 3


def test_nobody_but_its_owner_reads_the_keys(prefix):
    assert (prefix / "etc/default/luna").stat().st_mode & 0o777 == 0o600


def test_it_runs_from_any_folder_with_what_was_installed(prefix, tmp_path, answers):
    """Its configuration, persona, emotion model and page are those below the prefix."""
    ports = ("--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--data-dir", tmp_path / "data")
    command = ["env", "-C", tmp_path, prefix / "bin/luna-server", *ports]
    checked = subprocess.run(
        [*command, "--check-config"], env=clean_environment(**answers), capture_output=True, text=True
    )
    assert f"file: {prefix}/etc/luna/models.yaml\n" in checked.stdout
    assert f"{prefix}/etc/luna/prompts/companion.ko.txt" in checked.stdout
    server = Process(command, clean_environment(**answers))
    http, grpc = re.fullmatch("listening http=(.*) grpc=(.*)", server.first_line).groups()
    asked = subprocess.run([prefix / "bin/luna", "--server", grpc, "--json", "기뻐"], capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr
    assert '"emotion"' in asked.stdout.splitlines()[0]
    assert '"complete"' in asked.stdout.splitlines()[-1]
    assert requests.get(f"http://{http}/", timeout=30).text == (WEB / "index.html").read_text()
    server.stop()


def test_the_unit_is_right_and_hardened(prefix, tmp_path):
    """Without the manual page: the unit names it, and man looks for it where it is not installed."""
    unit = prefix / "lib/systemd/system/luna.service"
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit], capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    exposure = ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=15", unit]
    rated = subprocess.run(exposure, capture_output=True, text=True)
    assert rated.returncode == 0, rated.stdout + rated.stderr


def test_the_unit_gives_running_answers_their_time(prefix):
    """systemd insists no earlier than the server itself would."""
    unit = (prefix / "lib/systemd/system/luna.service").read_text()
    drain_ms = re.search(r"^  drain_ms: (\d+)", (ROOT / "config/models.yaml").read_text(), re.MULTILINE)
    assert int(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[1]) * 1000 >= int(drain_ms[1]) + 5000


def test_the_manual_page_of_the_server_is_whole(prefix):
    page = prefix / "share/man/man8/luna-server.8"
    linted = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True)
    assert linted.stdout == ""
    text = subprocess.run(["mandoc", "-T", "ascii", page], capture_output=True, text=True, check=True).stdout
    words = re.sub(".\x08", "", text)
    flags = subprocess.run([prefix / "bin/luna-server", "--help"], capture_output=True, text=True).stdout
    names = re.findall(r"^  (?:-h,)?(--[a-z-]+)", flags, re.MULTILINE)
    assert len(names) >= 7
    assert [name for name in names if not re.search(rf"^ +(-h, )?{name}\b", words, re.MULTILINE)] == []
    head = (ROOT / "config/models.yaml").read_text().partition("\nllm:")[0]
    variables = re.findall(r"\b(?:LLM|GEMINI|GENAI|AZURE|LUNA)_[A-Z_]+", head)
    assert len(variables) >= 12
    assert [name for name in variables if name not in words] == []
