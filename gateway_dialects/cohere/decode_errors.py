"""Errors: their status and body as the contract's reasons.

Source: https://docs.cohere.com/reference/errors, the API's own description (498, 499) and the error_* recordings: a body is
{"message", "id"}, newer ones with "error_type".
"""

from collections.abc import Mapping
from typing import Any

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.cohere.words import ERROR_TYPES, FAILED_FINISHES
from gateway_dialects.kit.context_length import is_too_long
from gateway_dialects.kit.failures import decode_failure, reason_by_phrase, reason_by_status, upstream_error
from gateway_dialects.kit.json import LONGEST_MESSAGE, Json, text_of

OWN_STATUSES = {
    # A text that Cohere does not allow, in the request or the answer.
    498: Reason.CONTENT_FILTERED,
    # The provider believes that we left.
    499: Reason.UPSTREAM_UNAVAILABLE,
}
STATUS_BY_REASON = {
    Reason.CONTEXT_LENGTH_EXCEEDED: 400,
    Reason.UPSTREAM_INVALID_RESPONSE: 422,
    Reason.CONTENT_FILTERED: 498,
    Reason.UPSTREAM_TIMEOUT: 504,
}
"""The status that a failure would have had, had it not come inside an answer."""
PHRASES = (
    ("max tokens must be", Reason.UPSTREAM_REJECTED),
    ("calls / month", Reason.QUOTA_EXHAUSTED),
    ("billing limit", Reason.QUOTA_EXHAUSTED),
    ("monthly cap", Reason.QUOTA_EXHAUSTED),
)
"""What an error means, by a phrase in its message; the first that is found counts."""
REQUEST_ID_HEADERS = ("x-debug-trace-id", "x-request-id")


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """See Dialect.decode_error."""
    return decode_failure(status, headers, body, find=error_object, read=error_from, request_ids=REQUEST_ID_HEADERS)


def error_object(answer: Any) -> Json | None:
    """The object that describes the error, also in the envelopes of proxies and compatible servers."""
    match answer:
        case {"message": str()}:
            return dict(answer)
        case {"error": dict(error)}:
            return error
        case {"error": str(message)} | {"detail": str(message)}:
            return {"message": message}
        case _:
            return None


def error_from(error: Json, status: int) -> GatewayError:
    message = (text_of(error.get("message")) or f"status {status}")[:LONGEST_MESSAGE]
    kind, request_id = text_of(error.get("error_type")), text_of(error.get("id"))
    reason = reason_for(status, kind, message)
    return upstream_error(reason, message, status, upstream_type=kind, upstream_request_id=request_id)


def error_in_answer(error: Json, finish: str = "ERROR") -> GatewayError:
    """A failure at the end of an answer, after a status of 200. error: message or error, and error_type."""
    kind = text_of(error.get("error_type"))
    reason = ERROR_TYPES.get(kind) or FAILED_FINISHES.get(finish, Reason.UPSTREAM_UNAVAILABLE)
    given = text_of(error.get("error")) or text_of(error.get("message"))
    message = (given or f"the provider reports that generation failed ({finish})")[:LONGEST_MESSAGE]
    return upstream_error(reason, message, STATUS_BY_REASON.get(reason, 500), upstream_type=kind or finish)


def reason_for(status: int, kind: str, message: str) -> Reason:
    if kind in ERROR_TYPES:
        return ERROR_TYPES[kind]
    is_refusal = status in (400, 402, 413, 422, 429)
    if is_refusal and (known := reason_by_phrase(message, PHRASES)):
        return known
    return Reason.CONTEXT_LENGTH_EXCEEDED if is_too_long(status, message) else reason_by_status(status, OWN_STATUSES)
