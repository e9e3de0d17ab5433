"""The Python client as pip makes it of what a clean clone holds."""

import os
import shutil
import subprocess
import sys

from processes import ROOT

# What pip needs besides was fetched by tests/setup.sh.
WITHOUT_NETWORK = {
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": str(ROOT / "build/wheels"),
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}
# What an earlier build may have left.
NOT_COMMITTED = shutil.ignore_patterns("_generated", "dist", "__pycache__")


def clean_clone(folder):
    """client/python and proto, where they are in a clone; the former's path."""
    for part in ("client/python", "proto"):
        shutil.copytree(ROOT / part, folder / part, ignore=NOT_COMMITTED)
    return folder / "client/python"


def build_wheel(source, out):
    """The wheel of a folder or an sdist, by what tests/requirements.txt holds."""
    pip("wheel", "--no-build-isolation", "--check-build-dependencies", "--no-deps", "-w", out, source)
    (wheel,) = out.glob("luna_client-*.whl")
    return wheel


def build_sdist(source, out):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", out]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=300)
    (sdist,) = out.glob("luna_client-*.tar.gz")
    return sdist


def install(wheel, site):
    pip("install", "--no-deps", "--target", site, wheel)


def pip(*arguments):
    command = [sys.executable, "-m", "pip", *map(str, arguments)]
    env = os.environ | WITHOUT_NETWORK
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
