"""A provider of Anthropic's messages."""

from __future__ import annotations

import json
from typing import Any

from tests.sdks.providers.answering import REFUSED_MODEL, Answer, Question, answer, described, text_of
from tests.upstream import Received, Reply, json_reply

USAGE = {"input_tokens": 19, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "service_tier": "standard"}


def serve(request: Received) -> Reply:
    body = request.json()
    if body["model"] == REFUSED_MODEL:
        error = {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum"}
        return json_reply({"type": "error", "error": error, "request_id": "req_1"}, 400)
    if request.path.endswith("/count_tokens"):
        return json_reply({"input_tokens": 19})
    said = answer(read(body))
    return stream(body, said) if body.get("stream") else json_reply(message(body, said))


def read(body: dict[str, Any]) -> Question:
    content = body["messages"][-1]["content"]
    blocks: list[dict[str, Any]] = [{"type": "text", "text": content}] if isinstance(content, str) else content
    images = [block["source"] for block in blocks if block["type"] == "image"]
    results = [text_of(block["content"]) for block in blocks if block["type"] == "tool_result"]
    tools = [{"name": tool["name"], "schema": tool["input_schema"]} for tool in body.get("tools", ())]
    if forced := body.get("tool_choice", {}).get("name"):
        tools = [tool for tool in tools if tool["name"] == forced]
    return Question(
        model=body["model"],
        text=text_of([block for block in blocks if block["type"] == "text"]),
        images=[described(image["media_type"], image["data"]) if "data" in image else image["url"] for image in images],
        result="".join(results),
        tools=tools,
        schema=body.get("output_config", {}).get("format", {}).get("schema"),
    )


def message(body: dict[str, Any], said: Answer) -> dict[str, Any]:
    call = {"type": "tool_use", "id": "toolu_DRAGOMAN1", "name": said.tool, "input": said.arguments}
    return {
        "id": "msg_DRAGOMAN1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [call] if said.tool else [{"type": "text", "text": said.text}],
        "stop_reason": "tool_use" if said.tool else "end_turn",
        "stop_sequence": None,
        "usage": {**USAGE, "output_tokens": 10},
    }


def stream(body: dict[str, Any], said: Answer) -> Reply:
    whole = message(body, said)
    block: dict[str, Any] = whole["content"][0]
    if said.tool:
        arguments = json.dumps(said.arguments)
        empty, kind, pieces = {**block, "input": {}}, "input_json_delta", ["", arguments[:5], arguments[5:]]
    else:
        empty, kind, pieces = {**block, "text": ""}, "text_delta", list(said.words)
    field = "partial_json" if said.tool else "text"
    deltas = [{"type": "content_block_delta", "index": 0, "delta": {"type": kind, field: piece}} for piece in pieces]
    begun = {**whole, "content": [], "stop_reason": None, "usage": {**USAGE, "output_tokens": 1}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "ping"},
        *deltas,
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None},
            "usage": whole["usage"],
        },
        {"type": "message_stop"},
    ]
    written = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]
    return Reply(headers={"content-type": "text/event-stream; charset=utf-8"}, body=written)
