"""Whatever a provider sends, nothing but GatewayError comes out of the decoders, and the face can show what does."""

from __future__ import annotations

import contextlib
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.reasons import GatewayError
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.cohere import CLIENT as COHERE
from gateway_dialects.cohere.render_response import render_chat
from gateway_dialects.cohere.render_stream import ChunkRenderer
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import ServerSentEvent
from tests.gateway_dialects.cohere.client.shapes import ANSWER, BODIES, EVENT
from tests.gateway_dialects.kit.enduring import check_error, check_model_list, check_nesting

PROPERTY = settings(
    max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
DEEP = b'{"message":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
END = {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "date", "content-type", "x-debug-trace-id"]),
    st.sampled_from(
        ["", "1", "-3", "nan", "1e400", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 -0000"]
    ),
)


@PROPERTY
@given(BODIES | ANSWER.map(lambda answer: json.dumps(answer).encode()))
def test_a_whole_answer(body: bytes) -> None:
    with contextlib.suppress(GatewayError):
        answer = COHERE.chat.decode(body, "p")
        answer.SerializeToString()
        json.loads(render_chat(answer, "fallback"))


@PROPERTY
@given(st.lists(BODIES, max_size=4))
def test_a_stream(bodies: list[bytes]) -> None:
    decoder, batch = COHERE.stream.decoder(), StreamResponse()
    with contextlib.suppress(GatewayError):
        for body in bodies:
            decoder.feed(ServerSentEvent(body or b"x"), batch)
        decoder.finish(batch)
    batch.SerializeToString()


@PROPERTY
@given(st.lists(EVENT, min_size=1, max_size=6))
def test_a_stream_of_strange_events_is_whole_or_an_error(events: list[object]) -> None:
    decoder, batch = COHERE.stream.decoder(), StreamResponse()
    try:
        for event in [*events, END]:
            decoder.feed(ServerSentEvent(json.dumps(event).encode()), batch)
        decoder.finish(batch)
    except GatewayError:
        return
    kinds = [event.WhichOneof("event") for event in batch.events]
    assert (kinds[0], kinds[-1], kinds.count("finished")) == ("started", "finished", 1)
    assert kinds.count("part_started") == kinds.count("part_finished")
    accumulate([batch])
    assert ChunkRenderer(fallback_id="fallback").render(batch).endswith(b"data: [DONE]\n\n")


@PROPERTY
@given(st.integers(100, 599), HEADERS, BODIES)
def test_an_error(status: int, headers: dict[str, str], body: bytes) -> None:
    check_error(COHERE, status, headers, body)


@PROPERTY
@given(BODIES)
def test_a_model_list(body: bytes) -> None:
    check_model_list(COHERE, body)


def test_an_answer_that_is_nested_without_end() -> None:
    check_nesting(COHERE, DEEP)
