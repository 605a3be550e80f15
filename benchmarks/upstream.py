"""An instant provider: answers every chat completion, and every message, with the same bytes, as fast as one core can.

    python -m benchmarks.upstream --port 9000

It reads no JSON. A body that asks for a stream is answered with server-sent events, all others with one JSON object; a path
that ends with /messages in Anthropic's form, all others in OpenAI's.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import uvloop

from benchmarks import traffic

HEADERS = (
    b"HTTP/1.1 200 OK\r\nDate: Fri, 08 Aug 2025 21:35:08 GMT\r\nContent-Type: %s\r\nopenai-organization: benchmark\r\n"
    b"openai-processing-ms: 0\r\nopenai-version: 2020-10-01\r\nx-request-id: req_5f0a6a3c9d3e4a5f8b1c2d3e4f5a6b7c\r\n"
)
SOME_MODELS = b'{"object":"list","data":[{"id":"gpt-4o-mini","object":"model","created":1721172741,"owned_by":"system"}]}'


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything the upstream can write."""

    unary: bytes
    models: bytes
    writes: Sequence[bytes]
    """A streamed answer, as it is cut into writes."""
    trickle: Sequence[bytes]
    """The same, one chunk to a write."""
    gap_s: float
    """Pause between two writes of a trickling answer, in seconds."""
    message: bytes = b""
    """Anthropic's answer, and its stream."""
    message_writes: Sequence[bytes] = ()


def answers(chunks_per_write: int, gap_s: float) -> Answers:
    openai, anthropic = traffic.stream_events(), traffic.anthropic_events()
    return Answers(
        *(sized(traffic.unary_answer()), sized(SOME_MODELS), cut(openai, chunks_per_write), cut(openai, 1), gap_s),
        *(sized(traffic.anthropic_answer()), cut(anthropic, chunks_per_write)),
    )


def sized(body: bytes) -> bytes:
    return HEADERS % b"application/json" + b"Content-Length: %d\r\n\r\n" % len(body) + body


def cut(events: Sequence[bytes], chunks_per_write: int) -> list[bytes]:
    """A streamed answer in HTTP chunks of so many events; the head goes with the first, the end with the last."""
    joined = [b"".join(events[at : at + chunks_per_write]) for at in range(0, len(events), chunks_per_write)]
    writes = [b"%x\r\n%s\r\n" % (len(events), events) for events in joined]
    writes[0] = HEADERS % b"text/event-stream; charset=utf-8" + b"Transfer-Encoding: chunked\r\n\r\n" + writes[0]
    writes[-1] += b"0\r\n\r\n"
    return writes


class Connection(asyncio.Protocol):
    """One client: a request at a time, no pipelining."""

    __slots__ = ("answers", "loop", "received", "transport")

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.received = b""
        self.loop = asyncio.get_running_loop()
        self.transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)
        assert_no_delay(transport)

    def data_received(self, data: bytes) -> None:
        request = self.received + data if self.received else data
        if not is_whole(request):
            self.received = request
            return
        self.received = b""
        answers, is_message = self.answers, b"/messages" in request[: request.find(b"\r\n")]
        if request.startswith(b"GET "):
            self.transport.write(answers.models)
        elif b'"stream":true' not in request and b'"stream": true' not in request:
            self.transport.write(answers.message if is_message else answers.unary)
        elif b"-trickle" in request:
            self.write_on(answers.trickle, 0, answers.gap_s)
        else:
            self.write_on(answers.message_writes if is_message else answers.writes, 0, 0.0)

    def write_on(self, writes: Sequence[bytes], position: int, gap_s: float) -> None:
        """The next write of a stream. Other connections get their turn between two writes, as many streams at a time have
        it with a real provider."""
        if self.transport.is_closing():
            return
        self.transport.write(writes[position])
        if position + 1 == len(writes):
            return
        if gap_s:
            self.loop.call_later(gap_s, self.write_on, writes, position + 1, gap_s)
        else:
            self.loop.call_soon(self.write_on, writes, position + 1, gap_s)


def assert_no_delay(transport: asyncio.BaseTransport) -> None:
    """Nagle's algorithm would be measured in place of a gateway. Raises RuntimeError where it is on."""
    sock = transport.get_extra_info("socket")
    if not sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY):
        raise RuntimeError("TCP_NODELAY is not set")


def is_whole(request: bytes) -> bool:
    """Whether head and body are here; the body has a Content-Length, or there is none."""
    head = request.find(b"\r\n\r\n")
    if head < 0:
        return False
    return len(request) >= head + 4 + content_length(request, head)


def content_length(message: bytes, head: int) -> int:
    """The number in an HTTP message's Content-Length, 0 without one. The head ends at the given offset."""
    at = message.find(b"ontent-Length: ", 0, head)
    if at < 0:
        at = message.find(b"ontent-length: ", 0, head)
    if at < 0:
        return 0
    end = message.find(b"\r", at)
    return int(message[at + 15 : end])


async def serve(port: int, answers: Answers) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answers), "127.0.0.1", port, backlog=4096)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.upstream", description="Answers every chat completion at once.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--chunks-per-write", type=int, default=10)
    parser.add_argument("--gap-ms", type=float, default=10.0, help="pause between the chunks of a trickling answer")
    options = parser.parse_args()
    uvloop.run(serve(options.port, answers(options.chunks_per_write, options.gap_ms / 1000)))


if __name__ == "__main__":
    main()
