"""The HTTP load generator: sends one request over and over on many keep-alive connections and checks every answer.

    python -m benchmarks.load --port 8080 --model openai/gpt-4o-mini --kind streams

It counts bytes and markers and reads no JSON, so that one core can outrun what it measures. Prints a Count as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from typing import cast

import msgspec
import uvloop

from benchmarks import traffic
from benchmarks.processes import cpu_seconds
from benchmarks.upstream import assert_no_delay, content_length

CONTENT = b'"content":"'
SSE_END = b"data: [DONE]\n\n"
CHUNKED_END = b"0\r\n\r\n"
CHUNKED = -1


class Count(msgspec.Struct):
    """What a generator saw."""

    finished: int = 0
    """Answers that were right, from the first to the last."""
    measured: int = 0
    """Those of them within the measured seconds, after the warm-up."""
    seconds: float = 0.0
    """How long was measured."""
    cpu_s: float = 0.0
    """Seconds of processor time that the watched process took meanwhile; 0 when none was watched."""
    reads: int = 0
    """Reads that the finished answers took."""
    failed: int = 0
    problem: str = ""
    """What was wrong with the first answer that failed."""


class Window(msgspec.Struct, frozen=True):
    """When to count."""

    warmup_s: float
    """Connections are opened one after another over this time."""
    seconds: float
    watched: tuple[int, ...] = ()
    """The processes that are measured."""

    def cpu_s(self) -> float:
        return sum(map(cpu_seconds, self.watched))


class Connection(asyncio.Protocol):
    """Sends its request, reads the answer to the end, sends it again."""

    __slots__ = ("count", "judge", "missing", "pieces", "request", "transport")

    def __init__(self, request: bytes, judge: Callable[[bytes], str], count: Count) -> None:
        self.request = request
        self.judge = judge
        self.count = count
        self.pieces: list[bytes] = []
        self.missing = 0
        self.transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)
        assert_no_delay(transport)
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if not self.pieces:
            self.missing = body_missing(data)
        elif self.missing != CHUNKED:
            self.missing -= len(data)
        self.pieces.append(data)
        if self.missing == 0 or (self.missing == CHUNKED and is_last(self.pieces)):
            self.finish()

    def finish(self) -> None:
        count = self.count
        count.reads += len(self.pieces)
        problem = self.judge(self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces))
        if problem:
            count.failed += 1
            count.problem = count.problem or problem
        else:
            count.finished += 1
        self.pieces = []
        self.transport.write(self.request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.count.failed += 1
        self.count.problem = self.count.problem or f"the connection broke ({exc}) after {self.pieces[-1:]!r}"


def body_missing(first: bytes) -> int:
    """Bytes of the body that have still to come, or CHUNKED. The head always arrives in the first read."""
    head = first.find(b"\r\n\r\n")
    size = content_length(first, head)
    return head + 4 + size - len(first) if size else CHUNKED


def is_last(pieces: list[bytes]) -> bool:
    last = pieces[-1]
    return (last if len(last) >= len(CHUNKED_END) else b"".join(pieces[-5:])).endswith(CHUNKED_END)


def judge_unary(answer: bytes) -> str:
    """What is wrong with an answer, empty when nothing is."""
    right = answer.startswith(b"HTTP/1.1 200 ") and traffic.TEXT.encode() in answer
    return "" if right else f"not the expected answer: {answer[:2000]!r}"


def judge_stream(answer: bytes) -> str:
    """The same for a streamed answer: all content chunks there (the first, which gives the role, may be empty), and the
    end where it belongs."""
    if not answer.startswith(b"HTTP/1.1 200 "):
        return f"not a stream: {answer[:2000]!r}"
    if SSE_END not in answer[-40:]:
        return f"the stream does not end as it should: {answer[-400:]!r}"
    chunks = answer.count(CONTENT)
    return "" if chunks - traffic.CHUNKS in (0, 1) else f"{chunks} content chunks: {answer[:2000]!r}"


async def drive(port: int, request: bytes, window: Window, *, connections: int, stream: bool) -> Count:
    """Send a request to a server on this machine, again and again, for the whole window."""
    count = Count()
    judge = judge_stream if stream else judge_unary
    loop = asyncio.get_running_loop()
    transports = []
    for _ in range(connections):
        opened = await loop.create_connection(lambda: Connection(request, judge, count), "127.0.0.1", port)
        transports.append(opened[0])
        await asyncio.sleep(window.warmup_s / connections)
    result = await measure(count, window)
    for transport in transports:
        transport.abort()
    return result


async def measure(count: Count, window: Window) -> Count:
    """What is counted between the window's two ends."""
    finished, cpu_s, began = count.finished, window.cpu_s(), time.perf_counter()
    await asyncio.sleep(window.seconds)
    seconds = time.perf_counter() - began
    return msgspec.structs.replace(count, measured=count.finished - finished, seconds=seconds, cpu_s=window.cpu_s() - cpu_s)


def add_window(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--warmup", type=float, default=0.5, help="seconds before counting begins")
    parser.add_argument("--watch", type=int, nargs="*", default=(), metavar="PID", help="tell their processor time")


def add_request(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default=traffic.MODEL)
    parser.add_argument("--path", default="/v1/chat/completions")
    parser.add_argument("--header", action="append", default=[], metavar="NAME: VALUE")


def window_of(options: argparse.Namespace) -> Window:
    return Window(options.warmup, options.seconds, tuple(options.watch))


def report(result: msgspec.Struct) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.load", description="Drives a chat completions server.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--kind", choices=("unary", "streams"), default="unary")
    parser.add_argument("--connections", type=int, default=32)
    add_request(parser)
    add_window(parser)
    options = parser.parse_args()
    stream = options.kind == "streams"
    request = traffic.http_request(options.port, options.model, stream=stream, path=options.path, headers=options.header)
    report(uvloop.run(drive(options.port, request, window_of(options), connections=options.connections, stream=stream)))


if __name__ == "__main__":
    main()
