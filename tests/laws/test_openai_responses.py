"""The laws of the openai-responses dialect and face, over every exchange at hand: identity, fold, split and truncation."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatResponse
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.fields import parse_object
from gateway_dialects.openai_responses import CLIENT as OPENAI_RESPONSES
from gateway_dialects.openai_responses.parse_request import parse_create
from gateway_dialects.openai_responses.render_response import render_response
from gateway_dialects.openai_responses.render_stream import ChunkRenderer
from tests.laws.openai_responses_form import (
    canonical_answer,
    canonical_request,
    check_order,
    events_of,
    fold_stream,
    live_events,
    only_told,
)
from tests.laws.reading import one_batch, read_stream
from tests.recordings import Exchange, exchanges, recordings_absent

FAILED_STREAMS = {
    "openai-responses/prism_stream_rate_limited": Reason.RATE_LIMITED,
    "openai-responses/prism_stream_unknown_error": Reason.UPSTREAM_UNAVAILABLE,
    "openai-responses/va_openai_error_1_stream": Reason.QUOTA_EXHAUSTED,
    "fixtures-openai_responses/stream_failed": Reason.UPSTREAM_REJECTED,
}
ALL = [found for found in exchanges("/responses") if found.vendor.endswith(("openai-responses", "openai_responses"))]
REQUESTS = [e for e in ALL if isinstance(e.request.get("body"), dict)]
ANSWERS = [e for e in ALL if e.response["status"] == 200 and isinstance(e.body, dict)]
STREAMS = [e for e in ALL if e.response["status"] == 200 and "stream" in e.response and e.name not in FAILED_STREAMS]
ENDPOINT = Endpoint("p", "openai-responses", "http://upstream/v1")


def named(exchange: Exchange) -> str:
    return exchange.name


@pytest.mark.skipif(bool(recordings_absent()), reason=recordings_absent())
def test_recordings_are_read() -> None:
    assert len(REQUESTS) >= 35
    assert len(ANSWERS) > 12
    assert len(STREAMS) > 12


@pytest.mark.parametrize("exchange", REQUESTS, ids=named)
def test_request_identity(exchange: Exchange) -> None:
    body = exchange.request["body"]
    parsed = parse_create(parse_object(json.dumps(body).encode()))
    upstream, warnings = OPENAI_RESPONSES.encode_chat(parsed.chat, body["model"], ENDPOINT, parsed.stream)
    assert canonical_request(json.loads(upstream.body)) == canonical_request(body)
    assert list(warnings) == []
    assert parsed.stream is (body.get("stream") or False)
    assert parsed.previous_response_id == (body.get("previous_response_id") or "")


@pytest.mark.parametrize("exchange", ANSWERS, ids=named)
def test_answer_identity(exchange: Exchange) -> None:
    decoded = OPENAI_RESPONSES.chat.decode(json.dumps(exchange.body).encode(), "p")
    rendered = json.loads(render_response(decoded, {}, "resp_fallback", 1))
    assert canonical_answer(only_told(rendered, exchange.body)) == canonical_answer(exchange.body)


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_stream_identity(exchange: Exchange) -> None:
    rendered = render_stream(exchange.stream)
    check_order(rendered)
    assert live_events(rendered) == live_events(exchange.stream)
    ours, theirs = fold_stream(rendered), fold_stream(exchange.stream)
    assert canonical_answer(only_told(ours, theirs)) == canonical_answer(theirs)
    assert [event["type"] for event in events_of(rendered)] == [event["type"] for event in events_of(exchange.stream)]


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_a_whole_answer_is_the_fold_of_its_stream(exchange: Exchange) -> None:
    folded = accumulate(read_stream(OPENAI_RESPONSES, [exchange.stream]))
    whole = OPENAI_RESPONSES.chat.decode(json.dumps(fold_stream(exchange.stream)).encode(), "p")
    assert json.loads(render_response(folded, {}, "resp_fallback", 1)) == json.loads(
        render_response(whole, {}, "resp_fallback", 1)
    )
    assert contents(folded) == contents(whole)
    assert folded.usage == whole.usage


@pytest.mark.parametrize("exchange", [e for e in STREAMS if len(e.stream) < 16_000], ids=named)
def test_any_split_gives_the_same_events(exchange: Exchange) -> None:
    stream = exchange.stream
    expected = one_batch(read_stream(OPENAI_RESPONSES, [stream]))
    assert one_batch(read_stream(OPENAI_RESPONSES, [stream[i : i + 1] for i in range(len(stream))])) == expected
    chance = random.Random(exchange.name)
    for _ in range(20):
        cut = chance.randrange(len(stream))
        assert one_batch(read_stream(OPENAI_RESPONSES, [stream[:cut], stream[cut:]])) == expected


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_any_truncation_is_an_error(exchange: Exchange) -> None:
    """Cut anywhere before the last event is there, the stream must not look complete."""
    stream = exchange.stream
    end = len(stream.rstrip())
    chance = random.Random(exchange.name)
    for cut in [0, 1, end - 1, stream.rindex(b"data:"), *(chance.randrange(end) for _ in range(25))]:
        with pytest.raises(GatewayError) as caught:
            read_stream(OPENAI_RESPONSES, [stream[:cut]])
        assert caught.value.reason is Reason.STREAM_INTERRUPTED
    accumulate(read_stream(OPENAI_RESPONSES, [stream[:end]]))


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_an_answer_is_taken_back_as_input(exchange: Exchange) -> None:
    """What the client appends to its next input goes back to the provider unmodified."""
    output = fold_stream(render_stream(exchange.stream))["output"]
    again = parse_create({"model": "m", "input": [{"role": "user", "content": "Hi"}, *output]})
    upstream, warnings = OPENAI_RESPONSES.encode_chat(again.chat, "m", ENDPOINT, False)
    sent = json.loads(upstream.body)["input"][1:]
    expected = copy.deepcopy(fold_stream(exchange.stream)["output"])
    assert without_empty(sent) == without_empty(expected)
    assert list(warnings) == []


@pytest.mark.parametrize(("name", "reason"), FAILED_STREAMS.items())
def test_an_error_inside_a_stream_is_raised(name: str, reason: Reason) -> None:
    found = [exchange for exchange in ALL if exchange.name == name]
    if not found:
        pytest.skip(recordings_absent())
    with pytest.raises(GatewayError) as caught:
        read_stream(OPENAI_RESPONSES, [found[0].stream])
    assert caught.value.reason is reason


def render_stream(stream: bytes) -> bytes:
    renderer = ChunkRenderer(echo={}, fallback_id="resp_fallback", now=1)
    return b"".join(renderer.render(batch) for batch in read_stream(OPENAI_RESPONSES, [stream]))


def contents(answer: ChatResponse) -> list[object]:
    parts = answer.candidates[0].parts
    return [
        (part.text, part.refusal, part.tool_call, part.reasoning, part.media, part.opaque, list(part.citations))
        for part in parts
    ]


def without_empty(value: Any) -> Any:
    """Lists that say nothing by being empty, and null."""
    if isinstance(value, dict):
        return {name: without_empty(item) for name, item in value.items() if item is not None and item != []}
    return [without_empty(item) for item in value] if isinstance(value, list) else value
