"""Whole answers of Cohere's chat API.

Source: https://docs.cohere.com/reference/chat and recorded answers. What clients of OpenAI's form can read of it (url
citations, Cohere's own citations, the native finish reason) stands in provider_details_json["openai"].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dragoman.v1.chat_pb2 import (
    FINISH_REASON_LENGTH,
    FINISH_REASON_STOP,
    FINISH_REASON_TOOL_CALLS,
    Candidate,
    ChatResponse,
)
from dragoman.v1.content_pb2 import Opaque, Part, Reasoning, ToolCall
from gateway_dialects.cohere.client.citations import Places, annotations_of, told_to_chat
from gateway_dialects.cohere.client.details import DIALECT, details_of, set_details
from gateway_dialects.cohere.client.errors import REASON_BY_FINISH, error_in_answer
from gateway_dialects.cohere.client.logprobs import decode_logprobs
from gateway_dialects.cohere.client.usage import decode_usage
from gateway_dialects.kit.json import Json, decode_body, encode_json, malformed, text_of, unknown_fields
from gateway_dialects.kit.legacy import CHAT_FORM, SHAPE_ERRORS, misshapen

FINISH_REASONS = {
    "COMPLETE": FINISH_REASON_STOP,
    "STOP_SEQUENCE": FINISH_REASON_STOP,
    "MAX_TOKENS": FINISH_REASON_LENGTH,
    "TOOL_CALL": FINISH_REASON_TOOL_CALLS,
}
"""An unknown word counts as stop and stays readable in raw_finish_reason. Words for failures raise."""
ANSWER_FIELDS = frozenset({"id", "message", "finish_reason", "usage", "logprobs"})
MESSAGE_FIELDS = frozenset({"role", "content", "tool_plan", "tool_calls", "citations"})
PLAN: Json = {"$field": "tool_plan"}
"""How a part is marked that is the plan before tool calls: reasoning to everyone else."""


def decode_chat(body: bytes) -> ChatResponse:
    """See Dialect.decode_chat."""
    answer = decode_body(body, "the provider's answer")
    try:
        return decode_answer(answer)
    except SHAPE_ERRORS as error:
        raise misshapen(error) from error


def decode_answer(answer: Json) -> ChatResponse:
    raw, message = text_of(answer.get("finish_reason")), answer.get("message")
    if raw in REASON_BY_FINISH:
        raise error_in_answer(answer, raw)
    if not isinstance(message, dict):
        raise error_in_answer(answer) if text_of(message) else malformed("the provider's answer has no message")
    if not raw:
        raise malformed("the provider's answer has no finish_reason")
    response = ChatResponse(id=text_of(answer.get("id")), candidates=[decode_candidate(message, answer, raw)])
    if isinstance(usage := answer.get("usage"), dict):
        response.usage.CopyFrom(decode_usage(usage))
    set_details(response, unknown_fields(answer, ANSWER_FIELDS))
    return response


def decode_candidate(message: Json, answer: Json, raw: str) -> Candidate:
    candidate = Candidate(finish_reason=FINISH_REASONS.get(raw, FINISH_REASON_STOP), raw_finish_reason=raw)
    parts = candidate.parts
    if plan := text_of(message.get("tool_plan")):
        parts.add().CopyFrom(plan_part(plan))
    content = message.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    parts.extend(decode_block(block) for block in blocks)
    parts.extend(decode_tool_call(call) for call in message.get("tool_calls") or ())
    citations = list(message.get("citations") or ())
    rest, annotations = place_citations(citations, candidate, len(blocks))
    logprobs = answer.get("logprobs")
    if isinstance(logprobs, list):
        candidate.logprobs.CopyFrom(decode_logprobs(logprobs))
    extra = unknown_fields(message, MESSAGE_FIELDS)
    set_ending(candidate, {**extra, "citations": rest} if rest else extra, logprobs, raw)
    set_details(candidate, chat_ending(raw, citations, annotations), CHAT_FORM)
    return candidate


def set_ending(target: Any, message: Json, logprobs: Any, raw: str) -> None:
    """Details of a Candidate or CandidateFinish. A word that is not known here is told to this dialect's clients as is."""
    details: Json = {"message": message} if message else {}
    if isinstance(logprobs, list) and logprobs:
        details["logprobs"] = logprobs
    if raw not in FINISH_REASONS:
        details["finish_reason"] = raw
    set_details(target, details)


def chat_ending(raw: str, citations: list[Any], annotations: list[Json]) -> Json:
    told: Json = {"native_finish_reason": raw}
    if message := told_to_chat(citations, annotations):
        told["message"] = message
    return told


def plan_part(text: str) -> Part:
    part = Part(reasoning=Reasoning(text=text, provider=DIALECT))
    set_details(part, PLAN)
    return part


def decode_block(block: Any) -> Part:
    match block:
        case {"type": "text", "text": str(text)}:
            part = Part(text=text)
        case {"type": "thinking", "thinking": str(text)}:
            part = Part(reasoning=Reasoning(text=text, provider=DIALECT))
        case dict():
            return Part(opaque=Opaque(dialect=DIALECT, json=encode_json(block).decode()))
        case _:
            raise malformed("a content block of the provider's answer is not an object")
    set_details(part, unknown_fields(block, frozenset({"type", "text", "thinking"})))
    return part


def decode_tool_call(call: Any) -> Part:
    if not isinstance(call, dict):
        raise malformed("a tool call of the provider's answer is not an object")
    part = begin_tool_call(call)
    part.tool_call.arguments_json = arguments_of((call.get("function") or {}).get("arguments"))
    return part


def begin_tool_call(call: Json) -> Part:
    """A tool call without its arguments."""
    function = call.get("function") or {}
    part = Part(tool_call=ToolCall(id=text_of(call.get("id")), name=text_of(function.get("name"))))
    details = unknown_fields(call, frozenset({"id", "type", "function"}))
    if extra := unknown_fields(function, frozenset({"name", "arguments"})):
        details["function"] = extra
    set_details(part, details)
    return part


def arguments_of(value: Any) -> str:
    """A tool that takes nothing is called with {}, also where Cohere writes null."""
    if value is None or (isinstance(value, str) and value.strip() in ("", "null")):
        return "{}"
    return value if isinstance(value, str) else encode_json(value).decode()


def place_citations(citations: list[Any], candidate: Candidate, block_count: int) -> tuple[list[Any], list[Json]]:
    """Put each citation onto the part that it cites. Gives those that belong to none, and the annotations of all."""
    parts = candidate.parts
    has_plan = len(parts) > 0 and details_of(parts[0]).get("$field") == "tool_plan"
    places = Places(plan=0) if has_plan else Places()
    for index in range(block_count):
        place = index + has_plan
        kind = parts[place].WhichOneof("kind")
        if kind in ("text", "reasoning"):
            places.blocks[index] = place
        if kind == "text" and places.first_text is None:
            places.first_text = place
    placed, rest = places.share_out(citations)
    for place, found in placed.items():
        set_details(parts[place], {**details_of(parts[place]), "citations": found})
    return rest, [annotation for citation in citations for annotation in annotated(citation, places, parts)]


def annotated(citation: Any, places: Places, parts: Sequence[Part]) -> list[Json]:
    place = places.of(citation)
    if place is None or parts[place].WhichOneof("kind") != "text":
        return []
    return annotations_of([citation], sum(len(part.text) for part in parts[:place]))
