"""Interceptors of calls that arrive by a socket: each is observed to its end, and gets one line in the access log.

Calls on a LocalChannel come from the HTTP facade, which writes its own line; they do not pay for this.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, Never, Protocol, TypeAlias
from urllib.parse import unquote

import grpc
from google.protobuf.message import DecodeError

from dragoman.client_address import FORWARDED_FOR, TrustedProxies
from dragoman.reasons import GatewayError, Reason
from dragoman.status import pack
from gateway_core.call import Call

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
"""grpc types the table of handlers no closer."""
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Continuation: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]"
NO_PROXIES = TrustedProxies()
TIMER_RESOLUTION_S = 0.005
LONGEST_DISCARD_S = 10.0
"""How long the rest of a refused upload is read, in seconds."""


class KeyCheck(Protocol):
    """The keys of callers, checked before anything of a message is read."""

    def admits(self, metadata: Iterable[tuple[str, str | bytes]]) -> bool:
        """Whether a call with this metadata has a key where one is needed."""

    async def refuse(self, context: Any, operation: str) -> None:
        """Abort a call that is not admitted, with the reason."""


class AccessLog(Protocol):
    """Writes one line. Fields that are None are omitted."""

    def write(self, fields: Mapping[str, object]) -> None: ...


class ObservedContext:
    """A servicer's context that holds the call for the access log. Everything else is the context's own: gRPC's takes no
    attributes, and a context variable would cost every call more."""

    __slots__ = ("_began", "_context", "_method", "_peer", "_proxies", "call", "error")

    def __init__(self, method: str, context: Context, proxies: TrustedProxies) -> None:
        self._began = time.perf_counter()
        self._method = method
        self._context = context
        # Not known any more when the call has ended.
        self._peer: str = context.peer()
        self._proxies = proxies
        self.call: Call | None = None
        """Unset where the servicer opened none."""
        self.error: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    async def read(self, deserialize: Callable[[bytes], object], raw: bytes) -> object:
        """The request. Left alone, grpc.aio takes malformed bytes for the servicer's fault, and logs them as one."""
        try:
            return deserialize(raw)
        except DecodeError as error:
            failure = GatewayError(Reason.INVALID_REQUEST, f"the request cannot be read: {error}")
            self.error = failure.reason.value
            await self._context.abort(*pack(failure))
            raise

    def log_fields(self, error: BaseException | None) -> Mapping[str, object]:
        """error: how the servicer's method ended."""
        status = self._status(error)
        if self.call is not None:
            return {**self.call.log_fields(status), "client": self._client()}
        ms = round((time.perf_counter() - self._began) * 1000, 1)
        return {"method": f"grpc {self._method}", "status": status, "ms": ms, "error": self.error, "client": self._client()}

    def _client(self) -> str:
        """Its address."""
        peer = peer_address(self._peer)
        if not self._proxies:
            return peer
        metadata = self._context.invocation_metadata() or ()
        forwarded = [value for name, value in metadata if name == FORWARDED_FOR and isinstance(value, str)]
        return self._proxies.client_of(peer, forwarded)

    def _status(self, error: BaseException | None) -> str:
        code: grpc.StatusCode | None = self._context.code()
        if code is not None:
            return code.name
        if isinstance(error, asyncio.CancelledError):
            return "DEADLINE_EXCEEDED" if deadline_passed(self._context) else "CANCELLED"
        return "OK" if error is None else "UNKNOWN"


class UploadContext(ObservedContext):
    """The same for a call with many requests."""

    __slots__ = ("requests",)
    requests: ReceivedRequests

    async def abort(self, *status: Any) -> Never:
        await self.requests.discard()
        await self._context.abort(*status)


class ReceivedRequests:
    """The requests of a call with many, for its handler.

    Those that it leaves are read before the call ends: a client of grpc.aio that writes into a call which has just ended may
    take that for the call's failure, INTERNAL, in place of its status.
    """

    def __init__(self, raws: AsyncIterator[bytes], read: Callable[[bytes], object]) -> None:
        self._read = read
        # A queue, because a receive of grpc.aio's must not be cancelled, and whoever sends the body on may be.
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self._ended = False
        self._task = asyncio.create_task(self._receive(raws))

    def __aiter__(self) -> AsyncIterator[object]:
        return self

    async def __anext__(self) -> object:
        """Raises GatewayError INVALID_REQUEST for bytes that are no message."""
        raw = None if self._ended else await self._queue.get()
        if raw is None:
            self._ended = True
            raise StopAsyncIteration
        return self._read(raw)

    async def discard(self) -> None:
        """Read the rest, for a while: the caller of an endless one is not worth more."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_DISCARD_S):
                while not self._ended:
                    self._ended = await self._queue.get() is None

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _receive(self, raws: AsyncIterator[bytes]) -> None:
        with contextlib.suppress(Exception):
            async for raw in raws:
                await self._queue.put(raw)
        await self._queue.put(None)


def read_next(deserialize: Callable[[bytes], object], raw: bytes) -> object:
    """One request of many. Raises GatewayError INVALID_REQUEST."""
    try:
        return deserialize(raw)
    except DecodeError as error:
        raise GatewayError(Reason.INVALID_REQUEST, f"the request cannot be read: {error}") from None


def peer_address(peer: str) -> str:
    """Without the port. peer: as gRPC writes it, ipv4:ADDRESS:PORT, ipv6:[ADDRESS]:PORT percent-encoded, or unix:PATH."""
    family, _, place = peer.partition(":")
    return unquote(place).rpartition(":")[0].strip("[]") if family in ("ipv4", "ipv6") else family


def deadline_passed(context: Context) -> bool:
    """Whether a call that was cancelled was so at its deadline: the timer may fire a few milliseconds early."""
    left: float | None = context.time_remaining()
    return left is not None and left < TIMER_RESOLUTION_S


class Observer(grpc.aio.ServerInterceptor):
    """Watches the calls of one service; those of others (health, reflection) pass.

    It also closes the generator of a stream before the call ends, however it ends. Left to itself, grpc.aio drops the
    generator of a call that is cancelled while it writes, and the upstream connection stays open until it is collected.
    """

    def __init__(
        self, service: str, access_log: AccessLog | None, keys: KeyCheck | None = None, proxies: TrustedProxies = NO_PROXIES
    ) -> None:
        """service: its full name. keys: None admits everybody. proxies: believed where they say who asks them."""
        self._prefix = f"/{service}/"
        self._access_log = access_log
        self._keys = keys
        self._proxies = proxies
        self._observed: dict[str, Handler] = {}

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        method = handler_call_details.method
        observed = self._observed.get(method)
        if observed is None:
            handler = await continuation(handler_call_details)
            if handler is None or not method.startswith(self._prefix):
                return handler
            observed = self._observed.setdefault(method, self._observe(method.removeprefix(self._prefix), handler))
        if self._keys is None or observed.request_streaming or self._keys.admits(handler_call_details.invocation_metadata):
            return observed
        # grpc.aio reads the one request of a call before it calls the handler. Of many it reads what is asked for.
        return grpc.stream_stream_rpc_method_handler(self._refusal(method.removeprefix(self._prefix), self._keys))

    def _observe(self, name: str, handler: Handler) -> Handler:
        serialize = handler.response_serializer
        if handler.request_streaming:
            return grpc.stream_stream_rpc_method_handler(self._observe_streams(name, handler), None, serialize)
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(self._observe_stream(name, handler), None, serialize)
        return grpc.unary_unary_rpc_method_handler(self._observe_unary(name, handler), None, serialize)

    def _refusal(self, name: str, keys: KeyCheck) -> Any:
        async def refused(raws: AsyncIterator[bytes], context: Context) -> None:
            seen = ObservedContext(name, context, self._proxies)
            try:
                await keys.refuse(seen, name)
            except BaseException as error:
                self._log(seen, error)
                raise

        return refused

    def _observe_unary(self, name: str, handler: Handler) -> Any:
        serve: Any = handler.unary_unary
        deserialize: Any = handler.request_deserializer

        async def observed(raw: bytes, context: Context) -> object:
            seen = ObservedContext(name, context, self._proxies)
            try:
                response = await serve(await seen.read(deserialize, raw), seen)
            except BaseException as error:
                self._log(seen, error)
                raise
            self._log(seen, None)
            return response

        return observed

    def _observe_stream(self, name: str, handler: Handler) -> Any:
        serve: Any = handler.unary_stream
        deserialize: Any = handler.request_deserializer

        async def observed(raw: bytes, context: Context) -> None:
            seen = ObservedContext(name, context, self._proxies)
            try:
                async with aclosing(serve(await seen.read(deserialize, raw), seen)) as messages:
                    async for message in messages:
                        await context.write(message)
            except BaseException as error:
                self._log(seen, error)
                raise
            self._log(seen, None)

        return observed

    def _observe_streams(self, name: str, handler: Handler) -> Any:
        serve: Any = handler.stream_stream
        deserialize: Any = handler.request_deserializer

        async def observed(raws: AsyncIterator[bytes], context: Context) -> None:
            seen = UploadContext(name, context, self._proxies)
            seen.requests = requests = ReceivedRequests(raws, partial(read_next, deserialize))
            try:
                async with aclosing(serve(requests, seen)) as messages:
                    async for message in messages:
                        await context.write(message)
                await requests.discard()
            except BaseException as error:
                self._log(seen, error)
                raise
            finally:
                await requests.close()
            self._log(seen, None)

        return observed

    def _log(self, seen: ObservedContext, error: BaseException | None) -> None:
        if self._access_log is not None:
            self._access_log.write(seen.log_fields(error))
