"""Which model answers where `./run` is to choose it (config/localmodel/model.sh)."""

import subprocess

import pytest

from processes import ROOT, clean_environment

CHOOSE = """
set -euo pipefail
say() { printf '%s\\n' "$*" >&2; }
. config/localmodel/model.sh
choose_model
echo "${LLM_MODE-} ${local_model-}"
"""


@pytest.mark.parametrize(
    "environment, chosen",
    [
        ({"GEMINI_API_KEY": "key"}, "api "),
        ({"GENAI_API_KEY": "key", "LLM_SERVER_URL": "http://127.0.0.1:1"}, "api "),
        ({"LUNA_LOCAL_MODEL": "0.5b", "GEMINI_API_KEY": "key"}, " 1"),
        ({"LLM_MODE": "server", "LUNA_LOCAL_MODEL": "0.5b", "GEMINI_API_KEY": "key"}, "server "),
    ],
    ids=("key", "key before server", "local before key", "mode before all"),
)
def test_what_is_named_closest_answers(environment, chosen):
    done = subprocess.run(
        ["bash", "-c", CHOOSE], cwd=ROOT, env=clean_environment(**environment), capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{chosen}\n", done.stderr
