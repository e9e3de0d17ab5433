"""A fresh Debian 12 in a folder, for what a machine that luna was built on cannot show. Needs root and a mirror."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build/debian"  # what debootstrap makes in a minute, for the next time
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def why_not():
    """Why none can be made here; empty: one can."""
    if os.geteuid() != 0:
        return "debootstrap needs root"
    return "" if mirror() else "apt has no mirror of Debian's bookworm"


def mirror():
    """Where this machine's own apt has Debian 12 from."""
    targets = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Release: bookworm"]
    found = subprocess.run(targets, capture_output=True, text=True, check=True).stdout.split()
    return found[0] if found else ""


class Debian:
    """The system in `folder`, which is made. What runs there has this machine's network, and /proc of its own."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(exist_ok=True)
        subprocess.run(["tar", "-C", self.folder, "-xf", self._base()], check=True)
        for name in ("resolv.conf", "hosts"):
            shutil.copy(Path("/etc", name), self.folder / "etc")
        apt = subprocess.run(["apt-config", "dump", "Acquire::http", "Acquire::https"], capture_output=True, check=True)
        (self.folder / "etc/apt/apt.conf.d/90host").write_bytes(apt.stdout)
        # As in Debian's images: nobody needs the system after a power cut.
        (self.folder / "etc/dpkg/dpkg.cfg.d/unsafe-io").write_text("force-unsafe-io\n")

    @staticmethod
    def _base():
        base = KEPT / "bookworm.tar"
        if not base.exists():
            making = KEPT / "making"
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir(parents=True)
            made = subprocess.run(
                ["debootstrap", "--variant=minbase", "bookworm", making, mirror()], capture_output=True, text=True
            )
            assert made.returncode == 0, made.stdout[-2000:] + made.stderr
            subprocess.run(["tar", "-C", making, "-cf", f"{base}.new", "."], check=True)
            Path(f"{base}.new").rename(base)
            shutil.rmtree(making)
        return base

    def command(self, *words, user="0:0", cwd="/", mounts="", unshare=(), **environment):
        """What becomes this command there: no process stays between. `cwd` is a folder there; `mounts`: shell that
        mounts more below $1, seen by the command alone; `unshare`: flags that separate it further."""
        # Where gRPC finds no /sys, what looks for it spoils errno, now and then between a connect and its check.
        system = "mount -t proc proc $1/proc; mount --rbind /sys $1/sys"
        script = f"set -e; {system}; {mounts or ':'}; shift; exec \"$@\""
        proxies = {name: value for name, value in os.environ.items() if "proxy" in name.lower()}
        env = [f"{name}={value}" for name, value in (proxies | {"PATH": PATH} | environment).items()]
        groups = f"--groups={user.partition(':')[2]}"
        inside = ["chroot", f"--userspec={user}", groups, self.folder, "/usr/bin/env", "-i", "-C", cwd, *env, *words]
        apart = ["unshare", "--mount", "--propagation", "private", *unshare]
        return [*apart, "sh", "-c", script, "sh", self.folder, *inside]

    def run(self, *words, **how):
        """Runs it to its end and gives what it wrote to stdout; it must exit with 0. `how` as of command()."""
        done = subprocess.run(self.command(*words, **how), capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def apt(self, *words):
        self.run("apt-get", "-q", *words, DEBIAN_FRONTEND="noninteractive")
