"""The server does what /openapi.json says of it."""

import hashlib
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from fake_translators import FakeLibreTranslate
from openapi_spec_validator import OpenAPIV30SpecValidator

from configuration import PATIENT
from processes import LunaServer, clean_environment

FOLDER = Path(__file__).parent / "openapi"
LONG = bool(os.environ.get("LUNA_LONG"))
EXAMPLES = 300 if LONG else 5
TOKEN = "luna_of-a-service"


class AnyTranslation(FakeLibreTranslate):
    """Has a translation for whatever it is asked."""

    def answer(self, _request):
        return 200, {"translatedText": "Hello", "detectedLanguage": {"confidence": 90.0, "language": "ko"}}


@pytest.fixture(scope="module")
def server(configure, fake_process):
    """Wants a token, translates, asks a fake that answers, and remembers what the user `kept` said."""
    fake_process.reset()
    translator = AnyTranslation()
    translation = f"{{engine: libretranslate, libretranslate: {{url: '{translator.url}'}}}}"
    file = configure(**PATIENT, translation=translation, auth="{tokens_file: tokens}")
    tokens = file.parent / "tokens"
    tokens.write_text(f"{hashlib.sha256(TOKEN.encode()).hexdigest()} *\n")
    tokens.chmod(0o600)
    server = LunaServer(file)
    lines = "".join(f'{{"conversation": {{"timestamp": "2026-01-02T03:04:{s:02}Z", "user_message": "하나",'
                    f'"assistant_message": "둘"}}}}\n' for s in range(20))  # fmt: skip
    kept = requests.post(f"{server.url}/memory/import?user_id=kept", data=lines.encode(), timeout=60,
                         headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"})  # fmt: skip
    assert kept.json() == {"imported": 20, "skipped": 0}
    yield server
    server.stop()
    translator.stop()


def test_the_description_is_openapi_and_needs_no_token(server):
    described = requests.get(f"{server.url}/openapi.json", timeout=60)
    assert described.headers["Content-Type"] == "application/json"
    OpenAPIV30SpecValidator(described.json()).validate()


def test_the_server_keeps_to_its_description(server, tmp_path):
    """Every operation with what its schemas allow and with what they do not. The same requests each time,
    but with LUNA_LONG, where the seed is another one each time, and shown."""
    seed = secrets.randbelow(2**32) if LONG else 1
    choice = [f"--seed={seed}", "--generation-database=none"] if LONG else ["--generation-deterministic"]
    print("seed", seed)
    done = subprocess.run(
        [Path(sys.executable).parent / "st", "--config-file", FOLDER / "schemathesis.toml", "run",
         f"{server.url}/openapi.json", "--phases=coverage,fuzzing", f"--max-examples={EXAMPLES}", *choice,
         "--header", f"Authorization: Bearer {TOKEN}", "--continue-on-failure", "--no-color"],
        env=clean_environment(PYTHONPATH=str(FOLDER)), cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0
    there, tested = re.search(r"Selected: \d+/(\d+)\s+Tested: (\d+)", done.stdout).groups()
    assert there == tested
