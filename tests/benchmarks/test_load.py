"""The load generator against the instant upstream: what is right is counted, what is wrong is named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from benchmarks import traffic, upstream
from benchmarks.load import Count, Window, body_missing, drive, judge_stream, judge_unary

SHORT = Window(warmup_s=0.0, seconds=0.05)


def driven(protocol: Callable[[], asyncio.BaseProtocol], *, stream: bool, model: str = traffic.MODEL) -> Count:
    """What the generator counts with this server."""

    async def run() -> Count:
        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            request = traffic.http_request(port, model, stream=stream)
            return await drive(port, request, SHORT, connections=2, stream=stream)

    return asyncio.run(run())


def connection(answers: upstream.Answers) -> Callable[[], upstream.Connection]:
    return lambda: upstream.Connection(answers)


@pytest.mark.parametrize("stream", [False, True])
def test_counts_right_answers(stream: bool) -> None:
    count = driven(connection(upstream.answers(10, 0.0)), stream=stream)

    assert count.problem == ""
    assert count.failed == 0
    assert count.finished >= count.measured > 0


@pytest.mark.parametrize("chunks_per_write", [1, 7, 1000])
def test_a_stream_may_be_cut_anywhere(chunks_per_write: int) -> None:
    count = driven(connection(upstream.answers(chunks_per_write, 0.0)), stream=True)

    assert count.problem == ""
    assert count.finished > 0


def test_a_trickling_stream_is_one_chunk_to_a_write() -> None:
    writes = upstream.answers(10, 0.0001).trickle

    assert len(writes) == len(traffic.stream_events())
    assert b"".join(writes).count(b"data: ") == len(writes)


def test_a_wrong_answer_is_named() -> None:
    answers = upstream.Answers(upstream.sized(b'{"error":"no"}'), b"", [], [], 0.0)

    count = driven(connection(answers), stream=False)

    assert count.finished == 0
    assert count.failed > 0
    assert "no" in count.problem


def test_a_broken_connection_is_named() -> None:
    class Closing(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transport.close()

    count = driven(Closing, stream=False)

    assert count.finished == 0
    assert "connection broke" in count.problem


def whole_stream() -> bytes:
    return b"".join(upstream.cut(traffic.stream_events(), 10))


def test_a_whole_stream_is_right() -> None:
    assert judge_stream(whole_stream()) == ""


@pytest.mark.parametrize(
    ("found", "replaced"),
    [
        (b"200 OK", b"502 Bad Gateway"),
        (b"data: [DONE]\n\n", b"data: {}\n\n"),
        (b'"content":" Mexico"', b'"refusal":" Mexico"'),
    ],
)
def test_a_stream_that_lacks_something_is_wrong(found: bytes, replaced: bytes) -> None:
    assert judge_stream(whole_stream().replace(found, replaced)) != ""


def test_a_status_other_than_200_is_wrong() -> None:
    answer = upstream.sized(traffic.unary_answer())

    assert judge_unary(answer) == ""
    assert judge_unary(answer.replace(b"200 OK", b"500 Oh")) != ""


def test_a_body_in_pieces_is_still_missing() -> None:
    answer = upstream.sized(b"0123456789")

    assert body_missing(answer[:-3]) == 3
    assert body_missing(answer) == 0
