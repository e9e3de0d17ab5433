"""The page, in Debian's Chromium, against the real server. The cases stand in page/*.test.mjs, for Node.js' own runner; each
is one here."""

import re
import subprocess
from pathlib import Path

import pytest

from page_servers import page_servers
from processes import clean_environment

FILES = sorted((Path(__file__).parent / "page").glob("*.test.mjs"))
NAMES = {file: re.findall(r'^test\("(.+?)", ', file.read_text(), re.MULTILINE) for file in FILES}
CASES = [
    pytest.param(file, name, id=f"{file.name}: {name}") for file, names in NAMES.items() for name in names
]
RESULT = re.compile(r"^(not ok|ok) \d+ - (.+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def run(fake_process, tmp_path_factory):
    """The results of a file's cases, by name, each with what was said of it; a file runs once."""
    ran = {}

    def results(environment, file):
        if file not in ran:
            command = ["node", "--test-reporter=tap", file]
            env = clean_environment(**environment)
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=900)
            words = RESULT.split(done.stdout)
            parts = zip(words[1::3], words[2::3], words[3::3])
            ran[file] = {name: (ok, said + done.stderr) for ok, name, said in parts}
        return ran[file]

    with page_servers(tmp_path_factory.mktemp("page"), fake_process.url) as environment:
        yield lambda file: results(environment, file)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_case_is_known(run, file):
    assert list(run(file)) == NAMES[file]


@pytest.mark.parametrize(("file", "name"), CASES)
def test_page(run, file, name):
    results = run(file)
    assert name in results, f"did not run; those that did: {list(results)}"
    ok, said = results[name]
    assert ok == "ok", said
