"""gRPC calls without a key, on a socket: refused before anything of their message is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from dragoman.v1.gateway_pb2 import DESCRIPTOR
from tests.gateway_core.rpc.listening import listening
from tests.gateway_core.rpc.serving import ANY_SIZE, Behind, failure_of, run

SIZE = 32 * 1024 * 1024
WINDOW = 12 * 1024 * 1024
"""More than HTTP/2's flow control lets through before the refusal: gRPC opens its window to 8 MB at most."""
SERVICE = DESCRIPTOR.services_by_name["GatewayService"]
ONE_REQUEST = [method.name for method in SERVICE.methods if not method.client_streaming]


class Relay:
    """Passes bytes to a port, and counts those of the client."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.received = 0
        self._serving: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        async with server:
            yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.append(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_upstream = await asyncio.open_connection("127.0.0.1", self._port)
        tasks = [asyncio.ensure_future(way) for way in (self._pass(reader, to_upstream, 1), self._pass(upstream, writer, 0))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            for one in (writer, to_upstream):
                one.close()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counted: int) -> None:
        while data := await reader.read(65536):
            self.received += counted * len(data)
            writer.write(data)
            await writer.drain()


@pytest.mark.parametrize("method", ONE_REQUEST)
@pytest.mark.parametrize("key", ["", "wrong"])
def test_a_large_message_is_refused_unread(method: str, key: str) -> None:
    async def check() -> None:
        async with listening(Behind(keys=["right-key"])) as here:
            relay = Relay(int(here.address.rpartition(":")[2]))
            async with relay.listening() as address, grpc.aio.insecure_channel(address, ANY_SIZE) as channel:
                call: Any = channel.unary_stream(f"/{SERVICE.full_name}/{method}")
                metadata = (("authorization", f"Bearer {key}"),) if key else ()
                error = await failure_of(anext(aiter(call(bytes(SIZE), metadata=metadata))))
                assert error.code() is grpc.StatusCode.UNAUTHENTICATED
                assert relay.received < WINDOW

    run(check)


def test_the_right_key_is_read() -> None:
    async def check() -> None:
        async with listening(Behind(keys=["right-key"])) as here:
            call: Any = here.channel.unary_unary(f"/{SERVICE.full_name}/Chat")
            error = await failure_of(call(b"\xff" * 100, metadata=(("authorization", "Bearer right-key"),)))
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT

    run(check)
