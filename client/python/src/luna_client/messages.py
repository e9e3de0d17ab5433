"""What luna says, as frozen dataclasses. Fields are those of the messages in proto/luna/v1, which say more."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, TypeAlias, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp


@dataclass(frozen=True, slots=True)
class EmotionScore:
    emotion: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Emotion:
    """What the person feels: one of 28 labels, how likely it is right, and the best five."""

    emotion: str
    confidence: float
    top: tuple[EmotionScore, ...] = ()


@dataclass(frozen=True, slots=True)
class Translation:
    """What the person said, in the other language. Languages are ISO 639-1: `ko`, `en`."""

    text: str
    source_language: str
    target_language: str


@dataclass(frozen=True, slots=True)
class LlmChunk:
    """A piece of the answer. All pieces joined are the text of Complete."""

    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the provider counted them; 0 where it said nothing."""

    prompt_tokens: int
    completion_tokens: int
    thoughts_tokens: int
    total_tokens: int


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds since the server read the request."""

    first_chunk_ms: int
    total_ms: int


@dataclass(frozen=True, slots=True)
class Complete:
    """The whole answer; the last event. `finish_reason` is STOP or MAX_TOKENS."""

    text: str
    finish_reason: str
    usage: Usage
    model: str
    target: str
    cached: bool
    remembered: bool
    timings: Timings


Event: TypeAlias = Emotion | Translation | LlmChunk | Complete


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer at once. `emotion` and `translation` are empty where there is none."""

    text: str
    emotion: str
    confidence: float
    translation: str
    cached: bool
    remembered: bool
    model: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class SnippetPart:
    """A part of the passage in which a search found its words; `match`: it is one of them."""

    text: str
    match: bool


@dataclass(frozen=True, slots=True)
class Conversation:
    """A turn: what a person said, and the answer. `processing_time` is in seconds."""

    id: int
    user_id: str
    session_id: str
    timestamp: datetime
    created_at: datetime
    user_message: str
    assistant_message: str
    emotion: str
    processing_time: float
    cached: bool
    model: str
    mode: str
    finish_reason: str
    snippet: tuple[SnippetPart, ...]
    translation: str


@dataclass(frozen=True, slots=True)
class RecentConversationMetadata:
    emotion: str
    mode: str


@dataclass(frozen=True, slots=True)
class RecentConversation:
    """A turn as the Python original shows it."""

    timestamp: datetime
    user: str
    assistant: str
    metadata: RecentConversationMetadata


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found, the best match first; `total`: how many there are in all."""

    results: tuple[Conversation, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Session:
    session_id: str
    conversations: int
    first_conversation: datetime
    last_conversation: datetime
    last_message: str


@dataclass(frozen=True, slots=True)
class Summary:
    id: int
    session_id: str
    timestamp: datetime
    created_at: datetime
    content: str
    summarized_turns: int


@dataclass(frozen=True, slots=True)
class SummarizeResult:
    """`status` is `success`, or `failed` where there is nothing to sum up, which `message` says."""

    status: str
    message: str
    summary: str


@dataclass(frozen=True, slots=True)
class Stats:
    """Numbers of one user; `avg_processing_time` is in seconds, the days of `conversations_by_date` are YYYY-MM-DD."""

    total_conversations: int
    total_summaries: int
    unique_sessions: int
    first_conversation: datetime | None
    last_conversation: datetime | None
    emotions_distribution: Mapping[str, int]
    avg_processing_time: float
    cache_hit_rate: float
    conversations_by_date: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """How many turns and summaries were added, and how many were there already."""

    imported: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Model:
    """A configured target: `id` is its name, `model` that of the model that it asks."""

    id: str
    object: str
    created: int
    owned_by: str
    model: str


@dataclass(frozen=True, slots=True)
class CacheStats:
    """Of one user, since his cache was last cleared; `hit_rate` is a text such as `66.2%`."""

    hits: int
    misses: int
    saves: int
    hit_rate: str
    total_cached: int
    max_size: int
    ttl_seconds: int


T = TypeVar("T")


def read(kind: type[T], message: Message) -> T:
    """The dataclass with the message's fields. A time that is left out is None; times are in UTC."""
    assert dataclasses.is_dataclass(kind)
    return kind(**{field.name: _read_field(message, field.name) for field in dataclasses.fields(kind)})


def _read_field(message: Message, name: str) -> Any:
    value = getattr(message, name)
    if isinstance(value, Timestamp):
        return value.ToDatetime(timezone.utc) if message.HasField(name) else None
    if isinstance(value, Message):
        return _read_message(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (str, int, float)):
        return value
    return tuple(map(_read_message, value))


def _read_message(message: Message) -> Any:
    """The dataclass of the same name."""
    return read(globals()[message.DESCRIPTOR.name], message)
