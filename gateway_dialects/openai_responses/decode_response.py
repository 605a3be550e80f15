"""Whole answers of OpenAI's Responses API.

Source: https://platform.openai.com/docs/api-reference/responses/object and recorded answers.
"""

from __future__ import annotations

from typing import Any

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import (
    FINISH_REASON_CONTENT_FILTER,
    FINISH_REASON_LENGTH,
    FINISH_REASON_STOP,
    FINISH_REASON_TOOL_CALLS,
    Candidate,
    ChatResponse,
    FinishReason,
)
from gateway_dialects.kit.json import Json, decode_body, malformed, text_of, unknown_fields
from gateway_dialects.kit.legacy import CHAT_FORM, SHAPE_ERRORS, misshapen
from gateway_dialects.openai_responses.decode_errors import error_in_answer
from gateway_dialects.openai_responses.decode_items import CALLS, Annotations, decode_item, decode_logprobs
from gateway_dialects.openai_responses.decode_usage import decode_usage
from gateway_dialects.openai_responses.words import set_details

RESPONSE_FIELDS = frozenset(
    {"id", "object", "created_at", "model", "output", "usage", "status", "error", "incomplete_details", "service_tier"}
)
INCOMPLETE_REASONS = {
    "max_output_tokens": FINISH_REASON_LENGTH,
    "max_messages": FINISH_REASON_LENGTH,
    "content_filter": FINISH_REASON_CONTENT_FILTER,
}
"""A reason that is not known means what all of them mean: the answer is cut."""
UNFINISHED = frozenset({"queued", "in_progress"})
LATEST = 2**53


def decode_chat(body: bytes) -> ChatResponse:
    """See Dialect.decode_chat."""
    answer = decode_body(body)
    try:
        return decode_answer(answer)
    except SHAPE_ERRORS as error:
        raise misshapen(error) from error


def decode_answer(answer: Json) -> ChatResponse:
    check_status(answer)
    output = answer.get("output")
    if not isinstance(output, list):
        raise malformed("the provider's answer has no output")
    response = ChatResponse()
    set_head(response, answer)
    response.candidates.append(decode_candidate(output, answer))
    if isinstance(usage := answer.get("usage"), dict):
        response.usage.CopyFrom(decode_usage(usage))
    set_details(response, unknown_fields(answer, RESPONSE_FIELDS))
    return response


def check_status(answer: Json) -> None:
    """Raises GatewayError unless this is an answer, be it a cut one."""
    status = answer.get("status")
    if answer.get("error") or status == "failed":
        raise error_in_answer(answer.get("error"))
    if status == "cancelled":
        raise GatewayError(Reason.UPSTREAM_UNAVAILABLE, "the provider cancelled the answer")
    if isinstance(status, str) and status in UNFINISHED:
        raise malformed(f"the provider gave the answer back unfinished: its status is {status}")


def set_head(target: Any, answer: Json) -> None:
    """What ChatResponse and Started have in common."""
    target.id, target.model = text_of(answer.get("id")), text_of(answer.get("model"))
    created = answer.get("created_at")
    target.created = int(created) if isinstance(created, (int, float)) and 0 <= created < LATEST else 0
    if isinstance(tier := answer.get("service_tier"), str):
        target.service_tier = tier


def decode_candidate(output: list[Any], answer: Json) -> Candidate:
    candidate = Candidate()
    thoughts = 0
    for item in output:
        for part in decode_item(item, thoughts):
            candidate.parts.append(part)
            thoughts += part.WhichOneof("kind") == "reasoning"
    for piece in texts_in(output):
        candidate.logprobs.MergeFrom(decode_logprobs(piece.get("logprobs")))
    if not candidate.logprobs.content:
        candidate.ClearField("logprobs")
    set_ending(candidate, answer, output)
    return candidate


def set_ending(target: Any, answer: Json, output: list[Any]) -> None:
    """How a Candidate or a CandidateFinish ended, and what clients of chat completions read of it. answer is empty where a
    stream ended without one."""
    reason, raw = finish_reason(answer, output)
    target.finish_reason, target.raw_finish_reason = reason, raw
    annotations = Annotations()
    for piece in texts_in(output):
        annotations.add(piece)
    told: Json = {"native_finish_reason": raw} if raw else {}
    if annotations.found:
        told["message"] = {"annotations": annotations.found}
    set_details(target, told, CHAT_FORM)


def texts_in(output: list[Any]) -> list[Json]:
    """The pieces of content of all messages."""
    messages = [item for item in output if isinstance(item, dict) and item.get("type") == "message"]
    contents = [item["content"] for item in messages if isinstance(item.get("content"), list)]
    return [piece for content in contents for piece in content if isinstance(piece, dict)]


def finish_reason(answer: Json, output: list[Any]) -> tuple[FinishReason.ValueType, str]:
    """(reason, the provider's word): the status, or why it is incomplete."""
    status = text_of(answer.get("status"))
    if status == "incomplete":
        details = answer.get("incomplete_details")
        word = text_of(details.get("reason")) if isinstance(details, dict) else ""
        return INCOMPLETE_REASONS.get(word, FINISH_REASON_LENGTH), word or status
    if any(isinstance(item, dict) and item.get("type") in CALLS for item in output):
        return FINISH_REASON_TOOL_CALLS, status
    return FINISH_REASON_STOP, status
