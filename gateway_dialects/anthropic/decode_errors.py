"""Errors of providers: their status and body as a GatewayError.

Source: https://platform.claude.com/docs/en/api/errors and the error_* recordings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.anthropic.words import ERROR_TYPES
from gateway_dialects.kit.failures import plain_failure, reason_by_status, retry_after
from gateway_dialects.kit.json import LONGEST_MESSAGE, UNREADABLE, Json, decode_json, object_at, text_of

REFUSAL_PHRASES = (
    ("prompt is too long", Reason.CONTEXT_LENGTH_EXCEEDED),
    ("exceed context limit", Reason.CONTEXT_LENGTH_EXCEEDED),
    ("maximum context length", Reason.CONTEXT_LENGTH_EXCEEDED),
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
    try:
        answer = decode_json(body)
    except UNREADABLE:
        answer = None
    error = error_object(answer)
    failure = error_from(error, status) if error else plain_failure(status, headers, body, reason_for_plain)
    request_id = next((headers[name] for name in REQUEST_ID_HEADERS if headers.get(name)), request_id_of(answer))
    if request_id:
        failure.metadata = {**failure.metadata, "upstream_request_id": request_id}
    failure.retry_after_s = retry_after(headers)
    return failure


def error_in_stream(event: Json) -> GatewayError:
    """An error reported inside an answer whose status was 200."""
    error = error_object(event) or {"message": "the provider reports an error without saying which"}
    failure = error_from(error, status_of(text_of(error.get("type"))))
    if request_id := request_id_of(event):
        failure.metadata = {**failure.metadata, "upstream_request_id": request_id}
    return failure


def status_of(kind: str) -> int:
    """The status that an error of this type has outside of streams."""
    return ERROR_TYPES[kind].status if kind in ERROR_TYPES else 500


def error_object(answer: Any) -> Json | None:
    """The object that describes the error, also in the envelopes of proxies and compatible vendors."""
    match answer:
        case {"error": dict(error)}:
            return error
        case {"error": str(message)} | {"message": str(message)} | {"detail": str(message)}:
            return {"message": message}
        case _:
            return None


def request_id_of(answer: Any) -> str:
    return text_of(answer.get("request_id")) if isinstance(answer, dict) else ""


def error_from(error: Json, status: int) -> GatewayError:
    message = (text_of(error.get("message")) or f"status {status}")[:LONGEST_MESSAGE]
    kind, code = text_of(error.get("type")), text_of(object_at(error, "details").get("error_code"))
    given = {"upstream_status": str(status), "upstream_message": message, "upstream_type": kind, "upstream_code": code}
    metadata = {name: value for name, value in given.items() if value}
    reason = Reason.QUOTA_EXHAUSTED if code.endswith(SPEND_LIMIT) else reason_for(status, kind, message)
    return GatewayError(reason, message, metadata=metadata)


def reason_for(status: int, kind: str, message: str) -> Reason:
    lowered = message.lower()
    if status in (400, 402, 403, 413, 422, 429):
        for phrase, reason in REFUSAL_PHRASES:
            if phrase in lowered:
                return reason
    if kind == "not_found_error" and "model" not in lowered:
        # A file, a container: the model is there.
        return Reason.UPSTREAM_REJECTED
    known = ERROR_TYPES.get(kind)
    return known.reason if known and known.reason else reason_by_status(status)


def reason_for_plain(status: int, message: str) -> Reason:
    return reason_for(status, "", message)
