"""The servicer's side of a channel in this process: which handler serves a method, through which interceptors, and the
context that it is given."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, Never, TypeAlias, TypeVar, cast

import grpc

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
Pairs: TypeAlias = tuple[tuple[str, str | bytes], ...]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
"""grpc types the table of handlers no closer."""


class LocalContext(grpc.aio.ServicerContext[RequestT, ResponseT], Generic[RequestT, ResponseT]):
    """grpc.aio's ServicerContext, without a peer and without compression."""

    __slots__ = (
        "_aborted",
        "_callbacks",
        "_code",
        "_details",
        "_expires_at",
        "_finished",
        "_heads",
        "_initial",
        "_received",
        "_trailing",
    )

    def __init__(self, received: Pairs, expires_at: float | None) -> None:
        """expires_at: on the monotonic clock."""
        self._received = received
        self._expires_at = expires_at
        self._code: grpc.StatusCode | None = None
        self._details = ""
        self._initial: Pairs | None = None
        self._heads: list[asyncio.Future[None]] | None = None
        self._trailing: Pairs = ()
        self._aborted: grpc.aio.AbortError | None = None
        self._finished = False
        self._callbacks: list[Callable[[LocalContext[RequestT, ResponseT]], None]] | None = None

    def invocation_metadata(self) -> Pairs:  # type: ignore[override]  # a tuple of pairs, as on a socket; the stub says Metadata
        return self._received

    def time_remaining(self) -> float | None:  # type: ignore[override]  # None without a deadline, as on a socket
        return None if self._expires_at is None else max(0.0, self._expires_at - time.monotonic())

    async def send_initial_metadata(self, initial_metadata: grpc.aio.Metadata | Sequence[tuple[str, str | bytes]]) -> None:
        self._check_running()
        if self._initial is not None:
            raise grpc.aio.UsageError("Send initial metadata failed: already sent")
        self.begin_answer(tuple(initial_metadata))

    def set_trailing_metadata(self, trailing_metadata: grpc.aio.Metadata | Sequence[tuple[str, str | bytes]]) -> None:
        self._trailing = tuple(trailing_metadata)

    async def abort(
        self,
        code: grpc.StatusCode,
        details: str = "",
        trailing_metadata: grpc.aio.Metadata | Sequence[tuple[str, str | bytes]] = (),
    ) -> Never:
        self._check_running()
        if code is grpc.StatusCode.OK:
            raise grpc.aio.UsageError("abort needs a code other than OK")
        self._code = code
        self._details = details or self._details
        self._trailing = tuple(trailing_metadata) or self._trailing
        self._aborted = grpc.aio.AbortError("Locally aborted.")
        raise self._aborted

    async def abort_with_status(self, status: grpc.Status) -> Never:
        await self.abort(status.code, status.details, tuple(status.trailing_metadata or ()))

    def set_code(self, code: grpc.StatusCode) -> None:
        self._code = code

    def set_details(self, details: str) -> None:
        self._details = details

    def code(self) -> grpc.StatusCode | None:  # type: ignore[override]  # None until it is set, as on a socket
        return self._code

    def details(self) -> str:
        return self._details

    def trailing_metadata(self) -> Pairs:  # type: ignore[override]  # a tuple of pairs, as on a socket
        return self._trailing

    def done(self) -> bool:
        return self._finished or self._aborted is not None

    def cancelled(self) -> bool:
        return self._code is grpc.StatusCode.CANCELLED

    def add_done_callback(self, callback: Callable[[LocalContext[RequestT, ResponseT]], None]) -> None:
        self._callbacks = [*(self._callbacks or ()), callback]

    def peer(self) -> str:
        return "local:"

    def peer_identities(self) -> Iterable[bytes] | None:
        return None

    def peer_identity_key(self) -> str | None:
        return None

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        return {}

    def set_compression(self, compression: grpc.Compression) -> None:
        """Nothing is compressed where nothing is sent."""

    def disable_next_message_compression(self) -> None:
        """Nothing is compressed where nothing is sent."""

    async def read(self) -> RequestT:
        raise grpc.aio.UsageError("the one request of the call has been read")

    async def write(self, message: ResponseT) -> None:
        raise grpc.aio.UsageError("a local handler yields its messages")

    @property
    def aborted(self) -> bool:
        return self._aborted is not None

    def initial_metadata(self) -> Pairs:
        """What was sent, for the client's side."""
        return self._initial or ()

    async def answer_begun(self) -> None:
        """Returns once the initial metadata is sent, or the handler is through without."""
        if self._initial is None and not self._finished:
            waiter = asyncio.get_running_loop().create_future()
            self._heads = [*(self._heads or ()), waiter]
            await waiter

    def begin_answer(self, initial: Pairs = ()) -> None:
        """The answer's head goes out: by itself, or before the first message. Only the first one counts."""
        if self._initial is None:
            self._initial = initial
        if self._heads:
            for waiter in self._heads:
                if not waiter.done():
                    waiter.set_result(None)
            self._heads = None

    def finish(self) -> None:
        """The handler is through: called once by the client's side."""
        self._finished = True
        if self._heads:
            self.begin_answer()
        if self._callbacks:
            for callback in self._callbacks:
                callback(self)

    def _check_running(self) -> None:
        if self._aborted is not None:
            raise self._aborted
        if self._finished:
            raise grpc.aio.UsageError("RPC already finished.")


UnaryHandler: TypeAlias = Callable[[RequestT, LocalContext[RequestT, ResponseT]], Awaitable[ResponseT]]
"""A handler with one answer. Where a call has many requests, RequestT is an async iterator of them."""
StreamHandler: TypeAlias = Callable[[RequestT, LocalContext[RequestT, ResponseT]], AsyncGenerator[ResponseT, None]]


@dataclass(frozen=True, slots=True)
class CallDetails:
    """grpc.HandlerCallDetails, for interceptors."""

    method: str
    invocation_metadata: Pairs


@dataclass(frozen=True, slots=True)
class Codec:
    """The client's half of serialisation: how it writes a request and reads an answer."""

    serialize: Callable[[Any], bytes]
    deserialize: Callable[[bytes], Any]


class LocalHandlers:
    """What the generated registration code takes for a server."""

    def __init__(self, interceptors: Sequence[grpc.aio.ServerInterceptor]) -> None:
        self._interceptors = tuple(interceptors)
        self._registered: dict[str, Handler] = {}
        self._generic: list[grpc.GenericRpcHandler] = []

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Handler]) -> None:
        """Raises TypeError for handlers that are neither coroutine functions nor async generator functions."""
        for name, handler in method_handlers.items():
            self._registered[f"/{service_name}/{name}"] = _checked(name, handler)

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        self._generic.extend(generic_rpc_handlers)

    def unary(self, method: str, codec: Codec | None) -> UnaryHandler[RequestT, ResponseT]:
        """With a codec every message is serialised and read again. A missing handler is UNIMPLEMENTED when it is called."""
        if self._interceptors:
            return self._intercepted_unary(method, codec)
        return _unary(self._find(CallDetails(method, ())), codec)

    def stream(self, method: str, codec: Codec | None) -> StreamHandler[RequestT, ResponseT]:
        """As unary."""
        if self._interceptors:
            return self._intercepted_stream(method, codec)
        return _stream(self._find(CallDetails(method, ())), codec)

    def _find(self, details: CallDetails) -> Handler | None:
        registered = self._registered.get(details.method)
        if registered is not None:
            return registered
        found = (generic.service(cast("grpc.HandlerCallDetails", details)) for generic in self._generic)
        return next((handler for handler in found if handler is not None), None)

    def _intercepted_unary(self, method: str, codec: Codec | None) -> UnaryHandler[RequestT, ResponseT]:
        async def intercepted(request: RequestT, context: LocalContext[RequestT, ResponseT]) -> ResponseT:
            handler = await self._intercept(CallDetails(method, context.invocation_metadata()))
            serve: UnaryHandler[RequestT, ResponseT] = _unary(handler, codec)
            return await serve(request, context)

        return intercepted

    def _intercepted_stream(self, method: str, codec: Codec | None) -> StreamHandler[RequestT, ResponseT]:
        async def intercepted(
            request: RequestT, context: LocalContext[RequestT, ResponseT]
        ) -> AsyncGenerator[ResponseT, None]:
            handler = await self._intercept(CallDetails(method, context.invocation_metadata()))
            serve: StreamHandler[RequestT, ResponseT] = _stream(handler, codec)
            async with aclosing(serve(request, context)) as messages:
                async for message in messages:
                    yield message

        return intercepted

    async def _intercept(self, details: CallDetails) -> Handler | None:
        async def proceed(index: int, seen: grpc.HandlerCallDetails) -> Handler | None:
            if index == len(self._interceptors):
                return self._find(cast("CallDetails", seen))

            def rest(changed: grpc.HandlerCallDetails) -> Awaitable[Handler | None]:
                return proceed(index + 1, changed)

            return await self._interceptors[index].intercept_service(rest, seen)

        return await proceed(0, cast("grpc.HandlerCallDetails", details))


def _checked(name: str, handler: Handler) -> Handler:
    if handler.response_streaming and not inspect.isasyncgenfunction(_function(handler)):
        raise TypeError(f"{name}: a local handler of a stream is an async generator function")
    if not handler.response_streaming and not inspect.iscoroutinefunction(_function(handler)):
        raise TypeError(f"{name}: a local handler is a coroutine function")
    return handler


def _function(handler: Handler) -> Any:
    if handler.request_streaming:
        return handler.stream_stream if handler.response_streaming else handler.stream_unary
    return handler.unary_stream if handler.response_streaming else handler.unary_unary


def _unary(handler: Handler | None, codec: Codec | None) -> UnaryHandler[RequestT, ResponseT]:
    if handler is None:
        return _unimplemented_unary
    serve: UnaryHandler[RequestT, ResponseT] = _function(handler)
    return serve if codec is None else _strict_unary(serve, *_copiers(handler, codec))


def _stream(handler: Handler | None, codec: Codec | None) -> StreamHandler[RequestT, ResponseT]:
    if handler is None:
        return _unimplemented_stream
    serve: StreamHandler[RequestT, ResponseT] = _function(handler)
    return serve if codec is None else _strict_stream(serve, *_copiers(handler, codec))


async def _unimplemented_unary(request: RequestT, context: LocalContext[RequestT, ResponseT]) -> ResponseT:
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")


async def _unimplemented_stream(
    request: RequestT, context: LocalContext[RequestT, ResponseT]
) -> AsyncGenerator[ResponseT, None]:
    yield await context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")


def _strict_unary(
    serve: UnaryHandler[RequestT, ResponseT],
    copy_request: Callable[[RequestT], RequestT],
    copy_response: Callable[[ResponseT], ResponseT],
) -> UnaryHandler[RequestT, ResponseT]:
    async def strict(request: RequestT, context: LocalContext[RequestT, ResponseT]) -> ResponseT:
        return copy_response(await serve(copy_request(request), context))

    return strict


def _strict_stream(
    serve: StreamHandler[RequestT, ResponseT],
    copy_request: Callable[[RequestT], RequestT],
    copy_response: Callable[[ResponseT], ResponseT],
) -> StreamHandler[RequestT, ResponseT]:
    async def strict(request: RequestT, context: LocalContext[RequestT, ResponseT]) -> AsyncGenerator[ResponseT, None]:
        async with aclosing(serve(copy_request(request), context)) as messages:
            async for message in messages:
                yield copy_response(message)

    return strict


def _copiers(handler: Handler, codec: Codec) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """What serialises requests and answers and reads them again."""
    read_request, write_response = handler.request_deserializer, handler.response_serializer
    if read_request is None or write_response is None:
        raise TypeError("a strict channel needs handlers that can serialise")

    def copy_request(request: object) -> object:
        return read_request(codec.serialize(request))

    async def copy_requests(requests: AsyncIterator[object]) -> AsyncGenerator[object, None]:
        async for request in requests:
            yield copy_request(request)

    def copy_response(response: object) -> object:
        return codec.deserialize(write_response(response))

    return copy_requests if handler.request_streaming else copy_request, copy_response
