"""Whatever a provider sends, nothing but GatewayError comes out of the decoders."""

from __future__ import annotations

import contextlib
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.reasons import GatewayError
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.kit.dialect import ServerSentEvent
from gateway_dialects.openai import CLIENT as OPENAI
from tests.gateway_dialects.kit.enduring import check_error, check_model_list, check_nesting
from tests.gateway_dialects.openai.client.shapes import ANSWER, BODIES

PROPERTY = settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
DEEP = b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
HEADER_VALUES = st.sampled_from(
    ["", "1", "0.5", "-3", "nan", "inf", "1e400", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 -0000"]
) | st.text(st.characters(max_codepoint=255), max_size=40)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "date", "content-type", "x-request-id"]), HEADER_VALUES
)


@PROPERTY
@given(BODIES)
def test_a_whole_answer(body: bytes) -> None:
    with contextlib.suppress(GatewayError):
        OPENAI.chat.decode(body, "p").SerializeToString()


@PROPERTY
@given(st.lists(BODIES, max_size=4))
def test_a_stream(bodies: list[bytes]) -> None:
    decoder, batch = OPENAI.stream.decoder(), StreamResponse()
    with contextlib.suppress(GatewayError):
        for body in bodies:
            decoder.feed(ServerSentEvent(body or b"x"), batch)
        decoder.finish(batch)
    batch.SerializeToString()


@PROPERTY
@given(st.lists(ANSWER, min_size=1, max_size=3))
def test_a_stream_of_strange_chunks_is_whole_or_an_error(chunks: list[object]) -> None:
    decoder, batch = OPENAI.stream.decoder(), StreamResponse()
    try:
        for chunk in chunks:
            decoder.feed(ServerSentEvent(json.dumps(chunk).encode()), batch)
        decoder.finish(batch)
    except GatewayError:
        return
    assert batch.events[0].WhichOneof("event") == "started"
    assert [event.WhichOneof("event") for event in batch.events].count("finished") == 1
    assert batch.events[-1].WhichOneof("event") == "finished"


@PROPERTY
@given(st.integers(100, 599), HEADERS, BODIES)
def test_an_error(status: int, headers: dict[str, str], body: bytes) -> None:
    check_error(OPENAI, status, headers, body)


@PROPERTY
@given(BODIES)
def test_a_model_list(body: bytes) -> None:
    check_model_list(OPENAI, body)


def test_an_answer_that_is_nested_without_end() -> None:
    check_nesting(OPENAI, DEEP)
