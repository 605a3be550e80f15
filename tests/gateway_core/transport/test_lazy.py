"""A transport that is made when it is first needed."""

from __future__ import annotations

import asyncio

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_core.call import Deadline
from gateway_core.transport.base import LazyTransport, Transport
from gateway_core.transport.demo import DemoTransport
from gateway_dialects.kit.dialect import UpstreamRequest

LIST = UpstreamRequest("GET", "demo://demo/models", {})


class Makers:
    """Makes demo transports and counts them."""

    def __init__(self) -> None:
        self.made = 0
        self.closed = 0

    def make(self) -> Transport:
        self.made += 1
        return Closing(self)


class Closing(DemoTransport):
    def __init__(self, makers: Makers) -> None:
        super().__init__()
        self._makers = makers

    async def close(self) -> None:
        self._makers.closed += 1


def test_it_is_made_once_and_when_it_is_needed() -> None:
    async def main() -> None:
        makers = Makers()
        transport = LazyTransport(makers.make)
        assert makers.made == 0
        for _ in range(2):
            response = await transport.send(LIST, Deadline())
            assert b"echo" in await response.read()
        await transport.close()
        assert (makers.made, makers.closed) == (1, 1)

    asyncio.run(main())


def test_nothing_is_made_to_be_closed_or_after_it() -> None:
    async def main() -> None:
        makers = Makers()
        transport = LazyTransport(makers.make)
        await transport.close()
        with pytest.raises(GatewayError) as caught:
            await transport.send(LIST, Deadline())
        assert caught.value.reason is Reason.SHUTTING_DOWN
        assert (makers.made, makers.closed) == (0, 0)

    asyncio.run(main())
