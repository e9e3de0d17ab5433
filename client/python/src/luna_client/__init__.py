"""Talks to luna, the conversation server.

from luna_client import Client, LlmChunk

with Client("localhost:50051") as client:
    for event in client.interact("안녕하세요!"):
        match event:
            case LlmChunk(text):
                print(text, end="", flush=True)
"""

from luna_client._calls import Features, Timeout
from luna_client._chunks import Chunk, Generation
from luna_client.aio import AsyncCache, AsyncClient, AsyncMemory
from luna_client.client import Cache, Client, Memory
from luna_client.errors import LunaError
from luna_client.llm import LLMAPIService, LLMManager
from luna_client.messages import (
    Answer,
    CacheStats,
    Complete,
    Conversation,
    Emotion,
    EmotionScore,
    Event,
    ImportResult,
    LlmChunk,
    Model,
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
    "AsyncCache",
    "AsyncClient",
    "AsyncMemory",
    "Cache",
    "CacheStats",
    "Chunk",
    "Client",
    "Complete",
    "Conversation",
    "Emotion",
    "EmotionScore",
    "Event",
    "Features",
    "Generation",
    "ImportResult",
    "LLMAPIService",
    "LLMManager",
    "LlmChunk",
    "LunaError",
    "Memory",
    "Model",
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
