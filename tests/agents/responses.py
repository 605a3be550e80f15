"""A scripted provider of OpenAI's Responses API: functions, namespaces of functions, and tools that take a text.

The events' form is that of recorded traffic: https://platform.openai.com/docs/api-reference/responses-streaming."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.agents.scripted import Tool, Turn
from tests.sdks.providers.answering import Answer
from tests.upstream import Reply, event_stream, json_reply

USAGE = {
    "input_tokens": 19,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 10,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 29,
}


def tools_of(tools: Iterable[Mapping[str, Any]]) -> Iterator[Tool]:
    """The hosted ones aside. A name within a namespace is told as NAMESPACE.NAME."""
    for tool in tools:
        match tool["type"]:
            case "function":
                yield Tool(tool["name"], tool.get("parameters") or {})
            case "custom":
                yield Tool(tool["name"], custom=True)
            case "namespace":
                yield from (
                    Tool(f"{tool['name']}.{each.name}", each.schema, each.custom) for each in tools_of(tool["tools"])
                )


def reply(body: Mapping[str, Any], turn: Turn, said: Answer) -> Reply:
    item = _item(turn, said)
    whole = {
        "id": "resp_DRAGOMAN1",
        "object": "response",
        "created_at": 1763700000,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": body["model"],
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": USAGE,
    }
    if not body.get("stream"):
        return json_reply(whole)
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, **_emptied(item)}},
        *({"output_index": 0, "item_id": item["id"], **event} for event in _growing(item)),
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    return event_stream(
        *(
            f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n".encode()
            for number, event in enumerate(events)
        )
    )


def _item(turn: Turn, said: Answer) -> dict[str, Any]:
    if not said.tool:
        content = [{"type": "output_text", "text": said.text, "annotations": [], "logprobs": []}]
        return {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": content}
    number = len(turn.results) + 1
    if any(tool.custom for tool in turn.tools if tool.name == said.tool):
        given: dict[str, Any] = {"type": "custom_tool_call", "id": f"ctc_{number}", "input": said.arguments["input"]}
    else:
        given = {"type": "function_call", "id": f"fc_{number}", "arguments": json.dumps(said.arguments)}
    namespace, _, name = said.tool.rpartition(".")
    within = {"namespace": namespace} if namespace else {}
    return {**given, "status": "completed", "call_id": f"call_{number}", "name": name, **within}


def _emptied(item: Mapping[str, Any]) -> dict[str, Any]:
    """What an item that has just begun has not yet."""
    match item["type"]:
        case "message":
            return {"status": "in_progress", "content": []}
        case "custom_tool_call":
            return {"status": "in_progress", "input": ""}
        case _:
            return {"status": "in_progress", "arguments": ""}


def _growing(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    match item["type"]:
        case "message":
            (part,) = item["content"]
            text = part["text"]
            yield {"type": "response.content_part.added", "content_index": 0, "part": {**part, "text": ""}}
            for piece in (text[:9], text[9:]):
                yield {"type": "response.output_text.delta", "content_index": 0, "delta": piece, "logprobs": []}
            yield {"type": "response.output_text.done", "content_index": 0, "text": text, "logprobs": []}
            yield {"type": "response.content_part.done", "content_index": 0, "part": part}
        case "custom_tool_call":
            yield {"type": "response.custom_tool_call_input.delta", "delta": item["input"]}
            yield {"type": "response.custom_tool_call_input.done", "input": item["input"]}
        case _:
            yield {"type": "response.function_call_arguments.delta", "delta": item["arguments"]}
            yield {"type": "response.function_call_arguments.done", "name": item["name"], "arguments": item["arguments"]}
