"""The stream of an upstream: read, decoded, and held back until there is content."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.routing_pb2 import Warning
from dragoman.v1.stream_pb2 import StreamEvent, StreamResponse
from dragoman.v1.usage_pb2 import Usage
from gateway_core.execution.usage import read_reports
from gateway_core.transport.base import UpstreamResponse
from gateway_core.transport.sse import SseDecoder
from gateway_dialects.kit.dialect import Dialect, Endpoint, ServerSentEvent, StreamDecoder
from gateway_dialects.kit.inline_thinking import InlineThinkingDecoder
from gateway_dialects.kit.tool_forms import NO_ORIGINALS, Originals
from gateway_dialects.kit.tool_restoring import Restored

SAID = ("text", "reasoning")
"""The kinds of parts that begin without content: a tool call has its name."""


@dataclass(frozen=True, slots=True)
class Grace:
    """How long the end of a stream is awaited once its answer is complete, in seconds, heartbeats or not."""

    complete_s: float = 5.0
    """From the last finish reason on: some vendors never send [DONE] and keep the connection alive with comments."""
    drain_s: float = 0.25
    """From the answer's own end on: a body that is read to its end leaves a connection that can be used again."""


class OpenStream:
    """A stream that has produced its first content: from here on there is no other target."""

    def __init__(
        self,
        response: UpstreamResponse,
        dialect: Dialect,
        endpoint: Endpoint,
        *,
        warnings: Sequence[Warning] = (),
        originals: Originals = NO_ORIGINALS,
        grace: Grace = Grace(),
    ) -> None:
        self.first = StreamResponse()
        self.warnings = warnings
        self._response = response
        self._dialect = dialect
        self._decoder = decoder_for(dialect, endpoint, originals)
        self._first_event: ServerSentEvent | None = None
        self._last_event: ServerSentEvent | None = None
        self._framing = SseDecoder()
        self._chunks = response.chunks()
        self._ended = False
        self._grace = grace
        self._limit: float | None = None
        self._draining = False

    async def open(self) -> None:
        """Read until content is there. Raises GatewayError when the stream fails or ends before."""
        while not committed(self.first) and not self._ended:
            await self._read_into(self.first)

    async def batches(self) -> AsyncGenerator[StreamResponse, None]:
        """All that follows the first batch. Raises GatewayError when the stream fails."""
        while not self._ended:
            batch = StreamResponse()
            try:
                await self._read_into(batch)
            except GatewayError:
                if batch.events:
                    yield batch
                raise
            if batch.events:
                yield batch

    def reported_usage(self) -> Usage | None:
        """What the provider has reported so far, for a stream that breaks off. None: nothing."""
        if self._first_event is None or self._last_event is None:
            return None
        # Providers report at the beginning, or again and again. To look at every event would cost every chunk.
        return read_reports(self._dialect, (self._first_event.data, self._last_event.data))

    async def close(self) -> None:
        await self._response.close()

    async def _read_into(self, batch: StreamResponse) -> None:
        """Decode one read of the upstream."""
        chunk = await self._next_chunk()
        if chunk is None:
            self._ended = True
            self._finish_into(batch)
            return
        events = self._framing.feed(chunk)
        if events:
            self._first_event = self._first_event or events[0]
            self._last_event = events[-1]
        for event in events:
            self._decoder.feed(event, batch)

    def _finish_into(self, batch: StreamResponse) -> None:
        """Decode what the end of the body left over: a last event without its blank line, or half of one."""
        try:
            for event in self._framing.finish():
                self._decoder.feed(event, batch)
        except GatewayError as failure:
            # Half an event is an end too early; one that ended the answer was whole.
            if failure.reason is not Reason.UPSTREAM_INVALID_RESPONSE or self._decoder.done:
                raise
        self._decoder.finish(batch)

    async def _next_chunk(self) -> bytes | None:
        """One read; None at the end of the body, or when nothing can follow any more."""
        if not self._decoder.complete:
            self._limit = None
            return await anext(self._chunks, None)
        now = asyncio.get_running_loop().time()
        limit = self._limit_from(now)
        if now >= limit:
            return None
        try:
            async with asyncio.timeout_at(limit):
                return await anext(self._chunks, None)
        except TimeoutError:
            return None
        except GatewayError:
            if self._decoder.done:
                return None
            raise

    def _limit_from(self, now: float) -> float:
        """Until when the end of the body is awaited. What is read meanwhile does not push it back."""
        if self._decoder.done and not self._draining:
            self._draining = True
            self._limit = now + self._grace.drain_s
        if self._limit is None:
            self._limit = now + self._grace.complete_s
        return self._limit


def committed(batch: StreamResponse) -> bool:
    """Whether there is anything beyond the announcements that the answer begins, and a part of it."""
    return any(not announces(event) for event in batch.events)


def announces(event: StreamEvent) -> bool:
    """Whether it is the beginning of the answer, or of a part that says nothing yet."""
    match event.WhichOneof("event"):
        case "started":
            return True
        case "part_started":
            part = event.part_started.part
            thought = part.reasoning
            said = part.text or thought.text or thought.signature or thought.encrypted
            return not said and part.WhichOneof("kind") in SAID
        case _:
            return False


def decoder_for(dialect: Dialect, endpoint: Endpoint, originals: Originals) -> StreamDecoder:
    decoder = dialect.stream.decoder()
    if endpoint.quirks.inline_thinking:
        decoder = InlineThinkingDecoder(decoder)
    return RestoringDecoder(decoder, originals) if originals else decoder


class RestoringDecoder:
    """A StreamDecoder around another one: its calls are those of the client's tools again."""

    def __init__(self, inner: StreamDecoder, originals: Originals) -> None:
        self._inner = inner
        self._restored = Restored(originals)

    @property
    def complete(self) -> bool:
        return self._inner.complete

    @property
    def done(self) -> bool:
        return self._inner.done

    def feed(self, event: ServerSentEvent, batch: StreamResponse) -> None:
        begin = len(batch.events)
        try:
            self._inner.feed(event, batch)
        finally:
            self._restored.batch(batch, begin)

    def finish(self, batch: StreamResponse) -> None:
        begin = len(batch.events)
        self._inner.finish(batch)
        self._restored.batch(batch, begin)
