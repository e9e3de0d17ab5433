"""Makes luna_client/_generated from the .proto files, at build time: it is never committed.

In a clone these are in ../../proto; a source distribution carries them along.
"""

import os
import re
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from grpc_tools import protoc
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Where programs of the packages are that the build needs: pip puts those of a build of its own into PATH.
PROGRAMS = os.pathsep.join([os.environ.get("PATH", os.defpath), sysconfig.get_path("scripts")])
PLUGINS = ("protoc-gen-mypy", "protoc-gen-mypy_grpc")
# protoc's code imports its siblings as luna.v1, which is not ours to put into site-packages.
SIBLING = re.compile(r"^from luna\.v1 import ", re.MULTILINE)


class GenerateStubs(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "wheel":
            root = Path(self.root)
            carried = root / "proto"
            generate(carried if carried.is_dir() else root / "../../proto", root / "src/luna_client/_generated")


def generate(proto: Path, out: Path) -> None:
    """Replaces `out` by a package of all that protoc makes of luna/v1."""
    files = sorted(path.relative_to(proto).as_posix() for path in proto.glob("luna/v1/*.proto"))
    if not files:
        raise SystemExit(f"no .proto files in {proto}: build luna-client in a clone of luna, or from an sdist")
    with tempfile.TemporaryDirectory() as made:
        includes = [proto, *(Path(entry) for entry in sys.path if (Path(entry) / "google/api/http.proto").exists())]
        includes.append(Path(protoc.__file__).parent / "_proto")
        code = protoc.main(
            ["protoc", *(f"-I{folder}" for folder in includes)]
            + [f"--plugin={name}={shutil.which(name, path=PROGRAMS)}" for name in PLUGINS]
            + [f"--{kind}_out={made}" for kind in ("python", "grpc_python")]
            + [f"--{kind}_out=quiet:{made}" for kind in ("mypy", "mypy_grpc")]
            + files
        )
        if code != 0:
            raise SystemExit(f"protoc failed with exit code {code}")
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        (out / "__init__.py").touch()
        for path in Path(made, "luna/v1").iterdir():
            text = SIBLING.sub("from luna_client._generated import ", path.read_text("utf-8"))
            (out / path.name).write_text(text, "utf-8")
