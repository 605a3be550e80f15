"""Whole answers of OpenAI's Responses API, their usage and their errors.

Source: https://platform.openai.com/docs/api-reference/responses/object and recorded answers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import (
    FINISH_REASON_LENGTH,
    FINISH_REASON_STOP,
    FINISH_REASON_TOOL_CALLS,
    FINISH_REASON_UNSPECIFIED,
    Candidate,
    ChatResponse,
    FinishReason,
)
from dragoman.v1.stream_pb2 import CandidateFinish
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit import json
from gateway_dialects.kit.dialect import UsageReport
from gateway_dialects.kit.finish import MEANINGS, check_finish, word_in
from gateway_dialects.kit.json import Json
from gateway_dialects.openai.decode_errors import error_in_body
from gateway_dialects.openai.decode_response import count, include_reasoning, set_subsets
from gateway_dialects.openai.words import INPUT_SUBSETS, OUTPUT_SUBSETS
from gateway_dialects.openai_responses.decode_items import complete_item, decode_item, decode_logprobs, typed
from gateway_dialects.openai_responses.words import CALLS, DIALECT, INCOMPLETE_REASONS, UNFINISHED, set_details

RESPONSE_FIELDS = frozenset(
    {"id", "object", "created_at", "model", "output", "usage", "status", "error", "incomplete_details", "service_tier"}
)
REJECTED, FILTERED = Reason.UPSTREAM_REJECTED, Reason.CONTENT_FILTERED
ERROR_REASONS: Mapping[str, Reason] = {
    **dict.fromkeys(("bio_policy", "cyber_policy", "misalignment_policy_violation"), FILTERED),
    "image_content_policy_violation": FILTERED,
    **dict.fromkeys(("invalid_prompt", "data_residency_mismatch", "empty_image_file", "failed_to_download_image"), REJECTED),
    **dict.fromkeys(("image_file_not_found", "image_file_too_large", "image_parse_error", "image_too_large"), REJECTED),
    **dict.fromkeys(("image_too_small", "invalid_base64_image", "invalid_image", "invalid_image_format"), REJECTED),
    **dict.fromkeys(("invalid_image_mode", "invalid_image_url", "unsupported_image_media_type"), REJECTED),
    "vector_store_timeout": Reason.UPSTREAM_TIMEOUT,
}
"""Error codes of this API that chat completions do not have."""
LATEST = 2**53


def decode_chat(body: bytes) -> ChatResponse:
    """See Dialect.chat. An answer that is made in the background has no parts yet: its raw_finish_reason is its status."""
    answer = json.decode_body(body)
    check_status(answer)
    status = json.text_of(answer.get("status"))
    output = answer.get("output")
    if not isinstance(output, list) and status not in UNFINISHED:
        raise json.malformed("the provider's answer has no output")
    if status in UNFINISHED and answer.get("background") is not True:
        raise json.malformed(f"the provider's answer is not complete: its status is {status}")
    response = ChatResponse()
    set_head(response, answer)
    decode_candidate(response.candidates.add(), json.list_at(answer, "output"), answer)
    if isinstance(usage := answer.get("usage"), dict):
        response.usage.CopyFrom(decode_usage(usage))
    details = json.unknown_fields(answer, RESPONSE_FIELDS)
    set_details(response, {**details, "status": status} if status in UNFINISHED else details)
    return response


def check_status(answer: Json) -> None:
    """Raises GatewayError for an answer that failed or was cancelled."""
    status = answer.get("status")
    if answer.get("error") or status == "failed":
        raise error_in_answer(answer.get("error"))
    if status == "cancelled":
        raise GatewayError(Reason.UPSTREAM_UNAVAILABLE, "the provider cancelled the answer")


def set_head(target: Any, answer: Json) -> None:
    """What ChatResponse and Started have in common."""
    target.id, target.model = json.text_of(answer.get("id")), json.text_of(answer.get("model"))
    created = answer.get("created_at")
    target.created = int(created) if isinstance(created, (int, float)) and 0 <= created < LATEST else 0
    if isinstance(tier := answer.get("service_tier"), str):
        target.service_tier = tier


def decode_candidate(candidate: Candidate, output: Sequence[Any], answer: Json) -> None:
    for place, item in enumerate(output):
        candidate.parts.extend(decode_item(complete_item(typed(item, "an item"), json.text_of(answer.get("id")), place)))
        if item["type"] == "message":
            for piece in json.list_at(item, "content"):
                if logprobs := json.list_at(piece, "logprobs"):
                    candidate.logprobs.MergeFrom(decode_logprobs(logprobs))
    set_ending(candidate, answer, output)


def set_ending(target: Candidate | CandidateFinish, answer: Json, output: Sequence[Json]) -> None:
    """answer: empty where a stream ended without one."""
    target.finish_reason, target.raw_finish_reason = finish_reason(answer, output)


def finish_reason(answer: Json, output: Sequence[Json]) -> tuple[FinishReason.ValueType, str]:
    """(reason, the provider's word): the status, or why it is incomplete."""
    status = json.text_of(answer.get("status"))
    if status in UNFINISHED:
        return FINISH_REASON_UNSPECIFIED, status
    if status == "incomplete":
        word = json.text_of(json.object_at(answer, "incomplete_details").get("reason"))
        check_finish(word)
        known = MEANINGS.get(word_in(word), FINISH_REASON_LENGTH)
        return INCOMPLETE_REASONS.get(word, known), word or status
    return FINISH_REASON_TOOL_CALLS if any(item["type"] in CALLS for item in output) else FINISH_REASON_STOP, status


def decode_usage(raw: Json) -> Usage:
    """Never raises: a field of an unexpected type is left out of the typed counts and stays in raw_json."""
    input_tokens, output_tokens = count(raw.get("input_tokens")), count(raw.get("output_tokens"))
    usage = Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=count(raw.get("total_tokens")) or input_tokens + output_tokens,
        raw_json=json.json_text(raw),
        raw_dialect=DIALECT,
    )
    set_subsets(usage, raw.get("input_tokens_details"), INPUT_SUBSETS)
    set_subsets(usage, raw.get("output_tokens_details"), OUTPUT_SUBSETS)
    include_reasoning(usage)
    return usage


def find_usage(answer: Json) -> UsageReport | None:
    """See Dialect.find_usage. OpenAI's endpoints for pictures and transcriptions report it the same way. Anthropic has the
    same two counts, but no total: the two mean different things by them."""
    response = answer.get("response")
    holder = response if isinstance(response, dict) else answer
    usage = holder.get("usage")
    if not isinstance(usage, dict) or not ("input_tokens" in usage and "total_tokens" in usage):
        return None
    return UsageReport(usage, json.text_of(holder.get("model")), json.text_of(holder.get("service_tier")))


def error_in_answer(error: Any) -> GatewayError:
    """An error inside an answer, or an event, of HTTP status 200."""
    failure = error_in_body(error or {"message": "the provider reports that the answer failed, without saying why"})
    if reason := ERROR_REASONS.get(failure.metadata.get("upstream_code", "")):
        failure.reason = reason
    return failure


def error_in_event(event: Json) -> GatewayError:
    """Of an error event: the error is in an object of its own (as recorded) or beside the type (as documented)."""
    return error_in_answer(event.get("error") or {name: event.get(name) for name in ("message", "code", "param")})


def response_in(event: Json) -> Json:
    """The response that an event is about. Raises GatewayError UPSTREAM_INVALID_RESPONSE where it has none."""
    return json.as_object(event.get("response"), "response of an event")
