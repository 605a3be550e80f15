"""Whole answers of Gemini's generateContent.

Source: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse and recorded answers.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from dragoman.v1.chat_pb2 import FINISH_REASON_CONTENT_FILTER, Candidate, ChatResponse
from dragoman.v1.content_pb2 import Part
from gateway_dialects.gemini.client.answer_parts import decode_logprobs, decode_part, is_silent
from gateway_dialects.gemini.client.citations import annotations_of
from gateway_dialects.gemini.client.details import COMPATIBLE, DIALECT, set_details
from gateway_dialects.gemini.client.errors import error_in_body
from gateway_dialects.gemini.client.finish import check_finish, finish_note, finish_reason
from gateway_dialects.gemini.client.signatures import FIELD, compatible
from gateway_dialects.gemini.client.usage import decode_usage
from gateway_dialects.kit.json import Json, decode_body, decode_json, malformed, text_of, unknown_fields
from gateway_dialects.kit.legacy import SHAPE_ERRORS, misshapen

ANSWER_FIELDS = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "error"})
CANDIDATE_FIELDS = frozenset({"content", "finishReason", "index"})
CONTENT_FIELDS = frozenset({"parts", "role"})


def decode_chat(body: bytes) -> ChatResponse:
    """See Dialect.decode_chat."""
    answer = decode_body(body)
    try:
        return decode_answer(answer)
    except SHAPE_ERRORS as error:
        raise misshapen(error) from error


def decode_answer(answer: Json) -> ChatResponse:
    if error := answer.get("error"):
        raise error_in_body(error)
    response_id = text_of(answer.get("responseId"))
    candidates = list_of(answer.get("candidates"), "candidates")
    response = ChatResponse(
        id=response_id,
        model=text_of(answer.get("modelVersion")),
        created=created_of(answer),
        candidates=[decode_candidate(item, position, response_id) for position, item in enumerate(candidates)],
    )
    if not candidates:
        response.candidates.append(blocked_candidate(answer))
    if isinstance(usage := answer.get("usageMetadata"), dict):
        response.usage.CopyFrom(decode_usage(usage))
        set_tier(response, usage)
    set_details(response, unknown_fields(answer, ANSWER_FIELDS))
    return response


def list_of(value: Any, name: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise malformed(f"{name} of the provider's answer is no list")
    return value


def created_of(answer: Json) -> int:
    """createTime (Vertex AI only) in seconds."""
    try:
        return int(datetime.datetime.fromisoformat(text_of(answer.get("createTime"))).timestamp())
    except (ValueError, OverflowError):
        return 0


def set_tier(target: Any, usage: Json) -> None:
    if isinstance(tier := usage.get("serviceTier"), str):
        target.service_tier = tier


def refusal_of(answer: Json) -> Json | None:
    """promptFeedback, where it says that the prompt was refused."""
    feedback = answer.get("promptFeedback")
    if isinstance(feedback, dict) and ("blockReason" in feedback or "blockReasonMessage" in feedback):
        return feedback
    return None


def blocked_candidate(answer: Json) -> Candidate:
    """A prompt that was refused has no candidates; an empty one says why. Its note keeps it out of this dialect's own
    answers."""
    refusal = refusal_of(answer)
    if refusal is None:
        raise malformed("the provider's answer has no candidates")
    candidate = Candidate(finish_reason=FINISH_REASON_CONTENT_FILTER, raw_finish_reason=text_of(refusal.get("blockReason")))
    set_details(candidate, {"$blocked": True})
    return candidate


def decode_candidate(item: Any, position: int, response_id: str) -> Candidate:
    if not isinstance(item, dict):
        raise malformed(f"candidates[{position}] of the provider's answer is no object")
    content = content_of(item)
    raw = text_of(item.get("finishReason"))
    check_finish(raw, item)
    index = index_of(item, position)
    candidate = Candidate(index=index, raw_finish_reason=raw)
    calls = 0
    for piece in list_of(content.get("parts"), "parts"):
        if not isinstance(piece, dict):
            raise malformed("a part of the provider's answer is no object")
        if not is_silent(piece):
            part = decode_part(piece, (response_id, index, calls))
            candidate.parts.append(part)
            calls += part.WhichOneof("kind") == "tool_call"
    if not raw and not candidate.parts:
        raise malformed(f"candidates[{position}] of the provider's answer has neither content nor finishReason")
    candidate.finish_reason = finish_reason(raw, bool(calls))
    if isinstance(logprobs := item.get("logprobsResult"), dict):
        candidate.logprobs.CopyFrom(decode_logprobs(logprobs))
    set_candidate_details(candidate, {**candidate_details(item, content), **finish_note(raw)}, candidate.parts)
    return candidate


def index_of(item: Json, position: int) -> int:
    index = item.get("index", position)
    return index if type(index) is int and 0 <= index < 1000 else position


def content_of(item: Json) -> Json:
    content = item.get("content")
    return content if isinstance(content, dict) else {}


def candidate_details(item: Json, content: Json) -> Json:
    details = unknown_fields(item, CANDIDATE_FIELDS)
    if extra := unknown_fields(content, CONTENT_FIELDS):
        details["content"] = extra
    return details


def set_candidate_details(target: Any, details: Json, parts: Sequence[Part]) -> None:
    """The candidate's own fields; for OpenAI's clients, the sources as annotations and the seal over the last words."""
    set_details(target, details)
    if message := compatible_message(details, parts):
        set_details(target, {"message": message}, COMPATIBLE)


def compatible_message(details: Json, parts: Sequence[Part]) -> Json:
    message: Json = {}
    if annotations := annotations_of(details, parts):
        message["annotations"] = annotations
    for part in parts:
        if part.WhichOneof("kind") == "text" and DIALECT in part.provider_details_json:
            signature = decode_json(part.provider_details_json[DIALECT]).get(FIELD)
            message.update(compatible(signature) if isinstance(signature, str) else {})
    return message
