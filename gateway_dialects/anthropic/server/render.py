"""A whole answer in the words of Anthropic's Messages API.

Source: https://platform.claude.com/docs/en/api/messages. Every field of the schema is there, null where it says null.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from dragoman.v1.chat_pb2 import (
    FINISH_REASON_CONTENT_FILTER,
    FINISH_REASON_ERROR,
    FINISH_REASON_LENGTH,
    FINISH_REASON_STOP,
    FINISH_REASON_TOOL_CALLS,
    Candidate,
    ChatResponse,
    FinishReason,
)
from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE, Media, Opaque, Part, ToolCall
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.anthropic.server.details import DIALECT, fields_of
from gateway_dialects.anthropic.server.seals import is_own, signature_of
from gateway_dialects.kit.json import Json, decode_json, encode_json

STOP_REASONS = {
    FINISH_REASON_STOP: "end_turn",
    FINISH_REASON_LENGTH: "max_tokens",
    FINISH_REASON_TOOL_CALLS: "tool_use",
    FINISH_REASON_CONTENT_FILTER: "refusal",
    # This dialect has no word for it; what clients must know is that the answer is cut.
    FINISH_REASON_ERROR: "max_tokens",
}
OWN_REASONS = {
    "end_turn": FINISH_REASON_STOP,
    "stop_sequence": FINISH_REASON_STOP,
    "pause_turn": FINISH_REASON_STOP,
    "compaction": FINISH_REASON_STOP,
    "max_tokens": FINISH_REASON_LENGTH,
    "model_context_window_exceeded": FINISH_REASON_LENGTH,
    "tool_use": FINISH_REASON_TOOL_CALLS,
    "refusal": FINISH_REASON_CONTENT_FILTER,
}


def render_chat(response: ChatResponse, fallback_id: str, input_tokens: int = 0) -> bytes:
    """The JSON body. fallback_id and input_tokens, an estimate, stand in where the provider gave none."""
    candidate = response.candidates[0] if response.candidates else Candidate()
    refused = any(part.HasField("refusal") for part in candidate.parts)
    body: Json = {
        "id": response.id or fallback_id,
        "type": "message",
        "role": "assistant",
        "model": response.model or response.route.model,
        "content": [render_part(part) for part in candidate.parts],
        "stop_reason": stop_reason(candidate.finish_reason, candidate.raw_finish_reason, refused=refused),
        "stop_sequence": None,
        "usage": render_usage(response.usage) if response.HasField("usage") else unknown_usage(input_tokens),
    }
    body.update(fields_of(candidate.provider_details_json))
    body.update(fields_of(response.provider_details_json))
    return encode_json(body)


def stop_reason(reason: FinishReason.ValueType, raw: str, *, refused: bool = False) -> str:
    """The provider's own word where it speaks this dialect, unless the gateway knows better. refused: whether the answer
    declines in words, which other dialects tell by the content alone."""
    if OWN_REASONS.get(raw) == reason:
        return raw
    return "refusal" if refused and reason == FINISH_REASON_STOP else STOP_REASONS.get(reason, "end_turn")


def render_part(part: Part) -> Json:
    """A content block. Kinds that this dialect's answers do not have are shown as its requests write them."""
    fields = fields_of(part.provider_details_json) if part.provider_details_json else {}
    match part.WhichOneof("kind"):
        case "text":
            return {"type": "text", "text": part.text, **fields}
        case "refusal":
            return {"type": "text", "text": part.refusal}
        case "tool_call":
            return {**begin_tool_use(part.tool_call), "input": input_of(part.tool_call), **fields}
        case "reasoning":
            return {**render_reasoning(part), **fields}
        case "media":
            return render_media(part.media)
        case "opaque":
            return render_opaque(part.opaque)
        case _:
            return {"type": "text", "text": ""}


def begin_tool_use(call: ToolCall) -> Json:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}


def input_of(call: ToolCall) -> Any:
    """The arguments as an object. The text of broken ones stands in _raw."""
    if call.HasField("input"):
        return {"input": call.input}
    if not call.arguments_json:
        return {}
    try:
        value = decode_json(call.arguments_json)
    except (msgspec.DecodeError, RecursionError):
        value = None
    return msgspec.Raw(call.arguments_json.encode()) if isinstance(value, dict) else {"_raw": call.arguments_json}


def render_reasoning(part: Part) -> Json:
    reasoning = part.reasoning
    if is_own(part) and reasoning.encrypted:
        return {"type": "redacted_thinking", "data": reasoning.encrypted}
    signature = signature_of(part, foreign_details(part.provider_details_json))
    return {"type": "thinking", "thinking": reasoning.text, "signature": signature}


def foreign_details(details_json: Mapping[str, str]) -> dict[str, str]:
    return {dialect: text for dialect, text in details_json.items() if dialect != DIALECT}


def render_media(media: Media) -> Json:
    if media.WhichOneof("source") == "data":
        source: Json = {"type": "base64", "media_type": media.mime_type, "data": base64.b64encode(media.data).decode()}
    elif media.uri.startswith("data:"):
        source = {"type": "base64", "media_type": media.mime_type, "data": media.uri.partition(",")[2]}
    elif media.file_id:
        source = {"type": "file", "file_id": media.file_id}
    else:
        source = {"type": "url", "url": media.uri}
    block: Json = {"type": "image" if media.kind == MEDIA_KIND_IMAGE else "document", "source": source}
    if media.transcript:
        block["context"] = media.transcript
    return block


def render_opaque(opaque: Opaque) -> Json:
    content = decode_json(opaque.json)
    if opaque.dialect == DIALECT and isinstance(content, dict):
        return content
    return {"type": "opaque", "dialect": opaque.dialect, "content": content}


def render_usage(usage: Usage) -> Json:
    """As the provider wrote it when it speaks this dialect. Cached input stands beside input_tokens, not in it."""
    if usage.raw_dialect == DIALECT and usage.raw_json:
        raw: Json = decode_json(usage.raw_json)
        return {"input_tokens": 0, "output_tokens": 0, **raw}
    read, written = usage.cache_read_tokens, usage.cache_write_tokens
    rendered: Json = {
        "input_tokens": max(0, usage.input_tokens - read - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": usage.output_tokens,
    }
    if usage.HasField("reasoning_tokens"):
        rendered["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return rendered


def unknown_usage(input_tokens: int) -> Json:
    return {"input_tokens": input_tokens, "output_tokens": 0}
