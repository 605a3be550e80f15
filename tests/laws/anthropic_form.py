"""The documented differences that identity allows in the anthropic dialect, and an independent reading of its streams."""

from __future__ import annotations

import copy
import json
from typing import Any

from tests.laws.canonical import without_nulls

STREAM_FLAGS = ("stream", "model")


def canonical_request(body: dict[str, Any]) -> Any:
    """Without the model and the stream flag; is_error, strict and disable_parallel_tool_use are false, and a tool's type is
    custom, unless given; a text is the same as a list of it; null says nothing, but in tools of Anthropic's own, which are
    sent as they are."""
    plain = copy.deepcopy({name: value for name, value in body.items() if name not in STREAM_FLAGS})
    if "system" in plain:
        plain["system"] = plain_text(plain["system"])
    for message in plain["messages"]:
        for block in message["content"] if isinstance(message["content"], list) else ():
            if block.get("is_error") is False:
                del block["is_error"]
            if block.get("type") == "tool_result" and "content" in block:
                block["content"] = plain_text(block["content"])
        message["content"] = plain_text(message["content"])
    for tool in plain.get("tools", []):
        if tool.get("strict") is False:
            del tool["strict"]
        if tool.get("type") == "custom":
            del tool["type"]
    if plain.get("tool_choice", {}).get("disable_parallel_tool_use") is False:
        del plain["tool_choice"]["disable_parallel_tool_use"]
    return without_nulls(plain)


def plain_text(content: Any) -> Any:
    match content:
        case [{"type": "text", "text": str(text), **rest}] if not rest:
            return text
        case _:
            return content


def canonical_answer(body: dict[str, Any]) -> Any:
    return without_nulls(body)


def events_of(stream: bytes) -> list[tuple[str, dict[str, Any]]]:
    """(event, data) of each event. Fails where the event line and the data's type differ."""
    found = []
    for block in stream.decode().split("\n\n"):
        lines = dict(line.split(":", 1) for line in block.splitlines() if line)
        if "data" in lines:
            data = json.loads(lines["data"])
            assert lines["event"].strip() == data["type"]
            found.append((data["type"], data))
    return found


def fold_stream(stream: bytes) -> dict[str, Any]:
    """A stream as one message object, as Anthropic's SDKs accumulate it. Fails where blocks are not strictly in turn."""
    message: dict[str, Any] = {}
    open_index: int | None = None
    pieces: dict[int, str] = {}
    ended = False
    for name, data in events_of(stream):
        assert not ended
        if name == "message_start":
            assert not message
            message = data["message"]
        elif name == "content_block_start":
            assert open_index is None
            assert data["index"] == len(message["content"])
            open_index = data["index"]
            message["content"].append(data["content_block"])
        elif name == "content_block_delta":
            assert data["index"] == open_index
            fold_delta(message["content"][data["index"]], data["delta"], pieces, data["index"])
        elif name == "content_block_stop":
            assert data["index"] == open_index
            if text := pieces.get(data["index"]):
                message["content"][data["index"]]["input"] = json.loads(text)
            open_index = None
        elif name == "message_delta":
            assert open_index is None
            message.update(data["delta"])
            message["usage"] = {**message["usage"], **data["usage"]}
            message.update({key: value for key, value in data.items() if key not in ("type", "delta", "usage")})
        elif name == "message_stop":
            ended = True
    assert ended
    return message


def fold_delta(block: dict[str, Any], delta: dict[str, Any], pieces: dict[int, str], index: int) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]
        case "input_json_delta":
            pieces[index] = pieces.get(index, "") + delta["partial_json"]
        case "compaction_delta":
            block["content"] = (block.get("content") or "") + delta["content"]
        case other:
            raise AssertionError(other)
