"""The configurations that the tests' servers run with."""

from peers import PEERS
from processes import ROOT

PERSONA = "너는 루나야."

# `gemini` and `openai` ask the fake, `*_gone` a port where nobody listens, `*_nowhere` a name that
# is none, `*_unanswered` one to be asked without names only, the others peers.PEERS; `still` does not
# stream.
MODELS_YAML = """\
llm:
  mode: api
  api:
    gemini: {{model: gemini-2.5-flash, base_url: "{fake}/v1beta", thinking_budget: 0, temperature: {temperature}}}
    gemini_gone: {{model: gemini-2.5-flash, base_url: "{gone}/v1beta"}}
    gemini_nowhere: {{model: gemini-2.5-flash, base_url: "http://{label}.example/v1beta"}}
    gemini_unanswered: {{model: gemini-2.5-flash, base_url: "http://nobody.invalid/v1beta"}}
    gemini_plain: {{model: gemini-2.5-flash, base_url: "{plain}/v1beta"}}
    gemini_self_signed: {{model: gemini-2.5-flash, base_url: "{self_signed}/v1beta"}}
    gemini_mute: {{model: gemini-2.5-flash, base_url: "{mute}/v1beta"}}
    gemini_resetting: {{model: gemini-2.5-flash, base_url: "{resetting}/v1beta"}}
    gemini_closing: {{model: gemini-2.5-flash, base_url: "{closing}/v1beta"}}
  servers:
    openai: {{url: "{fake}", alias: Luna, temperature: {temperature}}}
    openai_gone: {{url: "{gone}", alias: Luna}}
    openai_nowhere: {{url: "http://{label}.example", alias: Luna}}
    openai_unanswered: {{url: "http://nobody.invalid", alias: Luna}}
    openai_plain: {{url: "{plain}", alias: Luna}}
    openai_self_signed: {{url: "{self_signed}", alias: Luna}}
    openai_mute: {{url: "{mute}", alias: Luna}}
    openai_resetting: {{url: "{resetting}", alias: Luna}}
    openai_closing: {{url: "{closing}", alias: Luna}}
    still: {{url: "{fake}", alias: Luna, stream: false}}
    spare: {{url: "{fake}", alias: Spare}}
    {translator}
  retries: {retries}
  timeouts: {timeouts}
  fallback: {fallback}
server: {server}
stream: {stream}
emotion: {emotion}
translation: {translation}
memory: {memory}
cache: {cache}
prompt: {{system_file: persona.txt}}
auth: {auth}
data_dir: {data}
"""

LONG = "{first_token_ms: 600000, gap_ms: 600000, total_ms: 600000}"  # no test waits for one of these
PATIENT = {"retries": "{count: 0}", "timeouts": LONG}
SHORT = "{connect_ms: 200, first_token_ms: 500, gap_ms: 400, total_ms: 1000}"
STUBBORN = {"retries": "{count: 2, first_ms: 1, longest_ms: 50}", "timeouts": SHORT}
FALLING = {"retries": "{count: 0}", "timeouts": SHORT, "fallback": "[spare]"}


def write_configuration(folder, fake_url, gone_url, peers=None, **changes):
    """Writes models.yaml and the persona; returns the file. `peers`: the URL of each of peers.PEERS;
    `changes`: retries, timeouts, fallback, temperature, server, stream, emotion, translation, translator, memory, cache,
    auth, data, each as YAML."""
    (folder / "persona.txt").write_text(PERSONA)
    values = dict.fromkeys(PEERS, gone_url) | (peers or {})
    values |= dict.fromkeys(("retries", "timeouts", "server", "stream", "memory", "cache", "auth"), "{}")
    values |= {"fallback": "[]", "temperature": 0.85, "translation": "{engine: off}", "translator": ""}
    values |= {"emotion": f"{{model_file: {ROOT}/config/emotion/model.bin}}", "data": folder / "data"} | changes
    values |= {"fake": fake_url, "gone": gone_url, "label": "a" * 64}
    file = folder / "models.yaml"
    file.write_text(MODELS_YAML.format(**values))
    return file
