"""Back pressure, and limits, of a connection whose transport is a script."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest

from gateway_core.transport.http1.connection import JOINED_BYTES, Connection
from gateway_core.transport.http1.exchange import MOST_UNREAD, NEVER, Exchange, Fate

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
PIECE = b"x" * 65536


class Transport(asyncio.Transport):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.socket, self.other = socket.socketpair()
        self.told: list[str] = []
        self.written: list[bytes] = []
        self.unsent = 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.socket

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.told.append("pause")

    def resume_reading(self) -> None:
        self.told.append("resume")

    def abort(self) -> None:
        self.told.append("abort")


class Lender:
    def __init__(self) -> None:
        self.back: list[Connection] = []

    def take_back(self, connection: Connection) -> None:
        self.back.append(connection)

    def forget(self, connection: Connection) -> None: ...


Check = Callable[[Connection, Transport, Exchange, Lender], Awaitable[None]]


def run(check: Check, body: bytes | AsyncGenerator[bytes, None] = b"", **limits: float) -> None:
    async def main() -> None:
        transport, lender = Transport(), Lender()
        connection = Connection(lender)
        connection.connection_made(transport)
        now = asyncio.get_running_loop().time()
        exchange = Exchange(now, limits.get("deadline_s", NEVER) + now, answer_s=60, idle_s=limits.get("idle_s", 60))
        connection.start(exchange, "POST", b"head", body)
        await check(connection, transport, exchange, lender)
        connection.abort()
        transport.socket.close()
        transport.other.close()

    asyncio.run(main())


def test_a_reader_that_does_not_read_stops_the_connection() -> None:
    async def check(connection: Connection, transport: Transport, exchange: Exchange, _: Lender) -> None:
        fed = 0
        connection.data_received(HEAD)
        while transport.told == []:
            connection.data_received(PIECE)
            fed += len(PIECE)
        assert fed <= MOST_UNREAD + len(PIECE)
        assert transport.told == ["pause"]
        assert len(await exchange.next_piece()) == fed
        assert transport.told == ["pause", "resume"]
        connection.data_received(PIECE)
        assert await exchange.next_piece() == PIECE
        assert transport.told == ["pause", "resume"]

    run(check)


def test_an_answer_that_ends_unread_leaves_a_connection_that_reads() -> None:
    async def check(connection: Connection, transport: Transport, exchange: Exchange, lender: Lender) -> None:
        size = 2 * MOST_UNREAD
        connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        connection.data_received(b"x" * (size - 1))
        connection.data_received(b"x")
        assert transport.told == ["pause", "resume"]
        assert lender.back == [connection]
        assert len(await exchange.next_piece()) == size
        assert (await exchange.next_piece(), exchange.fate) == (b"", Fate.WHOLE)

    run(check)


def test_a_slow_reader_is_not_a_silent_upstream() -> None:
    async def check(connection: Connection, transport: Transport, exchange: Exchange, _: Lender) -> None:
        connection.data_received(HEAD)
        connection.data_received(b"x" * 2 * MOST_UNREAD)
        exchange.heard_at -= 1000
        connection._look()
        assert exchange.fate is None
        await exchange.next_piece()
        exchange.heard_at -= 1000
        connection._look()
        assert exchange.fate is Fate.SILENT
        assert transport.told == ["pause", "resume", "abort"]

    run(check)


def test_the_deadline_holds_for_a_slow_reader_too() -> None:
    async def check(connection: Connection, transport: Transport, exchange: Exchange, _: Lender) -> None:
        connection.data_received(HEAD)
        connection.data_received(b"x" * 2 * MOST_UNREAD)
        exchange.deadline_at = 0
        connection._look()
        assert exchange.fate is Fate.DEADLINE
        assert transport.told == ["pause", "abort"]

    run(check)


def test_a_limit_that_was_pushed_back_is_looked_at_again() -> None:
    async def check(connection: Connection, _: Transport, exchange: Exchange, __: Lender) -> None:
        connection.data_received(HEAD)
        connection._look()
        assert exchange.fate is None
        assert connection._timer is not None

    run(check)


def test_an_upstream_that_does_not_read_is_sent_no_more() -> None:
    taken = 0

    async def pieces() -> AsyncGenerator[bytes, None]:
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield PIECE

    async def turns(number: int) -> None:
        for _ in range(number):
            await asyncio.sleep(0)

    async def check(connection: Connection, transport: Transport, exchange: Exchange, _: Lender) -> None:
        connection.pause_writing()
        await turns(20)
        assert taken == 1
        connection.resume_writing()
        await turns(3000)
        assert taken == 1000
        assert len(transport.written) == 1001

    run(check, pieces())


@pytest.mark.parametrize(("size", "writes"), [(0, 1), (JOINED_BYTES, 1), (JOINED_BYTES + 1, 2)])
def test_a_small_body_goes_with_its_head(size: int, writes: int) -> None:
    async def check(_: Connection, transport: Transport, __: Exchange, ___: Lender) -> None:
        assert len(transport.written) == writes
        assert b"".join(transport.written) == b"head" + b"x" * size

    run(check, b"x" * size)


def test_a_request_that_is_not_sent_whole_leaves_no_connection() -> None:
    async def check(connection: Connection, transport: Transport, exchange: Exchange, lender: Lender) -> None:
        transport.unsent = 1
        connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert exchange.fate is Fate.WHOLE
        assert transport.told == ["abort"]
        assert lender.back == []

    run(check)


def test_what_is_closed_before_it_is_made_is_closed_when_it_is() -> None:
    async def main() -> None:
        transport = Transport()
        connection = Connection(Lender())
        connection.abort()
        connection.connection_made(transport)
        assert transport.told == ["abort"]
        transport.socket.close()
        transport.other.close()

    asyncio.run(main())
