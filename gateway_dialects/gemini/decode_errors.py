"""Why Google refused or failed: google.rpc.Status as JSON, in the contract's vocabulary.

Sources: https://ai.google.dev/gemini-api/docs/troubleshooting, https://google.aip.dev/193 (details) and recorded errors.
"""

from collections.abc import Mapping
from typing import Any

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.kit.context_length import is_too_long
from gateway_dialects.kit.failures import decode_failure, reason_by_phrase, reason_by_status, seconds, upstream_error
from gateway_dialects.kit.json import LONGEST_MESSAGE, Json, object_at, objects_at

REASON_BY_CODE = {
    "API_KEY_INVALID": Reason.UPSTREAM_AUTH,
    "ACCESS_TOKEN_EXPIRED": Reason.UPSTREAM_AUTH,
    "CREDENTIALS_MISSING": Reason.UPSTREAM_AUTH,
}
"""By ErrorInfo.reason, which says more than the status: a key that is wrong is answered with 400."""
OWN_STATUSES = {499: Reason.UPSTREAM_UNAVAILABLE}
"""Google believes that we left."""
PHRASES = (
    ("request payload size exceeds", Reason.REQUEST_TOO_LARGE),
    # The gateway is where Google does not serve: its operator must act, and another provider may answer.
    ("user location is not supported", Reason.UPSTREAM_AUTH),
    ("api key not valid", Reason.UPSTREAM_AUTH),
    ("api key expired", Reason.UPSTREAM_AUTH),
)
REQUEST_ID_HEADERS = ("x-goog-request-id", "x-request-id")


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """See Dialect.decode_error."""
    return decode_failure(status, headers, body, find=error_object, read=error_from, request_ids=REQUEST_ID_HEADERS)


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
    message, code = str(error.get("message") or f"status {status}")[:LONGEST_MESSAGE], error_code(error)
    reason, kind = reason_for(status, code, message, error), word_of(error.get("status"))
    failure = upstream_error(reason, message, status, upstream_code=code, upstream_type=kind)
    failure.field, failure.retry_after_s = violated_field(error), retry_delay(error)
    return failure


def details_of_type(error: Json, kind: str) -> list[Json]:
    return [item for item in objects_at(error, "details") if str(item.get("@type")).endswith(f"google.rpc.{kind}")]


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
    if known := REASON_BY_CODE.get(code) or reason_by_phrase(message, PHRASES):
        return known
    if is_too_long(status, message):
        return Reason.CONTEXT_LENGTH_EXCEEDED
    is_quota = status == 429 and is_spent(error, message)
    return Reason.QUOTA_EXHAUSTED if is_quota else reason_by_status(status, OWN_STATUSES)


def is_spent(error: Json, message: str) -> bool:
    """Whether waiting a moment would not help: no credit, a limit for the day, or a limit of nothing."""
    infos = [object_at(info, "metadata") for info in details_of_type(error, "ErrorInfo")]
    quotas = [quota for failure in details_of_type(error, "QuotaFailure") for quota in objects_at(failure, "violations")]
    return (
        "credits are depleted" in message.lower()
        or any("PerDay" in str(quota.get("quotaId")) or quota.get("quotaValue") == "0" for quota in quotas)
        or any(info.get("quota_limit_value") == "0" for info in infos)
    )


def retry_delay(error: Json) -> float | None:
    """RetryInfo.retryDelay in seconds: a google.protobuf.Duration in JSON, "48s" or "0.5s"."""
    for info in details_of_type(error, "RetryInfo"):
        delay = info.get("retryDelay")
        if isinstance(delay, str) and delay.endswith("s"):
            return seconds(delay[:-1])
    return None
