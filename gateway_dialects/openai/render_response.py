"""A whole answer in the words of OpenAI's chat completions API.

Source: https://platform.openai.com/docs/api-reference/chat/object. Every field of the schema is there, null where the schema
says null: strict clients refuse an answer that leaves one out.
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
    Logprobs,
    TokenLogprob,
)
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, Media, Opaque, Part
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.json import Json, decode_json, encode_json
from gateway_dialects.openai.parse_messages import DIALECT

FINISH_REASONS = {
    FINISH_REASON_STOP: "stop",
    FINISH_REASON_LENGTH: "length",
    FINISH_REASON_TOOL_CALLS: "tool_calls",
    FINISH_REASON_CONTENT_FILTER: "content_filter",
    FINISH_REASON_ERROR: "error",
}
WORD_TYPES = frozenset({"reasoning.text", "reasoning.summary"})
OWN_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})


def render_chat(response: ChatResponse, fallback_id: str, now: int) -> bytes:
    """The JSON body. fallback_id and now (Unix seconds) stand in where the provider gave none."""
    body: Json = {
        "id": response.id or fallback_id,
        "object": "chat.completion",
        "created": response.created or now,
        "model": response.model or response.route.model,
        "choices": [render_candidate(candidate) for candidate in response.candidates],
        "usage": render_usage(response.usage) if response.HasField("usage") else None,
        "system_fingerprint": response.system_fingerprint if response.HasField("system_fingerprint") else None,
    }
    if response.HasField("service_tier"):
        body["service_tier"] = response.service_tier
    if response.provider_details_json:
        body.update(fields_of(response.provider_details_json))
    return encode_json(body)


def fields_of(details_json: Mapping[str, str]) -> Json:
    """This dialect's details without its notes."""
    return {name: value for name, value in details_of(details_json).items() if not name.startswith("$")}


def details_of(details_json: Mapping[str, str]) -> Json:
    text = details_json.get(DIALECT)
    if not text:
        return {}
    details: Json = decode_json(text)
    return details


def render_candidate(candidate: Candidate) -> Json:
    details = fields_of(candidate.provider_details_json) if candidate.provider_details_json else {}
    message = render_message(candidate)
    message.update(details.pop("message", {}))
    return {
        "index": candidate.index,
        "message": message,
        "logprobs": render_logprobs(candidate.logprobs) if candidate.HasField("logprobs") else None,
        "finish_reason": finish_reason(candidate.finish_reason, candidate.raw_finish_reason),
        **details,
    }


def finish_reason(reason: FinishReason.ValueType, raw: str) -> str:
    return raw if raw in OWN_REASONS else FINISH_REASONS.get(reason, "stop")


def render_message(candidate: Candidate) -> Json:
    message: Json = {"role": "assistant", "content": None, "refusal": None}
    for part in candidate.parts:
        render_part(part, message)
    return message


def render_part(part: Part, message: Json) -> None:
    match part.WhichOneof("kind"):
        case "text":
            message["content"] = (message["content"] or "") + part.text
        case "tool_call":
            message.setdefault("tool_calls", []).append(render_tool_call(part))
        case "reasoning":
            render_reasoning(part, message)
        case "refusal":
            message["refusal"] = part.refusal
        case "media":
            render_media(part, message)
        case "opaque":
            message.setdefault("opaque", []).append(render_opaque(part.opaque))
        case _:
            pass  # Only a client sends tool results.


def render_opaque(opaque: Opaque) -> Json:
    """Decoded and encoded again: written as it is, its line ends would end an event, and broken JSON the whole answer."""
    try:
        content = decode_json(opaque.json)
    except (msgspec.DecodeError, RecursionError):
        content = opaque.json
    return {"dialect": opaque.dialect, "content": content}


def render_tool_call(part: Part) -> Json:
    call, extra = part.tool_call, fields_of(part.provider_details_json)
    if call.HasField("input"):
        kind, inner = "custom", {"name": call.name, "input": call.input}
    else:
        kind, inner = "function", {"name": call.name, "arguments": call.arguments_json}
    return {"id": call.id, "type": kind, **extra, kind: {**inner, **extra.get(kind, {})}}


def render_reasoning(part: Part, message: Json) -> None:
    """Where the provider put it, when it speaks this dialect; otherwise in reasoning_content, which most clients read."""
    details = details_of(part.provider_details_json)
    field, also = details.get("$field", "reasoning_content"), details.get("$also")
    if field == "reasoning_details":
        message.setdefault("reasoning_details", []).extend(reasoning_items(part, details))
    else:
        name = "reasoning_content" if field == "content" else field
        message[name] = message.get(name, "") + part.reasoning.text
    if also:
        message[also] = message.get(also, "") + part.reasoning.text


def reasoning_items(part: Part, details: Json) -> list[Json]:
    """Words and encrypted content are items of their own, each of its type; what they share tells that they are one."""
    reasoning = part.reasoning
    item: Json = {name: value for name, value in details.items() if not name.startswith("$")}
    items = []
    if reasoning.text or not reasoning.encrypted:
        items.append({**item, "summary" if reasoning.summary else "text": reasoning.text})
    if reasoning.encrypted:
        items.append(encrypted_item(item, reasoning.encrypted))
    if reasoning.signature:
        items[-1]["signature"] = reasoning.signature
    return items


def encrypted_item(item: Json, data: str) -> Json:
    kind = {"type": "reasoning.encrypted"} if item.get("type") in WORD_TYPES else {}
    return {**item, **kind, "data": data}


def render_media(part: Part, message: Json) -> None:
    media = part.media
    if media.kind == MEDIA_KIND_AUDIO:
        data = base64_of(media)
        message["audio"] = {"data": data, "transcript": media.transcript, **fields_of(part.provider_details_json)}
    else:
        uri = media.uri or f"data:{media.mime_type};base64,{base64_of(media)}"
        message.setdefault("images", []).append({"type": "image_url", "image_url": {"url": uri}})


def base64_of(media: Media) -> str:
    return media.uri.partition(",")[2] if media.uri else base64.b64encode(media.data).decode()


def render_logprobs(logprobs: Logprobs) -> Json:
    return {
        "content": [render_token(token) for token in logprobs.content] or None,
        "refusal": [render_token(token) for token in logprobs.refusal] or None,
    }


def render_token(token: TokenLogprob, top: bool = True) -> Json:
    octets: Any = list(token.token_bytes) if token.HasField("token_bytes") else None
    rendered: Json = {"token": token.token, "logprob": token.logprob, "bytes": octets}
    if top:
        rendered["top_logprobs"] = [render_token(other, False) for other in token.top]
    return rendered


def render_usage(usage: Usage) -> Json:
    """As the provider wrote it when it speaks this dialect, with the three totals that clients rely on."""
    totals: Json = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
    if usage.raw_dialect == DIALECT and usage.raw_json:
        return {**decode_json(usage.raw_json), **totals}
    return {
        **totals,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "audio_tokens": usage.input_audio_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.output_audio_tokens,
            "accepted_prediction_tokens": usage.accepted_prediction_tokens,
            "rejected_prediction_tokens": usage.rejected_prediction_tokens,
        },
    }
