"""Connections to an upstream: one exchange at a time, its limits, and back pressure in both directions."""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol, cast

from gateway_core.transport.http1.codec import AnswerParser, BadFraming
from gateway_core.transport.http1.exchange import NEVER, Exchange, Fate

JOINED_BYTES = 64 * 1024
"""Up to this size a body is sent together with its head: a copy is cheaper than another system call."""
TICK = 0.001
"""Seconds by which an event loop may let a timer off too early."""


class Owner(Protocol):
    """The lender of connections."""

    def take_back(self, connection: Connection) -> None:
        """It can be used for another request."""

    def forget(self, connection: Connection) -> None:
        """It is closed."""


class Nowhere(asyncio.Transport):
    """The transport before and after the real one."""

    def abort(self) -> None:
        """There is nothing to close."""


NOWHERE = Nowhere()


class Connection(asyncio.Protocol):
    """A connection of an owner. What arrives while nothing was asked closes it."""

    def __init__(self, owner: Owner) -> None:
        self.closed = False
        self.idle_since = 0.0
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport = NOWHERE
        self._parser = AnswerParser()
        self._exchange: Exchange | None = None
        self._used = self._paused = False
        self._drained: asyncio.Event | None = None
        """Set while the upstream takes more. None: it never stopped."""
        self._upload: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        """Goes off at a limit that may have been pushed back since, and is set again then: cheaper than a timer for each."""
        self._timer_at = NEVER

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.closed:
            cast(asyncio.Transport, transport).abort()
            return
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._unread = select.poll()
        self._unread.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def usable(self) -> bool:
        """Whether it is open and nothing waits to be read, as the kernel sees it: the event loop may not have looked yet."""
        return not self.closed and not self._unread.poll(0)

    def start(self, exchange: Exchange, method: str, head: bytes, body: bytes | AsyncGenerator[bytes, None]) -> None:
        """Send a request. A body in pieces is sent as it comes, framed already."""
        exchange.connection, exchange.reused = self, self._used
        self._exchange, self._used = exchange, True
        self._parser.begin(method)
        self._watch(exchange)
        if not isinstance(body, bytes):
            self._transport.write(head)
            self._upload = self._loop.create_task(self._send(exchange, body))
        elif len(body) <= JOINED_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)

    def abort(self) -> None:
        self._close(Fate.CUT)

    def read_on(self) -> None:
        if self._paused and not self.closed:
            self._paused = False
            self._transport.resume_reading()
            if self._exchange is not None:
                self._exchange.heard_at = self._loop.time()

    def data_received(self, data: bytes) -> None:
        exchange, parser = self._exchange, self._parser
        if exchange is None:
            self.abort()
            return
        try:
            parser.feed(data)
        except BadFraming as error:
            exchange.why = str(error)
        begun = exchange.status
        if exchange.receive(parser) and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        if exchange.why:
            self._close(Fate.BAD_FRAMING)
        elif parser.complete:
            self._finish(exchange)
        elif exchange.status:
            exchange.heard_at = self._loop.time()
            if not begun:
                self._watch(exchange)
            exchange.wake()

    def eof_received(self) -> None:
        self.connection_lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        whole = exc is None and self._parser.finish()
        self._close(Fate.WHOLE if whole else Fate.CUT)

    def pause_writing(self) -> None:
        self._drained = self._drained or asyncio.Event()
        self._drained.clear()

    def resume_writing(self) -> None:
        if self._drained is not None:
            self._drained.set()

    async def _send(self, exchange: Exchange, pieces: AsyncGenerator[bytes, None]) -> None:
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    if self.closed:
                        return
                    self._transport.write(piece)
                    if self._drained is not None:
                        await self._drained.wait()
                    if not exchange.status:
                        exchange.heard_at = self._loop.time()
        except Exception as failure:
            if not self.closed:
                exchange.failure = failure
                self._upload = None
                self._close(Fate.UNSENT)
        else:
            self._upload = None

    def _finish(self, exchange: Exchange) -> None:
        """The answer is whole. The connection is of further use only where all of the request was sent, too."""
        if not self._parser.keep_alive or self._upload is not None or self._transport.get_write_buffer_size():
            self._close(Fate.WHOLE)
            return
        self._exchange = None
        exchange.end(Fate.WHOLE)
        if self._paused:
            self.read_on()
        self.idle_since = self._loop.time()
        self._owner.take_back(self)

    def _close(self, fate: Fate) -> None:
        if self.closed:
            return
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._upload is not None:
            self._upload.cancel()
            # A cancelled task holds its traceback, and that this connection.
            self._upload = None
        self._transport.abort()
        # uvloop's may go on holding this connection.
        self._transport = NOWHERE
        self._parser.discard()
        self._owner.forget(self)
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.stale = fate is Fate.CUT and exchange.reused and not self._parser.fed
            exchange.end(fate)

    def _watch(self, exchange: Exchange) -> None:
        """Look at the exchange no later than at its limit."""
        at, _ = exchange.limit()
        if at < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer, self._timer_at = self._loop.call_at(at, self._look), at

    def _look(self) -> None:
        self._timer, self._timer_at = None, NEVER
        exchange = self._exchange
        if exchange is None:
            return
        now = self._loop.time()
        if self._paused:
            # The upstream is not silent, the reader is slow.
            exchange.heard_at = now
        at, fate = exchange.limit()
        if now < at - TICK:
            self._watch(exchange)
        else:
            self._close(fate)
