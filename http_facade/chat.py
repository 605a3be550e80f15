"""ChatEndpoint: parses a chat of any API, has the core answer it, and renders the answer, whole or as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import grpc

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.kit.server import RequestHead, ServedChat, StreamWriter
from http_facade.connect import failure_of
from http_facade.core import Core
from http_facade.endpoints import required
from http_facade.exchange import Exchange, answer_headers, fault

if TYPE_CHECKING:
    from http_facade.api import Api

AT_ONCE = 8
"""How many chats of one request are answered at the same time."""
READING_S = 0.1
"""How long a client has to read what was written, so that what follows reaches it by itself."""


class ChatEndpoint:
    """One for all chat paths of an API."""

    def __init__(self, core: Core, api: Api, parse: Callable[[RequestHead, bytes], ServedChat] | None = None) -> None:
        """parse: the API's own unless it is given."""
        self._core = core
        self._api = api
        self._parse = required(parse or api.server.parse_chat, api, "parse_chat")

    async def __call__(self, exchange: Exchange) -> None:
        served = await exchange.parsed(self._parse)
        for chat in (served.chat, *served.further):
            prepare(chat, exchange)
        if self._api.tags is not None:
            exchange.tags = self._api.tags(exchange, served.chat)
        if served.writer is None:
            await self._answer(served, exchange)
        else:
            await relay(self._core, self._open(served, exchange), served, exchange)

    async def _answer(self, served: ServedChat, exchange: Exchange) -> None:
        if served.render_all is None:
            first = await self._core.chat(served.chat, exchange)
            exchange.route, exchange.answers = first.route, (first,)
            body = served.render(first)
        else:
            exchange.answers = answers = await self._answers((served.chat, *served.further), exchange)
            first = answers[0]
            exchange.route = first.route
            body = served.render_all(answers)
        await exchange.respond(200, body, answer_headers(first.route, first.warnings))

    async def _answers(self, chats: Sequence[ChatRequest], exchange: Exchange) -> Sequence[ChatResponse]:
        """In the order of the chats. The first failure ends the others."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def answer(chat: ChatRequest) -> ChatResponse:
            async with gate:
                return await self._core.chat(chat, exchange)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(answer(chat)) for chat in chats]
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return [task.result() for task in tasks]

    def _open(self, served: ServedChat, exchange: Exchange) -> EventStream:
        if served.further:
            return Successive(self._core, (served.chat, *served.further), exchange)
        return self._core.stream(served.chat, exchange)


class EventStream(Protocol):
    """A call of the core that gives batches of events, and something else at its end."""

    async def read(self) -> object: ...

    def cancel(self) -> bool: ...


class Successive:
    """The streams of several chats as one: each is begun when the one before has ended."""

    def __init__(self, core: Core, chats: Sequence[ChatRequest], exchange: Exchange) -> None:
        self._core = core
        self._exchange = exchange
        self._rest = list(chats[1:])
        self._call = core.stream(chats[0], exchange)

    async def read(self) -> object:
        while True:
            batch = await self._call.read()
            if isinstance(batch, StreamResponse) or not self._rest:
                return batch
            self._call = self._core.stream(self._rest.pop(0), self._exchange)

    def cancel(self) -> bool:
        self._rest.clear()
        return self._call.cancel()


async def relay(
    core: Core, call: EventStream, served: ServedChat, exchange: Exchange, end: Callable[[], Awaitable[bytes]] | None = None
) -> None:
    """Write a stream. Until the first batch is rendered nothing has been answered, so an early failure keeps its HTTP
    status. end: gives the last bytes of a stream that did not fail."""
    try:
        with core.watch(call, exchange):
            await StreamedAnswer(core, call, served, exchange, end).write(await first_batch(call))
    finally:
        call.cancel()


async def first_batch(call: EventStream) -> StreamResponse:
    first = await call.read()
    if not isinstance(first, StreamResponse) or not first.events:
        raise GatewayError(Reason.STREAM_INTERRUPTED, "the core ended the stream before it began")
    return first


class StreamedAnswer:
    """One streamed answer while it is written."""

    __slots__ = ("_call", "_core", "_end", "_exchange", "_served", "_writer")

    def __init__(
        self,
        core: Core,
        call: EventStream,
        served: ServedChat,
        exchange: Exchange,
        end: Callable[[], Awaitable[bytes]] | None,
    ) -> None:
        assert served.writer is not None
        self._core = core
        self._call = call
        self._served = served
        self._writer: StreamWriter = served.writer()
        self._exchange = exchange
        self._end = end

    async def write(self, first: StreamResponse) -> None:
        served, exchange = self._served, self._exchange
        started = first.events[0].started
        exchange.route = started.route
        data = self._writer.render(first)
        headers = {**answer_headers(started.route, started.warnings), "cache-control": "no-cache", "x-accel-buffering": "no"}
        await exchange.start(200, served.content_type, headers, None)
        keep_alive = KeepAlive(self._core.limits.keep_alive_s, lambda: exchange.write(served.keep_alive, more=True))
        try:
            failure = await self._relay(first, data, keep_alive)
        finally:
            keep_alive.stop()
        if failure is not None:
            exchange.details["error"] = failure.reason
            await exchange.write(self._writer.fail(failure), more=True)
            if served.abort is not None:
                await self.break_off(served.abort(failure))
                return
        await exchange.write(b"", more=False)

    async def break_off(self, data: bytes) -> None:
        """Write this by itself, and break off: the server closes a connection whose answer is left without its end. Node's
        fetch joins what arrives at once, and throws away what is not read yet when the connection breaks."""
        await asyncio.sleep(READING_S)
        await self._exchange.write(data, more=True)
        await asyncio.sleep(READING_S)

    async def _relay(self, batch: StreamResponse, data: bytes, keep_alive: KeepAlive) -> GatewayError | None:
        """Write the first batch, which is rendered, and all others. Returns the failure that ended them."""
        read, write, render = self._call.read, self._exchange.write, self._writer.render
        while True:
            await write(data, more=True)
            keep_alive.touch()
            try:
                following = await read()
            except grpc.aio.AioRpcError as error:
                return failure_of(error)
            except asyncio.CancelledError:
                if not self._exchange.stop.over:
                    raise
                return self._exchange.stop.failure()
            if not isinstance(following, StreamResponse):
                break
            batch = following
            try:
                data = render(batch)
            except Exception:
                return fault(self._exchange)
        self._exchange.answers = (batch.events[-1].finished,)
        if self._end is not None:
            try:
                data = await self._end()
            except Exception:
                return fault(self._exchange)
            await write(data, more=True)
        return None


def prepare(chat: ChatRequest, exchange: Exchange) -> None:
    """Make a chat strict where the client's headers ask for it: what the target cannot do is then refused. For the access
    log: the requested model."""
    exchange.details["model"] = chat.model or None
    if exchange.header(b"x-dragoman-strict") in ("true", "1"):
        chat.strict = True


class KeepAlive:
    """Writes something that clients skip whenever nothing was written for a while, so that proxies on the way keep the
    connection."""

    __slots__ = ("_interval", "_last", "_loop", "_task", "_timer", "_write")

    def __init__(self, interval_s: float, write: Callable[[], Awaitable[None]]) -> None:
        self._interval = interval_s
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._task: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(interval_s, self._check) if interval_s > 0 else None

    def touch(self) -> None:
        """Something was written."""
        self._last = self._loop.time()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _check(self) -> None:
        idle = self._loop.time() - self._last
        if idle >= self._interval:
            self._task = self._loop.create_task(self._write_now())
            idle = 0.0
        self._timer = self._loop.call_later(self._interval - idle, self._check)

    async def _write_now(self) -> None:
        self.touch()
        await self._write()
