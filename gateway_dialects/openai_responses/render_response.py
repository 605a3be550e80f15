"""A Response object, whole or as it grows.

Source: https://platform.openai.com/docs/api-reference/responses/object. Every field of the schema is there, null where it
allows that: strict clients refuse an answer without one.
"""

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import FINISH_REASON_ERROR, FINISH_REASON_UNSPECIFIED, Candidate, ChatResponse
from dragoman.v1.stream_pb2 import CandidateFinish, Finished, Started
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.json import Json, decode_object, encode_json, object_at
from gateway_dialects.openai.render_response import error_object
from gateway_dialects.openai_responses.render_items import render_output
from gateway_dialects.openai_responses.words import DIALECT, ECHOED, INCOMPLETE, SERVICE_TIERS, UNFINISHED, details_of

DEFAULTS: Json = {"background": False, "error": None, "incomplete_details": None, "usage": None, **ECHOED}
GATEWAY_FIELDS = ("previous_response_id", "store", "metadata", "background")
"""What the gateway does itself: the provider's own word for it is another matter."""
RATE_LIMITS = (Reason.RATE_LIMITED, Reason.QUOTA_EXHAUSTED)
FAILED: Json = {"code": "server_error", "message": "the provider reports that generation failed"}


def response_object(answer: ChatResponse, echo: Json, fallback_id: str, now: int) -> Json:
    """A whole answer. echo: ParsedCreate's. fallback_id (resp_...) and now (Unix seconds) stand in where the provider gave
    none."""
    response_id = response_id_of(answer.id, fallback_id)
    candidate = answer.candidates[0] if answer.candidates else Candidate()
    body = begin(response_id, answer.model or answer.route.model, answer.created or now, echo)
    is_cut = candidate.finish_reason in INCOMPLETE
    output = render_output(candidate.parts, candidate.logprobs.content, response_id, is_cut=is_cut)
    conclude(body, answer, candidate, output, echo)
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


def conclude(
    body: Json, answer: ChatResponse | Finished, ending: Candidate | CandidateFinish, output: list[Json], echo: Json
) -> None:
    add_details(body, answer, echo)
    reason = ending.finish_reason
    body["output"] = output
    body["usage"] = render_usage(answer.usage) if answer.HasField("usage") else None
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
    return {"code": "rate_limit_exceeded" if failure.reason in RATE_LIMITS else "server_error", "message": failure.message}
