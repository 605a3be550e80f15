"""The laws of the cohere dialect and face, over every exchange at hand: identity, fold, any split, any truncation."""

from __future__ import annotations

import json
import random

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.cohere import CLIENT as COHERE
from gateway_dialects.cohere.parse_request import parse_chat
from gateway_dialects.cohere.render_response import render_chat
from gateway_dialects.cohere.render_stream import ChunkRenderer
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.openai.render_response import render_chat as render_for_chat
from tests.laws.cohere_form import canonical_answer, canonical_request, events_of, fold_stream
from tests.laws.reading import one_batch, read_stream
from tests.recordings import Exchange, exchanges, recordings_absent

FAILED = {
    "cohere/stream_tools_offered_text": Reason.UPSTREAM_INVALID_RESPONSE,
    "fixtures-cohere/stream_timeout": Reason.UPSTREAM_TIMEOUT,
}
"""Streams that hold the provider's error."""
ALL = [exchange for exchange in exchanges("/v2/chat") if "cohere" in exchange.name]
REQUESTS = [e for e in ALL if isinstance(e.request.get("body"), dict)]
ANSWERS = [e for e in ALL if e.response["status"] == 200 and isinstance(e.body, dict)]
STREAMS = [e for e in ALL if e.response["status"] == 200 and "stream" in e.response and e.name not in FAILED]
ENDPOINT = Endpoint("p", "cohere", "http://upstream")


def named(exchange: Exchange) -> str:
    return exchange.name


@pytest.mark.skipif(bool(recordings_absent()), reason=recordings_absent())
def test_recordings_are_read() -> None:
    assert len(REQUESTS) >= 20
    assert len(ANSWERS) >= 14
    assert len(STREAMS) >= 10


@pytest.mark.parametrize("exchange", REQUESTS, ids=named)
def test_request_identity(exchange: Exchange) -> None:
    body = exchange.request["body"]
    parsed = parse_chat(json.dumps(body).encode())
    upstream, warnings = COHERE.encode_chat(parsed.chat, body["model"], ENDPOINT, parsed.stream)
    assert canonical_request(json.loads(upstream.body)) == canonical_request(body)
    assert list(warnings) == []
    assert parsed.stream is (body.get("stream") or False)


@pytest.mark.parametrize("exchange", ANSWERS, ids=named)
def test_answer_identity(exchange: Exchange) -> None:
    decoded = COHERE.chat.decode(json.dumps(exchange.body).encode(), "p")
    rendered = json.loads(render_chat(decoded, "fallback"))
    assert canonical_answer(rendered) == canonical_answer(exchange.body)


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_stream_identity(exchange: Exchange) -> None:
    rendered = render_stream(exchange.stream)
    assert canonical_answer(fold_stream(rendered)) == canonical_answer(fold_stream(exchange.stream))
    assert deltas(rendered) == deltas(exchange.stream)
    assert rendered.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_a_whole_answer_is_the_fold_of_its_stream(exchange: Exchange) -> None:
    folded = accumulate(read_stream(COHERE, [exchange.stream]))
    whole = COHERE.chat.decode(json.dumps(fold_stream(exchange.stream)).encode(), "p")
    rendered = [json.loads(render_chat(answer, "fallback")) for answer in (folded, whole)]
    assert rendered[0] == rendered[1]
    chat = [json.loads(render_for_chat(answer, "fallback", 1)) for answer in (folded, whole)]
    assert chat[0] == chat[1]
    assert folded == whole


@pytest.mark.parametrize("exchange", [e for e in STREAMS if len(e.stream) < 6000], ids=named)
def test_any_split_gives_the_same_events(exchange: Exchange) -> None:
    stream = exchange.stream
    expected = one_batch(read_stream(COHERE, [stream]))
    assert one_batch(read_stream(COHERE, [stream[i : i + 1] for i in range(len(stream))])) == expected
    chance = random.Random(exchange.name)
    for _ in range(20):
        cut = chance.randrange(len(stream))
        assert one_batch(read_stream(COHERE, [stream[:cut], stream[cut:]])) == expected


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_any_truncation_is_an_error(exchange: Exchange) -> None:
    """Cut anywhere before the finish reason is there, the stream must not look complete."""
    stream = exchange.stream
    start = stream.index(b"event: message-end")
    end = stream.index(b"\n\n", start)
    chance = random.Random(exchange.name)
    for cut in [0, 1, start, end - 1, *(chance.randrange(end) for _ in range(25))]:
        with pytest.raises(GatewayError) as caught:
            read_stream(COHERE, [stream[:cut]])
        assert caught.value.reason is Reason.STREAM_INTERRUPTED
    accumulate(read_stream(COHERE, [stream[: end + 2]]))


@pytest.mark.parametrize("exchange", [e for e in ALL if e.name in FAILED], ids=named)
def test_an_error_inside_a_stream_is_raised(exchange: Exchange) -> None:
    with pytest.raises(GatewayError) as caught:
        read_stream(COHERE, [exchange.stream])
    assert caught.value.reason is FAILED[exchange.name]


def render_stream(stream: bytes) -> bytes:
    renderer = ChunkRenderer(fallback_id="fallback")
    return b"".join(renderer.render(batch) for batch in read_stream(COHERE, [stream]))


def deltas(stream: bytes) -> list[object]:
    """Every piece that is shown live, in the order it came; the fold shows what the pieces make. A tool's arguments that may
    be null, and blocks of the future, are kept until they are whole."""
    found: list[object] = []
    for event in events_of(stream):
        told = event.get("delta", {}).get("message", {})
        if event["type"] in ("content-start", "content-delta"):
            pieces = {name: told["content"][name] for name in ("text", "thinking") if told["content"].get(name)}
            found += [(event["index"], pieces, event.get("logprobs"))] if pieces else []
        elif event["type"] == "tool-call-start":
            found.append((event["index"], told["tool_calls"]["id"], told["tool_calls"]["function"]["name"]))
        elif event["type"] in ("tool-plan-delta", "citation-start", "citation-end"):
            found.append(event)
    return found
