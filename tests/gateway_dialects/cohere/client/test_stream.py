from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.cohere import CLIENT as COHERE
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import ServerSentEvent
from tests.gateway_dialects.cohere.client.answers import (
    PAGE,
    START,
    call_delta,
    call_start,
    citation_start,
    content_delta,
    content_start,
    details,
    feed,
    message_end,
    plan_delta,
)


def kinds(batch: StreamResponse) -> list[str]:
    return [event.WhichOneof("event") or "" for event in batch.events]


def decoded(*events: dict[str, Any]) -> Any:
    """The whole answer of a stream's events."""
    return accumulate([feed(COHERE.stream.decoder(), *events)])


def test_a_stream() -> None:
    decoder = COHERE.stream.decoder()
    text = feed(decoder, START, content_start(0, type="text", text=""), content_delta(0, text="Hi"))

    assert kinds(text) == ["started", "part_started", "part_delta"]
    assert text.events[0].started.id == "a1"
    assert (decoder.complete, decoder.done) == (False, False)
    end = feed(decoder, {"type": "content-end", "index": 0}, message_end(usage={"tokens": {"output_tokens": 1}}))
    assert kinds(end) == ["part_finished", "finished"]
    assert end.events[1].finished.usage.output_tokens == 1
    assert (decoder.complete, decoder.done) == (True, True)


def test_what_follows_the_end_is_not_read() -> None:
    decoder = COHERE.stream.decoder()
    feed(decoder, START, message_end())
    batch = StreamResponse()
    decoder.feed(ServerSentEvent(b"[DONE]"), batch)
    decoder.feed(ServerSentEvent(b"not JSON"), batch)
    decoder.finish(batch)

    assert not batch.events


def test_calls_are_numbered_apart_from_content() -> None:
    """Index 0 is a thought and a call here: two namespaces."""
    answer = decoded(
        START,
        content_start(0, type="thinking", thinking=""),
        content_delta(0, thinking="Hm"),
        {"type": "content-end", "index": 0},
        plan_delta("I will"),
        plan_delta(" look."),
        call_start(0, "c1", "f"),
        call_delta(0, '{"a"'),
        call_delta(0, ":1}"),
        {"type": "tool-call-end", "index": 0},
        call_start(1, "c2", "g"),
        {"type": "tool-call-end", "index": 1},
        message_end("TOOL_CALL"),
    )
    thought, plan, first, second = answer.candidates[0].parts

    assert (thought.reasoning.text, plan.reasoning.text) == ("Hm", "I will look.")
    assert (first.tool_call.id, first.tool_call.arguments_json) == ("c1", '{"a":1}')
    assert (second.tool_call.id, second.tool_call.name, second.tool_call.arguments_json) == ("c2", "g", "{}")


@pytest.mark.parametrize(
    ("pieces", "arguments"),
    [
        ([], "{}"),
        (["", ""], "{}"),
        (["null"], "{}"),
        (["n", "u", "l", "l"], "{}"),
        ([" ", "null"], "{}"),
        (["nu", "mber"], "number"),
        (["null", "able"], "nullable"),
        ([" ", "{", "}"], " {}"),
        (["nu"], "nu"),
    ],
)
def test_arguments_that_may_be_null(pieces: list[str], arguments: str) -> None:
    deltas = [call_delta(0, piece) for piece in pieces]
    answer = decoded(START, call_start(0, "c1", "f"), *deltas, message_end("TOOL_CALL"))

    assert answer.candidates[0].parts[0].tool_call.arguments_json == arguments


def test_a_call_ends_when_the_next_begins() -> None:
    batch = feed(COHERE.stream.decoder(), START, call_start(0, "c1", "f"), call_start(1, "c2", "g"))

    assert kinds(batch) == ["started", "part_started", "part_delta", "part_finished", "part_started"]


def test_a_citation_comes_at_once() -> None:
    citation = {"start": 0, "end": 2, "text": "Hi", "sources": [PAGE], "content_index": 0}
    decoder = COHERE.stream.decoder()
    batch = feed(decoder, START, content_start(0, type="text", text="Hi"), citation_start(citation))
    (found,) = batch.events[-1].part_delta.citations

    assert (found.uri, found.title, found.start_index, found.end_index) == ("https://example.com/r", "Ruby", 0, 2)
    assert details(found, "cohere") == citation
    end = feed(decoder, message_end())
    assert [event.WhichOneof("event") for event in end.events] == ["part_finished", "finished"]
    assert accumulate([batch, end]).candidates[0].parts[0].citations == [found]


def test_a_citation_that_comes_before_what_it_cites() -> None:
    early = {"start": 0, "end": 2, "content_index": 0}
    answer = decoded(START, citation_start(early), content_start(0, type="text", text="Hi"), message_end())

    assert [details(citation, "cohere") for citation in answer.candidates[0].parts[0].citations] == [early]


def test_citations_may_come_in_a_list_and_of_nothing() -> None:
    known, lost = {"start": 0, "text": "H"}, {"start": 0, "content_index": 3}
    answer = decoded(START, content_start(0, type="text", text="Hi"), citation_start([known, lost]), message_end())

    assert [details(citation, "cohere") for citation in answer.candidates[0].parts[0].citations] == [known]
    assert details(answer.candidates[0], "cohere") == {"message": {"citations": [lost]}}


def test_log_probabilities_come_with_their_text() -> None:
    item = {"text": "Hi", "token_ids": [7], "logprobs": [-0.25]}
    batch = feed(
        COHERE.stream.decoder(),
        START,
        content_start(0, type="text", text=""),
        {**content_delta(0, text="Hi"), "logprobs": item},
    )
    delta = batch.events[-1].part_delta

    assert (delta.text, delta.logprobs.content[0].logprob) == ("Hi", -0.25)
    assert details(delta, "cohere") == {"logprobs": item}


def test_content_without_a_beginning_begins_by_itself() -> None:
    answer = decoded(content_delta(0, thinking="Hm"), content_delta(0, text="Hi"), content_delta(1, text="!"), message_end())
    thought, text, more = answer.candidates[0].parts

    assert (thought.reasoning.text, text.text, more.text) == ("Hm", "Hi", "!")


def test_what_is_not_known_here_is_kept_whole() -> None:
    answer = decoded(
        START,
        {"type": "debug", "prompt": "x"},
        content_start(0, type="song", notes="do "),
        content_delta(0, notes="re", key="C"),
        content_start(1, type="text", text="La", mood="gay"),
        message_end(),
    )
    song, text = answer.candidates[0].parts

    assert (song.opaque.dialect, song.opaque.json) == ("cohere", '{"type":"song","notes":"do re","key":"C"}')
    assert details(text, "cohere") == {"mood": "gay"}


def test_an_error_at_the_end() -> None:
    decoder = COHERE.stream.decoder()
    feed(decoder, START, plan_delta("I will"))
    with pytest.raises(GatewayError) as caught:
        feed(decoder, message_end("ERROR", usage={}, error="bad tools", error_type="INVALID_TOOL_GENERATION"))
    assert (caught.value.reason, caught.value.message) == (Reason.UPSTREAM_INVALID_RESPONSE, "bad tools")
    assert caught.value.metadata == {
        "upstream_status": "422",
        "upstream_message": "bad tools",
        "upstream_type": "INVALID_TOOL_GENERATION",
    }
    assert decoder.done is False


def test_an_error_beside_a_good_word_is_an_error() -> None:
    with pytest.raises(GatewayError) as caught:
        decoded(START, message_end("COMPLETE", error="it broke"))
    assert caught.value.message == "it broke"


def test_an_error_in_place_of_an_event() -> None:
    with pytest.raises(GatewayError) as caught:
        decoded(START, {"message": "internal error", "id": "x"})
    assert (caught.value.reason, caught.value.message) == (Reason.UPSTREAM_UNAVAILABLE, "internal error")


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content-start", "index": 0},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": []}}},
        {"type": "content-delta", "index": "0", "delta": {"message": {"content": {"text": "x"}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": "x"}}},
        {"type": "content-delta", "index": 0, "delta": 5},
        {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": []}}},
        {"type": "tool-call-delta", "index": 3, "delta": {"message": {"tool_calls": {"function": {"arguments": "x"}}}}},
        {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": {"function": "f"}}}},
        {"type": "citation-start", "index": 0, "delta": {"message": {"citations": None}}},
        {"type": "citation-start", "index": 0, "delta": {"message": {"citations": ["x"]}}},
        {"type": "message-end"},
        {"type": "message-end", "delta": {"usage": {}}},
        {"type": "message-end", "delta": {"finish_reason": 5}},
    ],
)
def test_events_that_break_the_format(event: dict[str, Any]) -> None:
    with pytest.raises(GatewayError) as caught:
        decoded(START, event)
    assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE


@pytest.mark.parametrize("data", [b"x", b"[]", b"5", b'"x"', b"\xff"])
def test_events_that_are_no_objects(data: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        COHERE.stream.decoder().feed(ServerSentEvent(data), StreamResponse())
    assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE


@pytest.mark.parametrize(
    "events", [[], [START], [START, content_start(0, type="text", text="Hi"), {"type": "content-end", "index": 0}]]
)
def test_a_stream_that_ends_early(events: list[dict[str, Any]]) -> None:
    decoder = COHERE.stream.decoder()
    batch = feed(decoder, *events)
    with pytest.raises(GatewayError) as caught:
        decoder.finish(batch)
    assert caught.value.reason is Reason.STREAM_INTERRUPTED
    with pytest.raises(GatewayError) as caught:
        decoder.feed(ServerSentEvent(b"[DONE]"), batch)
    assert caught.value.reason is Reason.STREAM_INTERRUPTED
