"""Anthropic's Messages API: the differences that identity allows, and an independent reading of its streams."""

from __future__ import annotations

import copy
import json
from typing import Any

from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from gateway_core.models.table import ModelTable
from gateway_dialects.anthropic import CLIENT
from gateway_dialects.anthropic.parse_request import parse_chat
from gateway_dialects.anthropic.render_response import render_chat
from gateway_dialects.anthropic.render_stream import ChunkRenderer
from gateway_dialects.kit.dialect import Endpoint
from tests.laws.language import Language, Least
from tests.laws.languages.openai import without_nulls
from tests.recordings import Exchange

ENDPOINT = Endpoint("p", "anthropic", "http://upstream/v1", capabilities_of=ModelTable("p", "anthropic"))
STREAM_FLAGS = ("stream", "model")


def is_own(exchange: Exchange) -> bool:
    return "/v1/messages" in exchange.request["path"] and "count_tokens" not in exchange.request["path"]


def beta_of(exchange: Exchange) -> str:
    return str((exchange.request.get("headers") or {}).get("anthropic-beta", ""))


def parse(exchange: Exchange) -> tuple[ChatRequest, bool]:
    parsed = parse_chat(json.dumps(exchange.request["body"]).encode(), beta_of(exchange))
    return parsed.chat, parsed.stream


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


def deltas(stream: bytes) -> list[Any]:
    """Everything that grows live, in the order it came. A server tool's input comes at once; an empty piece says nothing."""
    live = {"text_delta", "thinking_delta", "signature_delta", "citations_delta"}
    found = [data["delta"] for name, data in events_of(stream) if name == "content_block_delta"]
    return [delta for delta in found if delta["type"] in live and "" not in delta.values()]


def end_of_content(stream: bytes) -> int:
    """Where the event ends that has the stop reason."""
    return stream.index(b"\n\n", stream.index(b"event: message_delta"))


def same_in_fold(answer: ChatResponse) -> object:
    candidate = answer.candidates[0]
    parts = [(part.text, part.tool_call, part.reasoning, part.opaque.dialect) for part in candidate.parts]
    return json.loads(render(answer)), parts, candidate.provider_details_json, candidate.finish_reason, answer.usage


def render(answer: ChatResponse) -> bytes:
    return render_chat(answer, "fallback")


ANTHROPIC = Language(
    client=CLIENT,
    is_own=is_own,
    endpoint_of=lambda exchange: ENDPOINT,
    parse=parse,
    render=render,
    writer=lambda: ChunkRenderer(fallback_id="fallback"),
    fold_stream=fold_stream,
    canonical_request=canonical_request,
    canonical_answer=canonical_answer,
    live=deltas,
    same_in_fold=same_in_fold,
    end_of_content=end_of_content,
    failed={
        "fixtures-anthropic/stream_error_overloaded": Reason.UPSTREAM_OVERLOADED,
        "anthropic/synthetic_stream_error_overloaded": Reason.UPSTREAM_OVERLOADED,
    },
    least=Least(requests=41, answers=21, streams=20),
)
