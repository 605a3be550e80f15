"""A client of this API reaches OpenAI's own API without loss: the JSON that it sent is the JSON that arrives."""

from __future__ import annotations

import json
from typing import Any, get_args, get_type_hints

import pytest
from openai.types.responses.response_input_item_param import ResponseInputItemParam
from openai.types.responses.tool_param import ToolParam

from gateway_dialects.openai_responses import CLIENT as OPENAI_RESPONSES
from gateway_dialects.openai_responses.parse_request import parse_create
from tests.gateway_dialects.openai_responses.client.asking import ENDPOINT
from tests.gateway_dialects.openai_responses.server.answers import stream_of
from tests.laws.languages.openai_responses import events_of
from tests.laws.reading import read_stream

USER = {"role": "user", "content": "Hi"}
TYPED = {"message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output", "reasoning"}
"""Items that the contract names; the laws have them in every form."""


def types_of(union: Any) -> list[str]:
    """The values of type in a union of the SDK's typed dictionaries."""
    found = set()
    for member in get_args(union):
        hint = get_type_hints(member)["type"]
        found |= {value for value in (get_args(hint) or ()) if isinstance(value, str)}
        found |= {value for inner in get_args(hint) for value in get_args(inner)}
    return sorted(found)


def arrived(**fields: Any) -> dict[str, Any]:
    """The body that a provider gets, without anything to warn of."""
    parsed = parse_create({"model": "gpt-5", **fields})
    upstream, warnings = OPENAI_RESPONSES.encode_chat(parsed.chat, "gpt-5", ENDPOINT, parsed.stream)
    assert list(warnings) == []
    body: dict[str, Any] = json.loads(upstream.body)
    return body


def test_types_are_read_from_the_sdk() -> None:
    assert {"computer_call", "mcp_call", "file_search_call", "compaction", *TYPED} <= set(types_of(ResponseInputItemParam))
    assert {"web_search", "file_search", "code_interpreter", "mcp", "image_generation"} <= set(types_of(ToolParam))


@pytest.mark.parametrize("kind", sorted(set(types_of(ResponseInputItemParam)) - TYPED))
def test_items_of_built_in_tools(kind: str) -> None:
    item = {"type": kind, "id": "x_1", "result": "AA==", "status": "completed", "deep": [{"n": 1}, None]}
    given = [USER, item, {"type": "message", "role": "assistant", "content": "So."}, item, USER]
    assert arrived(input=given)["input"] == given


@pytest.mark.parametrize("kind", sorted(set(types_of(ToolParam)) - {"function", "custom"}))
def test_built_in_tools(kind: str) -> None:
    tools = [{"type": kind, "x": {"y": [1, None]}}, {"type": "function", "name": "f", "defer_loading": True}]
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": kind}, {"type": "function", "name": "f"}]}
    body = arrived(input="Hi", tools=tools, tool_choice=choice)
    assert (body["tools"], body["tool_choice"]) == (tools, choice)
    assert arrived(input="Hi", tools=tools, tool_choice={"type": kind})["tool_choice"] == {"type": kind}


@pytest.mark.parametrize(
    "fields",
    [
        {"background": True, "store": True},
        {"background": False},
        {"background": True, "stream": True, "stream_options": {"include_obfuscation": False}},
        {"conversation": {"id": "conv_1"}},
        {"prompt": {"id": "pmpt_1", "version": "2", "variables": {"city": {"type": "input_text", "text": "Oslo"}}}},
        {"previous_response_id": "resp_1"},
        {"store": False, "include": ["web_search_call.action.sources", "reasoning.encrypted_content"]},
        {"instructions": ""},
        {"reasoning": {"effort": "high", "summary": "auto", "context": "all"}},
        {"text": {"format": {"type": "grammar", "x": 1}, "verbosity": "low", "y": 2}},
        {"truncation": "auto", "max_tool_calls": 2, "metadata": {}},
        {"of_the_future": {"deep": [1.5, "ü"]}},
    ],
)
def test_fields(fields: dict[str, Any]) -> None:
    assert arrived(input="Hi", **fields) == {"model": "gpt-5", "input": "Hi", **fields}


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": {"id": "pmpt_1"}},
        {"conversation": "conv_1", "instructions": "Be brief."},
        {"previous_response_id": "resp_1"},
    ],
)
def test_what_the_provider_stores_needs_no_input(fields: dict[str, Any]) -> None:
    assert arrived(**fields) == {"model": "gpt-5", **fields}


@pytest.mark.parametrize("first", [True, False])
def test_content_of_the_future_stays_in_its_message(first: bool) -> None:
    future, text = {"type": "output_of_the_future", "n": [1]}, {"type": "output_text", "text": "So."}
    content = [future, text] if first else [text, future]
    given = [USER, {"type": "message", "role": "assistant", "status": "completed", "content": content}, USER]
    assert arrived(input=given)["input"] == given


def test_reasoning_items_without_ids_stay_apart() -> None:
    """As Codex gives them back."""
    given = [USER, *({"type": "reasoning", "summary": [], "encrypted_content": f"gAAA{n}"} for n in range(3)), USER]
    assert arrived(input=given)["input"] == given


def test_content_of_the_future_in_a_stream() -> None:
    future = {"type": "output_of_the_future", "n": [1]}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "content": [future]}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {"id": "resp_1", "model": "m", "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": [item]}},
    ]
    stream = b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)
    (batch,) = read_stream(OPENAI_RESPONSES, [stream])
    started = [event.part_started for event in batch.events if event.HasField("part_started")]
    finished = [event.part_finished for event in batch.events if event.HasField("part_finished")]
    shown = events_of(stream_of(*started, *finished))
    assert [event["part"] for event in shown if event["type"].startswith("response.content_part.")] == [future, future]
    assert shown[-1]["response"]["output"][0]["content"] == [future]
