"""A Response object, whole or as it grows.

Source: https://platform.openai.com/docs/api-reference/responses/object. Every field of the schema is there, null where it
allows that: strict clients refuse an answer without one.
"""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import FINISH_REASON_ERROR, FINISH_REASON_UNSPECIFIED, Candidate, ChatResponse, FinishReason
from dragoman.v1.stream_pb2 import CandidateFinish, Finished, Started
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.json import Json, decode_object, encode_json, object_at
from gateway_dialects.openai.render_response import error_object
from gateway_dialects.openai_responses.render_items import ItemIds, render_output
from gateway_dialects.openai_responses.words import DIALECT, INCOMPLETE_REASONS, SERVICE_TIERS, UNFINISHED, details_of

DEFAULTS: Json = {
    "background": False,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": None,
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "usage": None,
    "user": None,
    "metadata": {},
}
"""What OpenAI shows of fields that the request left out."""
GATEWAY_FIELDS = ("previous_response_id", "store", "metadata", "background")
"""What the gateway does itself: the provider's own word for it is another matter."""
INCOMPLETE: Mapping[FinishReason.ValueType, str] = {
    reason: word for word, reason in reversed(list(INCOMPLETE_REASONS.items()))
}
ERROR_CODES: Mapping[str, str] = {
    Reason.RATE_LIMITED: "rate_limit_exceeded",
    Reason.QUOTA_EXHAUSTED: "rate_limit_exceeded",
}
"""error.code of a Response; server_error for any other reason."""
FAILED: Json = {"code": "server_error", "message": "the provider reports that generation failed"}


def render_response(answer: ChatResponse, echo: Json, fallback_id: str, now: int) -> bytes:
    """The JSON body. echo: ParsedCreate's. fallback_id (resp_...) and now (Unix seconds) stand in where the provider gave
    none."""
    return encode_json(response_object(answer, echo, fallback_id, now))


def response_object(answer: ChatResponse, echo: Json, fallback_id: str, now: int) -> Json:
    """See render_response."""
    response_id = response_id_of(answer.id, fallback_id)
    candidate = answer.candidates[0] if answer.candidates else Candidate()
    body = begin(response_id, answer.model or answer.route.model, answer.created or now, echo)
    add_details(body, answer, echo)
    is_cut = candidate.finish_reason in INCOMPLETE
    output = render_output(candidate.parts, candidate.logprobs.content, ItemIds(response_id), is_cut=is_cut)
    usage = answer.usage if answer.HasField("usage") else None
    conclude(body, candidate, output, usage)
    return body


def response_id_of(given: str, fallback_id: str) -> str:
    """Clients know a response by how its id begins."""
    return given if given.startswith("resp_") else fallback_id


def begin(response_id: str, model: str, created: int, echo: Json) -> Json:
    """A Response that has no output yet."""
    head: Json = {"id": response_id, "object": "response", "created_at": created, "status": "in_progress", "model": model}
    body = {**head, "output": [], **DEFAULTS, **echo}
    body["text"] = {**DEFAULTS["text"], **body["text"]}
    body["reasoning"] = {**DEFAULTS["reasoning"], **body["reasoning"]}
    body["tools"] = [with_nulls(tool) for tool in body["tools"]]
    body["metadata"] = dict(body["metadata"])
    return body


def with_nulls(tool: Json) -> Json:
    """A function is shown with the fields that it left out."""
    return {"parameters": None, "strict": None, **tool} if tool.get("type") == "function" else tool


def add_details(body: Json, answer: ChatResponse | Started | Finished, echo: Json) -> None:
    """The provider's other fields. Of what the gateway does itself, the client's request counts before the provider's
    answer; another dialect's service tiers would be refused by typed clients."""
    details = details_of(answer)
    if answer.HasField("service_tier") and (answer.service_tier in SERVICE_TIERS or details):
        body["service_tier"] = answer.service_tier
    body.update({name: value for name, value in details.items() if name not in GATEWAY_FIELDS or name not in echo})


def conclude(body: Json, ending: Candidate | CandidateFinish, output: list[Json], usage: Usage | None) -> None:
    reason = ending.finish_reason
    body["output"] = output
    body["usage"] = render_usage(usage) if usage is not None else None
    if reason in INCOMPLETE:
        body["status"], body["incomplete_details"] = "incomplete", {"reason": INCOMPLETE[reason]}
    elif reason == FINISH_REASON_ERROR:
        body["status"], body["error"] = "failed", FAILED
    elif reason == FINISH_REASON_UNSPECIFIED and ending.raw_finish_reason in UNFINISHED:
        body["status"] = ending.raw_finish_reason
    else:
        body["status"] = "completed"


def render_usage(usage: Usage) -> Json:
    """As the provider wrote it when it speaks this dialect, with all that typed clients need."""
    raw = decode_object(usage.raw_json) if usage.raw_dialect == DIALECT and usage.raw_json else {}
    read = {"cached_tokens": usage.cache_read_tokens, "cache_write_tokens": usage.cache_write_tokens}
    reasoning = {"reasoning_tokens": usage.reasoning_tokens}
    return {
        **raw,
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {**read, **object_at(raw, "input_tokens_details")},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {**reasoning, **object_at(raw, "output_tokens_details")},
        "total_tokens": usage.total_tokens,
    }


def render_token_count(count: int) -> bytes:
    return encode_json({"object": "response.input_tokens", "input_tokens": count})


def stream_error(failure: GatewayError) -> Json:
    """The fields of an error event. The error is in an object of its own, from which the SDKs raise, and beside the type, as
    is documented. Source: recorded streams that failed."""
    error = error_object(failure)
    return {"code": error["code"], "message": error["message"], "param": error["param"], "error": error}


def failed_error(failure: GatewayError) -> Json:
    """The error of a Response that failed."""
    return {"code": ERROR_CODES.get(failure.reason, "server_error"), "message": failure.message}
