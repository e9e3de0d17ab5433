"""The page, in Debian's Chromium, against the real server. The cases stand in page/*.test.mjs, for Node.js' own runner; each
is one here."""

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

from configuration import PATIENT
from processes import LunaServer, clean_environment
from scripts import TOKEN

FILES = sorted((Path(__file__).parent / "page").glob("*.test.mjs"))
CASES = [
    pytest.param(file, name, id=f"{file.name}: {name}")
    for file in FILES
    for name in re.findall(r'^test\("(.+?)", ', file.read_text(), re.MULTILINE)
]
RESULT = re.compile(r"^(not ok|ok) \d+ - (.+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def servers(configure, tmp_path_factory):
    """What the cases find in their environment: one that waits for translations, one that wants TOKEN, and one besides."""
    tokens = tmp_path_factory.mktemp("tokens") / "tokens"
    tokens.write_text(f"{hashlib.sha256(TOKEN.encode()).hexdigest()} alice\n")
    tokens.chmod(0o600)
    started = {
        "PAGE_LUNA": LunaServer(configure(**PATIENT)),
        "PAGE_TRANSLATING": LunaServer(
            configure(**PATIENT | {"translation": "{wait_ms: 60000, deadline_ms: 60000}"})
        ),
        "PAGE_GUARDED": LunaServer(configure(**PATIENT | {"auth": f"{{tokens_file: '{tokens}'}}"})),
    }
    yield {name: server.url for name, server in started.items()} | {"PAGE_TOKEN": TOKEN}
    for server in started.values():
        server.stop()


@pytest.fixture(scope="module")
def run(servers, fake_process):
    """The results of a file's cases, by name, each with what was said of it; a file runs once."""
    ran = {}

    def results(file):
        if file not in ran:
            env = clean_environment(PAGE_FAKE=fake_process.url, **servers)
            command = ["node", "--test-reporter=tap", file]
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=900)
            words = RESULT.split(done.stdout)
            ran[file] = {
                name: (ok, said + done.stderr) for ok, name, said in zip(words[1::3], words[2::3], words[3::3])
            }
        return ran[file]

    return results


@pytest.mark.parametrize(("file", "name"), CASES)
def test_page(run, file, name):
    results = run(file)
    assert name in results, f"did not run; those that did: {list(results)}"
    ok, said = results[name]
    assert ok == "ok", said
