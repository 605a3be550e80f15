"""The transport to the demo provider: plays its scripts in place of a network."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import assert_never
from urllib.parse import urlsplit

from dragoman.reasons import GatewayError, Reason
from gateway_core.call import Deadline
from gateway_core.providers.demo.models import answer
from gateway_core.providers.demo.script import Ending, Pause, Script, Step
from gateway_dialects.kit.dialect import Timers, UpstreamRequest

Sleep = Callable[[float], Awaitable[object]]

MOST_REMEMBERED = 1024
"""How many different requests are counted; the oldest is forgotten."""


class DemoTransport:
    """See Transport. Serves demo://demo/chat/completions and demo://demo/models, both under /v1 too."""

    def __init__(self, sleep: Sleep = asyncio.sleep, idle_s: float = 300.0) -> None:
        self._sleep = sleep
        self._idle_s = idle_s
        self._asked: dict[bytes, int] = {}

    async def send(self, request: UpstreamRequest, deadline: Deadline, timers: Timers | None = None) -> DemoResponse:
        if deadline.remaining() == 0.0:
            raise deadline_exceeded()
        path = urlsplit(request.url).path.removeprefix("/v1")
        body = request.body
        if request.stream is not None:
            body = b"".join([piece async for piece in request.stream])
        script = answer(request.method, path, body, functools.partial(self._count, body))
        return DemoResponse(script, deadline, self._sleep, self._idle_s)

    async def close(self) -> None:
        """Nothing is open."""

    def _count(self, body: bytes) -> int:
        """How often this request came before."""
        digest = hashlib.sha256(body).digest()
        before = self._asked.pop(digest, 0)
        self._asked[digest] = before + 1
        if len(self._asked) > MOST_REMEMBERED:
            del self._asked[next(iter(self._asked))]
        return before


class DemoResponse:
    """See UpstreamResponse."""

    def __init__(self, script: Script, deadline: Deadline, sleep: Sleep, idle_s: float) -> None:
        self.status = script.status
        self.headers: Mapping[str, str] = script.headers
        self._steps: Iterator[Step] = iter(script.steps)
        self._deadline = deadline
        self._sleep = sleep
        self._idle_s = idle_s

    @property
    def header_fields(self) -> Sequence[tuple[str, str]]:
        return tuple(self.headers.items())

    async def read(self) -> bytes:
        return b"".join([chunk async for chunk in self])

    def chunks(self) -> AsyncIterator[bytes]:
        return self

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        # Others get their turn between reads, as with a network.
        await self._wait(0)
        for step in self._steps:
            match step:
                case bytes():
                    return step
                case Pause(seconds):
                    await self._pause(seconds)
                case Ending.CUT:
                    raise GatewayError(Reason.STREAM_INTERRUPTED, "the demo broke off before the end of its answer")
                case Ending.STALL:
                    await self._pause(math.inf)
                case _:
                    assert_never(step)
        raise StopAsyncIteration

    async def close(self) -> None:
        self._steps = iter(())

    async def _pause(self, seconds: float) -> None:
        await self._wait(min(seconds, self._idle_s))
        if seconds > self._idle_s:
            raise GatewayError(Reason.UPSTREAM_TIMEOUT, f"the demo sent nothing for {self._idle_s:g} s")

    async def _wait(self, seconds: float) -> None:
        """Raises GatewayError DEADLINE_EXCEEDED as soon as the deadline has passed."""
        if self._deadline.allows(seconds):
            await self._sleep(seconds)
        else:
            await self._sleep(self._deadline.remaining() or 0)
            raise deadline_exceeded()


def deadline_exceeded() -> GatewayError:
    return GatewayError(Reason.DEADLINE_EXCEEDED, "the deadline passed before the answer was complete")
