"""Answers of Cohere, as it sends them."""

from __future__ import annotations

import json
from typing import Any

from dragoman.v1.chat_pb2 import Candidate, ChatResponse
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.cohere import CLIENT as COHERE
from gateway_dialects.kit.dialect import ServerSentEvent, StreamDecoder

START: dict[str, Any] = {
    "id": "a1",
    "type": "message-start",
    "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}},
}
PAGE = {
    "type": "document",
    "id": "d",
    "document": {"id": "d", "text": "...", "title": "Ruby", "url": "https://example.com/r"},
}
RESULT = {"type": "tool", "id": "c1:0", "tool_output": {"content": "clear"}}


def decoded(finish_reason: Any = "COMPLETE", *, message: dict[str, Any], **fields: Any) -> ChatResponse:
    body = {"id": "a1", "message": {"role": "assistant", **message}, "finish_reason": finish_reason, **fields}
    return COHERE.chat.decode(json.dumps(body).encode(), "p")


def candidate_of(finish_reason: str = "COMPLETE", *, message: dict[str, Any], **fields: Any) -> Candidate:
    return decoded(finish_reason, message=message, **fields).candidates[0]


def details(holder: Any, dialect: str) -> Any:
    text = holder.provider_details_json.get(dialect)
    return json.loads(text) if text else {}


def feed(decoder: StreamDecoder, *events: dict[str, Any]) -> StreamResponse:
    """One batch of what the events say."""
    batch = StreamResponse()
    for event in events:
        decoder.feed(ServerSentEvent(json.dumps(event).encode(), event.get("type", "")), batch)
    return batch


def content_start(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content-start", "index": index, "delta": {"message": {"content": block}}}


def content_delta(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content-delta", "index": index, "delta": {"message": {"content": block}}}


def plan_delta(text: str) -> dict[str, Any]:
    return {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": text}}}


def call_start(index: int, call_id: str, name: str, arguments: str = "") -> dict[str, Any]:
    call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": call}}}


def call_delta(index: int, arguments: str) -> dict[str, Any]:
    piece = {"function": {"arguments": arguments}}
    return {"type": "tool-call-delta", "index": index, "delta": {"message": {"tool_calls": piece}}}


def citation_start(citation: Any) -> dict[str, Any]:
    return {"type": "citation-start", "index": 0, "delta": {"message": {"citations": citation}}}


def message_end(finish_reason: str = "COMPLETE", **fields: Any) -> dict[str, Any]:
    return {"type": "message-end", "delta": {"finish_reason": finish_reason, **fields}}
