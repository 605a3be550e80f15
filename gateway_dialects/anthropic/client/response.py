"""Whole answers of Anthropic's Messages API.

Source: https://platform.claude.com/docs/en/api/messages and recorded answers. What clients of OpenAI's form can read of
it (reasoning_details as OpenRouter writes them, url citations, the native finish reason) stands in
provider_details_json["openai"].
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dragoman.v1.chat_pb2 import (
    FINISH_REASON_CONTENT_FILTER,
    FINISH_REASON_LENGTH,
    FINISH_REASON_STOP,
    FINISH_REASON_TOOL_CALLS,
    Candidate,
    ChatResponse,
    FinishReason,
)
from dragoman.v1.content_pb2 import Opaque, Part, Reasoning, ToolCall
from dragoman.v1.models_pb2 import Model
from gateway_dialects.anthropic.client.citations import annotations_of
from gateway_dialects.anthropic.client.details import DIALECT, set_details
from gateway_dialects.anthropic.client.errors import error_in_stream
from gateway_dialects.anthropic.client.output import ANSWER_TOOL
from gateway_dialects.anthropic.client.request import base_url, headers
from gateway_dialects.anthropic.client.usage import decode_usage, service_tier_of
from gateway_dialects.kit.dialect import Endpoint, UpstreamRequest
from gateway_dialects.kit.json import Json, decode_body, encode_json, malformed
from gateway_dialects.kit.legacy import CHAT_FORM, SHAPE_ERRORS, misshapen

FINISH_REASONS = {
    "end_turn": FINISH_REASON_STOP,
    "stop_sequence": FINISH_REASON_STOP,
    "pause_turn": FINISH_REASON_STOP,
    "compaction": FINISH_REASON_STOP,
    "max_tokens": FINISH_REASON_LENGTH,
    "model_context_window_exceeded": FINISH_REASON_LENGTH,
    "tool_use": FINISH_REASON_TOOL_CALLS,
    "refusal": FINISH_REASON_CONTENT_FILTER,
}
"""An unknown word counts as stop and stays readable in raw_finish_reason."""

MESSAGE_FIELDS = frozenset({"id", "type", "role", "model", "content", "stop_reason", "usage", "error"})
ENDING_FIELDS = frozenset({"stop_sequence", "stop_details"})
"""How the candidate ended; what else stands beside them concerns the whole answer."""
REASONING_FORMAT = "anthropic-claude-v1"
"""OpenRouter's name for reasoning that Anthropic signed (https://openrouter.ai/docs, reasoning tokens)."""


def decode_chat(body: bytes) -> ChatResponse:
    """See Dialect.decode_chat."""
    answer = decode_body(body, "the provider's answer")
    try:
        return decode_message(answer)
    except SHAPE_ERRORS as error:
        raise misshapen(error) from error


def decode_message(answer: Json) -> ChatResponse:
    if answer.get("error"):
        raise error_in_stream(answer)
    content = answer.get("content")
    if not isinstance(content, list):
        raise malformed("the provider's answer has no content")
    response = ChatResponse(id=text_of(answer.get("id")), model=text_of(answer.get("model")))
    response.candidates.append(decode_candidate(content, answer))
    if isinstance(usage := answer.get("usage"), dict):
        response.usage.CopyFrom(decode_usage(usage))
        if tier := service_tier_of(usage):
            response.service_tier = tier
    set_details(response, unknown_fields(answer, MESSAGE_FIELDS | ENDING_FIELDS))
    return response


def decode_candidate(content: list[Any], answer: Json) -> Candidate:
    candidate = Candidate()
    thoughts = length = 0
    annotations: list[Json] = []
    for block in content:
        if not isinstance(block, dict):
            raise malformed("a content block of the provider's answer is not an object")
        part = decode_block(block, thoughts)
        candidate.parts.append(part)
        kind = part.WhichOneof("kind")
        thoughts += kind == "reasoning"
        if kind == "text":
            annotations += annotations_of(block.get("citations"), length, length + len(part.text))
            length += len(part.text)
    raw = text_of(answer.get("stop_reason"))
    candidate.raw_finish_reason = raw
    candidate.finish_reason = finish_reason(raw, any(part.WhichOneof("kind") == "tool_call" for part in candidate.parts))
    set_ending(candidate, {name: answer[name] for name in ENDING_FIELDS if answer.get(name) is not None}, raw, annotations)
    return candidate


def finish_reason(raw: str, has_calls: bool) -> FinishReason.ValueType:
    """A turn that only called the answer tool (output.py) is a finished answer."""
    if raw == "tool_use" and not has_calls:
        return FINISH_REASON_STOP
    return FINISH_REASONS.get(raw, FINISH_REASON_STOP)


def set_ending(target: Any, details: Json, raw: str, annotations: list[Json]) -> None:
    """Details of a Candidate or CandidateFinish. A word that is not known here is told to this dialect's clients as is."""
    set_details(target, details if raw in FINISH_REASONS or not raw else {**details, "stop_reason": raw})
    told: Json = {"native_finish_reason": raw} if raw else {}
    if annotations:
        told["message"] = {"annotations": annotations}
    set_details(target, told, CHAT_FORM)


def unknown_fields(body: Json, known: frozenset[str]) -> Json:
    """Fields the contract does not name; null says nothing and is not carried."""
    return {name: value for name, value in body.items() if name not in known and value is not None}


def decode_block(block: Json, thoughts: int) -> Part:
    """One content block. thoughts: how many reasoning parts came before."""
    match block.get("type"):
        case "text":
            part = Part(text=text_of(block.get("text")))
            details = unknown_fields(block, frozenset({"type", "text"}))
            if details.get("citations") == []:
                del details["citations"]
            set_details(part, details)
            return part
        case "tool_use" if block.get("name") == ANSWER_TOOL:
            return Part(text=input_text(block.get("input")))
        case "tool_use":
            part = begin_tool_call(block)
            part.tool_call.arguments_json = input_text(block.get("input"))
            return part
        case "thinking" | "redacted_thinking":
            part = begin_reasoning(block, thoughts)
            part.reasoning.text = text_of(block.get("thinking"))
            part.reasoning.signature = text_of(block.get("signature"))
            part.reasoning.encrypted = text_of(block.get("data"))
            return part
        case _:
            return Part(opaque=Opaque(dialect=DIALECT, json=encode_json(block).decode()))


def begin_tool_call(block: Json) -> Part:
    """A tool call without its arguments."""
    part = Part(tool_call=ToolCall(id=text_of(block.get("id")), name=text_of(block.get("name"))))
    set_details(part, unknown_fields(block, frozenset({"type", "id", "name", "input"})))
    return part


def input_text(value: Any) -> str:
    """Arguments as text: a tool that takes nothing is called with {}."""
    if value is None or value == "":
        return "{}"
    return value if isinstance(value, str) else encode_json(value).decode()


def begin_reasoning(block: Json, index: int) -> Part:
    """A reasoning part without its text and seal, and with what a client of OpenAI's form must give back for it to be known
    as Anthropic's."""
    part = Part(reasoning=Reasoning(provider=DIALECT))
    set_details(part, unknown_fields(block, frozenset({"type", "thinking", "signature", "data"})))
    is_sealed = block.get("type") == "redacted_thinking"
    told: Json = {
        "$field": "reasoning_details",
        "type": "reasoning.encrypted" if is_sealed else "reasoning.text",
        "format": REASONING_FORMAT,
        "index": index,
    }
    if not is_sealed:
        told["$also"] = "reasoning_content"
    set_details(part, told, CHAT_FORM)
    return part


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def encode_list_models(endpoint: Endpoint) -> UpstreamRequest:
    """See Dialect.encode_list_models. A thousand is the most that one page holds."""
    return UpstreamRequest("GET", base_url(endpoint) + "/models?limit=1000", headers(endpoint))


def decode_list_models(body: bytes, provider: str) -> Sequence[Model]:
    """See Dialect.decode_list_models. Source: https://platform.claude.com/docs/en/api/models-list."""
    items = decode_body(body, "the provider's model list").get("data")
    if not isinstance(items, list):
        raise malformed("the provider's model list has no data")
    try:
        return [decode_model(item, provider) for item in items if isinstance(item, dict) and text_of(item.get("id"))]
    except SHAPE_ERRORS as error:
        raise misshapen(error) from error


def decode_model(item: Json, provider: str) -> Model:
    model = Model(
        id=f"{provider}/{item['id']}",
        provider=provider,
        owned_by=provider,
        created=seconds_of(item.get("created_at")),
        display_name=text_of(item.get("display_name")),
    )
    length = item.get("max_input_tokens")
    if type(length) is int and 0 < length < 2**60:
        model.context_length = length
    set_details(model, unknown_fields(item, frozenset({"id"})))
    return model


def seconds_of(moment: Any) -> int:
    """Seconds since 1970 of an RFC 3339 time; 0 when it is none."""
    try:
        found = datetime.fromisoformat(moment)
    except (TypeError, ValueError):
        return 0
    return max(0, int(found.timestamp())) if found.tzinfo else 0
