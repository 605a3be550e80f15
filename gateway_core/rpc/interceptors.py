"""What every call that arrives by a socket goes through: it is watched to its end, and gets one line in the access log.

Calls on a LocalChannel come from the HTTP facade, which writes its own line; they do not pay for this.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, Never, Protocol, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from dragoman.reasons import GatewayError, Reason
from dragoman.status import pack
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.proxy_pb2 import ProxyRequest, ProxyResponse, ProxyStreamRequest, ProxyStreamResponse
from dragoman.v1.routing_pb2 import RouteTrace
from dragoman.v1.stream_pb2 import StreamRequest, StreamResponse
from dragoman.v1.tokens_pb2 import CountTokensRequest
from dragoman.v1.usage_pb2 import Usage

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
"""grpc types the table of handlers no closer."""
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Continuation: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]"


class AccessLog(Protocol):
    """Takes one line's fields; None means not known."""

    def write(self, fields: Mapping[str, object]) -> None: ...


class ObservedContext:
    """A servicer's context to which the servicer can add what the access log should tell. Everything else is the context's
    own: gRPC's context takes no attributes, and a context variable would cost every call more."""

    __slots__ = ("_context", "caller", "environment", "error", "request_id", "task_id")

    def __init__(self, context: Context) -> None:
        self._context = context
        self.request_id: str | None = None
        self.caller: str | None = None
        self.error: GatewayError | None = None
        self.task_id = ""
        self.environment = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


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


class Observation:
    """One call from its request to its end, as far as the access log tells of it."""

    __slots__ = ("_began", "_context", "_first", "_last", "_method", "_request", "seen")

    def __init__(self, method: str, context: Context) -> None:
        self._began = time.perf_counter()
        self._method = method
        self._request: object = None
        self._context = context
        self._first: object = None
        self._last: object = None
        self.seen: ObservedContext = ObservedContext(context)

    def read_next(self, deserialize: Callable[[bytes], object], raw: bytes) -> object:
        """One request of many. Raises GatewayError INVALID_REQUEST."""
        try:
            message = deserialize(raw)
        except DecodeError as error:
            raise GatewayError(Reason.INVALID_REQUEST, f"the request cannot be read: {error}") from None
        if self._request is None:
            self._request = message.head if isinstance(message, ProxyStreamRequest) else message
        return message

    async def read(self, deserialize: Callable[[bytes], object], raw: bytes) -> object:
        """The request. Left to itself, grpc.aio takes bytes that are none for the servicer's fault, and logs it as one."""
        try:
            self._request = deserialize(raw)
        except DecodeError as error:
            self.seen.error = GatewayError(Reason.INVALID_REQUEST, f"the request cannot be read: {error}")
            await self._context.abort(*pack(self.seen.error))
        return self._request

    def add(self, message: object) -> None:
        """The first and the last message that hold something tell who answered and what it took."""
        if isinstance(message, ProxyStreamResponse):
            message = message.response
        if isinstance(message, StreamResponse) and not message.events:
            return
        if self._first is None:
            self._first = message
        self._last = message

    def line(self, error: BaseException | None) -> Mapping[str, object]:
        seen = self.seen
        return {
            "method": f"grpc {self._method}",
            "status": self._status(error),
            "ms": round((time.perf_counter() - self._began) * 1000, 1),
            "request_id": seen.request_id,
            "caller": seen.caller,
            "task_id": seen.task_id or None,
            "environment": seen.environment or None,
            "error": seen.error.reason.value if seen.error else None,
            **_route_fields(self._requested_model(), self._route()),
            **self._proxy_fields(),
            **_usage_fields(self._usage()),
        }

    def _proxy_fields(self) -> Mapping[str, object]:
        """Of a request in a provider's own language."""
        request = self._request
        if not isinstance(request, ProxyRequest):
            return {}
        found: dict[str, object] = {"provider": request.provider, "path": f"{request.method} {request.path}"}
        if isinstance(self._first, ProxyResponse):
            found["upstream_status"] = self._first.head.status
        if isinstance(self._last, ProxyResponse) and self._last.end.model:
            found["model"] = f"{request.provider}/{self._last.end.model}"
        return found

    def _status(self, error: BaseException | None) -> str:
        code: grpc.StatusCode | None = self._context.code()
        if code is not None:
            return code.name
        if isinstance(error, asyncio.CancelledError):
            return "DEADLINE_EXCEEDED" if self._context.time_remaining() == 0 else "CANCELLED"
        return "OK" if error is None else "UNKNOWN"

    def _requested_model(self) -> str | None:
        match self._request:
            case ChatRequest(model=model):
                return model
            case StreamRequest(chat=chat) | CountTokensRequest(chat=chat):
                return chat.model
            case _:
                return None

    def _route(self) -> RouteTrace | None:
        if self.seen.error is not None:
            return self.seen.error.trace
        match self._first:
            case ChatResponse(route=route):
                return route
            case StreamResponse(events=events) if events:
                return events[0].started.route
            case _:
                return None

    def _usage(self) -> Usage | None:
        match self._last:
            case ChatResponse() as response if response.HasField("usage"):
                return response.usage
            case StreamResponse(events=events) if events and events[-1].finished.HasField("usage"):
                return events[-1].finished.usage
            case ProxyResponse() as response if response.HasField("end"):
                return response.end.usage
            case _:
                return None


class Observer(grpc.aio.ServerInterceptor):
    """Watches the calls of one service; those of others (health, reflection) pass.

    It also closes the generator of a stream before the call ends, however it ends. Left to itself, grpc.aio drops the
    generator of a call that is cancelled while it writes, and the upstream connection stays open until it is collected.
    """

    def __init__(self, service: str, access_log: AccessLog | None) -> None:
        """service: its full name."""
        self._prefix = f"/{service}/"
        self._access_log = access_log
        self._observed: dict[str, Handler] = {}

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        method = handler_call_details.method
        observed = self._observed.get(method)
        if observed is not None:
            return observed
        handler = await continuation(handler_call_details)
        if handler is None or not method.startswith(self._prefix):
            return handler
        return self._observed.setdefault(method, self._observe(method.removeprefix(self._prefix), handler))

    def _observe(self, name: str, handler: Handler) -> Handler:
        serialize = handler.response_serializer
        if handler.request_streaming:
            return grpc.stream_stream_rpc_method_handler(self._observe_streams(name, handler), None, serialize)
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(self._observe_stream(name, handler), None, serialize)
        return grpc.unary_unary_rpc_method_handler(self._observe_unary(name, handler), None, serialize)

    def _observe_unary(self, name: str, handler: Handler) -> Any:
        serve: Any = handler.unary_unary
        deserialize: Any = handler.request_deserializer

        async def observed(raw: bytes, context: Context) -> object:
            about = Observation(name, context)
            try:
                response = await serve(await about.read(deserialize, raw), about.seen)
            except BaseException as error:
                self._end(about, error)
                raise
            about.add(response)
            self._end(about, None)
            return response

        return observed

    def _observe_stream(self, name: str, handler: Handler) -> Any:
        serve: Any = handler.unary_stream
        deserialize: Any = handler.request_deserializer

        async def observed(raw: bytes, context: Context) -> None:
            about = Observation(name, context)
            try:
                async with aclosing(serve(await about.read(deserialize, raw), about.seen)) as messages:
                    async for message in messages:
                        await context.write(message)
                        about.add(message)
            except BaseException as error:
                self._end(about, error)
                raise
            self._end(about, None)

        return observed

    def _observe_streams(self, name: str, handler: Handler) -> Any:
        serve: Any = handler.stream_stream
        deserialize: Any = handler.request_deserializer

        async def observed(raws: AsyncIterator[bytes], context: Context) -> None:
            about = Observation(name, context)
            about.seen = seen = UploadContext(context)
            seen.requests = requests = ReceivedRequests(raws, partial(about.read_next, deserialize))
            try:
                async with aclosing(serve(requests, seen)) as messages:
                    async for message in messages:
                        await context.write(message)
                        about.add(message)
                await requests.discard()
            except BaseException as error:
                self._end(about, error)
                raise
            finally:
                await requests.close()
            self._end(about, None)

        return observed

    def _end(self, about: Observation, error: BaseException | None) -> None:
        if self._access_log is not None:
            self._access_log.write(about.line(error))


def _route_fields(requested_model: str | None, route: RouteTrace | None) -> Mapping[str, object]:
    if route is None:
        return {"model": requested_model}
    answered = f"{route.provider}/{route.model}" if route.provider else requested_model
    return {"model": answered, "provider": route.provider or None, "attempts": len(route.attempts)}


def _usage_fields(usage: Usage | None) -> Mapping[str, object]:
    return {} if usage is None else {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
