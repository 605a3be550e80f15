"""Whatever a provider sends, nothing but GatewayError comes out of the decoders."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.v1.stream_pb2 import StreamResponse
from gateway_core.errors import GatewayError, Reason
from gateway_core.providers.dialect import ServerSentEvent
from gateway_core.providers.openai.dialect import OPENAI
from tests.gateway_core.providers.openai.shapes import ANSWER, BODIES

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
        OPENAI.decode_chat(body).SerializeToString()


@PROPERTY
@given(st.lists(BODIES, max_size=4))
def test_a_stream(bodies: list[bytes]) -> None:
    decoder, batch = OPENAI.stream_decoder(), StreamResponse()
    with contextlib.suppress(GatewayError):
        for body in bodies:
            decoder.feed(ServerSentEvent(body or b"x"), batch)
        decoder.finish(batch)
    batch.SerializeToString()


@PROPERTY
@given(st.lists(ANSWER, min_size=1, max_size=3))
def test_a_stream_of_strange_chunks_is_whole_or_an_error(chunks: list[object]) -> None:
    decoder, batch = OPENAI.stream_decoder(), StreamResponse()
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
    failure = OPENAI.decode_error(status, headers, body)
    assert failure.message
    assert int(failure.metadata["upstream_status"]) == status
    assert all(isinstance(value, str) for value in failure.metadata.values())
    assert failure.retry_after_s is None or failure.retry_after_s >= 0


@PROPERTY
@given(BODIES)
def test_a_model_list(body: bytes) -> None:
    with contextlib.suppress(GatewayError):
        for model in OPENAI.decode_list_models(body, "p"):
            assert model.id.startswith("p/")


def test_an_answer_that_is_nested_without_end() -> None:
    decoder = OPENAI.stream_decoder()
    assert OPENAI.decode_error(500, {}, DEEP).reason is Reason.UPSTREAM_UNAVAILABLE
    for decode in (
        OPENAI.decode_chat,
        lambda body: OPENAI.decode_list_models(body, "p"),
        lambda body: decoder.feed(ServerSentEvent(body), StreamResponse()),
    ):
        with pytest.raises(GatewayError) as caught:
            decode(DEEP)
        assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE
