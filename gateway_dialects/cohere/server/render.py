"""A whole answer in the words of Cohere's chat API.

Source: https://docs.cohere.com/reference/chat. Kinds of content that its answers do not have are shown as its requests, or
the contract, write them.
"""

from __future__ import annotations

import base64
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
)
from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE, Media, Opaque, Part, Reasoning
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.cohere.server.details import DIALECT, details_of, fields_of
from gateway_dialects.kit.json import Json, decode_json, encode_json, json_text

FINISH_REASONS = {
    FINISH_REASON_STOP: "COMPLETE",
    FINISH_REASON_LENGTH: "MAX_TOKENS",
    FINISH_REASON_TOOL_CALLS: "TOOL_CALL",
    # This dialect has no word for it; what clients must know is that the answer is not whole.
    FINISH_REASON_CONTENT_FILTER: "ERROR",
    FINISH_REASON_ERROR: "ERROR",
}
OWN_REASONS = {
    "COMPLETE": FINISH_REASON_STOP,
    "STOP_SEQUENCE": FINISH_REASON_STOP,
    "MAX_TOKENS": FINISH_REASON_LENGTH,
    "TOOL_CALL": FINISH_REASON_TOOL_CALLS,
}
OWN_PROVIDERS = ("", DIALECT)


def render_chat(response: ChatResponse, fallback_id: str) -> bytes:
    """The JSON body. fallback_id stands in where the provider gave none."""
    candidate = response.candidates[0] if response.candidates else Candidate()
    ending = fields_of(candidate.provider_details_json)
    body: Json = {
        "id": response.id or fallback_id,
        "message": render_message(candidate, ending.pop("message", {})),
        "finish_reason": finish_reason(candidate.finish_reason, candidate.raw_finish_reason),
    }
    if response.HasField("usage"):
        body["usage"] = render_usage(response.usage)
    if candidate.HasField("logprobs") and "logprobs" not in ending:
        body["logprobs"] = render_logprobs(candidate.logprobs)
    return encode_json({**body, **ending, **fields_of(response.provider_details_json)})


def finish_reason(reason: FinishReason.ValueType, raw: str) -> str:
    """The provider's own word where it speaks this dialect, unless the gateway knows better."""
    return raw if OWN_REASONS.get(raw) == reason else FINISH_REASONS.get(reason, "COMPLETE")


def render_message(candidate: Candidate, extra: Json) -> Json:
    content: list[Json] = []
    calls: list[Json] = []
    citations: list[Any] = []
    plan = ""
    for part in candidate.parts:
        kind = part.WhichOneof("kind")
        citations += details_of(part.provider_details_json).get("citations", [])
        if kind == "tool_call":
            calls.append(render_tool_call(part))
        elif is_plan(part):
            plan += part.reasoning.text
        elif kind is not None:
            content.append(render_block(part))
    message: Json = {"role": "assistant"}
    if content:
        message["content"] = content
    if plan:
        message["tool_plan"] = plan
    if calls:
        message["tool_calls"] = calls
    citations += extra.pop("citations", [])
    if citations:
        message["citations"] = citations
    return {**message, **extra}


def is_plan(part: Part) -> bool:
    return part.WhichOneof("kind") == "reasoning" and details_of(part.provider_details_json).get("$field") == "tool_plan"


def render_block(part: Part) -> Json:
    fields = fields_of(part.provider_details_json) if part.provider_details_json else {}
    fields.pop("citations", None)
    match part.WhichOneof("kind"):
        case "text":
            return {"type": "text", "text": part.text, **fields}
        case "refusal":
            return {"type": "text", "text": part.refusal}
        case "reasoning":
            return {"type": "thinking", "thinking": part.reasoning.text, **seal_of(part.reasoning), **fields}
        case "media":
            return render_media(part.media)
        case "opaque":
            return render_opaque(part.opaque)
        case _:
            return {"type": "text", "text": ""}


def seal_of(reasoning: Reasoning) -> Json:
    """What another provider signed, for the client to give back."""
    if reasoning.provider in OWN_PROVIDERS and not (reasoning.signature or reasoning.encrypted):
        return {}
    seal = {"provider": reasoning.provider, "signature": reasoning.signature, "encrypted": reasoning.encrypted}
    return {name: value for name, value in seal.items() if value}


def render_media(media: Media) -> Json:
    uri = media.uri or f"data:{media.mime_type};base64,{base64.b64encode(media.data).decode()}"
    if media.kind == MEDIA_KIND_IMAGE:
        return {"type": "image_url", "image_url": {"url": uri}}
    words = {"transcript": media.transcript} if media.transcript else {}
    return {"type": "media", "media": {"url": uri, **words}}


def render_opaque(opaque: Opaque) -> Json:
    content = decode_json(opaque.json)
    if opaque.dialect == DIALECT and isinstance(content, dict):
        return content
    return {"type": "opaque", "dialect": opaque.dialect, "content": content}


def render_tool_call(part: Part) -> Json:
    call, extra = part.tool_call, fields_of(part.provider_details_json)
    arguments = json_text({"input": call.input}) if call.HasField("input") else call.arguments_json
    inner = extra.pop("function", {})
    return {"id": call.id, "type": "function", **extra, "function": {"name": call.name, "arguments": arguments, **inner}}


def render_logprobs(logprobs: Logprobs) -> list[Json]:
    """One item for each token. Other dialects tell no token ids, and this one's clients want the list."""
    tokens = [*logprobs.content, *logprobs.refusal]
    return [{"text": token.token, "token_ids": [], "logprobs": [token.logprob]} for token in tokens]


def render_usage(usage: Usage) -> Json:
    """As the provider wrote it when it speaks this dialect. What another one counts is what it bills."""
    if usage.raw_dialect == DIALECT and usage.raw_json:
        raw: Json = msgspec.json.decode(usage.raw_json)
        return raw
    totals = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    tokens: Json = dict(totals)
    if usage.HasField("reasoning_tokens"):
        tokens["reasoning_tokens"] = usage.reasoning_tokens
    if usage.HasField("input_image_tokens"):
        # Beside the other input here, not among it.
        tokens["input_tokens"] = max(0, usage.input_tokens - usage.input_image_tokens)
        tokens["image_tokens"] = usage.input_image_tokens
    rendered: Json = {"billed_units": totals, "tokens": tokens}
    if usage.HasField("cache_read_tokens"):
        rendered["cached_tokens"] = usage.cache_read_tokens
    return rendered
