"""Does what a Dockerfile says in folders, since no container engine runs here. What it does not know it refuses."""

import fnmatch
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from debian import Debian, ROOT

BASE = "debian:bookworm-slim"


def instructions(text):
    """(NAME, the rest), with continued lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        name, _, rest = line.strip().partition(" ")
        yield name, " ".join(rest.split())


def context(ignore):
    """The files of the repository that a build is sent: those that .dockerignore, whose text is given, lets pass."""
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True
    )
    patterns = [line for line in ignore.splitlines() if line and not line.startswith("#")]
    for pattern in patterns:
        assert re.fullmatch(r"!?[\w./*-]+", pattern) and "**" not in pattern, f".dockerignore: {pattern}"
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists() and not _ignored(name, patterns)]


def _ignored(name, patterns):
    """The last pattern that matches it, or a folder that it lies in, decides."""
    ignored = False
    for pattern in patterns:
        wanted = pattern.removeprefix("!").split("/")
        parts = name.split("/")[: len(wanted)]
        if len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted)):
            ignored = not pattern.startswith("!")
    return ignored


class Stage:
    """One FROM and what follows; its attributes are what a container of it would be started with."""

    def __init__(self, folder, stages, sent, ccache):
        self.debian = Debian(folder)
        self.stages = stages  # name -> Stage
        self.sent = sent
        self.ccache = ccache
        self.environment = {}
        self.shell = ["/bin/sh", "-c"]
        self.workdir = "/"
        self.user = "0:0"
        self.volumes = []
        self.ports = []
        self.stop_signal = "SIGTERM"
        self.health = []
        self.entrypoint = []

    def perform(self, name, rest):
        method = getattr(self, f"_{name.lower()}", None) if name.isupper() else None
        assert method, f"no such instruction is known here: {name}"
        method(rest)

    def run_settings(self):
        return {"user": self.user, "cwd": self.workdir, "HOME": "/root"} | self.environment

    def _run(self, rest):
        """In its shell form, with at most one folder of another stage bound. The compiler's cache is this machine's."""
        bound = re.match(r"--mount=type=bind,from=(\w+),source=(/[\w/]+),target=(/\w+) ", rest)
        command = rest[bound.end() :] if bound else rest
        assert not command.startswith(("--", "[")), f"RUN {rest}"
        mounts = f"mkdir -p $1/root/.cache/ccache && mount --bind {shlex.quote(str(self.ccache))} $1/root/.cache/ccache"
        if bound:
            stage, source, target = bound.groups()
            mounts += f" && mkdir $1{target} && mount --bind {self.stages[stage].debian.folder}{source} $1{target}"
        self.debian.run(*self.shell, command, mounts=mounts, **self.run_settings())
        if bound:
            (self.debian.folder / target[1:]).rmdir()

    def _shell(self, rest):
        self.shell = json.loads(rest)

    def _copy(self, rest):
        source, target = rest.split(" ")
        assert target == "./", f"COPY {rest}"
        names = self.sent if source == "." else [name for name in self.sent if name == source]
        assert names, f"COPY {source}: .dockerignore lets nothing pass"
        for name in names:
            to = self.debian.folder / self.workdir[1:] / name
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to)

    def _workdir(self, rest):
        assert rest.startswith("/"), f"WORKDIR {rest}"
        self.workdir = rest
        (self.debian.folder / rest[1:]).mkdir(parents=True, exist_ok=True)

    def _env(self, rest):
        self.environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))

    def _user(self, rest):
        assert re.fullmatch(r"\d+:\d+", rest), f"USER {rest}: a number needs no entry in /etc/passwd"
        self.user = rest

    def _volume(self, rest):
        self.volumes.append(rest)

    def _expose(self, rest):
        self.ports += rest.split(" ")

    def _stopsignal(self, rest):
        self.stop_signal = rest

    def _healthcheck(self, rest):
        command = re.fullmatch(r"(?:--(?:interval|timeout|start-period)=\d+s )*CMD (\[.*\])", rest)
        assert command, f"HEALTHCHECK {rest}"
        self.health = json.loads(command[1])

    def _entrypoint(self, rest):
        self.entrypoint = json.loads(rest)


def build(text, ignore, folder, ccache):
    """The last stage of the Dockerfile and .dockerignore whose texts are given."""
    stages, stage = {}, None
    sent = context(ignore)
    for name, rest in instructions(text):
        if name == "FROM":
            image, _, alias = rest.partition(" AS ")
            assert image == BASE, f"FROM {rest}"
            stage = Stage(Path(folder) / f"stage{len(stages)}", stages, sent, ccache)
            stages[alias or "last"] = stage
        else:
            assert stage, f"{name} before FROM"
            stage.perform(name, rest)
    return stage
