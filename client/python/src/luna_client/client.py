"""The blocking client."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, overload

import grpc

from luna_client import errors, messages
from luna_client._calls import Features, Timeout, event_of, exported_line, features_of, import_parts, timestamp_of
from luna_client._chunks import Chunk, Generation, chunk_of, completion_of, error_chunk
from luna_client._connection import Connection
from luna_client._generated import cache_pb2, emotion_pb2, generation_pb2, interaction_pb2, memory_pb2, translation_pb2
from luna_client._generated.cache_pb2_grpc import CacheServiceStub
from luna_client._generated.emotion_pb2_grpc import EmotionServiceStub
from luna_client._generated.generation_pb2_grpc import GenerationServiceStub
from luna_client._generated.interaction_pb2_grpc import InteractionServiceStub
from luna_client._generated.memory_pb2_grpc import MemoryServiceStub
from luna_client._generated.translation_pb2_grpc import TranslationServiceStub
from luna_client.errors import LunaError
from luna_client.messages import read

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Client:
    """luna at an address. For any number of threads; connects with the first call. It has one connection, which carries
    100 calls at once; more of them wait for their turn, so a busy program has several clients.

    `token` says who calls, where the server wants one. `timeout` holds for each call that has none of its own.
    `credentials`: of TLS, where a proxy in front of luna speaks it; luna itself does not.

    Every call raises LunaError where it fails, and nothing is ever sent twice.
    """

    def __init__(
        self,
        address: str = "localhost:50051",
        *,
        token: str | None = None,
        timeout: Timeout = None,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        self._connection = Connection(address, token, timeout, credentials)
        self._interaction = InteractionServiceStub(self._connection.channel)
        self._emotion = EmotionServiceStub(self._connection.channel)
        self._memory = MemoryServiceStub(self._connection.channel)
        self._generation = GenerationServiceStub(self._connection.channel)
        self._cache = CacheServiceStub(self._connection.channel)
        self._translation = TranslationServiceStub(self._connection.channel)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Cancels what is still running, which fails with CANCELLED."""
        self._connection.close()

    def memory(self, user_id: str = "", *, language: str = "") -> Memory:
        """What luna remembers of a user."""
        return Memory(self._connection, self._memory, user_id, language)

    def cache(self, user_id: str = "", *, language: str = "") -> Cache:
        """The answers that luna keeps for a user."""
        return Cache(self._connection, self._cache, user_id, language)

    def interact(
        self,
        input: str,
        /,
        *,
        user_id: str = "",
        session_id: str = "",
        target: str = "",
        features: Features | None = None,
        language: str = "",
        timeout: Timeout = None,
    ) -> Generator[messages.Event, None, None]:
        """Says something, and gives each event as it comes; the last one is Complete.

        Asks with the first `next`. Leaving the loop cancels the call, and with it the model's work: by `break`, by an
        exception, by `close()`. A generator that a variable still holds runs on until one of these; `contextlib.closing`
        sees to it.
        """
        request = interaction_pb2.InteractRequest(
            input=input,
            user_id=user_id,
            session_id=session_id,
            target=target,
            features=features_of(features),
            language=language,
        )
        said: list[str] = []
        with self._connection.stream(self._interaction.Interact, request, timeout, said) as next_response:
            while (response := next_response()) is not None:
                event = event_of(response)
                if isinstance(event, messages.LlmChunk):
                    said.append(event.text)
                if event is not None:
                    yield event

    def answer(
        self,
        input: str,
        /,
        *,
        user_id: str = "",
        session_id: str = "",
        target: str = "",
        features: Features | None = None,
        language: str = "",
        timeout: Timeout = None,
    ) -> messages.Answer:
        """The same without the stream."""
        request = interaction_pb2.AnswerRequest(
            input=input,
            user_id=user_id,
            session_id=session_id,
            target=target,
            features=features_of(features),
            language=language,
        )
        response = self._connection.unary(self._interaction.Answer, request, timeout)
        return read(messages.Answer, response)

    def analyze(self, text: str, /, *, language: str = "", timeout: Timeout = None) -> messages.Emotion:
        """What a person who says this feels."""
        request = emotion_pb2.AnalyzeRequest(text=text, language=language)
        response = self._connection.unary(self._emotion.Analyze, request, timeout)
        return read(messages.Emotion, response)

    def analyze_all(
        self, texts: Sequence[str], /, *, language: str = "", timeout: Timeout = None
    ) -> list[messages.Emotion]:
        """Of up to 100 texts, in their order."""
        request = emotion_pb2.AnalyzeRequest(texts=texts, language=language)
        response = self._connection.unary(self._emotion.Analyze, request, timeout)
        return [read(messages.Emotion, result) for result in response.results]

    def translate(
        self, text: str, /, *, to_lang: str = "en", from_lang: str = "", language: str = "", timeout: Timeout = None
    ) -> str:
        """The text in another language. Languages are BCP 47: `ko`, `en`, `pt-BR`; without `from_lang` luna finds out."""
        request = translation_pb2.TranslateRequest(text=text, from_lang=from_lang, to_lang=to_lang, language=language)
        response = self._connection.unary(self._translation.Translate, request, timeout)
        return response.translated_text

    @overload
    def generate(
        self, *, stream: Literal[True], timeout: Timeout = None, **asked: Unpack[Generation]
    ) -> Generator[Chunk, None, None]: ...

    @overload
    def generate(
        self, *, stream: Literal[False] = False, timeout: Timeout = None, **asked: Unpack[Generation]
    ) -> Chunk: ...

    def generate(
        self, *, stream: bool = False, timeout: Timeout = None, **asked: Any
    ) -> Generator[Chunk, None, None] | Chunk:
        """Asks a model directly: no emotion, no memory, no persona but `asked`'s own.

        Gives dictionaries in OpenAI's form, as the streaming guide's LLMManager does: in a stream a piece of the answer
        stands in `chunk["choices"][0]["delta"]["content"]`, without one all of it in
        `["choices"][0]["message"]["content"]`. A failure is not raised: it is `{"error": TEXT, "code": ...}`, the last
        chunk of a stream. A stream is left as that of `interact` is.
        """
        if stream:
            return self._generate_stream(generation_pb2.GenerateStreamRequest(**asked), timeout)
        request = generation_pb2.GenerateRequest(**asked)
        try:
            return completion_of(self._connection.unary(self._generation.Generate, request, timeout))
        except LunaError as error:
            return error_chunk(error)

    def _generate_stream(
        self, request: generation_pb2.GenerateStreamRequest, timeout: Timeout
    ) -> Generator[Chunk, None, None]:
        said: list[str] = []
        try:
            with self._connection.stream(self._generation.GenerateStream, request, timeout, said) as next_response:
                while (response := next_response()) is not None:
                    said.append(response.choices[0].delta.content)
                    yield chunk_of(response)
        except LunaError as error:
            yield error_chunk(error)

    def models(self, *, timeout: Timeout = None) -> list[messages.Model]:
        """The configured targets, the default one first."""
        response = self._connection.unary(self._generation.ListModels, generation_pb2.ListModelsRequest(), timeout)
        return [read(messages.Model, model) for model in response.data]


class Memory:
    """What luna remembers of one user. An empty `session_id` is `default` where it says so, else all sessions."""

    def __init__(self, connection: Connection, stub: MemoryServiceStub, user_id: str, language: str) -> None:
        self._connection = connection
        self._stub = stub
        self._user_id = user_id
        self._language = language

    def recent(self, count: int | None = None, *, timeout: Timeout = None) -> list[messages.RecentConversation]:
        """The newest turns of all sessions, the newest first; 10 of them by default."""
        request = memory_pb2.ListRecentRequest(user_id=self._user_id, count=count, language=self._language)
        response = self._connection.unary(self._stub.ListRecent, request, timeout)
        return [read(messages.RecentConversation, turn) for turn in response.recent_conversations]

    def conversations(
        self, session_id: str = "", *, limit: int | None = None, offset: int = 0, timeout: Timeout = None
    ) -> list[messages.Conversation]:
        """The turns of a session (`default`), the newest first; 50 of them by default."""
        request = memory_pb2.ListConversationsRequest(
            user_id=self._user_id, session_id=session_id, limit=limit, offset=offset, language=self._language
        )
        response = self._connection.unary(self._stub.ListConversations, request, timeout)
        return [read(messages.Conversation, turn) for turn in response.conversations]

    def conversation(self, id: int, /, *, timeout: Timeout = None) -> messages.Conversation:
        """One turn."""
        request = memory_pb2.GetConversationRequest(id=id, user_id=self._user_id, language=self._language)
        response = self._connection.unary(self._stub.GetConversation, request, timeout)
        return read(messages.Conversation, response.conversation)

    def search(
        self,
        keyword: str = "",
        *,
        session_id: str = "",
        emotion: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        offset: int = 0,
        timeout: Timeout = None,
    ) -> messages.SearchResult:
        """The turns with every word of `keyword`, the best match first; 50 of them by default. A time without a zone
        is local."""
        request = memory_pb2.SearchConversationsRequest(
            keyword=keyword,
            user_id=self._user_id,
            session_id=session_id,
            emotion=emotion,
            since=timestamp_of(since),
            until=timestamp_of(until),
            limit=limit,
            offset=offset,
            language=self._language,
        )
        response = self._connection.unary(self._stub.SearchConversations, request, timeout)
        return read(messages.SearchResult, response)

    def delete(self, id: int, /, *, timeout: Timeout = None) -> None:
        """Deletes a turn, and the summaries that it went into."""
        request = memory_pb2.DeleteConversationRequest(id=id, user_id=self._user_id, language=self._language)
        self._connection.unary(self._stub.DeleteConversation, request, timeout)

    def sessions(self, *, limit: int | None = None, offset: int = 0, timeout: Timeout = None) -> list[messages.Session]:
        """The user's sessions, the one last spoken in first; 50 of them by default."""
        request = memory_pb2.ListSessionsRequest(
            user_id=self._user_id, limit=limit, offset=offset, language=self._language
        )
        response = self._connection.unary(self._stub.ListSessions, request, timeout)
        return [read(messages.Session, session) for session in response.sessions]

    def summaries(
        self, session_id: str = "", *, limit: int | None = None, offset: int = 0, timeout: Timeout = None
    ) -> list[messages.Summary]:
        """The summaries, the newest first; 10 of them by default."""
        request = memory_pb2.ListSummariesRequest(
            user_id=self._user_id, session_id=session_id, limit=limit, offset=offset, language=self._language
        )
        response = self._connection.unary(self._stub.ListSummaries, request, timeout)
        return [read(messages.Summary, summary) for summary in response.summaries]

    def summary(self, session_id: str = "", *, timeout: Timeout = None) -> str:
        """The newest summary of a session (`default`); empty where there is none."""
        request = memory_pb2.GetSummaryRequest(user_id=self._user_id, session_id=session_id, language=self._language)
        return self._connection.unary(self._stub.GetSummary, request, timeout).summary

    def summarize(self, session_id: str = "", *, timeout: Timeout = None) -> messages.SummarizeResult:
        """Lets the model sum up a session (`default`) now."""
        request = memory_pb2.SummarizeRequest(user_id=self._user_id, session_id=session_id, language=self._language)
        response = self._connection.unary(self._stub.Summarize, request, timeout)
        return read(messages.SummarizeResult, response)

    def stats(self, *, timeout: Timeout = None) -> messages.Stats:
        request = memory_pb2.GetStatsRequest(user_id=self._user_id, language=self._language)
        response = self._connection.unary(self._stub.GetStats, request, timeout)
        return read(messages.Stats, response)

    def clear(self, session_id: str = "", *, timeout: Timeout = None) -> int:
        """Deletes all of the user's memory, or that of one session; how many turns there were."""
        request = memory_pb2.ClearRequest(
            user_id=self._user_id, session_id=session_id, confirm=True, language=self._language
        )
        return self._connection.unary(self._stub.Clear, request, timeout).deleted_conversations

    def export(self, *, timeout: Timeout = None) -> Generator[str, None, None]:
        """All of the user's memory as lines of JSON, such as `import_` and POST /memory/import take. One that raises is
        not whole."""
        request = memory_pb2.ExportRequest(user_id=self._user_id, language=self._language)
        with self._connection.stream(self._stub.Export, request, timeout, []) as next_response:
            while (response := next_response()) is not None:
                yield exported_line(response)

    def import_(self, file: Iterable[str] | Iterable[bytes], *, timeout: Timeout = None) -> messages.ImportResult:
        """Adds an export's lines, such as an open file gives them, or the Python original's conversation_history.json.

        A long file goes in several requests, each with a `timeout` of its own: one that fails keeps what went before.
        What is there already is skipped, so that the same file may come again.
        """
        imported = skipped = 0
        for before, data in import_parts(file):
            request = memory_pb2.ImportRequest(user_id=self._user_id, data=data, language=self._language)
            try:
                response = self._connection.unary(self._stub.Import, request, timeout)
            except LunaError as error:
                raise errors.after_lines(error, before) from error
            imported += response.imported
            skipped += response.skipped
        return messages.ImportResult(imported, skipped)


class Cache:
    """The answers that luna keeps for one user, to give them again."""

    def __init__(self, connection: Connection, stub: CacheServiceStub, user_id: str, language: str) -> None:
        self._connection = connection
        self._stub = stub
        self._user_id = user_id
        self._language = language

    def stats(self, *, timeout: Timeout = None) -> messages.CacheStats:
        request = cache_pb2.GetCacheStatsRequest(user_id=self._user_id, language=self._language)
        response = self._connection.unary(self._stub.GetCacheStats, request, timeout)
        return read(messages.CacheStats, response)

    def clean_up(self, *, timeout: Timeout = None) -> int:
        """Deletes the answers that are too old to be given again; how many there were."""
        request = cache_pb2.CleanUpCacheRequest(user_id=self._user_id, language=self._language)
        response = self._connection.unary(self._stub.CleanUpCache, request, timeout)
        return response.removed

    def clear(self, *, timeout: Timeout = None) -> int:
        """Deletes all of the user's answers, and what was counted; how many there were."""
        request = cache_pb2.ClearCacheRequest(user_id=self._user_id, language=self._language)
        response = self._connection.unary(self._stub.ClearCache, request, timeout)
        return response.removed
