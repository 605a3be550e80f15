"""Any endpoint that answers a chat: a face reads the request, the core answers it, the face writes the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import grpc

from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.routing_pb2 import RouteTrace
from dragoman.v1.stream_pb2 import StreamResponse
from http_facade.answer_headers import answer_headers
from http_facade.calls import KeepAlive
from http_facade.connect import failure_of
from http_facade.core import Core, StreamCall
from http_facade.exchange import EVENT_STREAM, Exchange
from http_facade.faces.failure import Failure

COMMENT = b": keep-alive\n\n"


class Renderer(Protocol):
    """A face's writer of one stream."""

    def render(self, batch: StreamResponse) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Streamed:
    """How a face writes a stream."""

    renderer: Renderer
    failed: Callable[[Failure], bytes]
    """Writes the failure that ends the stream."""
    alive: bytes = COMMENT
    """Written during silence, between events; clients skip it."""
    content_type: bytes = EVENT_STREAM


@dataclass(frozen=True, slots=True)
class Asked:
    """A client's request in the contract's terms, and how its answer is written."""

    chat: ChatRequest
    whole: Callable[[ChatResponse], bytes]
    streamed: Streamed | None = None
    """None: the client wants the whole answer at once."""


Reader = Callable[[Exchange, bytes], Asked]
"""(the request, its body) -> what is asked. Raises Failure 400 naming the field at fault."""


class Chats:
    """Answers the chats that a face reads."""

    def __init__(self, core: Core, read: Reader) -> None:
        self._core = core
        self._read = read

    async def __call__(self, exchange: Exchange) -> None:
        asked = self._read(exchange, await exchange.body(self._core.limits.body_bytes))
        if exchange.header(b"x-dragoman-strict") in ("true", "1"):
            asked.chat.strict = True
        if asked.streamed is None:
            await self._answer(asked, exchange)
        else:
            await self._stream(asked.chat, asked.streamed, exchange)

    async def _answer(self, asked: Asked, exchange: Exchange) -> None:
        answer = await self._core.chat(asked.chat, exchange)
        note(exchange, answer.route)
        if answer.HasField("usage"):
            exchange.details["tokens"] = f"{answer.usage.input_tokens}+{answer.usage.output_tokens}"
        await exchange.respond(200, asked.whole(answer), answer_headers(answer.route, answer.warnings))

    async def _stream(self, chat: ChatRequest, streamed: Streamed, exchange: Exchange) -> None:
        """Until the first batch is here nothing has been answered, so an early failure keeps its HTTP status."""
        call = self._core.stream(chat, exchange)
        try:
            with self._core.watch(call, exchange):
                await self._relay(streamed, await first_batch(call), call, exchange)
        finally:
            call.cancel()

    async def _relay(self, streamed: Streamed, batch: StreamResponse, call: StreamCall, exchange: Exchange) -> None:
        started = batch.events[0].started
        note(exchange, started.route)
        headers = {**answer_headers(started.route, started.warnings), "cache-control": "no-cache", "x-accel-buffering": "no"}
        await exchange.start(200, streamed.content_type, headers, None)
        keep_alive = KeepAlive(self._core.limits.keep_alive_s, lambda: exchange.write(streamed.alive, more=True))
        try:
            following: object = batch
            while isinstance(following, StreamResponse):
                await exchange.write(streamed.renderer.render(following), more=True)
                keep_alive.touch()
                following = await call.read()
        except grpc.aio.AioRpcError as error:
            failure = failure_of(error)
            exchange.details["error"] = failure.reason
            await exchange.write(streamed.failed(failure), more=True)
        finally:
            keep_alive.stop()
        await exchange.write(b"", more=False)


async def first_batch(call: StreamCall) -> StreamResponse:
    first = await call.read()
    if not isinstance(first, StreamResponse) or not first.events:
        raise Failure(502, "STREAM_INTERRUPTED", "the core ended the stream before it began")
    return first


def note(exchange: Exchange, route: RouteTrace) -> None:
    """Tell the access log who answered."""
    exchange.details.update(model=f"{route.provider}/{route.model}", attempts=len(route.attempts))
