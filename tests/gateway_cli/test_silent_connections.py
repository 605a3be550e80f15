"""Connections that never say what they want."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Receive, Scope, Send

from gateway_cli.http_protocol import ConnectionLimits, HttpProtocol
from gateway_cli.http_server import HttpServer
from gateway_cli.sockets import bind
from gateway_core.settings.server import Address

WAIT_S = 10.0


class Hasty(HttpProtocol):
    limits = ConnectionLimits(receive_s=0.05)


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def test_a_connection_without_a_request_is_closed() -> None:
    assert asyncio.run(conversation(Hasty, b"")) == b""


@pytest.mark.parametrize("said", [b"G", b"GET / HTTP/1.1\r\nHost: here\r\nX-Slow: "])
def test_half_a_head_is_not_waited_for(said: bytes) -> None:
    assert asyncio.run(conversation(Hasty, said)).startswith(b"HTTP/1.1 408 ")


def test_a_connection_with_a_request_is_not() -> None:
    assert asyncio.run(conversation(Hasty, b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")).endswith(b"ok")


async def conversation(protocol: type[HttpProtocol], said: bytes) -> bytes:
    """All that the server says until it closes the connection."""
    server = HttpServer(answer, bind(Address("127.0.0.1", 0), "--http"), protocol=protocol)
    await server.start()
    try:
        reader, writer = await asyncio.open_connection(server.address.host, server.address.port)
        writer.write(said)
        heard = await asyncio.wait_for(reader.read(), WAIT_S)
        writer.close()
        await writer.wait_closed()
        return heard
    finally:
        await server.stop(1.0)
