"""The laws of the mistral dialect and face, over every exchange with Mistral at hand."""

from __future__ import annotations

import json

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.content_pb2 import Part
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.mistral import CLIENT as MISTRAL
from gateway_dialects.mistral.parse_request import parse_chat
from gateway_dialects.mistral.render_response import render_chat
from gateway_dialects.mistral.render_stream import ChunkRenderer
from gateway_dialects.openai import CLIENT as OPENAI
from gateway_dialects.openai.parse_request import parse_chat as parse_openai
from gateway_dialects.openai.render_response import render_chat as render_openai
from tests.laws.canonical import chunks_of
from tests.laws.mistral_form import canonical_answer, canonical_body, fold_stream, pieces
from tests.laws.openai_form import check_any_split, check_any_truncation
from tests.laws.reading import read_stream
from tests.recordings import Exchange, exchanges, recordings_absent

ALL = [exchange for exchange in exchanges() if exchange.vendor in ("mistral", "fixtures-mistral")]
REQUESTS = [e for e in ALL if isinstance(e.request.get("body"), dict)]
ANSWERS = [e for e in ALL if e.response["status"] == 200 and isinstance(e.body, dict)]
STREAMS = [e for e in ALL if e.response["status"] == 200 and "stream" in e.response]
ENDPOINT = Endpoint("p", "mistral", "https://api.mistral.ai/v1")


def named(exchange: Exchange) -> str:
    return exchange.name


@pytest.mark.skipif(bool(recordings_absent()), reason=recordings_absent())
def test_recordings_are_read() -> None:
    assert len(REQUESTS) > 30
    assert len(ANSWERS) > 15
    assert len(STREAMS) > 15


@pytest.mark.parametrize("exchange", REQUESTS, ids=named)
def test_request_identity(exchange: Exchange) -> None:
    body = exchange.request["body"]
    parsed = parse_chat(json.dumps(body).encode())
    upstream, warnings = MISTRAL.encode_chat(parsed.chat, body["model"], ENDPOINT, parsed.stream)
    sent = json.loads(upstream.body)
    assert canonical_body(sent) == canonical_body(body)
    assert sent["model"] == body["model"]
    assert sent.get("stream", False) == (body.get("stream") or False)
    assert list(warnings) == []


@pytest.mark.parametrize("exchange", [e for e in REQUESTS if e.vendor == "mistral"], ids=named)
def test_clients_of_openais_form_may_send_the_same(exchange: Exchange) -> None:
    body = exchange.request["body"]
    upstream, warnings = MISTRAL.encode_chat(parse_openai(json.dumps(body).encode()).chat, "m", ENDPOINT, False)
    assert canonical_body(json.loads(upstream.body)) == canonical_body(body)
    assert list(warnings) == []


@pytest.mark.parametrize("exchange", [e for e in ANSWERS if e.vendor == "mistral"], ids=named)
def test_clients_of_openais_form_lose_nothing(exchange: Exchange) -> None:
    answer = json.dumps(exchange.body).encode()
    ours, plain = (
        json.loads(render_openai(dialect.chat.decode(answer, "p"), "fallback", 1)) for dialect in (MISTRAL, OPENAI)
    )
    assert canonical_answer(ours) == canonical_answer(plain)


@pytest.mark.parametrize("exchange", ANSWERS, ids=named)
def test_answer_identity(exchange: Exchange) -> None:
    decoded = MISTRAL.chat.decode(json.dumps(exchange.body).encode(), "p")
    rendered = json.loads(render_chat(decoded, "fallback", 1))
    assert canonical_answer(rendered) == canonical_answer(exchange.body)


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_stream_identity(exchange: Exchange) -> None:
    rendered = render_stream(exchange.stream)
    assert rendered.endswith(b"data: [DONE]\n\n")
    assert canonical_answer(fold_stream(rendered)) == canonical_answer(fold_stream(exchange.stream))
    assert pieces(rendered) == pieces(exchange.stream)


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_what_clients_rely_on_in_a_stream(exchange: Exchange) -> None:
    chunks = chunks_of(render_stream(exchange.stream))
    assert all(len(chunk["choices"]) == 1 and "finish_reason" in chunk["choices"][0] for chunk in chunks)
    assert all({"id", "object", "created", "model"} <= chunk.keys() for chunk in chunks)
    assert ["usage" in chunk for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    for chunk in chunks:
        for call in chunk["choices"][0]["delta"].get("tool_calls", []):
            assert call["id"] and call["function"]["name"]
            assert json.loads(call["function"]["arguments"]) is not None


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_a_whole_answer_is_the_fold_of_its_stream(exchange: Exchange) -> None:
    folded = accumulate(read_stream(MISTRAL, [exchange.stream]))
    whole = MISTRAL.chat.decode(json.dumps(fold_stream(exchange.stream)).encode(), "p")
    assert plain_parts(folded) == plain_parts(whole)
    assert folded.usage == whole.usage
    rendered = [json.loads(render_chat(answer, "fallback", 1)) for answer in (folded, whole)]
    assert canonical_answer(rendered[0]) == canonical_answer(rendered[1])


@pytest.mark.parametrize("exchange", [e for e in STREAMS if len(e.stream) < 6000], ids=named)
def test_any_split_gives_the_same_events(exchange: Exchange) -> None:
    check_any_split(MISTRAL, exchange)


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_any_truncation_is_an_error(exchange: Exchange) -> None:
    check_any_truncation(MISTRAL, exchange)


def test_a_failed_generation_is_an_error() -> None:
    chunk = {"id": "1", "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "error"}]}
    with pytest.raises(GatewayError) as caught:
        read_stream(MISTRAL, [f"data: {json.dumps(chunk)}\n\n".encode()])
    assert caught.value.reason is Reason.UPSTREAM_UNAVAILABLE


def render_stream(stream: bytes) -> bytes:
    renderer = ChunkRenderer(fallback_id="fallback", now=1)
    return b"".join(renderer.render(batch) for batch in read_stream(MISTRAL, [stream]))


def plain_parts(answer: ChatResponse) -> list[object]:
    """What was said, in order; no text says nothing."""
    parts = [part for candidate in answer.candidates for part in candidate.parts if part != Part(text="")]
    return [(part.text, part.reasoning, part.tool_call, part.opaque, part.provider_details_json) for part in parts]
