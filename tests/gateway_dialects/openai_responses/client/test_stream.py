"""Streamed answers that leave something out or break their form. Whole ones are in the laws."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatResponse, FinishReason
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_core.execution.streams import committed
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import ServerSentEvent
from gateway_dialects.openai_responses import CLIENT as OPENAI_RESPONSES

BEGUN = {"type": "response.created", "response": {"id": "resp_1", "model": "m", "status": "in_progress"}}
MESSAGE = {"type": "message", "id": "msg_1", "content": []}
ADDED = {"type": "response.output_item.added", "output_index": 0, "item": MESSAGE}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": ""}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": []}


def says(text: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text}


def message(*texts: str) -> dict[str, Any]:
    return {**MESSAGE, "content": [{"type": "output_text", "text": text} for text in texts]}


def ended(*output: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "response.completed", "response": {"status": "completed", "output": list(output), **fields}}


def batch_of(*events: Any) -> StreamResponse:
    """What all these events become. Raises GatewayError."""
    decoder, batch = OPENAI_RESPONSES.stream.decoder(), StreamResponse()
    for event in events:
        decoder.feed(ServerSentEvent(event if isinstance(event, bytes) else json.dumps(event).encode()), batch)
    decoder.finish(batch)
    assert decoder.complete
    return batch


def folded(*events: Any) -> ChatResponse:
    return accumulate([batch_of(*events)])


def texts(answer: ChatResponse) -> list[str]:
    return [part.text for part in answer.candidates[0].parts]


def failed(*events: Any) -> tuple[Reason, str]:
    with pytest.raises(GatewayError) as caught:
        batch_of(*events)
    return caught.value.reason, caught.value.message


def test_events_of_the_future_are_passed_over() -> None:
    events = [{"type": "keepalive"}, {"type": "response.of_the_future", "output_index": 5}, {"no": "type"}]
    assert texts(folded(BEGUN, *events, ADDED, says("Hi"), {"type": "x", "output_index": 0}, ended())) == ["Hi"]


def test_another_provider_can_take_over_until_there_is_content() -> None:
    decoder, batch = OPENAI_RESPONSES.stream.decoder(), StreamResponse()
    waiting = [BEGUN, {**BEGUN, "type": "response.in_progress"}, {**ADDED, "item": THOUGHT}, {**ADDED, "output_index": 1}]
    for event in waiting:
        decoder.feed(ServerSentEvent(json.dumps(event).encode()), batch)
    assert not committed(batch)
    decoder.feed(ServerSentEvent(json.dumps({**says("Hi"), "output_index": 1}).encode()), batch)
    assert committed(batch)


def test_the_whole_text_completes_its_deltas() -> None:
    done = {"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "Hi there"}
    assert texts(folded(BEGUN, ADDED, says("Hi"), done, ended())) == ["Hi there"]
    assert texts(folded(BEGUN, ADDED, says("Hi"), ended(message("Hi there", "!")))) == ["Hi there", "!"]


def test_an_answer_that_only_its_last_event_tells() -> None:
    thought = {**THOUGHT, "summary": [{"text": "A"}, {"text": "B"}], "encrypted_content": "gAAA"}
    custom = {**CALL, "type": "custom_tool_call", "input": "ls"}
    answer = folded(ended(thought, message("Hi"), {**CALL, "arguments": '{"a":1}'}, custom, {"type": "x"}, id="resp_1"))
    first, second, third, fourth, fifth = answer.candidates[0].parts
    assert answer.id == "resp_1"
    assert (first.reasoning.text, first.reasoning.encrypted) == ("A\n\nB", "gAAA")
    assert (second.text, third.tool_call.arguments_json, fourth.tool_call.input) == ("Hi", '{"a":1}', "ls")
    assert json.loads(fifth.opaque.json) == {"type": "x"}
    assert answer.candidates[0].finish_reason == FinishReason.FINISH_REASON_TOOL_CALLS


def test_text_of_an_item_that_was_not_announced() -> None:
    refusal = {"type": "response.refusal.delta", "output_index": 0, "content_index": 1, "delta": "No."}
    answer = folded(says("Hi"), refusal, ended())
    assert [(part.text, part.refusal) for part in answer.candidates[0].parts] == [("Hi", ""), ("", "No.")]


def test_arguments_of_a_call_that_was_not_announced_say_too_little() -> None:
    delta = {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{}"}
    assert folded(BEGUN, delta, ended()).candidates[0].parts == []


def test_citations_come_when_they_are_announced_or_with_the_whole_text() -> None:
    cited = [{"type": "url_citation", "url": f"https://e.com/{n}", "start_index": 0, "end_index": 2} for n in (1, 2)]
    added = {"type": "response.output_text.annotation.added", "output_index": 0, "content_index": 0, "annotation": cited[0]}
    whole = {**MESSAGE, "content": [{"type": "output_text", "text": "Hi", "annotations": cited}]}
    (part,) = folded(BEGUN, ADDED, says("Hi"), added, ended(whole)).candidates[0].parts
    assert [(citation.uri[-1], citation.start_index, citation.end_index) for citation in part.citations] == [
        ("1", 0, 2),
        ("2", 0, 2),
    ]


@pytest.mark.parametrize("whole", ["", "{}", None])
def test_a_tool_that_takes_nothing(whole: str | None) -> None:
    added = {**ADDED, "item": CALL}
    done = {"type": "response.output_item.done", "output_index": 0, "item": {**CALL, "arguments": whole}}
    (part,) = folded(BEGUN, added, done, ended()).candidates[0].parts
    assert part.tool_call.arguments_json == "{}"


def test_thoughts_where_summaries_were_expected() -> None:
    """Only one of them can be the part's text; the other is carried with the item."""
    delta = {"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "delta": "Hm"}
    item = {
        **THOUGHT,
        "summary": [{"type": "summary_text", "text": "S"}],
        "content": [{"type": "reasoning_text", "text": "Hm"}],
    }
    added, done = {**ADDED, "item": THOUGHT}, {"type": "response.output_item.done", "output_index": 0, "item": item}
    (part,) = folded(BEGUN, added, delta, done, ended()).candidates[0].parts
    assert (part.reasoning.text, part.reasoning.summary, part.reasoning.id) == ("Hm", False, "rs_1")
    assert json.loads(part.provider_details_json["openai-responses"]) == {"summary": item["summary"]}


def test_log_probabilities_that_come_only_at_the_end() -> None:
    tokens = [{"token": token, "logprob": -0.5} for token in ("Hi", "!")]
    whole = {**MESSAGE, "content": [{"type": "output_text", "text": "Hi!", "logprobs": tokens}]}
    answer = folded(BEGUN, ADDED, {**says("Hi"), "logprobs": tokens[:1]}, says("!"), ended(whole))
    assert [token.token for token in answer.candidates[0].logprobs.content] == ["Hi", "!"]
    assert texts(answer) == ["Hi!"]


def test_nothing_follows_the_end() -> None:
    events = [event.WhichOneof("event") for event in batch_of(BEGUN, ended(), says("x"), b"[DONE]", b"x").events]
    assert events == ["started", "finished"]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"type": "error", "error": {"code": "server_error", "message": "m"}}, Reason.UPSTREAM_UNAVAILABLE),
        ({"type": "error", "code": "rate_limit_exceeded", "message": "m", "param": None}, Reason.RATE_LIMITED),
        ({"type": "error", "code": "invalid_prompt", "message": "m"}, Reason.UPSTREAM_REJECTED),
        ({"type": "error"}, Reason.UPSTREAM_UNAVAILABLE),
        ({"error": {"message": "m", "code": "context_length_exceeded"}}, Reason.CONTEXT_LENGTH_EXCEEDED),
        ({"type": "response.failed", "response": {"error": {"code": "server_error"}}}, Reason.UPSTREAM_UNAVAILABLE),
        ({"type": "response.failed", "response": {"error": None}}, Reason.UPSTREAM_UNAVAILABLE),
        ({"type": "response.failed"}, Reason.UPSTREAM_INVALID_RESPONSE),
        ({"type": "response.cancelled", "response": {"status": "cancelled"}}, Reason.UPSTREAM_UNAVAILABLE),
        ({"type": "response.completed", "response": {"status": "failed"}}, Reason.UPSTREAM_UNAVAILABLE),
        ({"type": "response.completed"}, Reason.UPSTREAM_INVALID_RESPONSE),
        ({"type": "response.output_item.added", "output_index": 0}, Reason.UPSTREAM_INVALID_RESPONSE),
        ({"type": "response.output_item.added", "output_index": "0", "item": {}}, Reason.UPSTREAM_INVALID_RESPONSE),
        (ended({**CALL, "name": None}), Reason.UPSTREAM_INVALID_RESPONSE),
        (ended({"id": "x"}), Reason.UPSTREAM_INVALID_RESPONSE),
        (b"[DONE]", Reason.STREAM_INTERRUPTED),
        (b"{", Reason.UPSTREAM_INVALID_RESPONSE),
        (b"[]", Reason.UPSTREAM_INVALID_RESPONSE),
    ],
)
def test_what_ends_a_stream_as_a_failure(event: Any, reason: Reason) -> None:
    found, text = failed(BEGUN, event)
    assert found is reason
    assert text
