"""Reading usage in passing: answers that are broken, too large, compressed or of another kind."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable
from typing import Any

import pytest

from dragoman.v1.proxy_pb2 import ProxyEnd
from gateway_core.passthrough import metering
from gateway_core.passthrough.metering import Meter, kind_of, model_asked, readable
from gateway_core.providers.registry import DIALECTS

JSON, EVENTS = "application/json", "text/event-stream"
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
ANSWER = {"id": "1", "model": "m", "choices": [], "usage": USAGE}
BODY = json.dumps(ANSWER).encode()


def end_of(pieces: Iterable[bytes], kind: str = JSON, encoding: str = "", dialect: str = "openai") -> ProxyEnd | None:
    meter = Meter(DIALECTS[dialect], kind, encoding)
    for piece in pieces:
        meter.feed(piece)
    return meter.finish()


def tokens(end: ProxyEnd | None) -> tuple[int, int] | None:
    return None if end is None else (end.usage.input_tokens, end.usage.output_tokens)


def events(*data: object) -> bytes:
    return b"".join(b"data: %s\n\n" % (one if isinstance(one, bytes) else json.dumps(one).encode()) for one in data)


def test_a_whole_answer() -> None:
    end = end_of([BODY[:20], BODY[20:]])
    assert end is not None
    assert (tokens(end), end.model, end.usage.raw_dialect) == ((3, 4), "m", "openai")
    assert json.loads(end.usage.raw_json) == USAGE


EMBEDDINGS = {"object": "list", "data": [{"embedding": [0.1] * 9}], "model": "e", "usage": {"prompt_tokens": 5}}
PICTURE = {"created": 1, "data": [], "usage": {"total_tokens": 9, "input_tokens": 4, "output_tokens": 5}}
RERANKED = {"id": "1", "results": [], "meta": {"api_version": {}, "billed_units": {"input_tokens": 6, "output_tokens": 0}}}
GEMINI = {"candidates": [], "modelVersion": "g", "usageMetadata": {"promptTokenCount": 2, "candidatesTokenCount": 3}}
MESSAGE = {
    "type": "message",
    "model": "c",
    "content": [],
    "usage": {"input_tokens": 2, "output_tokens": 3, "cache_read_input_tokens": 5},
}


@pytest.mark.parametrize(
    ("answer", "expected", "model", "form"),
    [
        (EMBEDDINGS, (5, 0), "e", "openai"),
        (PICTURE, (4, 5), "", "openai-responses"),
        (RERANKED, (6, 0), "", "cohere"),
        (GEMINI, (2, 3), "g", "gemini"),
        ([GEMINI, {**GEMINI, "usageMetadata": {"promptTokenCount": 2, "candidatesTokenCount": 8}}], (2, 8), "g", "gemini"),
        (MESSAGE, (7, 3), "c", "anthropic"),
    ],
)
def test_answers_of_other_endpoints(answer: Any, expected: tuple[int, int], model: str, form: str) -> None:
    for dialect in DIALECTS:
        if dialect != "mistral" or form != "openai":
            end = end_of([json.dumps(answer).encode()], dialect=dialect)
            assert end is not None
            assert (tokens(end), end.model, end.usage.raw_dialect) == (expected, model, form)


def test_a_stream_that_tells_more_with_each_event() -> None:
    started = {"type": "message_start", "message": {"model": "c", "usage": {"input_tokens": 9, "output_tokens": 1}}}
    delta = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 20, "input_tokens": None}}
    end = end_of([events(started, {"type": "ping"}, delta)], EVENTS, dialect="anthropic")
    assert end is not None
    assert (tokens(end), end.model) == ((9, 20), "c")


def test_the_last_usage_of_a_stream_counts() -> None:
    first = {**ANSWER, "usage": {**USAGE, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2}}}
    end = end_of([events(first, {**ANSWER, "usage": None}, ANSWER, b"[DONE]")], EVENTS)
    assert end is not None
    assert tokens(end) == (3, 4)
    assert not end.usage.HasField("cache_read_tokens")


def test_a_stream_that_breaks_off_or_ends_without_its_blank_line() -> None:
    assert tokens(end_of([events(ANSWER), b'data: {"choi'], EVENTS)) == (3, 4)
    assert tokens(end_of([events(ANSWER).rstrip()], EVENTS)) == (3, 4)
    assert tokens(end_of([events(ANSWER)[:-9]], EVENTS)) is None


def test_an_event_that_cannot_be_read_is_passed_over() -> None:
    for broken in (b'{"usage": {', b'["usage"]', b'"usage"', b'{"usage": 7}', b'{"usage": {"prompt_tokens": {}}}'):
        assert tokens(end_of([events(broken, ANSWER, broken[:-1] + b"?")], EVENTS)) == (3, 4)


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate"])
@pytest.mark.parametrize("kind", [JSON, EVENTS])
def test_compressed_answers(encoding: str, kind: str) -> None:
    body = BODY if kind == JSON else events(ANSWER)
    packed = zlib.compress(body) if encoding == "deflate" else gzip.compress(body)
    assert tokens(end_of([packed[i : i + 1] for i in range(len(packed))], kind, encoding)) == (3, 4)


@pytest.mark.parametrize(
    ("body", "kind", "encoding"),
    [
        (b"", JSON, ""),
        (b"{", JSON, ""),
        (b"null", JSON, ""),
        (b"[1, 2]", JSON, ""),
        (b"[" * 100_000, JSON, ""),
        (b'{"usage":' * 100_000, JSON, ""),
        (b'{"usage": "\xff"}', JSON, ""),
        (b'{"usage": []}', JSON, ""),
        (b'{"usage": {"seconds": 3}}', JSON, ""),
        (b'{"id": "1"}', JSON, ""),
        (BODY, "text/plain", ""),
        (BODY, "", ""),
        (BODY, JSON, "gzip"),
        (BODY, JSON, "br"),
        (gzip.compress(BODY, mtime=0)[:30], JSON, "gzip"),
        (b"data: " + b"[" * 100_000 + b'"usage\n\n', EVENTS, ""),
        (b"\xff" * 100, EVENTS, ""),
    ],
    ids=lambda value: repr(value)[:25],
)
def test_what_tells_no_usage(body: bytes, kind: str, encoding: str) -> None:
    for dialect in DIALECTS:
        assert end_of([body], kind, encoding, dialect) is None


def test_an_answer_that_is_too_large_is_not_held() -> None:
    padding = b" " * (metering.LARGEST_BODY // 8)
    assert end_of([*[padding] * 8, BODY]) is None
    assert tokens(end_of([*[padding] * 7, BODY])) == (3, 4)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b" " * (metering.LARGEST_EXPANSION + 1) + BODY)
    assert end_of([bomb], encoding="gzip") is None


def test_an_event_without_end_is_not_held() -> None:
    piece = b"data: " + b"x" * (8 << 20)
    assert end_of([*[piece] * 9, events(ANSWER)], EVENTS) is None


@pytest.mark.parametrize(
    ("body", "kind", "model"),
    [
        (b'{"model": "m", "messages": []}', JSON, "m"),
        (b'{"model": 7}', JSON, ""),
        (b"{}", JSON, ""),
        (b"[]", JSON, ""),
        (b"{", JSON, ""),
        (b"", JSON, ""),
        (b"[" * 100_000, JSON, ""),
        (b'{"model": "m"}', "text/plain", ""),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_the_model_that_was_asked(body: bytes, kind: str, model: str) -> None:
    assert model_asked(body, kind) == model


def test_kinds() -> None:
    assert kind_of(" Application/JSON ; charset=utf-8") == JSON
    assert kind_of("") == ""


def test_a_compressed_error_is_read() -> None:
    assert readable(gzip.compress(b"no"), "gzip") == b"no"
    assert readable(b"no", "gzip") == b"no"
    assert readable(b"no", "br") == b"no"
    assert readable(b"no", "") == b"no"
