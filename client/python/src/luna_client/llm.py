"""The Python original's classes that the streaming guide shows: code written for them changes its import alone.

New code has Client.generate, which is the same with its types.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from luna_client.client import Client

Configs = Mapping[str, Mapping[str, Any]]

# Of a target's configuration, what a request can say.
SAID = ("model", "temperature", "top_p", "max_tokens")


class LLMManager:
    """Asks the models of a running luna: the one of `client`, else that at LUNA_SERVER (localhost:50051), with the token
    in LUNA_TOKEN.

    `api_configs` and `server_configs`: target -> what its requests say otherwise than luna's own configuration: `model`,
    `temperature`, `top_p`, `max_tokens`. Other keys, and `mode`, are luna's to decide, and change nothing here.
    """

    def __init__(
        self,
        mode: str = "api",
        api_configs: Configs | None = None,
        server_configs: Configs | None = None,
        *,
        client: Client | None = None,
    ) -> None:
        self.mode = mode
        self._configs = {**(server_configs or {}), **(api_configs or {})}
        self._client = client or Client(
            os.environ.get("LUNA_SERVER", "localhost:50051"), token=os.environ.get("LUNA_TOKEN")
        )

    def generate(
        self,
        target: str,
        messages: Sequence[Mapping[str, str]] | None = None,
        *,
        stream: bool = False,
        **asked: Any,
    ) -> Any:
        """As Client.generate: a Chunk, or with `stream` a generator of them."""
        configured = {key: value for key, value in self._configs.get(target, {}).items() if key in SAID}
        request = {"target": target, "messages": messages, **configured, **asked}
        return self._client.generate(stream=True, **request) if stream else self._client.generate(**request)


class LLMAPIService:
    """LLMManager of targets under `llm.api` alone."""

    def __init__(self, api_configs: Configs | None = None, *, client: Client | None = None) -> None:
        self._manager = LLMManager(api_configs=api_configs, client=client)

    def generate(
        self,
        target_provider: str,
        messages: Sequence[Mapping[str, str]] | None = None,
        *,
        stream: bool = False,
        **asked: Any,
    ) -> Any:
        """As LLMManager.generate."""
        return self._manager.generate(target_provider, messages, stream=stream, **asked)
