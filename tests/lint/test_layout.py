"""What lies where, how long a file is, and how it is formatted."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

ROOT_FILES = {
    "CMakeLists.txt",
    "CMakePresets.json",
    "LICENSE",
    "README.md",
    "README.ko.md",
    "run",
}
ROOT_FOLDERS = {"client", "config", "docker", "proto", "server", "tests"}
NOT_TRACKED = {"build", "data"}  # .gitignore names them.

LONGEST_FILE = 400  # lines
LONGER_FILES = {}  # Path -> why it is longer.


def cpp_files(*folders):
    return [
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in (".cc", ".h") and "node_modules" not in path.parts
    ]


def test_the_root_holds_only_what_the_design_names():
    entries = {path for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert {path.name for path in entries if path.is_file()} - ROOT_FILES == set()
    assert {path.name for path in entries if path.is_dir()} - ROOT_FOLDERS - NOT_TRACKED == set()


def test_no_file_is_too_long():
    lengths = {
        path: len((ROOT / path).read_text().splitlines()) for path in cpp_files("server", "client")
    }
    assert lengths
    assert {path: n for path, n in lengths.items() if n > LONGEST_FILE and path not in LONGER_FILES} == {}
    assert [path for path in LONGER_FILES if lengths.get(path, 0) <= LONGEST_FILE] == []


def test_cpp_is_formatted():
    clang_format = shutil.which("clang-format")
    assert clang_format, "clang-format is missing: apt install clang-format"
    checked = subprocess.run(
        [clang_format, "--dry-run", "-Werror", *cpp_files("server", "client", "tests")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
