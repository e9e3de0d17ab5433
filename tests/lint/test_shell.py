"""The shell scripts pass shellcheck."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def shell_scripts():
    top = [ROOT / "run", ROOT / ".ci" / "run"]
    folders = ("client", "config", "docker", "tests")
    named = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.sh"))
    maintainer = [ROOT / "config/debian" / name for name in ("postinst", "prerm", "postrm")]
    return top + named + maintainer + [ROOT / "client/cpp/completion/luna.bash"]


def test_shell_scripts_pass_shellcheck():
    shellcheck = shutil.which("shellcheck")
    assert shellcheck, "shellcheck is missing: apt install shellcheck"
    checked = subprocess.run(
        [shellcheck, "-x", *map(str, shell_scripts())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
