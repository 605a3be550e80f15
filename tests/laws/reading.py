"""Reads recorded streams through the gateway's own path: framing, decoder, commit and end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping

from dragoman.v1.stream_pb2 import StreamResponse
from gateway_core.execution.streams import OpenStream
from gateway_dialects.kit.dialect import Dialect, Endpoint


class Replay:
    """An UpstreamResponse that gives these reads and ends."""

    status = 200
    headers: Mapping[str, str] = {"content-type": "text/event-stream"}
    header_fields = (("content-type", "text/event-stream"),)

    def __init__(self, reads: Iterable[bytes]) -> None:
        self._reads = list(reads)

    async def read(self) -> bytes:
        return b"".join(self._reads)

    async def chunks(self) -> AsyncIterator[bytes]:
        for read in self._reads:
            yield read

    async def close(self) -> None:
        """Nothing is open."""


def read_stream(dialect: Dialect, reads: Iterable[bytes]) -> list[StreamResponse]:
    """All batches of a stream that arrives in these reads. Raises GatewayError as a call would."""

    async def collect() -> list[StreamResponse]:
        opened = OpenStream(Replay(reads), dialect, Endpoint("p", dialect.name, "http://p"))
        await opened.open()
        return [opened.first, *[batch async for batch in opened.batches()]]

    return asyncio.run(collect())


def one_batch(batches: Iterable[StreamResponse]) -> StreamResponse:
    """The events of all batches, however they travelled."""
    whole = StreamResponse()
    for batch in batches:
        whole.events.extend(batch.events)
    return whole
