"""Errors of providers: their status and body as a GatewayError.

Source: https://platform.claude.com/docs/en/api/errors and the error_* recordings.
"""

from collections.abc import Mapping
from typing import Any

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.anthropic.words import ERROR_TYPES
from gateway_dialects.kit.context_length import is_too_long
from gateway_dialects.kit.failures import decode_failure, reason_by_phrase, reason_by_status, upstream_error
from gateway_dialects.kit.json import LONGEST_MESSAGE, Json, object_at, text_of

REFUSAL_PHRASES = (
    ("credit balance is too low", Reason.QUOTA_EXHAUSTED),
    ("usage limits", Reason.QUOTA_EXHAUSTED),
    ("content filtering policy", Reason.CONTENT_FILTERED),
)
"""What an invalid_request_error means, by its message."""
SPEND_LIMIT = "spend_limit_reached"
"""The end of codes of a 429 that waiting does not help against: contract_spend_limit_reached, and others."""
REQUEST_ID_HEADERS = ("request-id", "x-request-id", "cf-ray")


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """See Dialect.decode_error."""
    return decode_failure(status, headers, body, find=error_object, read=error_from, request_ids=REQUEST_ID_HEADERS)


def error_in_stream(event: Json) -> GatewayError:
    """An error reported inside an answer whose status was 200: it has the status of its type."""
    error = error_object(event) or {"message": "the provider reports an error without saying which"}
    known = ERROR_TYPES.get(text_of(error.get("type")))
    return error_from(error, known.status if known else 500)


def error_object(answer: Any) -> Json | None:
    """The object that describes the error, with the request's id, also in the envelopes of proxies and vendors."""
    match answer:
        case {"error": dict(error)} if error:
            return {"request_id": answer.get("request_id"), **error}
        case {"error": str(message)} | {"message": str(message)} | {"detail": str(message)}:
            return {"message": message, "request_id": answer.get("request_id")}
        case _:
            return None


def error_from(error: Json, status: int) -> GatewayError:
    message = (text_of(error.get("message")) or f"status {status}")[:LONGEST_MESSAGE]
    kind, code = text_of(error.get("type")), text_of(object_at(error, "details").get("error_code"))
    reason = Reason.QUOTA_EXHAUSTED if code.endswith(SPEND_LIMIT) else reason_for(status, kind, message)
    request_id = text_of(error.get("request_id"))
    return upstream_error(reason, message, status, upstream_type=kind, upstream_code=code, upstream_request_id=request_id)


def reason_for(status: int, kind: str, message: str) -> Reason:
    if is_too_long(status, message):
        return Reason.CONTEXT_LENGTH_EXCEEDED
    if status in (400, 402, 403, 413, 422, 429) and (reason := reason_by_phrase(message, REFUSAL_PHRASES)):
        return reason
    if kind == "not_found_error" and "model" not in message.lower():
        # A file, a container: the model is there.
        return Reason.UPSTREAM_REJECTED
    known = ERROR_TYPES.get(kind)
    return known.reason if known and known.reason else reason_by_status(status)
