"""What the failures of all providers have in common: statuses, waits, and answers that are no error of their API."""

from __future__ import annotations

import email.utils
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.kit.json import LONGEST_MESSAGE, UNREADABLE, Json, decode_json

REASON_BY_STATUS: Mapping[int, Reason] = MappingProxyType(
    {
        401: Reason.UPSTREAM_AUTH,
        402: Reason.QUOTA_EXHAUSTED,
        403: Reason.UPSTREAM_AUTH,
        404: Reason.MODEL_NOT_FOUND,
        408: Reason.UPSTREAM_TIMEOUT,
        409: Reason.UPSTREAM_UNAVAILABLE,
        413: Reason.REQUEST_TOO_LARGE,
        425: Reason.UPSTREAM_UNAVAILABLE,
        429: Reason.RATE_LIMITED,
        503: Reason.UPSTREAM_OVERLOADED,
        504: Reason.UPSTREAM_TIMEOUT,
        524: Reason.UPSTREAM_TIMEOUT,
        529: Reason.UPSTREAM_OVERLOADED,
    }
)
LONGEST_WAIT_S = 86400.0 * 366


def reason_by_status(status: int, own: Mapping[int, Reason] = MappingProxyType({})) -> Reason:
    """own: what a provider means by a status of its own."""
    reason = own.get(status) or REASON_BY_STATUS.get(status)
    if reason is not None:
        return reason
    if status < 400:
        return Reason.UPSTREAM_INVALID_RESPONSE
    return Reason.UPSTREAM_UNAVAILABLE if status >= 500 else Reason.UPSTREAM_REJECTED


def reason_by_phrase(message: str, phrases: Iterable[tuple[str, Reason]]) -> Reason | None:
    """The reason of the first phrase, in lower case, that is in the message."""
    lowered = message[:LONGEST_MESSAGE].lower()
    return next((reason for phrase, reason in phrases if phrase in lowered), None)


def provider_failure(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    error_object: Callable[[Any], Json | None],
    error_from: Callable[[Json, int], GatewayError],
    reason_for: Callable[[int, str], Reason],
    request_id_headers: Iterable[str],
) -> GatewayError:
    """What Dialect.decode_error returns. error_object: (the body's JSON) -> its error. error_from: (error, status) -> the
    failure. reason_for: see plain_failure. The headers add the request id, and the wait where the error has none."""
    try:
        error = error_object(decode_json(body))
    except UNREADABLE:
        error = None
    failure = error_from(error, status) if error is not None else plain_failure(status, headers, body, reason_for)
    if request_id := next((headers[name] for name in request_id_headers if headers.get(name)), ""):
        failure.metadata = {**failure.metadata, "upstream_request_id": request_id}
    if failure.retry_after_s is None:
        failure.retry_after_s = retry_after(headers)
    return failure


def reported_failure(
    reason: Reason, message: str, status: int, *, kind: str = "", code: str = "", request_id: str = ""
) -> GatewayError:
    """The failure that a provider's error reports. kind, code: as its API names them; empty: it gives none."""
    message = message[:LONGEST_MESSAGE]
    metadata = {
        "upstream_status": str(status),
        "upstream_message": message,
        "upstream_code": code,
        "upstream_type": kind,
        "upstream_request_id": request_id,
    }
    return GatewayError(reason, message, metadata={name: value for name, value in metadata.items() if value})


def plain_failure(
    status: int, headers: Mapping[str, str], body: bytes, reason_for: Callable[[int, str], Reason]
) -> GatewayError:
    """A failure with no JSON error: a proxy's page, an empty body. reason_for: (status, message) -> why."""
    kind = headers.get("content-type", "").partition(";")[0] or "no content type"
    text = body[:200].decode(errors="replace").strip()
    message = f"status {status} with {kind}" + (f": {text}" if text else " and an empty body")
    reason = Reason.UPSTREAM_INVALID_RESPONSE if status < 400 else reason_for(status, message)
    return GatewayError(reason, message, metadata={"upstream_status": str(status), "upstream_message": message})


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from retry-after-ms (OpenAI, Azure) or Retry-After (RFC 9110: seconds, or a date, read against Date)."""
    milliseconds = seconds(headers.get("retry-after-ms"))
    if milliseconds:
        return milliseconds / 1000
    value, now = headers.get("retry-after"), headers.get("date")
    if (found := seconds(value)) is not None or value is None or now is None:
        return found
    try:
        wait = email.utils.parsedate_to_datetime(value) - email.utils.parsedate_to_datetime(now)
    except (ValueError, TypeError, OverflowError):
        # TypeError: only one of them says its time zone.
        return None
    return max(0.0, wait.total_seconds())


def seconds(value: str | None) -> float | None:
    """A number of seconds that somebody could wait."""
    try:
        found = float(value) if value else None
    except ValueError:
        return None
    return found if found is not None and 0 <= found < LONGEST_WAIT_S else None
