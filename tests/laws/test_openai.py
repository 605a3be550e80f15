"""The laws of the openai dialect and face, over every exchange at hand: identity, fold, any split, any truncation."""

from __future__ import annotations

import json
import random

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_core.settings.providers import KNOWN
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Endpoint, Quirks
from gateway_dialects.openai import CLIENT as OPENAI
from gateway_dialects.openai.parse_request import parse_chat
from gateway_dialects.openai.render_response import render_chat
from gateway_dialects.openai.render_stream import ChunkRenderer
from tests.laws.canonical import (
    canonical_answer,
    canonical_request,
    end_of_content,
    fold_chunks,
    text_deltas,
    without_nulls,
)
from tests.laws.reading import one_batch, read_stream
from tests.recordings import Exchange, exchanges, recordings_absent

REFUSED = {"openai-chat/envoy_chat_bad_request", "openai-chat/envoy_chat_no_messages"}
"""Recorded because the provider refuses them; so do we, before any provider is asked."""
ROW_OF = (
    {"openai-chat": "openai", "azure": "openai", "ollama-openai": "ollama", "fixtures-openai": "openai"}
    | {
        # What OpenAI itself does not take.
        f"fixtures-openai/{name}": "openrouter"
        for name in ("reasoning_details", "stream_reasoning_details", "media", "multi_turn")
    }
    | {"fixtures-openai/reasoning_content": "deepseek"}
)
FAILED_STREAMS = {"openrouter/stream_max_tokens"}
"""Recorded streams that hold the provider's error."""
OTHER_FIXTURES = ("fixtures-azure", "fixtures-mistral")
"""They hold what the openai dialect as such does not have."""
ALL = [exchange for exchange in exchanges() if exchange.vendor not in OTHER_FIXTURES]
REQUESTS = [e for e in ALL if isinstance(e.request.get("body"), dict) and e.name not in REFUSED]
ANSWERS = [e for e in ALL if e.response["status"] == 200 and isinstance(e.body, dict)]
STREAMS = [e for e in ALL if e.response["status"] == 200 and "stream" in e.response and e.name not in FAILED_STREAMS]


def named(exchange: Exchange) -> str:
    return exchange.name


def quirks_of(exchange: Exchange) -> Quirks:
    vendor = KNOWN.get(ROW_OF.get(exchange.name, ROW_OF.get(exchange.vendor, exchange.vendor)))
    return vendor.quirks if vendor else Quirks()


@pytest.mark.skipif(bool(recordings_absent()), reason=recordings_absent())
def test_recordings_are_read() -> None:
    assert len(REQUESTS) > 150
    assert len(ANSWERS) > 80
    assert len(STREAMS) > 40


@pytest.mark.parametrize("exchange", REQUESTS, ids=named)
def test_request_identity(exchange: Exchange) -> None:
    body = exchange.request["body"]
    parsed = parse_chat(json.dumps(body).encode())
    endpoint = Endpoint("p", "openai", "http://upstream", quirks=quirks_of(exchange))
    upstream, warnings = OPENAI.encode_chat(parsed.chat, body["model"], endpoint, parsed.stream)
    assert canonical_request(json.loads(upstream.body)) == canonical_request(body)
    assert list(warnings) == []
    assert parsed.stream is (body.get("stream") or False)


@pytest.mark.parametrize("exchange", ANSWERS, ids=named)
def test_answer_identity(exchange: Exchange) -> None:
    decoded = OPENAI.chat.decode(json.dumps(exchange.body).encode(), "p")
    rendered = json.loads(render_chat(decoded, "fallback", 1))
    assert canonical_answer(rendered) == canonical_answer(exchange.body)


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_stream_identity(exchange: Exchange) -> None:
    batches = read_stream(OPENAI, [exchange.stream])
    renderer = ChunkRenderer(include_usage=True, fallback_id="fallback", now=1)
    rendered = b"".join(renderer.render(batch) for batch in batches)
    assert rendered.endswith(b"data: [DONE]\n\n")
    ours, theirs = without_nulls(fold_chunks(rendered)), without_nulls(fold_chunks(exchange.stream))
    assert ours == theirs
    assert text_deltas(rendered) == text_deltas(exchange.stream)


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_a_whole_answer_is_the_fold_of_its_stream(exchange: Exchange) -> None:
    folded = accumulate(read_stream(OPENAI, [exchange.stream]))
    whole = OPENAI.chat.decode(json.dumps(fold_chunks(exchange.stream)).encode(), "p")
    rendered = [json.loads(render_chat(answer, "fallback", 1)) for answer in (folded, whole)]
    assert canonical_answer(rendered[0]) == canonical_answer(rendered[1])


@pytest.mark.parametrize("exchange", [e for e in STREAMS if len(e.stream) < 6000], ids=named)
def test_any_split_gives_the_same_events(exchange: Exchange) -> None:
    stream = exchange.stream
    expected = one_batch(read_stream(OPENAI, [stream]))
    assert one_batch(read_stream(OPENAI, [stream[i : i + 1] for i in range(len(stream))])) == expected
    chance = random.Random(exchange.name)
    for _ in range(20):
        cut = chance.randrange(len(stream))
        assert one_batch(read_stream(OPENAI, [stream[:cut], stream[cut:]])) == expected


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_any_truncation_is_an_error(exchange: Exchange) -> None:
    """Cut anywhere before every candidate has its finish reason, the stream must not look complete."""
    stream = exchange.stream
    end = end_of_content(stream)
    chance = random.Random(exchange.name)
    for cut in [0, 1, end - 1, *(chance.randrange(end) for _ in range(25))]:
        with pytest.raises(GatewayError) as caught:
            read_stream(OPENAI, [stream[:cut]])
        assert caught.value.reason is Reason.STREAM_INTERRUPTED
    accumulate(read_stream(OPENAI, [stream[: stream.index(b"\n", end) if b"\n" in stream[end:] else None]]))


@pytest.mark.parametrize("name", sorted(FAILED_STREAMS))
def test_an_error_inside_a_stream_is_raised(name: str) -> None:
    found = [exchange for exchange in ALL if exchange.name == name]
    if not found:
        pytest.skip(recordings_absent())
    with pytest.raises(GatewayError) as caught:
        read_stream(OPENAI, [found[0].stream])
    assert caught.value.message == "Token limit reached"
