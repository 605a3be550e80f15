"""An exchange: one request, and what has come of its answer that nobody has read."""

import asyncio
from enum import Enum, auto
from typing import Protocol

from gateway_core.transport.http1.codec import AnswerParser

MOST_UNREAD = 256 * 1024
"""Bytes of a body that wait for their reader before the connection is read no further."""
NEVER = float("inf")


class Fate(Enum):
    """How an exchange ended."""

    WHOLE = auto()
    CUT = auto()
    """The connection broke."""
    BAD_FRAMING = auto()
    SILENT = auto()
    DEADLINE = auto()
    UNSENT = auto()
    """The body of the request could not be had."""


class Carrier(Protocol):
    """The connection of an exchange."""

    def abort(self) -> None: ...

    def read_on(self) -> None:
        """There is room for more of the body."""


class Exchange:
    """One request and what of its answer nobody has read. Times are the event loop's."""

    __slots__ = (
        *("_buffered", "_idle_s", "_pieces", "_waiter", "connection", "deadline_at", "failure", "fate", "fields", "headers"),
        *("heard_at", "patience_s", "reused", "stale", "status", "why"),
    )

    def __init__(self, now: float, deadline_at: float, *, answer_s: float, idle_s: float) -> None:
        """answer_s: the longest wait for the head, once the request is sent. idle_s: the longest between two reads."""
        self.deadline_at = deadline_at
        self.heard_at = now
        self.patience_s = answer_s
        """How long after heard_at the upstream is silent."""
        self.status = 0
        self.fields: list[tuple[bytes, bytes]] = []
        self.headers: dict[bytes, bytes] = {}
        self.fate: Fate | None = None
        self.why = ""
        """Of BAD_FRAMING."""
        self.failure: Exception | None = None
        """Of UNSENT."""
        self.connection: Carrier | None = None
        """None once it has ended."""
        self.reused = False
        """Whether the connection had answered before."""
        self.stale = False
        """Whether it ended because the upstream had closed a connection that was kept open."""
        self._idle_s = idle_s
        self._pieces: list[bytes] = []
        self._buffered = 0
        self._waiter: asyncio.Future[None] | None = None

    def news(self) -> asyncio.Future[None]:
        """Done when more has come, or the end."""
        self._waiter = asyncio.get_running_loop().create_future()
        return self._waiter

    async def next_piece(self) -> bytes:
        """All of the body that is here, or comes next. Empty once there is nothing more; the fate says why."""
        while not self._pieces and self.fate is None:
            await self.news()
        return self.take()

    def take(self) -> bytes:
        """All of the body that is here."""
        pieces = self._pieces
        if not pieces:
            return b""
        self._pieces = []
        self._buffered = 0
        if self.connection is not None:
            self.connection.read_on()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """An unfinished exchange takes its connection with it."""
        self.failure = None
        if self.connection is not None:
            self.connection.abort()

    def receive(self, parser: AnswerParser) -> bool:
        """Whether it has as much now as may be unread."""
        if not self.status and parser.status:
            self.status, self.fields, self.headers = parser.status, parser.fields, parser.headers
            self.patience_s = self._idle_s
        pieces = parser.pieces
        if pieces:
            piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
            self._pieces.append(piece)
            self._buffered += len(piece)
        return self._buffered > MOST_UNREAD

    def end(self, fate: Fate) -> None:
        self.fate = fate
        self.connection = None
        self.wake()

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def limit(self) -> tuple[float, Fate]:
        """When it is over if nothing comes, and what its fate is then."""
        silent_at = self.heard_at + self.patience_s
        return (self.deadline_at, Fate.DEADLINE) if self.deadline_at <= silent_at else (silent_at, Fate.SILENT)
