"""The generated Python code of luna.v1."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import google.api.annotations_pb2
from grpc_tools import protoc

from processes import ROOT


def generate_stubs(out):
    """`messages` and `services` of luna.v1, generated into the folder `out`."""
    google_protos = Path(google.api.annotations_pb2.__file__).parents[2]
    well_known_protos = Path(protoc.__file__).parent / "_proto"
    code = protoc.main(
        [
            "protoc",
            f"-I{ROOT / 'proto'}",
            f"-I{google_protos}",
            f"-I{well_known_protos}",
            f"--python_out={out}",
            f"--grpc_python_out={out}",
            "luna/v1/interaction.proto",
            "luna/v1/emotion.proto",
            "luna/v1/memory.proto",
            "luna/v1/cache.proto",
            "luna/v1/generation.proto",
            "luna/v1/translation.proto",
        ]
    )
    assert code == 0
    sys.path.insert(0, str(out))
    return SimpleNamespace(
        messages=importlib.import_module("luna.v1.interaction_pb2"),
        services=importlib.import_module("luna.v1.interaction_pb2_grpc"),
        emotion_messages=importlib.import_module("luna.v1.emotion_pb2"),
        emotion_services=importlib.import_module("luna.v1.emotion_pb2_grpc"),
        translation_messages=importlib.import_module("luna.v1.translation_pb2"),
        translation_services=importlib.import_module("luna.v1.translation_pb2_grpc"),
        memory_messages=importlib.import_module("luna.v1.memory_pb2"),
        memory_services=importlib.import_module("luna.v1.memory_pb2_grpc"),
        cache_messages=importlib.import_module("luna.v1.cache_pb2"),
        cache_services=importlib.import_module("luna.v1.cache_pb2_grpc"),
        generation_messages=importlib.import_module("luna.v1.generation_pb2"),
        generation_services=importlib.import_module("luna.v1.generation_pb2_grpc"),
    )
