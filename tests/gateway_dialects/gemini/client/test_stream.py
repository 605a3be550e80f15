"""Streamed answers: what grows, what comes whole, and when an answer is complete."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import FinishReason
from dragoman.v1.content_pb2 import Part, Signature
from dragoman.v1.stream_pb2 import StreamEvent, StreamResponse
from gateway_dialects.gemini import CLIENT as GEMINI
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import ServerSentEvent
from tests.gateway_dialects.gemini.client.answering import answer, candidate, streamed

CALL = {"functionCall": {"name": "f", "args": {"x": 1}}}
END = answer("", finish="STOP")


def kinds(events: list[StreamEvent]) -> list[str | None]:
    return [event.WhichOneof("event") for event in events]


def interrupted(*chunks: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        streamed(*chunks)
    return caught.value


def test_text_is_one_part_that_grows() -> None:
    events = streamed(answer("Hel", finish=None, responseId="r"), answer("lo", finish=None), END)
    assert kinds(events) == ["started", "part_started", "part_delta", "part_delta", "part_finished", "finished"]
    assert events[0].started.id == "r"
    assert [event.part_delta.text for event in events[2:4]] == ["Hel", "lo"]


def test_stop_in_a_later_chunk_than_the_call() -> None:
    events = streamed(answer(CALL, finish=None), END)
    assert kinds(events) == ["started", "part_started", "part_delta", "part_finished", "finished"]
    assert events[1].part_started.part.tool_call.arguments_json == ""
    assert events[2].part_delta.arguments_json == '{"x":1}'
    (ending,) = events[-1].finished.candidates
    assert (ending.finish_reason, ending.raw_finish_reason) == (FinishReason.FINISH_REASON_TOOL_CALLS, "STOP")


@pytest.mark.parametrize("word", ["MAX_TOKENS", "SAFETY"])
def test_other_reasons_beside_calls_stand(word: str) -> None:
    (ending,) = streamed(answer(CALL, finish=None), answer("", finish=word))[-1].finished.candidates
    assert ending.finish_reason not in (FinishReason.FINISH_REASON_TOOL_CALLS, FinishReason.FINISH_REASON_STOP)


def test_streamed_calls_have_the_ids_of_whole_ones() -> None:
    events = streamed(answer(CALL, finish=None, responseId="r"), answer(CALL, responseId="r"))
    ids = [event.part_started.part.tool_call.id for event in events if event.WhichOneof("event") == "part_started"]
    whole = GEMINI.chat.decode(json.dumps(answer(CALL, CALL, responseId="r")).encode(), "p")
    assert ids == [part.tool_call.id for part in whole.candidates[0].parts]


def test_parts_of_other_kinds_end_one_another() -> None:
    thought = {"text": "hm", "thought": True}
    events = streamed(answer(thought, finish=None), answer(thought, "So", CALL, "and", finish=None), END)
    started = [event.part_started for event in events if event.WhichOneof("event") == "part_started"]
    finished = [event.part_finished.part_index for event in events if event.WhichOneof("event") == "part_finished"]
    assert [begun.part_index for begun in started] == finished == [0, 1, 2, 3]
    assert [begun.part.WhichOneof("kind") for begun in started] == ["reasoning", "text", "tool_call", "text"]


def test_a_signature_behind_a_text_ends_it() -> None:
    signed = {"text": "", "thoughtSignature": "c2ln"}
    events = streamed(answer("So.", finish=None), answer(signed, "And", finish=None), answer(signed))
    ended = [event.part_finished for event in events if event.WhichOneof("event") == "part_finished"]
    expected = Signature(provider="gemini", value="c2ln")
    assert [part.signature for part in ended] == [expected, expected]
    parts = accumulate([StreamResponse(events=events)]).candidates[0].parts
    assert list(parts) == [Part(text="So.", signature=expected), Part(text="And", signature=expected)]


def test_a_signed_text_is_a_part_of_its_own() -> None:
    events = streamed(answer("So", finish=None), answer({"text": ".", "thoughtSignature": "c2ln"}))
    parts = accumulate([StreamResponse(events=events)]).candidates[0].parts
    assert list(parts) == [Part(text="So"), Part(text=".", signature=Signature(provider="gemini", value="c2ln"))]


def test_sources_come_before_their_text_ends() -> None:
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a.example"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 3, "endIndex": 7}, "groundingChunkIndices": [0]},
            {"segment": {"startIndex": 8, "endIndex": 10}, "groundingChunkIndices": [0]},
        ],
    }
    last = {"candidates": [candidate("lå", CALL, "du!", groundingMetadata=grounding)]}
    events = streamed(answer("é b", finish=None), last)
    cited = [
        (event.part_delta.part_index, citation.uri, citation.start_index, citation.end_index)
        for event in events
        for citation in event.part_delta.citations
    ]
    assert cited == [(0, "https://a.example", 2, 5), (2, "https://a.example", 1, 3)]
    assert kinds(events)[-3:] == ["part_delta", "part_finished", "finished"]
    whole = GEMINI.chat.decode(
        json.dumps({"candidates": [candidate("é blå", CALL, "du!", groundingMetadata=grounding)]}).encode(), "p"
    )
    assert accumulate([StreamResponse(events=events)]).candidates == whole.candidates


def test_usage_is_the_last_that_was_told() -> None:
    def told(tokens: int) -> dict[str, Any]:
        return {"usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": tokens, "thoughtsTokenCount": 7}}

    usage = streamed(answer("a", finish=None, **told(1)), answer("b", **told(2)), told(3))[-1].finished.usage
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens, usage.total_tokens) == (5, 10, 7, 15)


def test_what_follows_the_finish_reason_belongs_to_the_answer() -> None:
    grounding: dict[str, Any] = {"groundingChunks": []}
    events = streamed(answer("a"), {"candidates": [{"groundingMetadata": grounding, "index": 0}]}, {"newField": 1})
    finished = events[-1].finished
    assert json.loads(finished.candidates[0].provider_details_json["gemini"]) == {"groundingMetadata": grounding}
    assert json.loads(finished.provider_details_json["gemini"]) == {"newField": 1}


def test_a_refused_prompt() -> None:
    events = streamed({"promptFeedback": {"blockReason": "SAFETY"}})
    assert kinds(events) == ["started", "finished"]
    (ending,) = events[-1].finished.candidates
    assert (ending.finish_reason, ending.raw_finish_reason) == (FinishReason.FINISH_REASON_CONTENT_FILTER, "SAFETY")


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [answer("a", finish=None)],
        [{"usageMetadata": {"promptTokenCount": 1}}],
        [{"candidates": [candidate("a"), candidate("b", index=1, finish=None)]}],
        [answer("a", finish="")],
    ],
)
def test_a_stream_without_its_end_is_interrupted(chunks: list[Any]) -> None:
    assert interrupted(*chunks).reason is Reason.STREAM_INTERRUPTED


@pytest.mark.parametrize(
    ("chunk", "reason"),
    [
        ({"error": {"code": 503, "message": "busy"}}, Reason.UPSTREAM_OVERLOADED),
        ([{"error": {"code": 429, "message": "slow"}}], Reason.RATE_LIMITED),
        ({"error": "text"}, Reason.UPSTREAM_UNAVAILABLE),
        (answer("", finish="MALFORMED_FUNCTION_CALL"), Reason.UPSTREAM_INVALID_RESPONSE),
        ({"candidates": ["x"]}, Reason.UPSTREAM_INVALID_RESPONSE),
        ({"candidates": [{"content": {"parts": [7]}}]}, Reason.UPSTREAM_INVALID_RESPONSE),
        ([], Reason.UPSTREAM_INVALID_RESPONSE),
        ("text", Reason.UPSTREAM_INVALID_RESPONSE),
    ],
)
def test_failures_inside_a_stream(chunk: Any, reason: Reason) -> None:
    assert interrupted(answer("a", finish=None), chunk).reason is reason


def test_sound_comes_as_it_is_made() -> None:
    def sound(data: str) -> dict[str, Any]:
        return answer({"inlineData": {"mimeType": "audio/L16", "data": data}}, finish=None)

    events = streamed(sound("AAE="), sound("AgM="), END)
    assert [event.part_delta.data for event in events[2:4]] == [b"\0\1", b"\2\3"]


def test_nothing_is_read_after_the_end() -> None:
    decoder, batch = GEMINI.stream.decoder(), StreamResponse()
    decoder.feed(ServerSentEvent(json.dumps(answer("a")).encode()), batch)
    assert decoder.complete
    assert not decoder.done
    decoder.finish(batch)
    count = len(batch.events)
    decoder.finish(batch)
    decoder.feed(ServerSentEvent(b"[DONE]"), batch)
    assert decoder.done
    assert len(batch.events) == count
