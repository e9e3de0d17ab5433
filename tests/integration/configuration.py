"""The configuration that the tests' server runs with."""

PERSONA = "너는 루나야."

# `gemini` and `openai` ask the fake; `*_gone` a port where nobody listens; `still` does not stream.
MODELS_YAML = """\
llm:
  mode: api
  api:
    gemini: {{model: gemini-2.5-flash, base_url: "{fake}/v1beta", thinking_budget: 0}}
    gemini_gone: {{model: gemini-2.5-flash, base_url: "{gone}/v1beta"}}
  servers:
    openai: {{url: "{fake}", alias: Luna}}
    openai_gone: {{url: "{gone}", alias: Luna}}
    still: {{url: "{fake}", alias: Luna, stream: false}}
  retries: {{count: 0}}
prompt: {{system_file: persona.txt}}
data_dir: {data}
"""


def write_configuration(folder, fake_url, gone_url):
    """Writes models.yaml and the persona; returns the file."""
    (folder / "persona.txt").write_text(PERSONA)
    file = folder / "models.yaml"
    file.write_text(MODELS_YAML.format(fake=fake_url, gone=gone_url, data=folder / "data"))
    return file
