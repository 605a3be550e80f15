"""Connections over real sockets: which are used again, how many there are, what is sent while an answer comes."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from typing import Any

import pytest
import uvloop

from dragoman.reasons import GatewayError, Reason
from gateway_core.call import Deadline
from gateway_core.transport.http import HttpLimits, HttpResponse, HttpTransport
from gateway_core.transport.http1.connection import Connection
from gateway_core.transport.http1.exchange import Exchange
from gateway_dialects.kit.dialect import UpstreamRequest
from tests.upstream import CUT, STALL, Handler, Received, Reply, Signal, Upstream, json_reply

Run = Callable[[Coroutine[Any, Any, None]], None]
NO_END = Deadline()
DEFAULT = HttpLimits()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
PARTING = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
RESET = struct.pack("ii", 1, 0)


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    def run(main: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(main)

    return run


class Server:
    """A listening socket whose connections the test itself reads and writes, at once and without the event loop."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(10)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/x"
        self.connections: list[socket.socket] = []

    async def accept(self) -> socket.socket:
        """The next connection, its first request's head read."""
        connection, _ = await asyncio.to_thread(self._listener.accept)
        connection.settimeout(10)
        self.connections.append(connection)
        await self.head(connection)
        return connection

    async def head(self, connection: socket.socket) -> bytes:
        found = b""
        while b"\r\n\r\n" not in found:
            found += await asyncio.to_thread(connection.recv, 65536)
        return found

    def close(self) -> None:
        for connection in (self._listener, *self.connections):
            connection.close()


def post(url: str, **more: Any) -> UpstreamRequest:
    return UpstreamRequest("POST", url, {"content-type": "application/json"}, **more)


async def asked(transport: HttpTransport, url: str, **more: Any) -> tuple[int, bytes]:
    response = await transport.send(post(url, **more), NO_END)
    try:
        return response.status, await response.read()
    finally:
        await response.close()


async def once_answered(server: Server, transport: HttpTransport, answer: bytes = OK) -> socket.socket:
    """A connection that has carried one request."""
    asking = asyncio.create_task(asked(transport, server.url))
    connection = await server.accept()
    connection.sendall(answer)
    assert (await asking)[1] == b"{}"
    return connection


def with_server(check: Callable[[Server, HttpTransport], Awaitable[None]], limits: HttpLimits = DEFAULT) -> Any:
    async def main() -> None:
        server, transport = Server(), HttpTransport("dragoman/test", limits)
        try:
            await check(server, transport)
        finally:
            await transport.close()
            server.close()

    return main()


def left_unread(connection: socket.socket) -> None:
    connection.sendall(POISON)


def left_with_a_parting(connection: socket.socket) -> None:
    connection.sendall(PARTING)
    connection.close()


def closed(connection: socket.socket) -> None:
    connection.close()


def half_closed(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    connection.close()


def stray(connection: socket.socket) -> None:
    connection.sendall(b"\r\n")


LEFT = [left_unread, left_with_a_parting, closed, half_closed, reset, stray]


@pytest.mark.parametrize("noticed", [False, True])
@pytest.mark.parametrize("leave", LEFT)
def test_what_happened_to_an_idle_connection_is_never_the_next_answer(
    run: Run, leave: Callable[[socket.socket], None], noticed: bool
) -> None:
    async def check(server: Server, transport: HttpTransport) -> None:
        leave(await once_answered(server, transport))
        if noticed:
            await a_turn()
        asking = asyncio.create_task(asked(transport, server.url))
        fresh = await server.accept()
        fresh.sendall(OK)
        assert await asking == (200, b"{}")

    run(with_server(check))


async def a_turn() -> None:
    """The event loop looks at its sockets."""
    await asyncio.to_thread(int)


def test_an_answer_that_brings_another_one_leaves_no_connection(run: Run) -> None:
    async def check(server: Server, transport: HttpTransport) -> None:
        await once_answered(server, transport, OK + POISON)
        await once_answered(server, transport)
        assert len(server.connections) == 2

    run(with_server(check))


def test_a_parting_408_that_crosses_a_request_is_no_answer_to_it(run: Run) -> None:
    async def check(server: Server, transport: HttpTransport) -> None:
        kept = await once_answered(server, transport)
        asking = asyncio.create_task(asked(transport, server.url, body=b"again"))
        await server.head(kept)
        kept.sendall(PARTING)
        fresh = await server.accept()
        fresh.sendall(OK)
        assert await asking == (200, b"{}")

    run(with_server(check))


@pytest.mark.parametrize("reused", [False, True])
def test_another_408_is_an_answer(run: Run, reused: bool) -> None:
    answer = PARTING if not reused else PARTING.replace(b"Connection: close\r\n", b"")

    async def check(server: Server, transport: HttpTransport) -> None:
        kept = await once_answered(server, transport) if reused else None
        asking = asyncio.create_task(asked(transport, server.url))
        connection = await server.accept() if kept is None else kept
        if reused:
            await server.head(connection)
        connection.sendall(answer)
        assert await asking == (408, b"")

    run(with_server(check))


def test_an_unread_answer_takes_its_connection_along(run: Run) -> None:
    async def check(server: Server, transport: HttpTransport) -> None:
        asking = asyncio.create_task(transport.send(post(server.url), NO_END))
        connection = await server.accept()
        connection.sendall(OK[:-1])
        response = await asking
        await response.close()
        assert await asyncio.to_thread(connection.recv, 1) == b""
        await once_answered(server, transport)

    run(with_server(check))


def serving(handler: Handler, limits: HttpLimits, check: Callable[[Upstream, HttpTransport], Awaitable[None]]) -> Any:
    async def main() -> None:
        async with Upstream(handler) as upstream:
            transport = HttpTransport("dragoman/test", limits)
            try:
                await check(upstream, transport)
            finally:
                await transport.close()

    return main()


def test_an_idle_connection_is_closed_in_time(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        await asked(transport, upstream.url)
        await upstream.connections[0].wait()
        await asked(transport, upstream.url)
        assert [request.connection for request in upstream.requests] == [0, 1]

    run(serving(lambda _: json_reply({}), HttpLimits(keepalive_s=0.05), check))


@pytest.mark.parametrize("keeps", [True, False])
def test_who_waits_for_a_connection_is_served_in_turn(run: Run, keeps: bool) -> None:
    go = Signal()

    def handler(request: Received) -> Reply:
        headers = {} if keeps else {"connection": "close"}
        return Reply(200, {"content-length": "1", **headers}, body=[go, request.body])

    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        asking = [asyncio.create_task(asked(transport, upstream.url, body=b"%d" % index)) for index in range(8)]
        await upstream.arrival().wait()
        asking[3].cancel()
        go.set()
        answers = [await one for index, one in enumerate(asking) if index != 3]
        assert answers == [(200, b"%d" % index) for index in range(8) if index != 3]
        assert [request.body for request in upstream.requests] == [b"%d" % index for index in range(8) if index != 3]
        assert len(upstream.connections) == (1 if keeps else 7)

    run(serving(handler, HttpLimits(connections=1), check))


def test_who_waits_for_too_long_is_told(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        holding = await transport.send(post(upstream.url), NO_END)
        with pytest.raises(GatewayError) as caught:
            await transport.send(post(upstream.url), NO_END)
        assert caught.value.reason is Reason.UPSTREAM_TIMEOUT
        assert caught.value.message.endswith("within 0.05 s")
        with pytest.raises(GatewayError) as caught:
            await transport.send(post(upstream.url), Deadline.after(0.01))
        assert caught.value.reason is Reason.DEADLINE_EXCEEDED
        upstream.handler = lambda _: json_reply({})
        await holding.close()
        assert await asked(transport, upstream.url) == (200, b"{}")

    run(serving(lambda _: Reply(body=[b"x", STALL]), HttpLimits(connections=1, connect_s=0.05), check))


def test_a_connection_that_cannot_be_made_leaves_its_place(run: Run) -> None:
    async def check(server: Server, transport: HttpTransport) -> None:
        server._listener.close()
        for _ in range(3):
            with pytest.raises(GatewayError, match="connection refused"):
                await asked(transport, server.url)

    run(with_server(check, HttpLimits(connections=1)))


class Pieces:
    """A body in pieces that says what becomes of it."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.ended = Signal()
        self._pieces = pieces

    async def stream(self) -> AsyncGenerator[bytes, None]:
        try:
            for piece in self._pieces:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
            await asyncio.Event().wait()
        finally:
            self.ended.set()


@pytest.mark.parametrize("status", [b"200 OK", b"413 Content Too Large"])
def test_an_answer_may_come_before_the_request_is_sent(run: Run, status: bytes) -> None:
    async def check(server: Server, transport: HttpTransport) -> None:
        pieces = Pieces(b"one", b"", b"two")
        asking = asyncio.create_task(asked(transport, server.url, stream=pieces.stream()))
        connection = await server.accept()
        connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n\r\nearly")
        assert await asking == (int(status[:3]), b"early")
        await pieces.ended.wait()
        # What was half sent is not followed by another request.
        await once_answered(server, transport)

    run(with_server(check))


def test_a_request_goes_on_while_its_answer_comes(run: Run) -> None:
    async def body(go: Signal) -> AsyncIterator[bytes]:
        yield b"one"
        await go.wait()
        yield b"two"

    async def check(server: Server, transport: HttpTransport) -> None:
        go = Signal()
        sending = asyncio.create_task(transport.send(post(server.url, stream=body(go)), NO_END))
        connection = await server.accept()
        connection.sendall(OK[:-2])
        response = await sending
        go.set()
        sent = b""
        while not sent.endswith(b"3\r\ntwo\r\n0\r\n\r\n"):
            sent += await asyncio.to_thread(connection.recv, 100)
        connection.sendall(b"{}")
        assert await response.read() == b"{}"
        asking = asyncio.create_task(asked(transport, server.url))
        await server.head(connection)
        connection.sendall(OK)
        assert (await asking)[0] == 200

    run(with_server(check))


@pytest.mark.parametrize("begun", [False, True])
def test_a_body_that_cannot_be_read_fails_as_itself(run: Run, begun: bool) -> None:
    async def check(server: Server, transport: HttpTransport) -> None:
        failure = GatewayError(Reason.INVALID_REQUEST, "broken")
        pieces = Pieces(b"one", failure)
        sending = asyncio.create_task(asked(transport, server.url, stream=pieces.stream()))
        connection = await server.accept()
        with pytest.raises(GatewayError) as caught:
            await sending
        assert caught.value is failure
        while await asyncio.to_thread(connection.recv, 100):
            pass

    run(with_server(check))


@pytest.mark.parametrize(("length", "what"), [("2", "longer"), ("4", "shorter")])
def test_a_body_of_another_length_is_not_sent_whole(run: Run, length: str, what: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"abc"

    async def check(server: Server, transport: HttpTransport) -> None:
        request = UpstreamRequest("POST", server.url, {"Content-Length": length}, stream=body())
        sending = asyncio.create_task(transport.send(request, NO_END))
        connection = await server.accept()
        with pytest.raises(GatewayError, match=f"it is {what} than its content-length says"):
            await sending
        assert b"\r\n0\r\n" not in await asyncio.to_thread(connection.recv, 100)

    run(with_server(check))


def test_cancelling_ends_the_body_and_the_connection(run: Run) -> None:
    async def check(server: Server, transport: HttpTransport) -> None:
        pieces = Pieces(b"one")
        sending = asyncio.create_task(transport.send(post(server.url, stream=pieces.stream()), NO_END))
        connection = await server.accept()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await pieces.ended.wait()
        while await asyncio.to_thread(connection.recv, 100):
            pass

    run(with_server(check))


def test_a_large_body_arrives_whole_at_a_slow_reader(run: Run) -> None:
    large = bytes(range(256)) * 32 * 1024

    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        response = await transport.send(post(upstream.url), NO_END)
        body = bytearray()
        async for piece in response.chunks():
            body += piece
            await a_turn()
        assert body == large

    run(serving(lambda _: Reply(body=large), HttpLimits(), check))


MEGABYTE = b"x" * (1 << 20)
SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nx"


def living() -> Mapping[int, object]:
    mine = (Connection, Exchange, HttpResponse, UpstreamRequest)
    return {id(one): one for one in gc.get_objects() if isinstance(one, mine)}


@pytest.mark.parametrize("kind", ["answered", "before the head", "within the body", "cut", "deadline", "streaming"])
def test_nothing_of_a_request_waits_for_the_cyclic_collector(run: Run, kind: str) -> None:
    steps: dict[str, Reply] = {
        "answered": json_reply({}),
        "before the head": Reply(before_head=[STALL]),
        "within the body": Reply(body=[b"x", STALL]),
        "cut": Reply(before_head=[SHORT, CUT]),
        "deadline": Reply(before_head=[STALL]),
        "streaming": Reply(body=[b"x", STALL]),
    }

    async def one(upstream: Upstream, transport: HttpTransport) -> None:
        more: dict[str, Any] = {"stream": Pieces(MEGABYTE).stream()} if kind == "streaming" else {"body": MEGABYTE}
        deadline = Deadline.after(0.02) if kind == "deadline" else NO_END
        arrived = upstream.arrival(len(upstream.requests))
        task = asyncio.create_task(leaving(transport, post(upstream.url, **more), deadline))
        if kind == "streaming":
            await upstream.connected.wait()
        elif kind != "answered":
            await arrived.wait()
        if kind in ("before the head", "within the body", "streaming"):
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        for _ in range(5):
            await one(upstream, transport)
        for connection in upstream.connections if kind != "answered" else []:
            await connection.wait()
        await transport.close()
        for _ in range(100):
            if living().keys() <= before.keys():
                break
            await a_turn()
        assert living().keys() <= before.keys()

    gc.collect()
    before = living()
    gc.disable()
    try:
        run(serving(lambda _: steps[kind], HttpLimits(), check))
    finally:
        gc.enable()


async def leaving(transport: HttpTransport, request: UpstreamRequest, deadline: Deadline) -> None:
    response = await transport.send(request, deadline)
    try:
        await response.read()
    finally:
        await response.close()
