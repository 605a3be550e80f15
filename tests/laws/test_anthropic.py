"""The laws of the anthropic dialect and face, over every exchange at hand: identity, fold, any split, any truncation."""

from __future__ import annotations

import json
import random

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatResponse
from gateway_dialects.anthropic import CLIENT as ANTHROPIC
from gateway_dialects.anthropic.parse_request import parse_chat
from gateway_dialects.anthropic.render_response import render_chat
from gateway_dialects.anthropic.render_stream import ChunkRenderer
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Endpoint
from tests.laws.anthropic_form import canonical_answer, canonical_request, events_of, fold_stream
from tests.laws.reading import one_batch, read_stream
from tests.recordings import Exchange, exchanges, recordings_absent

ALL = [found for found in exchanges("/v1/messages") if "count_tokens" not in found.request["path"]]
REQUESTS = [e for e in ALL if isinstance(e.request.get("body"), dict)]
ANSWERS = [e for e in ALL if e.response["status"] == 200 and isinstance(e.body, dict)]
STREAMS = [e for e in ALL if e.response["status"] == 200 and "stream" in e.response and "error" not in e.name]
FAILED_STREAMS = [e for e in ALL if "stream" in e.response and "error" in e.name]
ENDPOINT = Endpoint("p", "anthropic", "http://upstream/v1")


def named(exchange: Exchange) -> str:
    return exchange.name


@pytest.mark.skipif(bool(recordings_absent()), reason=recordings_absent())
def test_recordings_are_read() -> None:
    assert len(REQUESTS) > 40
    assert len(ANSWERS) > 20
    assert len(STREAMS) >= 20


@pytest.mark.parametrize("exchange", REQUESTS, ids=named)
def test_request_identity(exchange: Exchange) -> None:
    body = exchange.request["body"]
    headers = exchange.request.get("headers") or {}
    beta = headers.get("anthropic-beta", "")
    parsed = parse_chat(json.dumps(body).encode(), beta)
    upstream, warnings = ANTHROPIC.encode_chat(parsed.chat, body["model"], ENDPOINT, parsed.stream)
    assert canonical_request(json.loads(upstream.body)) == canonical_request(body)
    assert list(warnings) == []
    assert parsed.stream is (body.get("stream") or False)
    assert upstream.headers.get("anthropic-beta", "") == beta


@pytest.mark.parametrize("exchange", ANSWERS, ids=named)
def test_answer_identity(exchange: Exchange) -> None:
    decoded = ANTHROPIC.chat.decode(json.dumps(exchange.body).encode(), "p")
    rendered = json.loads(render_chat(decoded, "fallback"))
    assert canonical_answer(rendered) == canonical_answer(exchange.body)


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_stream_identity(exchange: Exchange) -> None:
    rendered = render_stream(exchange.stream)
    assert canonical_answer(fold_stream(rendered)) == canonical_answer(fold_stream(exchange.stream))
    assert deltas(rendered) == deltas(exchange.stream)
    first = events_of(rendered)[0][1]["message"]["usage"]
    assert first["input_tokens"] == events_of(exchange.stream)[0][1]["message"]["usage"]["input_tokens"] > 0


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_a_whole_answer_is_the_fold_of_its_stream(exchange: Exchange) -> None:
    folded = accumulate(read_stream(ANTHROPIC, [exchange.stream]))
    whole = ANTHROPIC.chat.decode(json.dumps(fold_stream(exchange.stream)).encode(), "p")
    rendered = [json.loads(render_chat(answer, "fallback")) for answer in (folded, whole)]
    assert rendered[0] == rendered[1]
    assert plain_parts(folded) == plain_parts(whole)
    assert folded.candidates[0].provider_details_json == whole.candidates[0].provider_details_json
    assert folded.candidates[0].finish_reason == whole.candidates[0].finish_reason
    assert folded.usage == whole.usage


@pytest.mark.parametrize("exchange", [e for e in STREAMS if len(e.stream) < 6000], ids=named)
def test_any_split_gives_the_same_events(exchange: Exchange) -> None:
    stream = exchange.stream
    expected = one_batch(read_stream(ANTHROPIC, [stream]))
    assert one_batch(read_stream(ANTHROPIC, [stream[i : i + 1] for i in range(len(stream))])) == expected
    chance = random.Random(exchange.name)
    for _ in range(20):
        cut = chance.randrange(len(stream))
        assert one_batch(read_stream(ANTHROPIC, [stream[:cut], stream[cut:]])) == expected


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_any_truncation_is_an_error(exchange: Exchange) -> None:
    """Cut anywhere before the stop reason is there, the stream must not look complete."""
    stream = exchange.stream
    start = stream.index(b"event: message_delta")
    end = stream.index(b"\n\n", start)
    chance = random.Random(exchange.name)
    for cut in [0, 1, start, end - 20, *(chance.randrange(end - 20) for _ in range(25))]:
        with pytest.raises(GatewayError) as caught:
            read_stream(ANTHROPIC, [stream[:cut]])
        assert caught.value.reason is Reason.STREAM_INTERRUPTED
    accumulate(read_stream(ANTHROPIC, [stream[: end + 2]]))


@pytest.mark.parametrize("exchange", FAILED_STREAMS, ids=named)
def test_an_error_inside_a_stream_is_raised(exchange: Exchange) -> None:
    with pytest.raises(GatewayError) as caught:
        read_stream(ANTHROPIC, [exchange.stream])
    assert caught.value.reason is Reason.UPSTREAM_OVERLOADED


def render_stream(stream: bytes) -> bytes:
    renderer = ChunkRenderer(fallback_id="fallback")
    return b"".join(renderer.render(batch) for batch in read_stream(ANTHROPIC, [stream]))


def deltas(stream: bytes) -> list[object]:
    """Everything that grows live, in the order it came. A server tool's input comes at once; an empty piece says nothing."""
    live = {"text_delta", "thinking_delta", "signature_delta", "citations_delta"}
    found = [data["delta"] for name, data in events_of(stream) if name == "content_block_delta"]
    return [delta for delta in found if delta["type"] in live and "" not in delta.values()]


def plain_parts(answer: ChatResponse) -> list[object]:
    return [(part.text, part.tool_call, part.reasoning, part.opaque.dialect) for part in answer.candidates[0].parts]
