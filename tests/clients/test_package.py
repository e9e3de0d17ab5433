"""The Python package: what a wheel holds, and that its types say the truth."""

import dataclasses
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import luna_client
import pytest
from google.protobuf import descriptor_pool
from luna_client import messages

from package import build_sdist, build_wheel, clean_clone
from processes import ROOT

# Dataclass -> the message whose fields it has, where that is not the one of its name.
NAMES = {
    messages.Answer: "AnswerResponse",
    messages.SearchResult: "SearchConversationsResponse",
    messages.SummarizeResult: "SummarizeResponse",
    messages.Stats: "GetStatsResponse",
    messages.ImportResult: "ImportResponse",
    messages.CacheStats: "GetCacheStatsResponse",
}
# What says only what the caller has asked for, or can count.
LEFT_OUT = {messages.SearchResult: {"count", "limit", "offset"}}


def dataclasses_of_messages():
    return [kind for kind in vars(messages).values() if dataclasses.is_dataclass(kind)]


@pytest.mark.parametrize("kind", dataclasses_of_messages(), ids=lambda kind: kind.__name__)
def test_a_dataclass_has_the_fields_of_its_message(kind):
    message = descriptor_pool.Default().FindMessageTypeByName(f"luna.v1.{NAMES.get(kind, kind.__name__)}")
    fields = {field.name for field in dataclasses.fields(kind)}
    assert fields == {field.name for field in message.fields} - LEFT_OUT.get(kind, set())


def test_everything_that_is_public_is_exported():
    public = {kind.__name__ for kind in dataclasses_of_messages()}
    assert public <= set(luna_client.__all__)


def names(wheel):
    return sorted(zipfile.ZipFile(wheel).namelist())


def test_a_source_distribution_makes_the_same_wheel_as_a_clone(tmp_path):
    for folder in ("of_clone", "of_sdist"):
        (tmp_path / folder).mkdir()
    source = clean_clone(tmp_path)
    of_clone = build_wheel(source, tmp_path / "of_clone")
    of_sdist = build_wheel(build_sdist(source, tmp_path), tmp_path / "of_sdist")
    assert names(of_sdist) == names(of_clone)
    assert "luna_client/py.typed" in names(of_clone)
    for proto in (ROOT / "proto/luna/v1").glob("*.proto"):
        for suffix in ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi"):
            assert f"luna_client/_generated/{proto.stem}{suffix}" in names(of_clone)


def mypy(*arguments):
    """What mypy says of code that uses the package as it is installed."""
    site = Path(luna_client.__file__).parents[1]
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, *map(str, arguments)]
    done = subprocess.run(
        command, env=os.environ | {"MYPYPATH": str(site)}, capture_output=True, text=True, check=False, timeout=600
    )
    return done.stdout + done.stderr


def test_the_package_is_strictly_typed():
    assert mypy("-p", "luna_client").startswith("Success")


def test_the_types_are_seen_from_outside(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("""\
from luna_client import Client, Complete, LlmChunk

for event in Client().interact("안녕"):
    match event:
        case LlmChunk(text):
            reveal_type(text)
        case Complete():
            reveal_type(event.usage.total_tokens)
reveal_type(Client().memory("minsu").recent())
Client().interact(1)
""")
    said = mypy(program)
    assert 'Revealed type is "str"' in said.replace("builtins.", "")
    assert 'Revealed type is "int"' in said.replace("builtins.", "")
    assert "list[luna_client.messages.RecentConversation]" in said
    assert 'has incompatible type "int"; expected "str"' in said
