"""The server's side of a channel in this process: which handler serves a method, through which interceptors."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, cast

import grpc

from gateway_core.rpc.inprocess.context import LocalContext, Pairs, RequestT, ResponseT
from gateway_core.rpc.inprocess.stream_call import StreamHandler
from gateway_core.rpc.inprocess.unary_call import UnaryHandler

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
"""grpc types the table of handlers no closer."""


@dataclass(frozen=True, slots=True)
class CallDetails:
    """What interceptors are told about a call."""

    method: str
    invocation_metadata: Pairs


@dataclass(frozen=True, slots=True)
class Codec(Generic[RequestT, ResponseT]):
    """The client's half of serialisation: how it writes requests and reads answers."""

    serialize: Callable[[RequestT], bytes]
    deserialize: Callable[[bytes], ResponseT]


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

    def unary(self, method: str, codec: Codec[RequestT, ResponseT] | None) -> UnaryHandler[RequestT, ResponseT]:
        """With a codec every message is serialised and read again. A missing handler is UNIMPLEMENTED when it is called."""
        if self._interceptors:
            return self._intercepted_unary(method, codec)
        return _unary(self._find(CallDetails(method, ())), codec)

    def stream(self, method: str, codec: Codec[RequestT, ResponseT] | None) -> StreamHandler[RequestT, ResponseT]:
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

    def _intercepted_unary(self, method: str, codec: Codec[RequestT, ResponseT] | None) -> UnaryHandler[RequestT, ResponseT]:
        async def intercepted(request: RequestT, context: LocalContext[RequestT, ResponseT]) -> ResponseT:
            handler = await self._intercept(CallDetails(method, context.invocation_metadata()))
            return await _unary(handler, codec)(request, context)

        return intercepted

    def _intercepted_stream(
        self, method: str, codec: Codec[RequestT, ResponseT] | None
    ) -> StreamHandler[RequestT, ResponseT]:
        async def intercepted(
            request: RequestT, context: LocalContext[RequestT, ResponseT]
        ) -> AsyncGenerator[ResponseT, None]:
            handler = await self._intercept(CallDetails(method, context.invocation_metadata()))
            async with aclosing(_stream(handler, codec)(request, context)) as messages:
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
    if handler.request_streaming:
        raise TypeError(f"{name}: a local call has one request")
    if handler.response_streaming and not inspect.isasyncgenfunction(handler.unary_stream):
        raise TypeError(f"{name}: a local handler of a stream is an async generator function")
    if not handler.response_streaming and not inspect.iscoroutinefunction(handler.unary_unary):
        raise TypeError(f"{name}: a local handler is a coroutine function")
    return handler


def _unary(handler: Handler | None, codec: Codec[RequestT, ResponseT] | None) -> UnaryHandler[RequestT, ResponseT]:
    if handler is None:
        return _unimplemented_unary
    serve = cast("UnaryHandler[RequestT, ResponseT]", handler.unary_unary)
    return serve if codec is None else _strict_unary(serve, handler, codec)


def _stream(handler: Handler | None, codec: Codec[RequestT, ResponseT] | None) -> StreamHandler[RequestT, ResponseT]:
    if handler is None:
        return _unimplemented_stream
    serve = cast("StreamHandler[RequestT, ResponseT]", handler.unary_stream)
    return serve if codec is None else _strict_stream(serve, handler, codec)


async def _unimplemented_unary(request: RequestT, context: LocalContext[RequestT, ResponseT]) -> ResponseT:
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")


async def _unimplemented_stream(
    request: RequestT, context: LocalContext[RequestT, ResponseT]
) -> AsyncGenerator[ResponseT, None]:
    yield await context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")


def _strict_unary(
    serve: UnaryHandler[RequestT, ResponseT], handler: Handler, codec: Codec[RequestT, ResponseT]
) -> UnaryHandler[RequestT, ResponseT]:
    read_request, write_response = _server_codec(handler)

    async def strict(request: RequestT, context: LocalContext[RequestT, ResponseT]) -> ResponseT:
        response = await serve(read_request(codec.serialize(request)), context)
        return codec.deserialize(write_response(response))

    return strict


def _strict_stream(
    serve: StreamHandler[RequestT, ResponseT], handler: Handler, codec: Codec[RequestT, ResponseT]
) -> StreamHandler[RequestT, ResponseT]:
    read_request, write_response = _server_codec(handler)

    async def strict(request: RequestT, context: LocalContext[RequestT, ResponseT]) -> AsyncGenerator[ResponseT, None]:
        async with aclosing(serve(read_request(codec.serialize(request)), context)) as messages:
            async for message in messages:
                yield codec.deserialize(write_response(message))

    return strict


def _server_codec(handler: Handler) -> tuple[Callable[[bytes], RequestT], Callable[[ResponseT], bytes]]:
    if handler.request_deserializer is None or handler.response_serializer is None:
        raise TypeError("a strict channel needs handlers that can serialise")
    return handler.request_deserializer, handler.response_serializer
