#!/usr/bin/env python3
"""Makes pictures of the page in build/screenshots, against the real server of build/debug (or LUNA_BUILD) and the fake
provider. With a path: only the README's picture, there."""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent), str(HERE.parents[1] / "integration")]

from page_servers import page_servers  # noqa: E402
from processes import ROOT, FakeProvider, clean_environment  # noqa: E402

fake = FakeProvider()
with tempfile.TemporaryDirectory() as folder, page_servers(Path(folder), fake.url) as environment:
    command = ["node", HERE / "screenshots.mjs", *sys.argv[1:]]
    done = subprocess.run(command, cwd=ROOT, env=clean_environment(**environment), check=False)
fake.stop()
sys.exit(done.returncode)
