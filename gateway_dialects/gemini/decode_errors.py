"""Why Google refused or failed: google.rpc.Status as JSON, in the contract's vocabulary.

Sources: https://ai.google.dev/gemini-api/docs/troubleshooting, https://google.aip.dev/193 (details) and recorded errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.kit.failures import plain_failure, reason_by_status, retry_after, seconds
from gateway_dialects.kit.json import LONGEST_MESSAGE, UNREADABLE, Json, decode_json

REASON_BY_CODE = {
    "API_KEY_INVALID": Reason.UPSTREAM_AUTH,
    "ACCESS_TOKEN_EXPIRED": Reason.UPSTREAM_AUTH,
    "CREDENTIALS_MISSING": Reason.UPSTREAM_AUTH,
}
"""By ErrorInfo.reason, which says more than the status: a key that is wrong is answered with 400."""
OWN_STATUSES = {499: Reason.UPSTREAM_UNAVAILABLE}
"""Google believes that we left."""
PHRASES = (
    ("exceeds the maximum number of tokens", Reason.CONTEXT_LENGTH_EXCEEDED),
    ("request payload size exceeds", Reason.REQUEST_TOO_LARGE),
    # The gateway is where Google does not serve: its operator must act, and another provider may answer.
    ("user location is not supported", Reason.UPSTREAM_AUTH),
    ("api key not valid", Reason.UPSTREAM_AUTH),
    ("api key expired", Reason.UPSTREAM_AUTH),
)
REQUEST_ID_HEADERS = ("x-goog-request-id", "x-request-id")


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """See Dialect.decode_error."""
    error = error_object(read(body))
    failure = error_from(error, status) if error is not None else plain_failure(status, headers, body, reason_for_plain)
    for name in REQUEST_ID_HEADERS:
        if request_id := headers.get(name):
            failure.metadata = {**failure.metadata, "upstream_request_id": request_id}
            break
    if failure.retry_after_s is None:
        failure.retry_after_s = retry_after(headers)
    return failure


def read(body: bytes) -> Any:
    try:
        return decode_json(body)
    except UNREADABLE:
        return None


def error_object(answer: Any) -> Json | None:
    """The object that describes the error. Some endpoints wrap it in a list; proxies shorten it to a text."""
    match answer:
        case {"error": dict(error)}:
            return error
        case {"error": str(message)}:
            return {"message": message}
        case [dict(first), *_]:
            return error_object(first)
        case _:
            return None


def error_in_body(error: Any) -> GatewayError:
    """An error reported inside an answer whose status was 200."""
    found = error if isinstance(error, dict) else {"message": str(error)}
    code = found.get("code")
    return error_from(found, code if isinstance(code, int) and 400 <= code < 600 else 500)


def error_from(error: Json, status: int) -> GatewayError:
    message = str(error.get("message") or f"status {status}")[:LONGEST_MESSAGE]
    code = error_code(error)
    metadata = {
        "upstream_status": str(status),
        "upstream_message": message,
        "upstream_code": code,
        "upstream_type": word_of(error.get("status")),
    }
    return GatewayError(
        reason_for(status, code, message, error),
        message,
        field=violated_field(error),
        metadata={name: value for name, value in metadata.items() if value},
        retry_after_s=retry_delay(error),
    )


def details_of_type(error: Json, kind: str) -> Iterator[Json]:
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and str(detail.get("@type")).endswith(f"google.rpc.{kind}"):
            yield detail


def error_code(error: Json) -> str:
    """ErrorInfo.reason. DebugInfo is never looked at: it may repeat the key."""
    return next((word_of(info.get("reason")) for info in details_of_type(error, "ErrorInfo")), "")


def word_of(value: Any) -> str:
    return str(value) if isinstance(value, (str, int)) else ""


def violated_field(error: Json) -> str:
    for found in details_of_type(error, "BadRequest"):
        match found.get("fieldViolations"):
            case [{"field": str(field)}, *_]:
                return field
    return ""


def reason_for(status: int, code: str, message: str, error: Json) -> Reason:
    if code in REASON_BY_CODE:
        return REASON_BY_CODE[code]
    lowered = message.lower()
    for phrase, reason in PHRASES:
        if phrase in lowered:
            return reason
    if status == 429 and is_spent(error, lowered):
        return Reason.QUOTA_EXHAUSTED
    return reason_by_status(status, OWN_STATUSES)


def reason_for_plain(status: int, message: str) -> Reason:
    return reason_for(status, "", message, {})


def is_spent(error: Json, message: str) -> bool:
    """Whether waiting a moment would not help: no credit, a limit for the day, or a limit of nothing."""
    infos = (info.get("metadata") for info in details_of_type(error, "ErrorInfo"))
    return (
        "credits are depleted" in message
        or any("PerDay" in str(found.get("quotaId")) or found.get("quotaValue") == "0" for found in violations(error))
        or any(isinstance(info, dict) and info.get("quota_limit_value") == "0" for info in infos)
    )


def violations(error: Json) -> Iterator[Json]:
    for failure in details_of_type(error, "QuotaFailure"):
        listed = failure.get("violations")
        yield from (item for item in listed if isinstance(item, dict)) if isinstance(listed, list) else ()


def retry_delay(error: Json) -> float | None:
    """RetryInfo.retryDelay in seconds: a google.protobuf.Duration in JSON, "48s" or "0.5s"."""
    for info in details_of_type(error, "RetryInfo"):
        delay = info.get("retryDelay")
        if isinstance(delay, str) and delay.endswith("s"):
            return seconds(delay[:-1])
    return None
