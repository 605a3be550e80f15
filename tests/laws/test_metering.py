"""A law of what passes by untouched: the usage read on the way is the usage that the dialect itself decodes."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Sequence

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.proxy_pb2 import ProxyEnd
from gateway_core.passthrough.metering import Meter
from gateway_core.providers.registry import DIALECTS
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Dialect
from tests.laws.reading import read_stream
from tests.recordings import Exchange, exchanges, recordings_absent

EVENTS, JSON = "text/event-stream", "application/json"


def dialect_of(exchange: Exchange) -> Dialect | None:
    """The one that the exchange is in; None for one that no dialect decodes."""
    path, vendor = exchange.request["path"], exchange.vendor.removeprefix("fixtures-")
    if "count" in path:
        return None
    if "/chat/completions" in path:
        return DIALECTS[vendor if vendor in ("mistral", "azure") else "openai"]
    if path.endswith("/responses"):
        return DIALECTS["openai-responses"]
    if "enerateContent" in path:
        return DIALECTS["gemini"]
    found = {"/v1/messages": "anthropic", "/v2/chat": "cohere", "/v1/completions": "openai-completions"}.get(path)
    return DIALECTS[found] if found else None


SPOKEN = [(one, dialect) for one in exchanges("") if one.response["status"] == 200 and (dialect := dialect_of(one))]
WHOLE = [(one, dialect) for one, dialect in SPOKEN if isinstance(one.body, dict)]
STREAMED = [(one, dialect) for one, dialect in SPOKEN if "stream" in one.response]


def named(value: object) -> str:
    return value.name if isinstance(value, (Exchange, Dialect)) else str(value)


def metered(dialect: Dialect, kind: str, pieces: Sequence[bytes], encoding: str = "") -> ProxyEnd:
    """The end of an answer that arrives in these pieces, with nothing in it where none was told."""
    meter = Meter(dialect, kind, encoding)
    for piece in pieces:
        meter.feed(piece)
    return meter.finish() or ProxyEnd()


def counts(end: ProxyEnd | ChatResponse) -> tuple[dict[str, int], str]:
    """The tokens, and the tier where they are priced by it."""
    tokens = {field.name: value for field, value in end.usage.ListFields() if "tokens" in field.name}
    return tokens, end.service_tier if tokens else ""


def split(text: bytes, chance: random.Random) -> list[bytes]:
    cuts = sorted(chance.randrange(len(text) + 1) for _ in range(5))
    return [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@pytest.mark.skipif(bool(recordings_absent()), reason=recordings_absent())
def test_recordings_are_read() -> None:
    for dialect in DIALECTS.values():
        assert [one for one, its in WHOLE if its is dialect]
        assert [one for one, its in STREAMED if its is dialect]


@pytest.mark.parametrize(("exchange", "dialect"), WHOLE, ids=named)
def test_a_whole_answer(exchange: Exchange, dialect: Dialect) -> None:
    body = json.dumps(exchange.body).encode()
    try:
        expected = dialect.chat.decode(body, "p")
    except GatewayError:
        pytest.skip("the dialect does not take this answer")
    pieces = split(body, random.Random(exchange.name))
    assert counts(metered(dialect, JSON, pieces)) == counts(expected)
    assert counts(metered(dialect, JSON, [zlib.compress(body)], "deflate")) == counts(expected)


@pytest.mark.parametrize(("exchange", "dialect"), STREAMED, ids=named)
def test_a_stream(exchange: Exchange, dialect: Dialect) -> None:
    try:
        expected = accumulate(read_stream(dialect, [exchange.stream]))
    except GatewayError:
        pytest.skip("the dialect does not take this stream")
    pieces = split(exchange.stream, random.Random(exchange.name))
    assert counts(metered(dialect, EVENTS, pieces)) == counts(expected)


@pytest.mark.parametrize(("exchange", "dialect"), [*WHOLE, *STREAMED], ids=named)
def test_a_provider_that_speaks_several_dialects(exchange: Exchange, dialect: Dialect) -> None:
    """Whichever of its APIs is asked, the same is counted; Mistral's own way with sound is Mistral's alone."""
    kind, body = (EVENTS, exchange.stream) if "stream" in exchange.response else (JSON, json.dumps(exchange.body).encode())
    own = metered(dialect, kind, [body])
    for other in DIALECTS.values():
        if "mistral" not in (dialect.name, other.name):
            assert counts(metered(other, kind, [body])) == counts(own)
