"""The laws of the gemini dialect and face, over every exchange at hand: identity, fold, any split, any truncation."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.gemini import CLIENT as GEMINI
from gateway_dialects.gemini.parse_request import parse_chat, parse_method
from gateway_dialects.gemini.render_answer import render_chat
from gateway_dialects.gemini.render_stream import ChunkRenderer
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Endpoint
from tests.laws.gemini_form import canonical_answer, canonical_request, chunks_of, fold_chunks
from tests.laws.reading import one_batch, read_stream
from tests.recordings import Exchange, exchanges, recordings_absent

NO_ANSWER = {"google/fb_failure_empty_content"}
"""Answers with neither content nor a reason for it: broken, not whole."""
UNFINISHED = {"google/fb_stream_success_quotes_escaped"}
"""A stream that never tells a finish reason: it counts as cut off."""
ALL = exchanges("enerateContent")
REQUESTS = [e for e in ALL if isinstance(e.request.get("body"), dict)]
ANSWERS = [e for e in ALL if e.response["status"] == 200 and isinstance(e.body, dict) and e.name not in NO_ANSWER]
ARRAYS = [e for e in ALL if e.response["status"] == 200 and isinstance(e.body, list)]
FAILED_STREAMS = [e for e in ALL if "stream" in e.response and "error" in e.name]
STREAMS = [
    e
    for e in ALL
    if e.response["status"] == 200 and "stream" in e.response and e not in FAILED_STREAMS and e.name not in UNFINISHED
]
ERRORS = [e for e in ALL if e.response["status"] != 200]
ENDPOINT = Endpoint("p", "gemini", "http://upstream/v1beta")


def named(exchange: Exchange) -> str:
    return exchange.name


def model_of(exchange: Exchange) -> str:
    return parse_method(exchange.request["path"].partition("?")[0].rpartition("/models/")[2])[0]


@pytest.mark.skipif(bool(recordings_absent()), reason=recordings_absent())
def test_recordings_are_read() -> None:
    assert len(REQUESTS) > 50
    assert len(ANSWERS) > 45
    assert len(STREAMS) > 25
    assert len(ARRAYS) == 2
    assert len(ERRORS) >= 10


@pytest.mark.parametrize("exchange", REQUESTS, ids=named)
def test_request_identity(exchange: Exchange) -> None:
    body = exchange.request["body"]
    model = model_of(exchange)
    parsed = parse_chat(json.dumps(body).encode(), model)
    upstream, warnings = GEMINI.encode_chat(parsed, model, ENDPOINT, False)
    assert canonical_request(json.loads(upstream.body)) == canonical_request(body)
    assert list(warnings) == []


@pytest.mark.parametrize("exchange", ANSWERS, ids=named)
def test_answer_identity(exchange: Exchange) -> None:
    decoded = GEMINI.chat.decode(json.dumps(exchange.body).encode(), "p")
    rendered = json.loads(render_chat(decoded, "fallback"))
    assert canonical_answer(rendered) == canonical_answer(exchange.body)


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_stream_identity(exchange: Exchange) -> None:
    rendered = chunks_of(render_stream(exchange.stream))
    theirs = chunks_of(exchange.stream)
    assert canonical_answer(fold_chunks(rendered)) == canonical_answer(fold_chunks(theirs))
    assert pieces(rendered) == pieces(theirs)


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_an_array_holds_the_chunks_of_the_stream(exchange: Exchange) -> None:
    assert json.loads(render_stream(exchange.stream, sse=False)) == chunks_of(render_stream(exchange.stream))


@pytest.mark.parametrize("exchange", ARRAYS, ids=named)
def test_recorded_arrays_are_streams_too(exchange: Exchange) -> None:
    stream = b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in exchange.body)
    rendered = json.loads(render_stream(stream, sse=False))
    assert canonical_answer(fold_chunks(rendered)) == canonical_answer(fold_chunks(exchange.body))


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_a_whole_answer_is_the_fold_of_its_stream(exchange: Exchange) -> None:
    folded = accumulate(read_stream(GEMINI, [exchange.stream]))
    whole = GEMINI.chat.decode(json.dumps(fold_chunks(chunks_of(exchange.stream))).encode(), "p")
    rendered = [canonical_answer(json.loads(render_chat(answer, "fallback"))) for answer in (folded, whole)]
    assert rendered[0] == rendered[1]
    assert [c.finish_reason for c in folded.candidates] == [c.finish_reason for c in whole.candidates]
    assert [calls(c) for c in folded.candidates] == [calls(c) for c in whole.candidates]
    assert folded.usage == whole.usage


@pytest.mark.parametrize("exchange", [e for e in STREAMS if len(e.stream) < 6000], ids=named)
def test_any_split_gives_the_same_events(exchange: Exchange) -> None:
    stream = exchange.stream
    expected = one_batch(read_stream(GEMINI, [stream]))
    assert one_batch(read_stream(GEMINI, [stream[i : i + 1] for i in range(len(stream))])) == expected
    chance = random.Random(exchange.name)
    for _ in range(20):
        cut = chance.randrange(len(stream))
        assert one_batch(read_stream(GEMINI, [stream[:cut], stream[cut:]])) == expected


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_any_truncation_is_an_error(exchange: Exchange) -> None:
    """Cut anywhere before every candidate has its finish reason, the stream must not look complete."""
    stream = exchange.stream
    end = end_of_content(stream)
    chance = random.Random(exchange.name)
    for cut in [0, 1, end - 1, *(chance.randrange(end) for _ in range(25))]:
        with pytest.raises(GatewayError) as caught:
            read_stream(GEMINI, [stream[:cut]])
        assert caught.value.reason is Reason.STREAM_INTERRUPTED
    accumulate(read_stream(GEMINI, [stream[:end]]))


@pytest.mark.parametrize("exchange", FAILED_STREAMS, ids=named)
def test_an_error_inside_a_stream_is_raised(exchange: Exchange) -> None:
    with pytest.raises(GatewayError) as caught:
        read_stream(GEMINI, [exchange.stream])
    assert caught.value.reason in (Reason.UPSTREAM_UNAVAILABLE, Reason.UPSTREAM_OVERLOADED, Reason.RATE_LIMITED)
    assert caught.value.metadata["upstream_message"]


@pytest.mark.parametrize("name", sorted(UNFINISHED))
def test_a_stream_without_a_finish_reason_is_cut_off(name: str) -> None:
    found = [exchange for exchange in ALL if exchange.name == name]
    if not found:
        pytest.skip(recordings_absent())
    with pytest.raises(GatewayError) as caught:
        read_stream(GEMINI, [found[0].stream])
    assert caught.value.reason is Reason.STREAM_INTERRUPTED


@pytest.mark.parametrize("exchange", ERRORS, ids=named)
def test_recorded_errors_keep_their_words(exchange: Exchange) -> None:
    error = exchange.body["error"]
    failure = GEMINI.chat.decode_error(exchange.response["status"], {}, json.dumps(exchange.body).encode())
    assert failure.message == error["message"]
    assert failure.metadata["upstream_status"] == str(error["code"])
    assert failure.metadata["upstream_type"] == error["status"]


def render_stream(stream: bytes, sse: bool = True) -> bytes:
    renderer = ChunkRenderer(fallback_id="fallback", sse=sse)
    return b"".join(renderer.render(batch) for batch in read_stream(GEMINI, [stream]))


def pieces(chunks: list[dict[str, Any]]) -> list[tuple[int, Any]]:
    """Every part in the order it came, but for those that say nothing."""
    found: list[tuple[int, Any]] = []
    for chunk in chunks:
        for candidate in chunk.get("candidates") or []:
            for part in candidate.get("content", {}).get("parts") or []:
                if part != {"text": ""}:
                    found.append((candidate.get("index", 0), part))
    return found


def calls(candidate: Any) -> list[Any]:
    return [part.tool_call for part in candidate.parts if part.WhichOneof("kind") == "tool_call"]


def end_of_content(stream: bytes) -> int:
    """Where the line ends that gives the last candidate its finish reason, or the prompt its refusal."""
    position = end = 0
    ended: set[int] = set()
    for line in stream.splitlines(keepends=True):
        if line.startswith(b"data:"):
            chunk: dict[str, Any] = json.loads(line[5:])
            ends = {c.get("index", 0) for c in chunk.get("candidates") or [] if c.get("finishReason")}
            is_refusal = "blockReason" in chunk.get("promptFeedback", {}) and not chunk.get("candidates")
            if ends - ended or is_refusal:
                ended |= ends
                end = position + len(line.rstrip())
        position += len(line)
    return end
