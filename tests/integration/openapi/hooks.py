"""What schemathesis is to know of luna beside /openapi.json; `st run` loads it for test_openapi.py."""

import json
import re

import schemathesis
from openapi_schema_validator import OAS30Validator
from schemathesis.checks import CheckContext
from schemathesis.specs.openapi.checks import negative_data_rejection

SAID = "안녕"
KEPT = "kept"  # whose turns test_openapi.py put there
LINE = {"conversation": {"timestamp": "2026-01-02T03:04:05Z", "user_message": SAID, "assistant_message": SAID}}
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


@schemathesis.deserializer("text/event-stream")
def frames(_context, response):
    """The JSON of each frame, which is validated one by one; OpenAI's last one is none."""
    *events, rest = response.content.decode().split("\n\n")
    assert rest == "", "the last frame has no end"
    lines = [line for event in events for line in event.split("\n") if not line.startswith(":")]
    assert all(line.startswith("data: ") for line in lines)
    return [json.loads(line[6:]) for line in lines if line != "data: [DONE]"]


def errors(case, schema, value):
    """What of a value breaks a schema of the description."""
    document = case.operation.schema.raw_schema
    return [error.message for error in OAS30Validator({**schema, "components": document["components"]}).iter_errors(value)]


@schemathesis.check
def lines_conform(_context: CheckContext, response, case):
    content = case.operation.definition.raw["responses"]["200"]["content"]
    if response.status_code != 200 or "application/x-ndjson" not in content:
        return
    *lines, rest = response.content.decode().split("\n")
    assert rest == "", "the last line has no end"
    for line in lines:
        assert errors(case, content["application/x-ndjson"]["schema"], json.loads(line)) == []


@schemathesis.check
def invalid_data_is_refused(context: CheckContext, response, case):
    """As schemathesis has it, but for what protobuf's JSON mapping takes for valid."""
    if not is_valid_for_protobuf(case):
        negative_data_rejection(context, response, case)


def is_valid_for_protobuf(case):
    definition = case.operation.definition.raw
    for parameter in definition.get("parameters", ()):
        values = case.query if parameter["in"] == "query" else case.path_parameters
        if parameter["name"] not in values:
            if parameter.get("required"):
                return False
        elif is_default(parameter["schema"], values[parameter["name"]]):
            continue
        elif errors(case, parameter["schema"], canonical(case, parameter["schema"], values[parameter["name"]])):
            return False
    if set(case.query) - {parameter["name"] for parameter in definition.get("parameters", ())}:
        return False
    content = definition.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return schema is None or not errors(case, schema, canonical(case, schema, case.body))


def is_default(schema, value):
    """An empty text says nothing, `language` too."""
    return "enum" in schema and value == ""


def canonical(case, schema, value):
    """A value as protobuf reads it (https://protobuf.dev/programming-guides/json): null is as left out,
    numbers and truth values may be texts, a number of one may be written as 1.0, a name in camelCase."""
    if "$ref" in schema:
        schema = case.operation.schema.raw_schema["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if isinstance(value, dict) and schema.get("type") == "object":
        properties = schema.get("properties", {})
        named = {re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name): inner for name, inner in value.items()}
        return {name: canonical(case, properties.get(name, {}), inner) for name, inner in named.items()
                if inner is not None and not is_default(properties.get(name, {}), inner)}  # fmt: skip
    if isinstance(value, list) and schema.get("type") == "array":
        return [canonical(case, schema["items"], inner) for inner in value]
    if schema.get("type") == "boolean" and value in ("true", "false"):
        return value == "true"
    if schema.get("type") in ("integer", "number") and isinstance(value, (str, float)) and NUMBER.fullmatch(str(value)):
        number = float(value)
        return int(number) if number.is_integer() else number
    return value


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Makes what is meant to be accepted such that it can be: no schema says that a target is configured,
    that a user said something, that only one of three fields is there, or how long a text is in bytes."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.path in ("/analyze", "/generate", "/generate/stream") and not isinstance(case.body, dict):
        case.body, case.media_type = {}, "application/json"
    body = case.body
    if case.path == "/memory/import":
        case.body = json.dumps(LINE).encode()
    elif case.path == "/translate":
        body |= {"from_lang": "ko", "to_lang": "en"}
    elif case.path == "/analyze":
        body.pop("texts" if body.get("text") else "text", None)
        if not body.get("texts"):
            body["text"] = SAID
    elif case.path in ("/generate", "/generate/stream"):
        keep_one_prompt(body)
    elif case.path == "/v1/chat/completions":
        body["messages"].append({"role": "user", "content": SAID})
    elif case.path == "/memory/conversations/{id}":
        case.path_parameters["id"] = abs(int(case.path_parameters["id"])) % 20
        case.query["user_id"] = KEPT
    elif case.path == "/memory/export":
        case.query["user_id"] = KEPT
    if isinstance(body, dict):
        for name in ("target", "model"):
            body.pop(name, None)
        cut_to_bytes(body)
    cut_to_bytes(case.query)


def cut_to_bytes(fields):
    """A schema counts a text's characters, luna its bytes."""
    for name, value in fields.items():
        if isinstance(value, str):
            most = 128 if name in ("user_id", "session_id", "user") else 1024
            fields[name] = value.encode()[:most].decode(errors="ignore")


def keep_one_prompt(body):
    given = [name for name in ("messages", "user_prompt", "input") if body.get(name)]
    for name in given[1:]:
        del body[name]
    if given[:1] == ["messages"]:
        body["messages"].append({"role": "user", "content": SAID})
    else:
        body[given[0] if given else "input"] = SAID
