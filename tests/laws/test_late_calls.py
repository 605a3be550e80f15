"""A stream whose calls have their ids and names late, in pieces, again or never folds into what the whole answer says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.content_pb2 import ToolCall
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_core.providers.registry import DIALECTS
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import ServerSentEvent

Json = dict[str, Any]

NAMES = ("openai", "azure", "mistral")
"""The dialects whose calls come in pieces of OpenAI's form."""
WORDS = st.sampled_from(["bash", "get_weather", "f", "lookup"])
ARGUMENTS = st.sampled_from(['{"command":"ls -la"}', "{}", '{"a":{"b":[1,2]}}', '{"x":"\U0001f600"}'])
NOTHING: tuple[Json, ...] = ({}, {"id": None}, {"id": ""})
NAMELESS: tuple[Json, ...] = ({}, {"name": None}, {"name": ""})


def whole(name: str, calls: list[Json]) -> list[ToolCall]:
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    answer = {"id": "a", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    [candidate] = DIALECTS[name].chat.decode(json.dumps(answer).encode(), name).candidates
    return [part.tool_call for part in candidate.parts]


def folded(name: str, deltas: list[Json]) -> list[ToolCall]:
    decoder, batch = DIALECTS[name].stream.decoder(), StreamResponse()
    for delta in [*({"tool_calls": [delta]} for delta in deltas), {}]:
        finish = None if delta else "tool_calls"
        chunk = {"id": "a", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        decoder.feed(ServerSentEvent(json.dumps(chunk).encode()), batch)
    decoder.feed(ServerSentEvent(b"[DONE]"), batch)
    [candidate] = accumulate([batch]).candidates
    return [part.tool_call for part in candidate.parts]


def cut(data: st.DataObject, text: str) -> list[str]:
    """The text in pieces."""
    places = sorted(data.draw(st.sets(st.integers(1, len(text) - 1)))) if len(text) > 1 else []
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


def pieces_of(data: st.DataObject, index: int, call: Json) -> list[Json]:
    """The deltas of one call: its name in pieces, then its arguments in pieces, and its id at any of them, from there on
    repeated or not. What is not there is absent, null or empty."""
    names, arguments = cut(data, call["function"]["name"]), cut(data, call["function"]["arguments"])
    functions: list[Json] = [{"name": piece} for piece in names]
    if data.draw(st.booleans(), "arguments begin with the last piece of the name"):
        functions[-1]["arguments"] = arguments.pop(0)
    functions += [{**data.draw(st.sampled_from(NAMELESS)), "arguments": piece} for piece in arguments]
    at = data.draw(st.integers(0, len(functions) - 1))
    repeats = data.draw(st.booleans(), "the id is repeated")
    deltas = []
    for place, function in enumerate(functions):
        is_told = "id" in call and (place == at or (repeats and place > at))
        deltas.append(
            {
                "index": index,
                **({"id": call["id"]} if is_told else data.draw(st.sampled_from(NOTHING))),
                "function": function,
            }
        )
    return deltas


def interleaved(data: st.DataObject, streams: list[list[Json]]) -> list[Json]:
    """The first delta of each in order; what follows, in any."""
    out = [stream.pop(0) for stream in streams]
    while waiting := [stream for stream in streams if stream]:
        out.append(data.draw(st.sampled_from(waiting)).pop(0))
    return out


@st.composite
def called(draw: st.DrawFn) -> list[Json]:
    calls = []
    for position in range(draw(st.integers(1, 3))):
        call: Json = {"type": "function", "function": {"name": draw(WORDS), "arguments": draw(ARGUMENTS)}}
        calls.append({"id": f"call_{position}x", **call} if draw(st.booleans()) else call)
    return calls


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=120, deadline=None)
@given(calls=called(), data=st.data())
def test_pieces_fold_into_the_whole(name: str, calls: list[Json], data: st.DataObject) -> None:
    deltas = interleaved(data, [pieces_of(data, index, call) for index, call in enumerate(calls)])
    found = folded(name, deltas)
    assert found == whole(name, calls)
    assert all(call.id for call in found) and len({call.id for call in found}) == len(found)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(calls=called(), index=st.sampled_from([{}, {"index": None}, {"index": 0}]))
def test_whole_calls_without_an_index_of_their_own(name: str, calls: list[Json], index: Json) -> None:
    assert folded(name, [{**call, **index} for call in calls]) == whole(name, calls)


@pytest.mark.parametrize(
    ("deltas", "call"),
    [
        pytest.param(
            [{"id": "call_", "function": {"name": "f", "arguments": ""}}, {"id": "12", "function": {"arguments": "{}"}}],
            ("call_12", "f", "{}"),
            id="an id in pieces",
        ),
        pytest.param(
            [
                {"id": "a", "function": {"name": "f", "arguments": '{"x":'}},
                {"id": "b", "function": {"name": None, "arguments": "1}"}},
            ],
            ("a", "f", '{"x":1}'),
            id="an id made anew for each chunk",
        ),
        pytest.param(
            [{"id": "a", "function": {"arguments": "{"}}, {"function": {"arguments": "}"}}, {"function": {"name": "f"}}],
            ("a", "f", "{}"),
            id="the name last",
        ),
        pytest.param(
            [{"id": "a", "function": {"name": "ba"}}, {"function": {"name": "bash"}}, {"function": {"arguments": "{}"}}],
            ("a", "bash", "{}"),
            id="a name that grows",
        ),
        pytest.param([{"id": "a", "function": {"name": "f"}}], ("a", "f", "{}"), id="no arguments"),
        pytest.param([{"id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}], ("a", "f", "x"), id="custom"),
    ],
)
def test_further_habits_of_servers(deltas: list[Json], call: tuple[str, str, str]) -> None:
    [found] = folded("openai", [{"index": 0, **delta} for delta in deltas])
    assert (found.id, found.name, found.arguments_json or found.input) == call


def test_a_delta_of_nothing_is_no_call() -> None:
    [found] = folded(
        "openai", [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}, {"index": 1, "function": {}}]
    )
    assert found.id == "a"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_never_comes_is_a_failure_of_the_provider(name: str) -> None:
    with pytest.raises(GatewayError, match="has no name") as caught:
        folded(name, [{"index": 0, "id": "a", "function": {"arguments": "{}"}}])
    assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE


def of_anthropic(call: Json) -> tuple[Json, list[Json]]:
    block = {"type": "tool_use", **call, "input": {}}
    head = {"id": "a", "model": "m", "role": "assistant", "usage": {}}
    return {**head, "content": [block], "stop_reason": "tool_use"}, [
        {"type": "message_start", "message": {**head, "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
    ]


def of_cohere(call: Json) -> tuple[Json, list[Json]]:
    given = {"id": call["id"]} if "id" in call else {}
    written = {**given, "type": "function", "function": {"name": call.get("name"), "arguments": "{}"}}
    return {"id": "a", "message": {"role": "assistant", "tool_calls": [written]}, "finish_reason": "TOOL_CALL"}, [
        {"type": "message-start", "id": "a", "delta": {"message": {"role": "assistant"}}},
        {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": written}}},
        {"type": "tool-call-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL"}},
    ]


def of_responses(call: Json) -> tuple[Json, list[Json]]:
    given = {"call_id": call["id"]} if "id" in call else {}
    item = {"type": "function_call", "name": call.get("name"), **given, "arguments": "{}", "status": "completed"}
    answer = {"id": "a", "status": "completed", "model": "m", "output": [item]}
    return answer, [
        {"type": "response.created", "response": {**answer, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "name": "", "arguments": ""}},
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{}"},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": answer},
    ]


WHOLE_CALLS = {"anthropic": of_anthropic, "cohere": of_cohere, "openai-responses": of_responses}
"""The dialects whose calls have their id and name in one event. Gemini's have ids of ours as a rule."""


def both(name: str, call: Json) -> tuple[ToolCall, ToolCall]:
    """The call of the whole answer and that of the stream."""
    answer, events = WHOLE_CALLS[name](call)
    found = DIALECTS[name].chat.decode(json.dumps(answer).encode(), name)
    decoder, batch = DIALECTS[name].stream.decoder(), StreamResponse()
    for event in events:
        decoder.feed(ServerSentEvent(json.dumps(event).encode(), event["type"]), batch)
    return found.candidates[0].parts[0].tool_call, accumulate([batch]).candidates[0].parts[0].tool_call


@pytest.mark.parametrize("name", WHOLE_CALLS)
@pytest.mark.parametrize("given", [{}, {"id": None}, {"id": ""}, {"id": "x"}])
def test_an_id_that_never_comes_is_made(name: str, given: Json) -> None:
    whole_call, streamed = both(name, {"name": "f", **given})
    assert whole_call == streamed
    assert whole_call.id == (given.get("id") or whole_call.id) and whole_call.id


@pytest.mark.parametrize("name", WHOLE_CALLS)
def test_a_call_that_nobody_can_answer(name: str) -> None:
    with pytest.raises(GatewayError, match="has no name") as caught:
        both(name, {"id": "x", "name": None})
    assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE
