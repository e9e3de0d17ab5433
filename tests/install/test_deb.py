"""The Debian package, in a Debian that knows luna's build as little as a user's does."""

import re
import subprocess

import pytest
import requests

from processes import ROOT, Process

NOBODY = "65534:65534"
# Writes down what it is asked, as systemd does not run here.
SYSTEMCTL = "#!/bin/sh\necho \"$*\" >>/systemctl.log\n"


@pytest.fixture(scope="module")
def system(debian, deb):
    """With the package installed by apt, which brings what it depends on."""
    (debian.folder / "run/systemd/system").mkdir(parents=True)
    systemctl = debian.folder / "usr/bin/systemctl"
    systemctl.write_text(SYSTEMCTL)
    systemctl.chmod(0o755)
    (debian.folder / "luna.deb").write_bytes(deb.read_bytes())
    debian.apt("update")
    debian.apt("install", "-y", "--no-install-recommends", "/luna.deb")
    return debian


def calls(system):
    return (system.folder / "systemctl.log").read_text().splitlines()


def test_it_serves_as_a_user_without_rights(system, answers):
    data = system.folder / "srv/luna"
    data.mkdir()
    data.chmod(0o777)
    environment = answers | {"LUNA_DATA_DIR": "/srv/luna"}
    ports = ("--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0")
    server = Process(system.command("luna-server", *ports, user=NOBODY, cwd="/tmp", **environment))
    http, grpc = re.fullmatch("listening http=(.*) grpc=(.*)", server.first_line).groups()
    events = system.run("luna", "--server", grpc, "--json", "기뻐", user=NOBODY).splitlines()
    assert '"emotion"' in events[0]
    assert '"complete"' in events[-1]
    assert '"remembered":true' in events[-1]
    assert requests.get(f"http://{http}/", timeout=30).text == (ROOT / "client/web/index.html").read_text()
    server.stop()
    assert (data / "luna.db").stat().st_uid == 65534


def test_it_reads_etc_from_any_folder(system, answers):
    described = system.run("luna-server", "--check-config", user=NOBODY, cwd="/", **answers)
    assert "file: /etc/luna/models.yaml\n" in described


def test_the_keys_are_roots(system):
    assert (system.folder / "etc/default/luna").stat().st_mode & 0o777 == 0o600


def test_what_was_edited_survives_an_upgrade_and_what_ran_goes_on(system):
    models_yaml = system.folder / "etc/luna/models.yaml"
    shipped = models_yaml.read_text()
    models_yaml.write_text(shipped + "# mine\n")
    before = len(calls(system))
    system.run("dpkg", "-i", "/luna.deb")
    assert models_yaml.read_text() == shipped + "# mine\n"
    assert calls(system)[before:][-2:] == ["daemon-reload", "try-restart luna.service"]


def test_a_purge_leaves_nothing(system):
    """The last one, as it says."""
    (system.folder / "var/lib/private/luna").mkdir(parents=True)
    (system.folder / "var/lib/private/luna/luna.db").write_text("what people said")
    (system.folder / "var/lib/luna").symlink_to("private/luna")
    installed = system.run("dpkg", "-L", "luna").splitlines()
    files = [path for path in installed if not (system.folder / path[1:]).is_dir()]
    assert len(files) >= 13
    before = len(calls(system))
    system.apt("purge", "-y", "luna")
    assert calls(system)[before] == "stop luna.service"
    for path in (*files, "/etc/luna", "/usr/share/luna", "/var/lib/luna", "/var/lib/private/luna"):
        there = system.folder / path[1:]
        assert not there.exists() and not there.is_symlink(), path
    status = subprocess.run(system.command("dpkg", "-s", "luna"), capture_output=True, text=True)
    assert "is not installed" in status.stderr
