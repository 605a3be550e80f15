"""The laws of the azure dialect, over every exchange with Azure at hand: address, identity, fold, split, truncation."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway_dialects.azure import CLIENT as AZURE
from gateway_dialects.kit.dialect import Endpoint, Secret
from gateway_dialects.openai.parse_request import parse_chat
from gateway_dialects.openai.render_response import render_chat
from gateway_dialects.openai.render_stream import ChunkRenderer
from tests.laws.canonical import canonical_answer, canonical_request, fold_chunks, text_deltas, without_nulls
from tests.laws.openai_form import check_any_split, check_any_truncation, check_fold
from tests.laws.reading import read_stream
from tests.recordings import Exchange, exchanges, recordings_absent

ALL = [exchange for exchange in exchanges() if exchange.vendor in ("azure", "fixtures-azure")]
REQUESTS = [e for e in ALL if isinstance(e.request.get("body"), dict)]
ANSWERS = [e for e in ALL if e.response["status"] == 200 and isinstance(e.body, dict)]
STREAMS = [e for e in ALL if e.response["status"] == 200 and "stream" in e.response]


def named(exchange: Exchange) -> str:
    return exchange.name


def endpoint_of(exchange: Exchange) -> Endpoint:
    """As an operator would configure it: the resource's address, or the surface's where the path does not say it all."""
    asked = urlsplit(exchange.request["path"])
    base = "/openai/v1" if asked.path.startswith("/openai/v1/") else ""
    version = parse_qs(asked.query).get("api-version", [""])[0]
    return Endpoint("azure", "azure", f"https://{exchange.request['host']}{base}", (Secret("k"),), api_version=version)


@pytest.mark.skipif(bool(recordings_absent()), reason=recordings_absent())
def test_recordings_are_read() -> None:
    assert len(REQUESTS) > 10
    assert len(ANSWERS) > 5
    assert len(STREAMS) > 4


@pytest.mark.parametrize("exchange", REQUESTS, ids=named)
def test_request_identity(exchange: Exchange) -> None:
    body = exchange.request["body"]
    parsed = parse_chat(json.dumps(body).encode())
    endpoint = endpoint_of(exchange)
    upstream, warnings = AZURE.encode_chat(parsed.chat, body["model"], endpoint, parsed.stream)
    assert canonical_request(json.loads(upstream.body)) == canonical_request(body)
    assert list(warnings) == []
    expected = f"https://{exchange.request['host']}{exchange.request['path']}"
    assert upstream.url in (expected, f"{expected}?api-version=2024-10-21")
    assert upstream.headers["api-key"] == "k"
    assert "authorization" not in upstream.headers


@pytest.mark.parametrize("exchange", ANSWERS, ids=named)
def test_answer_identity(exchange: Exchange) -> None:
    decoded = AZURE.chat.decode(json.dumps(exchange.body).encode(), "p")
    assert canonical_answer(json.loads(render_chat(decoded, "fallback", 1))) == canonical_answer(exchange.body)


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_stream_identity(exchange: Exchange) -> None:
    renderer = ChunkRenderer(include_usage=True, fallback_id="fallback", now=1)
    rendered = b"".join(renderer.render(batch) for batch in read_stream(AZURE, [exchange.stream]))
    assert without_nulls(fold_chunks(rendered)) == without_nulls(fold_chunks(exchange.stream))
    assert text_deltas(rendered) == text_deltas(exchange.stream)


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_a_whole_answer_is_the_fold_of_its_stream(exchange: Exchange) -> None:
    folded, whole = check_fold(AZURE, exchange)
    rendered = [canonical_answer(json.loads(render_chat(answer, "fallback", 1))) for answer in (folded, whole)]
    assert rendered[0] == rendered[1]


@pytest.mark.parametrize("exchange", [e for e in STREAMS if len(e.stream) < 8000], ids=named)
def test_any_split_gives_the_same_events(exchange: Exchange) -> None:
    check_any_split(AZURE, exchange)


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_any_truncation_is_an_error(exchange: Exchange) -> None:
    check_any_truncation(AZURE, exchange)
