"""What one request and one chunk cost on their way through the whole gateway, in what no other program can change: calls of
functions in Python, of built-in ones, and memory. The provider is a transport that answers at once; sockets have tests
of their own.

A rise of more than a tenth fails. A change that is worth it, or that made something cheaper, writes its numbers here.
"""

from __future__ import annotations

import asyncio
import gc
import io
import sys
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from benchmarks import traffic
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from gateway_core.accounts.keys import KeyRing
from gateway_core.bootstrap import build_gateway
from gateway_core.call import Deadline
from gateway_core.execution.attempt import Transports
from gateway_core.rpc.inprocess import local_channel
from gateway_core.rpc.servicer import GatewayServicer
from gateway_core.settings.settings import load
from gateway_core.telemetry import AccessLog
from gateway_dialects.kit.dialect import Timers, UpstreamRequest
from http_facade.app import create_app
from tests.http_facade.asgi import Answer, ask

if TYPE_CHECKING:
    from starlette.types import ASGIApp

PER_READ = 10
"""Events in one read of the upstream."""
REPEATS = 3
LONG = 3
"""A long stream has so many times the chunks of a short one. The difference is that of its chunks alone."""
TOLERANCE = 1.1


class Cost(NamedTuple):
    python_calls: float
    builtin_calls: float
    peak_bytes: float = 0


GEMINI_MODEL = "gemini-2.5-flash"
MODELS = {
    "openai": f"openai/{traffic.MODEL}",
    "anthropic": f"anthropic/{traffic.ANTHROPIC_MODEL}",
    "gemini": f"google/{GEMINI_MODEL}",
}
UNARY = {"openai": Cost(341, 354, 18_800), "anthropic": Cost(374, 357, 18_500)}
"""Of a request that is answered at once, whose client speaks OpenAI's form, by the provider's."""
CHUNK = {"openai": Cost(5.4, 18.1), "anthropic": Cost(6.4, 19.0), "gemini": Cost(13.4, 34.1)}
"""Of a chunk of a long stream."""


@dataclass
class InstantResponse:
    """See UpstreamResponse."""

    reads: Sequence[bytes]
    headers: Mapping[str, str]
    status: int = 200
    header_fields: Sequence[tuple[str, str]] = ()

    async def read(self) -> bytes:
        return b"".join(self.reads)

    async def chunks(self) -> AsyncIterator[bytes]:
        for read in self.reads:
            yield read

    async def close(self) -> None:
        """Nothing is open."""


class InstantTransport:
    """Answers as traffic has it, streams this many times as long."""

    def __init__(self) -> None:
        self.times = 1

    async def send(self, request: UpstreamRequest, deadline: Deadline, timers: Timers | None = None) -> InstantResponse:
        is_stream = b'"stream":true' in request.body or "stream" in request.url
        if not is_stream:
            body = traffic.anthropic_answer() if "/messages" in request.url else traffic.unary_answer()
            return InstantResponse([body], {"content-type": "application/json"})
        events = self.events(request.url)
        reads = [b"".join(events[at : at + PER_READ]) for at in range(0, len(events), PER_READ)]
        return InstantResponse(reads, {"content-type": "text/event-stream"})

    def events(self, url: str) -> list[bytes]:
        if "/messages" in url:
            whole = traffic.anthropic_events()
        elif "stream" in url:
            return gemini_events(self.times)
        else:
            whole = traffic.stream_events()
        # What stands first and last is once; what is between, as long as wanted.
        middle = [event for event in whole if b'"content":" ' in event or b"text_delta" in event]
        first, last = whole.index(middle[0]), len(whole) - len(middle)
        return [*whole[:first], *middle * self.times, *whole[len(whole) - last + first :]]

    async def close(self) -> None:
        """Nothing is open."""


def gemini_events(times: int) -> list[bytes]:
    events = []
    words = traffic.WORDS * times
    for count, word in enumerate(words, 1):
        finish = b',"finishReason":"STOP"' if count == len(words) else b""
        events.append(
            b'data: {"candidates":[{"content":{"parts":[{"text":"%s"}],"role":"model"}%s,"index":0}],'
            b'"usageMetadata":{"promptTokenCount":31,"candidatesTokenCount":%d,"totalTokenCount":%d},'
            b'"modelVersion":"gemini-2.5-flash","responseId":"pGfLaKmWNPWNz7IPgYSHsQQ"}\n\n'
            % (word.encode(), finish, count, 31 + count)
        )
    return events


class Counter:
    """Counts calls. See sys.setprofile."""

    def __init__(self) -> None:
        self.python = self.builtin = 0

    def __call__(self, frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            self.python += 1
        elif event == "c_call":
            self.builtin += 1


async def cost_of(action: Callable[[], Awaitable[Answer]]) -> Cost:
    """The least of some repetitions: a timer of the event loop may fall into one of them."""
    costs = []
    for _ in range(REPEATS + 1):
        counter = Counter()
        sys.setprofile(counter)
        try:
            answer = await action()
        finally:
            sys.setprofile(None)
        assert answer.status == 200, answer.body
        costs.append((counter.python, counter.builtin))
    return Cost(*min(costs))


async def peak_of(action: Callable[[], Awaitable[Answer]]) -> int:
    peaks = []
    tracemalloc.start()
    try:
        for _ in range(REPEATS):
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            await action()
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
    return min(peaks)


def measured(action: Callable[[ASGIApp, InstantTransport], Awaitable[Cost]]) -> Cost:
    """With a gateway in this process that does all that it does by default, and has a key."""

    async def run() -> Cost:
        transport = InstantTransport()
        names = ("OPENAI", "ANTHROPIC", "GOOGLE")
        settings = load(
            None, {**{f"{name}_API_KEY": "sk-upstream" for name in names}, "DRAGOMAN_API_KEYS": "test=sk-benchmark"}
        )
        gateway = build_gateway(settings, transports=Transports.only(transport))
        servicer = GatewayServicer(gateway, KeyRing(settings.keys).authenticate, total_timeout_s=settings.timeouts.total)
        channel = local_channel(servicer)
        try:
            return await action(create_app(GatewayServiceStub(channel), access_log=AccessLog(io.StringIO())), transport)
        finally:
            await channel.close()
            await gateway.close()

    return asyncio.run(run())


def chat(app: ASGIApp, provider: str, *, stream: bool) -> Callable[[], Awaitable[Answer]]:
    body = traffic.request_body(MODELS[provider], stream=stream)
    headers = {"content-type": "application/json", "authorization": "Bearer sk-benchmark"}
    return lambda: ask(app, "POST", "/v1/chat/completions", body, headers)


def assert_no_dearer(found: Cost, written: Cost) -> None:
    assert all(now <= before * TOLERANCE for now, before in zip(found, written, strict=True)), f"{found}, not {written}"


@pytest.mark.parametrize("provider", UNARY)
def test_a_request_costs_no_more(provider: str) -> None:
    async def whole(app: ASGIApp, transport: InstantTransport) -> Cost:
        action = chat(app, provider, stream=False)
        return (await cost_of(action))._replace(peak_bytes=await peak_of(action))

    assert_no_dearer(measured(whole), UNARY[provider])


@pytest.mark.parametrize("provider", CHUNK)
def test_a_chunk_costs_no_more(provider: str) -> None:
    async def grown(app: ASGIApp, transport: InstantTransport) -> Cost:
        action = chat(app, provider, stream=True)
        short = await cost_of(action)
        transport.times = LONG
        long = await cost_of(action)
        chunks = (LONG - 1) * traffic.CHUNKS
        return Cost(*((more - less) / chunks for more, less in zip(long, short, strict=True)))

    assert_no_dearer(measured(grown), CHUNK[provider])
