"""Talks to luna, the conversation server.

    from luna_client import Client, LlmChunk

    with Client("localhost:50051") as client:
        for event in client.interact("안녕하세요!"):
            match event:
                case LlmChunk(text):
                    print(text, end="", flush=True)
"""

from luna_client._calls import Features, Timeout
from luna_client.aio import AsyncClient, AsyncMemory
from luna_client.client import Client, Memory
from luna_client.errors import LunaError
from luna_client.messages import (
    Answer,
    Complete,
    Conversation,
    Emotion,
    EmotionScore,
    Event,
    ImportResult,
    LlmChunk,
    RecentConversation,
    RecentConversationMetadata,
    SearchResult,
    Session,
    SnippetPart,
    Stats,
    SummarizeResult,
    Summary,
    Timings,
    Translation,
    Usage,
)

__all__ = [
    "Answer",
    "AsyncClient",
    "AsyncMemory",
    "Client",
    "Complete",
    "Conversation",
    "Emotion",
    "EmotionScore",
    "Event",
    "Features",
    "ImportResult",
    "LlmChunk",
    "LunaError",
    "Memory",
    "RecentConversation",
    "RecentConversationMetadata",
    "SearchResult",
    "Session",
    "SnippetPart",
    "Stats",
    "SummarizeResult",
    "Summary",
    "Timeout",
    "Timings",
    "Translation",
    "Usage",
]
