"""What the two clients have in common: how they connect, what they send, how they read what comes."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from itertools import chain
from typing import NamedTuple, TypeAlias, TypedDict

from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp

from luna_client import errors, messages
from luna_client._generated import interaction_pb2, memory_pb2

# Past any proxy, as luna listens on loopback. A ping notices that a server has vanished; one that was started anew is
# found soon. A connection carries 100 calls at once: what more there are wait, so each client has its own.
CHANNEL_OPTIONS = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)

# Bytes of a file that one request carries, unless a line is longer; the server takes 4 MiB.
MOST_IMPORTED = 250 * 1024

# Seconds. One number: until all of the answer must be there. (CONNECT, READ), each a number or None, as requests has
# it: until the server is reached, and between two events (over a call without events: until the answer). None: no
# limit but the server's own.
Timeout: TypeAlias = float | tuple[float | None, float | None] | None


class Features(TypedDict, total=False):
    """What is on for one request. All of it is by default."""

    emotion: bool
    translation: bool
    memory: bool
    cache: bool


class Limits(NamedTuple):
    """Of one call, in seconds; None: no limit."""

    connect: float | None = None
    read: float | None = None
    total: float | None = None

    @classmethod
    def of(cls, timeout: Timeout) -> Limits:
        return cls(*timeout) if isinstance(timeout, tuple) else cls(total=timeout)

    def whole(self) -> float | None:
        """Of a call without events."""
        return self.read if self.total is None else self.total


def metadata_of(token: str | None) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),) if token else ()


def features_of(features: Features | None) -> interaction_pb2.Features:
    return interaction_pb2.Features(**(features or {}))


def event_of(response: interaction_pb2.InteractResponse) -> messages.Event | None:
    """None for a kind of event that this client does not know yet. Raises LunaError for `error`."""
    kind = response.WhichOneof("event")
    if kind == "llm_chunk":
        return messages.LlmChunk(response.llm_chunk.text)
    if kind == "complete":
        return messages.read(messages.Complete, response.complete)
    if kind == "emotion":
        return messages.read(messages.Emotion, response.emotion)
    if kind == "translation":
        return messages.read(messages.Translation, response.translation)
    if kind == "error":
        raise errors.of_event(response.error)
    return None


def timestamp_of(time: datetime | None) -> Timestamp | None:
    """A time without a zone is local."""
    if time is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(time.astimezone(timezone.utc))
    return timestamp


def exported_line(response: memory_pb2.ExportResponse) -> str:
    fields = MessageToDict(response, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    return json.dumps(fields, ensure_ascii=False) + "\n"


def import_parts(file: Iterable[str] | Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """A file in parts that fit into a request, each with how many lines went before it. The Python original's list is
    cut between two turns, which count as its lines."""
    if isinstance(file, (str, bytes)):
        raise TypeError("expected a file or its lines, not its text: use text.splitlines()")
    lines = (line.encode() if isinstance(line, str) else line for line in file)
    head: list[bytes] = []
    for line in lines:
        head.append(line if head else line.removeprefix(codecs.BOM_UTF8))
        if line.strip():
            break
    if head and head[-1].lstrip().startswith(b"["):
        turns = json.loads(b"".join(chain(head, lines)))
        return _pack((json.dumps(turn, ensure_ascii=False).encode() for turn in turns), b"[", b",", b"]")
    return _pack((line.rstrip(b"\n") for line in chain(head, lines)), b"", b"\n", b"\n")


def _pack(pieces: Iterable[bytes], start: bytes, between: bytes, end: bytes) -> Iterator[tuple[int, bytes]]:
    before = size = 0
    part: list[bytes] = []
    for piece in pieces:
        if part and size + len(piece) > MOST_IMPORTED:
            yield before, start + between.join(part) + end
            before += len(part)
            part, size = [], 0
        part.append(piece)
        size += len(piece) + len(between)
    yield before, start + between.join(part) + end
