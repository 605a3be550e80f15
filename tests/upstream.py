"""A provider made of a script: a real HTTP/1.1 server on a free port that answers as told and records what it was sent.

    def handler(request: Received) -> Reply:
        return json_reply({"id": "1"})

    async with Upstream(handler) as upstream: ...        # in the test's own event loop
    with running_upstream(handler) as upstream: ...      # in a thread of its own, for blocking clients

A reply's steps are bytes to write, a Pause, a Signal to wait for, CUT (close at once) or STALL (keep the connection open and
silent) or RESET (with a TCP reset). A script that is out of steps ends the body.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum, auto
from socket import SO_LINGER, SOL_SOCKET
from types import TracebackType
from typing import Any, Self, assert_never, cast

NO_LINGER = struct.pack("ii", 1, 0)
"""Closing resets the connection."""
WAIT_S = 10.0
"""How long a test waits for what must happen before it fails."""


class Signal:
    """Happens once. Set, awaited and joined from any thread."""

    def __init__(self) -> None:
        self._future: Future[None] = Future()

    def set(self) -> None:
        if not self._future.done():
            self._future.set_result(None)

    @property
    def is_set(self) -> bool:
        return self._future.done()

    async def wait(self) -> None:
        await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._future)), WAIT_S)

    def join(self) -> None:
        self._future.result(WAIT_S)


class Ending(Enum):
    CUT = auto()
    RESET = auto()
    STALL = auto()


CUT = Ending.CUT
RESET = Ending.RESET
STALL = Ending.STALL


@dataclass(frozen=True)
class Pause:
    seconds: float


Step = bytes | Pause | Signal | Ending


@dataclass(frozen=True)
class Reply:
    """An answer. A body of bytes is sent with its length, steps are sent chunked unless the headers name a length."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Sequence[Step] = b""
    before_head: Sequence[Step] = ()
    """What happens before the head is sent; bytes here are written raw."""


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    method: str
    path: str
    """With its query."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    connection: int
    """Which connection it came on, counted from 0."""
    closed: Signal
    """Set once the client has closed the connection that this came on."""

    def json(self) -> Any:
        return json.loads(self.body)


Handler = Callable[[Received], Reply]


class Upstream:
    """The server. `requests` holds what came, in order."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.url = ""
        self.requests: list[Received] = []
        self.connections: list[Signal] = []
        """For each connection, what is set when the client has closed it."""
        self.connected = Signal()
        """Set once there is a connection."""
        self._arrivals: dict[int, Signal] = {}
        self._protocols: set[Connection] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", 0, backlog=1024)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for protocol in list(self._protocols):
            await protocol.stop()
        await self._server.wait_closed()

    def arrival(self, index: int = 0) -> Signal:
        """Set once the request of this number, counted from 0, has come."""
        return self._arrivals.setdefault(index, Signal())

    def accept(self, request: Received) -> Reply:
        self.requests.append(request)
        reply = self.handler(request)
        self.arrival(len(self.requests) - 1).set()
        return reply


class Connection(asyncio.Protocol):
    """One connection of a client, any number of requests after one another."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None
        self._closed = Signal()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        # Not earlier: of several that are accepted together, all are made before the first is here.
        self._number = len(self._upstream.connections)
        self._upstream.connections.append(self._closed)
        self._upstream.connected.set()
        self._upstream._protocols.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()
        self._upstream._protocols.discard(self)
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> None:
        self._transport.abort()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._buffer[:1].isalpha():
            # Not HTTP: a client that tries TLS. Answered as servers do that have no TLS.
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            self._transport.close()
            return
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        found = split_chunked(rest) if headers.get("transfer-encoding") == "chunked" else split_sized(rest, headers)
        if found is None:
            return
        body, self._buffer = found
        request = Received(method, path, headers, body, self._number, self._closed)
        self._task = asyncio.get_running_loop().create_task(self._answer(self._upstream.accept(request)))

    async def _answer(self, reply: Reply) -> None:
        await self._play(reply.before_head, chunked=False)
        steps: Sequence[Step] = [reply.body] if isinstance(reply.body, bytes) else reply.body
        headers = {name.lower(): value for name, value in reply.headers.items()}
        chunked = not isinstance(reply.body, bytes) and "content-length" not in headers
        if chunked:
            headers["transfer-encoding"] = "chunked"
        elif isinstance(reply.body, bytes):
            headers.setdefault("content-length", str(len(reply.body)))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._transport.write(f"HTTP/1.1 {reply.status} Scripted\r\n{lines}\r\n".encode("latin-1"))
        await self._play(steps, chunked)
        if chunked:
            self._transport.write(b"0\r\n\r\n")
        if headers.get("connection") == "close":
            self._transport.close()

    async def _play(self, steps: Sequence[Step], chunked: bool) -> None:
        for step in steps:
            match step:
                case bytes():
                    self._transport.write(b"%x\r\n%s\r\n" % (len(step), step) if chunked else step)
                case Pause():
                    await asyncio.sleep(step.seconds)
                case Signal():
                    await step.wait()
                case Ending.CUT:
                    # Not abort(): that would throw away what was just written.
                    self._transport.close()
                    await asyncio.Event().wait()
                case Ending.RESET:
                    # What was written is on its way: the buffer is empty, or a system call's failure would show.
                    self._transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, NO_LINGER)
                    self._transport.abort()
                    await asyncio.Event().wait()
                case Ending.STALL:
                    await asyncio.Event().wait()
                case _:
                    assert_never(step)


def split_sized(rest: bytes, headers: Mapping[str, str]) -> tuple[bytes, bytes] | None:
    """A request's body and what follows it. None: it is not here yet."""
    size = int(headers.get("content-length", "0"))
    return (rest[:size], rest[size:]) if len(rest) >= size else None


def split_chunked(rest: bytes) -> tuple[bytes, bytes] | None:
    """As split_sized."""
    body = b""
    while True:
        line, end, rest = rest.partition(b"\r\n")
        size = int(line, 16) if end else 0
        if not end or len(rest) < size + 2:
            return None
        body += rest[:size]
        rest = rest[size + 2 :]
        if size == 0:
            return body, rest


def json_reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, {"content-type": "application/json", **(headers or {})}, json.dumps(body).encode())


def event_stream(*steps: object) -> Reply:
    """Server-sent events. A dict is sent as one JSON event; any Step is taken as it is."""
    sent = [b"data: " + json.dumps(step).encode() + b"\n\n" if isinstance(step, dict) else step for step in steps]
    return Reply(headers={"content-type": "text/event-stream"}, body=[step for step in sent if isinstance(step, Step)])


@contextlib.contextmanager
def running_upstream(handler: Handler) -> Iterator[Upstream]:
    """The server in a thread of its own."""
    started: Future[Upstream] = Future()
    stop = Signal()

    async def serve() -> None:
        async with Upstream(handler) as upstream:
            started.set_result(upstream)
            await asyncio.wrap_future(stop._future)

    thread = threading.Thread(target=asyncio.run, args=[serve()], name="upstream")
    thread.start()
    try:
        yield started.result(WAIT_S)
    finally:
        stop.set()
        thread.join(WAIT_S)
