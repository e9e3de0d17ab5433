"""What `generate` sends and gives: dictionaries as the guide reads them, which are OpenAI's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypedDict

from luna_client._generated.generation_pb2 import GenerateResponse, GenerateStreamResponse
from luna_client._generated.interaction_pb2 import Usage
from luna_client.errors import LunaError

# `{"choices": [{"index": 0, "delta": {"content": TEXT}, "finish_reason": None}], "model": ...}`. The last one has a
# finish reason, or is `{"error": TEXT, ...}` with what LunaError holds.
Chunk: TypeAlias = dict[str, Any]


class Generation(TypedDict, total=False):
    """What a model is asked. GenerateRequest in proto/luna/v1/generation.proto says what each means."""

    target: str
    messages: Sequence[Mapping[str, str]]  # {"role": ..., "content": ...}; or:
    system_prompt: str
    user_prompt: str
    model: str
    temperature: float
    top_p: float
    max_tokens: int
    stop: Sequence[str]
    seed: int
    skip_cache: bool
    user_id: str
    language: str


def chunk_of(response: GenerateStreamResponse) -> Chunk:
    choice = response.choices[0]
    reason = choice.finish_reason if choice.HasField("finish_reason") else None
    delta = {"content": choice.delta.content} if choice.delta.content else {}
    chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]} | _source(response)
    return chunk | {"usage": _usage(response.usage)} if response.HasField("usage") else chunk


def completion_of(response: GenerateResponse) -> Chunk:
    message = {"role": "assistant", "content": response.content}
    choice = {"index": 0, "message": message, "finish_reason": response.finish_reason}
    return {"choices": [choice]} | _source(response) | {"usage": _usage(response.usage)}


def error_chunk(error: LunaError) -> Chunk:
    return {
        "error": error.message,
        "code": error.code,
        "retryable": error.retryable,
        "retry_after": error.retry_after,
        "text_so_far": error.text_so_far,
    }


def _source(response: GenerateResponse | GenerateStreamResponse) -> Chunk:
    return {"model": response.model, "target": response.target, "cached": response.cached}


def _usage(usage: Usage) -> dict[str, int]:
    return {field.name: getattr(usage, field.name) for field in Usage.DESCRIPTOR.fields}
