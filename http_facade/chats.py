"""Any endpoint that answers a chat: a face reads the request, the core answers it, the face writes the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import grpc

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.routing_pb2 import RouteTrace
from dragoman.v1.stream_pb2 import Finished, StreamResponse
from http_facade.answer_headers import answer_headers
from http_facade.calls import KeepAlive
from http_facade.connect import failure_of
from http_facade.core import Core
from http_facade.exchange import EVENT_STREAM, Exchange
from http_facade.limits import Limits

COMMENT = b": keep-alive\n\n"


class Renderer(Protocol):
    """A face's writer of one stream."""

    def render(self, batch: StreamResponse) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Streamed:
    """How a face writes a stream."""

    renderer: Renderer
    failed: Callable[[GatewayError], bytes]
    """Writes the failure that ends the stream."""
    alive: bytes = COMMENT
    """Written during silence, between events; clients skip it."""
    content_type: bytes = EVENT_STREAM
    ending: Callable[[], Awaitable[bytes]] | None = None
    """Gives what is written when all has gone well."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A client's request in the contract's terms, and how its answer is written."""

    chat: ChatRequest
    whole: Callable[[ChatResponse], bytes]
    streamed: Streamed | None = None
    """None: the client wants the whole answer at once."""


Reader = Callable[[Exchange, bytes], Asked]
"""(the request, its body) -> what is asked. Raises GatewayError naming the field at fault."""


class Chats:
    """Answers the chats that a face reads."""

    def __init__(self, core: Core, read: Reader) -> None:
        self._core = core
        self._read = read

    async def __call__(self, exchange: Exchange) -> None:
        asked = self._read(exchange, await exchange.body(self._core.limits.body_bytes))
        be_strict(asked.chat, exchange)
        if asked.streamed is None:
            await self._answer(asked, exchange)
        else:
            await relay(self._core, self._core.stream(asked.chat, exchange), asked.streamed, exchange)

    async def _answer(self, asked: Asked, exchange: Exchange) -> None:
        answer = await self._core.chat(asked.chat, exchange)
        note_answer(exchange, (answer,))
        await exchange.respond(200, asked.whole(answer), answer_headers(answer.route, answer.warnings))


class EventStream(Protocol):
    """A call of the core that gives batches of events, and something else at its end."""

    async def read(self) -> object: ...

    def cancel(self) -> bool: ...


async def relay(core: Core, call: EventStream, streamed: Streamed, exchange: Exchange) -> None:
    """Until the first batch is here nothing has been answered, so an early failure keeps its HTTP status."""
    try:
        with core.watch(call, exchange):
            await write_events(core.limits, await first_batch(call), call, streamed, exchange)
    finally:
        call.cancel()


async def write_events(
    limits: Limits, batch: StreamResponse, call: EventStream, streamed: Streamed, exchange: Exchange
) -> None:
    started = batch.events[0].started
    note(exchange, started.route)
    headers = {**answer_headers(started.route, started.warnings), "cache-control": "no-cache", "x-accel-buffering": "no"}
    await exchange.start(200, streamed.content_type, headers, None)
    keep_alive = KeepAlive(limits.keep_alive_s, lambda: exchange.write(streamed.alive, more=True))
    try:
        following: object = batch
        while isinstance(following, StreamResponse):
            batch = following
            await exchange.write(streamed.renderer.render(batch), more=True)
            keep_alive.touch()
            following = await call.read()
        note_usage(exchange, [batch.events[-1].finished])
        if streamed.ending is not None:
            await exchange.write(await streamed.ending(), more=True)
    except grpc.aio.AioRpcError as error:
        failure = failure_of(error)
        exchange.details["error"] = failure.reason
        await exchange.write(streamed.failed(failure), more=True)
    finally:
        keep_alive.stop()
    await exchange.write(b"", more=False)


async def first_batch(call: EventStream) -> StreamResponse:
    first = await call.read()
    if not isinstance(first, StreamResponse) or not first.events:
        raise GatewayError(Reason.STREAM_INTERRUPTED, "the core ended the stream before it began")
    return first


def note(exchange: Exchange, route: RouteTrace) -> None:
    """Tell the access log who answered."""
    exchange.details.update(model=f"{route.provider}/{route.model}", attempts=len(route.attempts))


def note_answer(exchange: Exchange, answers: Sequence[ChatResponse]) -> None:
    """The same for whole answers to one request, and what they took."""
    note(exchange, answers[0].route)
    note_usage(exchange, answers)


def note_usage(exchange: Exchange, ended: Sequence[ChatResponse | Finished]) -> None:
    usages = [one.usage for one in ended if one.HasField("usage")]
    if usages:
        read, written = sum(usage.input_tokens for usage in usages), sum(usage.output_tokens for usage in usages)
        exchange.details["tokens"] = f"{read}+{written}"


def be_strict(chat: ChatRequest, exchange: Exchange) -> None:
    """Where the client's headers ask for it: what cannot be done fails."""
    if exchange.header(b"x-dragoman-strict") in ("true", "1"):
        chat.strict = True
