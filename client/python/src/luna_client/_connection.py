"""The two kinds of channels to a server, and what every call over one has: its limits, its token, its errors."""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar, cast

import grpc

from luna_client import errors
from luna_client._calls import CHANNEL_OPTIONS, Limits, Timeout, metadata_of

Request = TypeVar("Request")
Response = TypeVar("Response")

# There is no reason to wait longer for a connection: there is one, or the call says why not.
SETTLED = (
    grpc.ChannelConnectivity.READY,
    grpc.ChannelConnectivity.TRANSIENT_FAILURE,
    grpc.ChannelConnectivity.SHUTDOWN,
)


class Connection:
    """For any number of threads. Connects with the first call."""

    def __init__(
        self, address: str, token: str | None, timeout: Timeout, credentials: grpc.ChannelCredentials | None
    ) -> None:
        if credentials is None:
            self.channel = grpc.insecure_channel(address, CHANNEL_OPTIONS)
        else:
            self.channel = grpc.secure_channel(address, credentials, CHANNEL_OPTIONS)
        # Also at the program's end: gRPC waits for ever for its own threads, which have ended by then, where a channel
        # that was watched as in _connect is still open.
        self.close = weakref.finalize(self, self.channel.close)
        self._address = address
        self._metadata = metadata_of(token)
        self._timeout = timeout

    def unary(
        self, method: grpc.UnaryUnaryMultiCallable[Request, Response], request: Request, timeout: Timeout
    ) -> Response:
        limits = self._connect(timeout)
        call = method.future(request, timeout=limits.whole(), metadata=self._metadata)
        try:
            return call.result()
        except grpc.RpcError as error:
            raise errors.of_status(error) from error
        finally:
            call.cancel()

    @contextmanager
    def stream(
        self,
        method: grpc.UnaryStreamMultiCallable[Request, Response],
        request: Request,
        timeout: Timeout,
        said: list[str],
    ) -> Iterator[Callable[[], Response | None]]:
        """What gives the next response, and None at the end. Leaving cancels the call. `said`: what of the answer has
        arrived, for its error."""
        limits = self._connect(timeout)
        call = method(request, timeout=limits.total, metadata=self._metadata)
        watch = SilenceWatch(call.cancel, limits.read)
        try:
            yield lambda: watch.wait_for(lambda: next(call, None))
        except grpc.RpcError as error:
            if watch.expired:
                raise errors.of_silence("no event", limits.read, said) from error
            raise errors.of_status(error, said) from error
        finally:
            watch.end()
            call.cancel()

    def _connect(self, timeout: Timeout) -> Limits:
        """The call's limits, once its connection is there as the first one wants it."""
        limits = Limits.of(self._timeout if timeout is None else timeout)
        if limits.connect is not None:
            settled = threading.Event()

            def see(state: grpc.ChannelConnectivity) -> None:
                if state in SETTLED:
                    settled.set()

            self.channel.subscribe(see, try_to_connect=True)
            try:
                if not settled.wait(limits.connect):
                    raise errors.of_silence(f"no connection to {self._address}", limits.connect)
            finally:
                self.channel.unsubscribe(see)
        return limits


class SilenceWatch:
    """Cancels a call once somebody has waited `seconds` for its next response; None: for ever."""

    def __init__(self, cancel: Callable[[], object], seconds: float | None) -> None:
        self.expired = False
        self._cancel = cancel
        self._waiting_since: float | None = None
        self._ended = threading.Event()
        if seconds is not None:
            threading.Thread(target=self._run, args=(seconds,), daemon=True).start()

    def wait_for(self, step: Callable[[], Response]) -> Response:
        self._waiting_since = time.monotonic()
        try:
            return step()
        finally:
            self._waiting_since = None

    def end(self) -> None:
        self._ended.set()

    def _run(self, seconds: float) -> None:
        left = seconds
        while not self._ended.wait(left):
            since = self._waiting_since
            left = seconds if since is None else since + seconds - time.monotonic()
            if left <= 0:
                self.expired = True
                self._cancel()
                return


class AsyncConnection:
    """For the tasks of one event loop. Connects with the first call."""

    def __init__(
        self, address: str, token: str | None, timeout: Timeout, credentials: grpc.ChannelCredentials | None
    ) -> None:
        if credentials is None:
            self.channel = grpc.aio.insecure_channel(address, CHANNEL_OPTIONS)
        else:
            self.channel = grpc.aio.secure_channel(address, credentials, CHANNEL_OPTIONS)
        self._address = address
        self._metadata = metadata_of(token)
        self._timeout = timeout
        self._closed = False

    async def close(self) -> None:
        self._closed = True
        await self.channel.close()

    async def unary(
        self, method: grpc.aio.UnaryUnaryMultiCallable[Request, Response], request: Request, timeout: Timeout
    ) -> Response:
        limits = await self._connect(timeout)
        try:
            return await method(request, timeout=limits.whole(), metadata=self._metadata)
        except grpc.RpcError as error:
            raise errors.of_status(error) from error
        except asyncio.CancelledError as cancelled:
            if self._is_task_cancelled():
                raise
            raise errors.of_closing() from cancelled

    @asynccontextmanager
    async def stream(
        self,
        method: grpc.aio.UnaryStreamMultiCallable[Request, Response],
        request: Request,
        timeout: Timeout,
        said: list[str],
    ) -> AsyncIterator[Callable[[], Awaitable[Response | None]]]:
        """As Connection.stream."""
        limits = await self._connect(timeout)
        call = method(request, timeout=limits.total, metadata=self._metadata)

        async def read() -> Response | None:
            response = await asyncio.wait_for(call.read(), limits.read)
            return None if response is grpc.aio.EOF else cast("Response", response)

        try:
            yield read
        except asyncio.TimeoutError as late:
            raise errors.of_silence("no event", limits.read, said) from late
        except grpc.RpcError as error:
            raise errors.of_status(error, said) from error
        except asyncio.CancelledError as cancelled:
            if self._is_task_cancelled():
                raise
            raise errors.of_closing(said) from cancelled
        finally:
            call.cancel()

    def _is_task_cancelled(self) -> bool:
        """A call is cancelled: so is the caller's task, unless it is all because the client was closed."""
        cancelling = getattr(asyncio.current_task(), "cancelling", int)  # Python 3.10 cannot say
        return not self._closed or cancelling() > 0

    async def _connect(self, timeout: Timeout) -> Limits:
        """As Connection._connect."""
        limits = Limits.of(self._timeout if timeout is None else timeout)
        if limits.connect is not None:
            try:
                await asyncio.wait_for(self._settle(), limits.connect)
            except asyncio.TimeoutError as late:
                raise errors.of_silence(f"no connection to {self._address}", limits.connect) from late
        return limits

    async def _settle(self) -> None:
        while (state := self.channel.get_state(try_to_connect=True)) not in SETTLED:
            await self.channel.wait_for_state_change(state)
