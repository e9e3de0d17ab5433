"""The contract follows buf's STANDARD rules."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOGLEAPIS = Path("/usr/share/gocode/src/github.com/gogo/googleapis")  # Debian: golang-github-gogo-googleapis-dev

BUF_YAML = """
version: v2
modules:
  - path: proto
    lint: {use: [STANDARD]}
  - path: googleapis
    lint: {ignore: [googleapis]}
"""


@pytest.fixture
def lint(tmp_path):
    """Lints a folder of .proto files beside Google's own, which Debian holds: buf's registry is not asked."""

    def run(folder):
        buf = shutil.which("buf")
        assert buf, "buf is missing: ./run test installs it"
        (tmp_path / "buf.yaml").write_text(BUF_YAML)
        shutil.copytree(folder, tmp_path / "proto")
        for name in ("annotations", "http"):
            target = tmp_path / "googleapis/google/api" / f"{name}.proto"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(GOOGLEAPIS / f"google/api/{name}.proto", target)
        return subprocess.run([buf, "lint"], cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_the_contract_follows_the_standard_rules(lint):
    checked = lint(ROOT / "proto")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_bad_name_is_found(lint, tmp_path):
    bad = tmp_path / "bad" / "luna" / "v1"
    bad.mkdir(parents=True)
    (bad / "a.proto").write_text('syntax = "proto3";\npackage luna.v1;\nmessage lower_case {}\n')
    checked = lint(tmp_path / "bad")
    assert "lower_case" in checked.stdout
    assert checked.returncode != 0
