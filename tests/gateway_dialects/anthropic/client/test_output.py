"""Structured output: natively, through a forced tool whose call is read as text again, or in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import FINISH_REASON_LENGTH, FINISH_REASON_STOP, ChatRequest, ResponseFormat
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.anthropic import CLIENT as ANTHROPIC
from gateway_dialects.anthropic.encode_tools import ANSWER_TOOL_DESCRIPTION, JSON_INSTRUCTION, SCHEMA_INSTRUCTION
from gateway_dialects.anthropic.words import ANSWER_TOOL
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import ServerSentEvent
from tests.gateway_dialects.anthropic.client.asking import (
    BUDGET_MODEL,
    EITHER_MODEL,
    HI,
    LATE_MODEL,
    OLD_MODEL,
    Json,
    ask,
    function,
    send,
)

CLOSED: Json = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
OPEN: Json = {"type": "object", "additionalProperties": True}


def wanted(schema: Json, **fields: Any) -> Json:
    return {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, **fields}}


def in_words(schema: Json) -> Json:
    return {"type": "text", "text": SCHEMA_INSTRUCTION + json.dumps(schema, separators=(",", ":"))}


@pytest.mark.parametrize("model", [BUDGET_MODEL, EITHER_MODEL, LATE_MODEL])
def test_natively_where_the_model_has_it(model: str) -> None:
    sent = ask(model=model, response_format=wanted(CLOSED, strict=True), tools=[function()], reasoning_effort="low")
    assert sent.body["output_config"]["format"] == {"type": "json_schema", "schema": CLOSED}
    assert [tool["name"] for tool in sent.body["tools"]] == ["look"]
    assert "system" not in sent.body
    assert sent.warned == []


def test_the_effort_and_the_format_stand_beside_each_other() -> None:
    sent = ask(model=EITHER_MODEL, response_format=wanted(CLOSED), reasoning_effort="low")
    assert sent.body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": CLOSED}}


def test_a_schema_that_needs_little_is_made_to_fit() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1, "description": "N."}}}
    sent = ask(response_format=wanted(schema))
    assert sent.body["output_config"]["format"]["schema"] == {
        "type": "object",
        "properties": {"n": {"type": "integer", "description": 'N.\n\n{"minimum":1}'}},
        "additionalProperties": False,
    }


@pytest.mark.parametrize(("model", "schema"), [(OLD_MODEL, CLOSED), (BUDGET_MODEL, OPEN), (EITHER_MODEL, OPEN)])
def test_otherwise_one_tool_is_forced(model: str, schema: Json) -> None:
    sent = ask(model=model, response_format=wanted(schema))
    tool = {"name": ANSWER_TOOL, "description": ANSWER_TOOL_DESCRIPTION, "input_schema": schema}
    assert sent.body["tools"] == [tool]
    assert sent.body["tool_choice"] == {"type": "tool", "name": ANSWER_TOOL, "disable_parallel_tool_use": True}
    assert "output_config" not in sent.body
    assert sent.warned == []


def test_a_forced_tool_has_the_clients_description_of_the_schema() -> None:
    sent = ask(model=OLD_MODEL, response_format=wanted(CLOSED, description="A thing."))
    assert sent.body["tools"][0]["description"] == "A thing."


@pytest.mark.parametrize(
    ("model", "schema", "fields"),
    [
        (OLD_MODEL, CLOSED, {"tools": [function()]}),
        (BUDGET_MODEL, OPEN, {"reasoning_effort": "low"}),
        (LATE_MODEL, OPEN, {}),
        (OLD_MODEL, {"type": "array", "items": {}}, {}),
    ],
)
def test_where_no_tool_can_be_forced_the_prompt_asks_for_it(model: str, schema: Json, fields: Json) -> None:
    sent = ask({"role": "system", "content": "Be brief."}, HI, model=model, response_format=wanted(schema), **fields)
    assert sent.body["system"] == [{"type": "text", "text": "Be brief."}, in_words(schema)]
    assert ANSWER_TOOL not in json.dumps(sent.body)
    assert sent.warned == ["response_format"]


@pytest.mark.parametrize("form", [{"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "n"}}])
def test_any_json_object_is_asked_for_in_the_prompt(form: Json) -> None:
    assert ask(response_format=form).body["system"] == [{"type": "text", "text": JSON_INSTRUCTION}]


def test_plain_text_needs_no_prompt() -> None:
    assert ask(response_format={"type": "text"}).body.keys() == {"model", "max_tokens", "messages"}


def test_a_schema_with_recursion_is_not_lost() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "additionalProperties": False}
    schema = {"type": "object", "properties": {"head": {"$ref": "#/$defs/node"}}, "$defs": {"node": node}}
    sent = ask(response_format=wanted(schema))
    assert sent.body["tools"][0]["input_schema"] == schema


def test_what_a_client_can_break() -> None:
    with pytest.raises(GatewayError) as caught:
        send(ChatRequest(response_format=ResponseFormat(type=3, schema_json="[1]")))  # type: ignore[arg-type]
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "response_format.json_schema.schema")
    with pytest.raises(GatewayError) as caught:
        send(ChatRequest(response_format=ResponseFormat(type=9)))  # type: ignore[arg-type]
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "response_format.type")


def answer(stop_reason: str, *content: Json) -> bytes:
    usage = {"input_tokens": 1, "output_tokens": 2}
    body = {"id": "msg_1", "model": "m", "content": list(content), "stop_reason": stop_reason, "usage": usage}
    return json.dumps({"type": "message", "role": "assistant", **body}).encode()


def test_the_forced_call_is_read_as_the_answers_text() -> None:
    use = {"type": "tool_use", "id": "t", "name": ANSWER_TOOL, "input": {"a": "é"}}
    found = ANTHROPIC.chat.decode(answer("tool_use", use), "p").candidates[0]
    assert [part.text for part in found.parts] == ['{"a":"é"}']
    assert (found.finish_reason, found.raw_finish_reason) == (FINISH_REASON_STOP, "tool_use")


def streamed(stop_reason: str, *pieces: str) -> StreamResponse:
    start = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "usage": {"input_tokens": 1},
    }
    block = {"type": "tool_use", "id": "t", "name": ANSWER_TOOL, "input": {}}
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    events: list[Json] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop_reason}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    decoder, batch = ANTHROPIC.stream.decoder(), StreamResponse()
    for event in events:
        decoder.feed(ServerSentEvent(json.dumps(event).encode()), batch)
    assert decoder.done
    return batch


def test_in_a_stream_the_forced_calls_arguments_are_text_as_they_come() -> None:
    batch = streamed("tool_use", "", '{"a"', ":1}")
    deltas = [event.part_delta.text for event in batch.events if event.HasField("part_delta")]
    assert deltas == ['{"a"', ":1}"]
    assert not any(event.part_started.part.HasField("tool_call") for event in batch.events)
    whole = accumulate([batch]).candidates[0]
    assert (whole.parts[0].text, whole.finish_reason) == ('{"a":1}', FINISH_REASON_STOP)


def test_a_forced_call_without_arguments_is_an_empty_object() -> None:
    assert accumulate([streamed("tool_use")]).candidates[0].parts[0].text == "{}"


def test_a_forced_call_that_was_cut_stays_cut() -> None:
    found = accumulate([streamed("max_tokens", '{"a":"lo')]).candidates[0]
    assert (found.parts[0].text, found.finish_reason) == ('{"a":"lo', FINISH_REASON_LENGTH)
