"""How a call fails."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import grpc
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from luna_client._generated.interaction_pb2 import Error

# Of a failure that is gRPC's own and not luna's.
RETRYABLE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class LunaError(Exception):
    """What went wrong. The gRPC error, where there is one, is its `__cause__`.

    `code`: a code of luna's contract (server/README.md), such as `UPSTREAM_TIMEOUT`; the name of the
    gRPC status, such as `UNAVAILABLE`, where it was not luna that failed the call.
    `message`: for a person, in the request's language.
    `retryable`: the same request may succeed later. The client itself never sends one twice.
    `retry_after`: seconds to wait before that; None where nothing is known.
    `stage`: of a stream: `first_token`, before the model said anything, or `stream`; else empty.
    `text_so_far`: what of the answer had arrived.
    """

    def __init__(
        self,
        code: str,
        message: str,
        retryable: bool = False,
        retry_after: float | None = None,
        stage: str = "",
        text_so_far: str = "",
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after = retry_after
        self.stage = stage
        self.text_so_far = text_so_far

    def __reduce__(self) -> tuple[type[LunaError], tuple[object, ...]]:
        """An Exception's own sends `args` alone to another process."""
        return type(self), (
            self.code, self.message, self.retryable, self.retry_after, self.stage, self.text_so_far
        )


def of_event(error: Error) -> LunaError:
    retry_after = error.retry_after_ms / 1000 if error.retry_after_ms else None
    return LunaError(error.code, error.message, error.retryable, retry_after, error.stage, error.text_so_far)


def of_silence(what: str, seconds: float | None, said: Iterable[str] = ()) -> LunaError:
    """A limit of the caller's own, to connect or to read, that is over."""
    return LunaError(
        grpc.StatusCode.DEADLINE_EXCEEDED.name, f"{what} within {seconds} s", True, text_so_far="".join(said)
    )


def of_closing(said: Iterable[str] = ()) -> LunaError:
    """The caller has closed the client."""
    return LunaError(grpc.StatusCode.CANCELLED.name, "the client was closed", text_so_far="".join(said))


def after_lines(error: LunaError, before: int) -> LunaError:
    """An import's error, which counts lines from its own part of the file."""
    note = f" (not counting the first {before})" if before else ""
    return LunaError(error.code, error.message + note, error.retryable, error.retry_after)


def of_status(error: grpc.RpcError, said: Iterable[str] = ()) -> LunaError:
    """A status that is not OK, with the google.rpc details that luna adds to its own. `said`: what had arrived."""
    code, retryable, retry_after = error.code().name, error.code() in RETRYABLE, None
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in _details(error):
        if detail.Unpack(info):
            code, retryable = info.reason, info.metadata["retryable"] == "true"
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.ToMilliseconds() / 1000
    return LunaError(code, error.details() or "", retryable, retry_after, text_so_far="".join(said))


def _details(error: grpc.RpcError) -> Iterable[Any]:
    metadata = cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ())
    for key, value in metadata:
        if key == "grpc-status-details-bin":
            yield from status_pb2.Status.FromString(value).details
