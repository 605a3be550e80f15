"""Why Cohere refused or failed: its status and body in the contract's vocabulary.

Source: https://docs.cohere.com/reference/errors, the API's own description (498, 499) and the error_* recordings: a body is
{"message", "id"}, newer ones with "error_type".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.kit.failures import plain_failure, reason_by_status, retry_after
from gateway_dialects.kit.json import LONGEST_MESSAGE, Json, decode_json, text_of

REASON_BY_TYPE = {
    "TOO_MANY_TOKENS": Reason.CONTEXT_LENGTH_EXCEEDED,
    # The model called a tool in a way that nobody can read: another try may do better.
    "INVALID_TOOL_GENERATION": Reason.UPSTREAM_INVALID_RESPONSE,
    "HALLUCINATED_ALL_TOOL_CALLS": Reason.UPSTREAM_INVALID_RESPONSE,
}
OWN_STATUSES = {
    # A text that Cohere does not allow, in the request or the answer.
    498: Reason.CONTENT_FILTERED,
    # The provider believes that we left.
    499: Reason.UPSTREAM_UNAVAILABLE,
}
REASON_BY_FINISH = {
    "ERROR": Reason.UPSTREAM_UNAVAILABLE,
    "ERROR_LIMIT": Reason.CONTEXT_LENGTH_EXCEEDED,
    "ERROR_TOXIC": Reason.CONTENT_FILTERED,
    "TIMEOUT": Reason.UPSTREAM_TIMEOUT,
}
"""Words for an answer that ended in failure, whatever came before."""
STATUS_BY_REASON = {
    Reason.CONTEXT_LENGTH_EXCEEDED: 400,
    Reason.UPSTREAM_INVALID_RESPONSE: 422,
    Reason.CONTENT_FILTERED: 498,
    Reason.UPSTREAM_TIMEOUT: 504,
}
"""The status that a failure would have had, had it not come inside an answer."""
PHRASES = (
    ("max tokens must be", Reason.UPSTREAM_REJECTED),
    ("too many tokens", Reason.CONTEXT_LENGTH_EXCEEDED),
    ("calls / month", Reason.QUOTA_EXHAUSTED),
    ("billing limit", Reason.QUOTA_EXHAUSTED),
    ("monthly cap", Reason.QUOTA_EXHAUSTED),
)
"""What a refusal means, by its words; the first that is found counts."""
REQUEST_ID_HEADERS = ("x-debug-trace-id", "x-request-id")


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """See Dialect.decode_error."""
    try:
        answer = decode_json(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        answer = None
    error = error_object(answer)
    failure = error_from(error, status) if error else plain_failure(status, headers, body, reason_for_plain)
    given = next((headers[name] for name in REQUEST_ID_HEADERS if headers.get(name)), "")
    if request_id := given or text_of(error.get("id") if error else None):
        failure.metadata = {**failure.metadata, "upstream_request_id": request_id}
    failure.retry_after_s = retry_after(headers)
    return failure


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
    kind = text_of(error.get("error_type"))
    words = {"upstream_status": str(status), "upstream_message": message, "upstream_type": kind}
    return GatewayError(
        reason_for(status, kind, message), message, metadata={name: word for name, word in words.items() if word}
    )


def error_in_answer(error: Json, finish: str = "ERROR") -> GatewayError:
    """A failure that is told where an answer ends, after a status of 200. error: message or error, and error_type."""
    kind = text_of(error.get("error_type"))
    reason = REASON_BY_TYPE.get(kind) or REASON_BY_FINISH.get(finish, Reason.UPSTREAM_UNAVAILABLE)
    told = text_of(error.get("error")) or text_of(error.get("message"))
    message = (told or f"the provider reports that generation failed ({finish})")[:LONGEST_MESSAGE]
    status = str(STATUS_BY_REASON.get(reason, 500))
    words = {"upstream_status": status, "upstream_message": message, "upstream_type": kind or finish}
    return GatewayError(reason, message, metadata=words)


def reason_for(status: int, kind: str, message: str) -> Reason:
    if kind in REASON_BY_TYPE:
        return REASON_BY_TYPE[kind]
    if status in (400, 402, 413, 422, 429):
        lowered = message.lower()
        for phrase, reason in PHRASES:
            if phrase in lowered:
                return reason
    return reason_by_status(status, OWN_STATUSES)


def reason_for_plain(status: int, message: str) -> Reason:
    return reason_for(status, "", message)
