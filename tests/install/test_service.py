"""The service under systemd itself, which boots in a container of its own: what the unit forbids luna does not need."""

import json
import os
import re
import shutil
import subprocess

import pytest

from debian import Debian, why_not

# What is done there once it has booted: waits for luna, asks it, stops it, and turns the machine off.
PROBE = """\
#!/bin/sh
until address=$(journalctl -u luna -o cat | sed -n 's/^listening .* grpc=//p') && [ "$address" ]; do
  [ "$(systemctl show -P ActiveState luna)" != failed ] || break
done
luna --server "$address" --json 기뻐 >/answer
systemctl stop luna
systemctl show -p Result -p ExecMainStatus luna >/result
journalctl -u luna -o cat >/journal
systemctl poweroff
"""
PROBE_SERVICE = """\
[Service]
ExecStart=/probe
[Install]
WantedBy=multi-user.target
"""
BOOT_SECONDS = 300


@pytest.mark.skipif(
    not os.environ.get("LUNA_LONG"), reason="boots a whole system, with systemd-container for it: ./run test --long"
)
def test_luna_serves_within_what_its_unit_allows(tmp_path, deb, provider):
    if reason := why_not():
        pytest.skip(reason)
    debian = Debian(tmp_path / "machine")
    (debian.folder / "luna.deb").write_bytes(deb.read_bytes())
    debian.apt("update")
    debian.apt("install", "-y", "--no-install-recommends", "systemd-sysv", "dbus", "/luna.deb")
    environment = {
        "LLM_MODE": "server", "LLM_SERVER_URL": provider.url,
        "LUNA_HTTP_LISTEN": "127.0.0.1:0", "LUNA_GRPC_LISTEN": "127.0.0.1:0",
        "ASAN_OPTIONS": "detect_leaks=0",  # it would trace the process, which the unit forbids
    }  # fmt: skip
    text = "".join(f"{name}={value}\n" for name, value in environment.items())
    (debian.folder / "etc/default/luna").write_text(text)
    (debian.folder / "probe").write_text(PROBE)
    (debian.folder / "probe").chmod(0o755)
    (debian.folder / "etc/systemd/system/probe.service").write_text(PROBE_SERVICE)
    debian.run("systemctl", "enable", "luna", "probe")

    assert shutil.which("systemd-nspawn"), "systemd-nspawn is missing: apt install systemd-container"
    boot = ["systemd-nspawn", "-q", "-D", debian.folder, "--boot", "--register=no", "--keep-unit"]
    booted = subprocess.run(boot, capture_output=True, stdin=subprocess.DEVNULL, timeout=BOOT_SECONDS)
    assert booted.returncode == 0, booted.stdout[-4000:] + booted.stderr
    journal = (debian.folder / "journal").read_text()
    events = [json.loads(line) for line in (debian.folder / "answer").read_text().splitlines()]
    assert "emotion" in events[0], journal
    assert events[-1]["complete"]["remembered"] is True
    assert (debian.folder / "result").read_text().splitlines() == ["Result=success", "ExecMainStatus=0"], journal
    kept = debian.folder / "var/lib/private/luna"
    assert kept.stat().st_uid not in (0, 65534)
    assert {path.name for path in kept.iterdir()} == {"luna.db", "luna.lock"}
    assert not re.search("warn|error", journal), journal
