"""The laws of a dialect of OpenAI's form, as checks on one exchange."""

from __future__ import annotations

import json
import random

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatResponse
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Dialect
from tests.laws.canonical import end_of_content, fold_chunks
from tests.laws.reading import one_batch, read_stream
from tests.recordings import Exchange


def check_fold(dialect: Dialect, exchange: Exchange) -> tuple[ChatResponse, ChatResponse]:
    """The stream's fold, and the whole answer that an independent fold of its chunks decodes to."""
    folded = accumulate(read_stream(dialect, [exchange.stream]))
    whole = dialect.chat.decode(json.dumps(fold_chunks(exchange.stream)).encode(), "p")
    assert [candidate.finish_reason for candidate in folded.candidates] == [
        candidate.finish_reason for candidate in whole.candidates
    ]
    assert (folded.id, folded.model, folded.usage.total_tokens) == (whole.id, whole.model, whole.usage.total_tokens)
    return folded, whole


def check_any_split(dialect: Dialect, exchange: Exchange) -> None:
    stream = exchange.stream
    expected = one_batch(read_stream(dialect, [stream]))
    assert one_batch(read_stream(dialect, [stream[i : i + 1] for i in range(len(stream))])) == expected
    chance = random.Random(exchange.name)
    for _ in range(20):
        cut = chance.randrange(len(stream))
        assert one_batch(read_stream(dialect, [stream[:cut], stream[cut:]])) == expected


def check_any_truncation(dialect: Dialect, exchange: Exchange) -> None:
    stream = exchange.stream
    end = end_of_content(stream)
    chance = random.Random(exchange.name)
    for cut in [0, 1, end - 1, *(chance.randrange(end) for _ in range(25))]:
        with pytest.raises(GatewayError) as caught:
            read_stream(dialect, [stream[:cut]])
        assert caught.value.reason is Reason.STREAM_INTERRUPTED
    accumulate(read_stream(dialect, [stream[: stream.index(b"\n", end) if b"\n" in stream[end:] else None]]))
