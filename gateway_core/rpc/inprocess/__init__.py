"""A channel to servicers in the same process: the generated stub on one side, the generated registration on the other.

Nothing is copied: the servicer gets the very request that the client made, and the client the very answer. So whoever calls
leaves a request alone until the call has ended, and servicers only ever read it. strict=True serialises both ways instead,
as a socket would; the contract's tests run with it, to prove that nothing depends on sharing.

What differs from a socket: a call starts when it is first awaited or read (see call.py), runs in its caller's task with
its caller's context variables, and takes handlers that are coroutine functions or async generator functions only. A handler
must not hold anything bound to a task (asyncio.timeout, a task group) across a yield: two reads may come from two tasks.
"""

from __future__ import annotations

import asyncio
import re
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeAlias, cast

import grpc

from dragoman.v1.gateway_pb2_grpc import GatewayServiceServicer, add_GatewayServiceServicer_to_server
from gateway_core.rpc.inprocess.call import LocalUnaryCall, Running
from gateway_core.rpc.inprocess.servicing import (
    Codec,
    Handler,
    LocalContext,
    LocalHandlers,
    Pairs,
    RequestT,
    ResponseT,
    StreamHandler,
    UnaryHandler,
)
from gateway_core.rpc.inprocess.streams import (
    Iterated,
    IteratedRequests,
    LocalStreamCall,
    LocalStreamStreamCall,
    LocalStreamUnaryCall,
    WrittenRequests,
)

Metadata: TypeAlias = grpc.aio.Metadata | Sequence[tuple[str, str | bytes]]
_METADATA_NAME = re.compile(r"[a-z0-9_.-]+")


def local_channel(
    servicer: GatewayServiceServicer, *, strict: bool = False, interceptors: Sequence[grpc.aio.ServerInterceptor] = ()
) -> LocalChannel:
    """A channel on which GatewayServiceStub reaches the servicer."""
    channel = LocalChannel(strict=strict, interceptors=interceptors)
    add_GatewayServiceServicer_to_server(servicer, cast("grpc.aio.Server", channel))
    return channel


class LocalChannel(grpc.aio.Channel):
    """The channel that a generated stub needs, and the server that generated registration code needs."""

    def __init__(self, *, strict: bool = False, interceptors: Sequence[grpc.aio.ServerInterceptor] = ()) -> None:
        self.handlers = LocalHandlers(interceptors)
        self._closed = asyncio.Event()
        self.running = Running(self._closed, set(), weakref.WeakSet(), set())
        self.strict = strict

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Handler]) -> None:
        """Raises TypeError for handlers that are neither coroutine functions nor async generator functions."""
        self.handlers.add_registered_method_handlers(service_name, method_handlers)

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        self.handlers.add_generic_rpc_handlers(generic_rpc_handlers)

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[RequestT], bytes] | None = None,
        response_deserializer: Callable[[bytes], ResponseT] | None = None,
        _registered_method: bool | None = False,
    ) -> grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT]:
        return LocalUnaryMethod(self, method, self._codec(request_serializer, response_deserializer))

    def unary_stream(
        self,
        method: str,
        request_serializer: Callable[[RequestT], bytes] | None = None,
        response_deserializer: Callable[[bytes], ResponseT] | None = None,
        _registered_method: bool | None = False,
    ) -> grpc.aio.UnaryStreamMultiCallable[RequestT, ResponseT]:
        return LocalStreamMethod(self, method, self._codec(request_serializer, response_deserializer))

    def stream_unary(
        self,
        method: str,
        request_serializer: Callable[[RequestT], bytes] | None = None,
        response_deserializer: Callable[[bytes], ResponseT] | None = None,
        _registered_method: bool | None = False,
    ) -> grpc.aio.StreamUnaryMultiCallable[RequestT, ResponseT]:
        return LocalStreamUnaryMethod(self, method, self._codec(request_serializer, response_deserializer))

    def stream_stream(
        self,
        method: str,
        request_serializer: Callable[[RequestT], bytes] | None = None,
        response_deserializer: Callable[[bytes], ResponseT] | None = None,
        _registered_method: bool | None = False,
    ) -> grpc.aio.StreamStreamMultiCallable[RequestT, ResponseT]:
        return LocalStreamStreamMethod(self, method, self._codec(request_serializer, response_deserializer))

    async def close(self, grace: float | None = None) -> None:
        """Refuses new calls, gives the running ones so many seconds, then cancels them."""
        self._closed.set()
        calls = [*self.running.unary, *self.running.streams]
        ends = [asyncio.ensure_future(call.code()) for call in calls]
        if ends and grace:
            await asyncio.wait(ends, timeout=grace)
        for call in calls:
            call.cancel()
        await asyncio.gather(*ends, *self.running.closing)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return grpc.ChannelConnectivity.SHUTDOWN if self._closed.is_set() else grpc.ChannelConnectivity.READY

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        if self.get_state() is last_observed_state:
            await self._closed.wait()

    async def channel_ready(self) -> None:
        """It always is."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.close()

    def open_context(self, metadata: Metadata | None, expires_at: float | None) -> LocalContext[RequestT, ResponseT]:
        """Raises UsageError when the channel is closed, and in strict mode ValueError for metadata that gRPC refuses."""
        if self._closed.is_set():
            raise grpc.aio.UsageError("Channel is closed.")
        received: Pairs = tuple(metadata) if metadata else ()
        if self.strict:
            received = tuple(_checked(name, value) for name, value in received)
        return LocalContext(received, expires_at)

    def _codec(
        self, serializer: Callable[[RequestT], bytes] | None, deserializer: Callable[[bytes], ResponseT] | None
    ) -> Codec | None:
        if not self.strict:
            return None
        if serializer is None or deserializer is None:
            raise TypeError("a strict channel needs to know how to serialise")
        return Codec(serializer, deserializer)


class LocalMethod:
    """A method of the stub. Credentials, wait_for_ready and compression mean nothing here."""

    def __init__(self, channel: LocalChannel, method: str, codec: Codec | None) -> None:
        self._channel = channel
        self._method = method
        self._codec = codec


class LocalUnaryMethod(LocalMethod, grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT]):
    """A method of the stub with one answer."""

    _handler: UnaryHandler[RequestT, ResponseT] | None = None

    def __call__(
        self,
        request: RequestT,
        *,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> LocalUnaryCall[RequestT, ResponseT]:
        channel = self._channel
        expires_at = None if timeout is None else time.monotonic() + timeout
        context: LocalContext[RequestT, ResponseT] = channel.open_context(metadata, expires_at)
        if self._handler is None:
            self._handler = channel.handlers.unary(self._method, self._codec)
        return LocalUnaryCall(self._handler, request, context, expires_at, channel.running)


class LocalStreamMethod(LocalMethod, grpc.aio.UnaryStreamMultiCallable[RequestT, ResponseT]):
    """A method of the stub with many answers."""

    _handler: StreamHandler[RequestT, ResponseT] | None = None

    def __call__(
        self,
        request: RequestT,
        *,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> LocalStreamCall[RequestT, ResponseT]:
        channel = self._channel
        expires_at = None if timeout is None else time.monotonic() + timeout
        context: LocalContext[RequestT, ResponseT] = channel.open_context(metadata, expires_at)
        if self._handler is None:
            self._handler = channel.handlers.stream(self._method, self._codec)
        return LocalStreamCall(self._handler(request, context), context, expires_at, channel.running)


class LocalStreamUnaryMethod(LocalMethod, grpc.aio.StreamUnaryMultiCallable[RequestT, ResponseT]):
    """A method of the stub with many requests and one answer."""

    def __call__(
        self,
        request_iterator: Iterated[RequestT] | None = None,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> LocalStreamUnaryCall[RequestT, ResponseT]:
        channel = self._channel
        expires_at = None if timeout is None else time.monotonic() + timeout
        context: LocalContext[AsyncIterator[RequestT], ResponseT] = channel.open_context(metadata, expires_at)
        handler: UnaryHandler[AsyncIterator[RequestT], ResponseT] = channel.handlers.unary(self._method, self._codec)
        return LocalStreamUnaryCall(handler, _requests(request_iterator), context, expires_at, channel.running)


class LocalStreamStreamMethod(LocalMethod, grpc.aio.StreamStreamMultiCallable[RequestT, ResponseT]):
    """A method of the stub with many requests and many answers."""

    def __call__(
        self,
        request_iterator: Iterated[RequestT] | None = None,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> LocalStreamStreamCall[RequestT, ResponseT]:
        channel = self._channel
        expires_at = None if timeout is None else time.monotonic() + timeout
        context: LocalContext[AsyncIterator[RequestT], ResponseT] = channel.open_context(metadata, expires_at)
        handler: StreamHandler[AsyncIterator[RequestT], ResponseT] = channel.handlers.stream(self._method, self._codec)
        return LocalStreamStreamCall(handler, _requests(request_iterator), context, expires_at, channel.running)


def _requests(given: Iterated[RequestT] | None) -> IteratedRequests[RequestT] | WrittenRequests[RequestT]:
    return WrittenRequests() if given is None else IteratedRequests(given)


def _checked(name: str, value: str | bytes) -> tuple[str, str | bytes]:
    if not _METADATA_NAME.fullmatch(name):
        raise ValueError(f"metadata name {name!r}: only a-z, 0-9, _, . and - are allowed")
    if isinstance(value, bytes) != name.endswith("-bin"):
        raise ValueError(f"metadata {name}: names that end in -bin have bytes, and only they")
    if isinstance(value, str) and not (value.isascii() and value.isprintable()):
        raise ValueError(f"metadata {name}: text is printable ASCII")
    return name, value
