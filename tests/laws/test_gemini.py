"""What only Google's Gemini API has, beside the laws of every language: arrays, unfinished streams, error objects."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.gemini.render_stream import ChunkRenderer
from tests.laws.languages.gemini import GEMINI, UNFINISHED, canonical_answer, chunks_of, fold_chunks
from tests.laws.reading import read_stream
from tests.recordings import Exchange, recordings_absent

ARRAYS = [one for one in GEMINI.successful() if isinstance(one.body, list)]
ERRORS = [one for one in GEMINI.exchanges if one.response["status"] != 200]
CUT_OFF = [one for one in GEMINI.exchanges if one.name in UNFINISHED]


def named(exchange: Exchange) -> str:
    return exchange.name


@pytest.mark.skipif(bool(recordings_absent()), reason=recordings_absent())
def test_recordings_are_read() -> None:
    assert (len(ARRAYS), len(CUT_OFF)) == (3, 2)
    assert len(ERRORS) >= 10


@pytest.mark.parametrize("exchange", GEMINI.streams(), ids=named)
def test_an_array_holds_the_chunks_of_the_stream(exchange: Exchange) -> None:
    assert render_array(exchange.stream) == chunks_of(GEMINI.render_stream(exchange.stream))


@pytest.mark.parametrize("exchange", ARRAYS, ids=named)
def test_recorded_arrays_are_streams_too(exchange: Exchange) -> None:
    stream = b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in exchange.body)
    assert canonical_answer(fold_chunks(render_array(stream))) == canonical_answer(fold_chunks(exchange.body))


@pytest.mark.parametrize("exchange", CUT_OFF, ids=named)
def test_a_stream_without_a_finish_reason_is_cut_off(exchange: Exchange) -> None:
    with pytest.raises(GatewayError) as caught:
        read_stream(GEMINI.client, [exchange.stream])
    assert caught.value.reason is Reason.STREAM_INTERRUPTED


@pytest.mark.parametrize("exchange", ERRORS, ids=named)
def test_recorded_errors_keep_their_words(exchange: Exchange) -> None:
    error = exchange.body["error"]
    failure = GEMINI.client.chat.decode_error(exchange.response["status"], {}, json.dumps(exchange.body).encode())
    assert failure.message == error["message"]
    assert failure.metadata["upstream_status"] == str(error["code"])
    assert failure.metadata["upstream_type"] == error["status"]


def render_array(stream: bytes) -> Any:
    renderer = ChunkRenderer(fallback_id="fallback", sse=False)
    return json.loads(b"".join(renderer.render(batch) for batch in read_stream(GEMINI.client, [stream])))
