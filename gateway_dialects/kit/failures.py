"""What the failures of all providers have in common: statuses, waits, and answers that are no error of their API."""

import email.utils
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.kit.json import UNREADABLE, Json, decode_json

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
    """The reason of the first phrase that the message has; phrases are in lower case."""
    lowered = message.lower()
    return next((reason for phrase, reason in phrases if phrase in lowered), None)


def upstream_error(reason: Reason, message: str, status: int, **more: str) -> GatewayError:
    """A failure that a provider reported. more: upstream_type, upstream_code and upstream_request_id; empty ones say
    nothing."""
    metadata = {"upstream_status": str(status), "upstream_message": message, **more}
    return GatewayError(reason, message, metadata={name: value for name, value in metadata.items() if value})


def decode_failure(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    find: Callable[[Any], Json | None],
    read: Callable[[Json, int], GatewayError],
    request_ids: Sequence[str],
) -> GatewayError:
    """See Dialect.decode_error. find: the JSON of the body -> the object that describes the error; None: there is none.
    read: (such an object, status) -> the failure. request_ids: the headers that may hold the provider's request id."""
    try:
        error = find(decode_json(body))
    except UNREADABLE:
        error = None
    failure = read(error, status) if error else plain_failure(status, headers, body, read)
    if status >= 500 and failure.reason is Reason.CONTEXT_LENGTH_EXCEEDED:
        # A server that is out of order must not send the client away to shorten its request.
        failure.reason = reason_by_status(status)
    if request_id := next((headers[name] for name in request_ids if headers.get(name)), ""):
        failure.metadata = {**failure.metadata, "upstream_request_id": request_id}
    if (wait := retry_after(headers)) is not None:
        failure.retry_after_s = wait
    return failure


def plain_failure(
    status: int, headers: Mapping[str, str], body: bytes, read: Callable[[Json, int], GatewayError]
) -> GatewayError:
    """A failure with no JSON error: a proxy's page, an empty body."""
    kind = headers.get("content-type", "").partition(";")[0] or "no content type"
    text = body[:200].decode(errors="replace").strip()
    failure = read({"message": f"status {status} with {kind}" + (f": {text}" if text else " and an empty body")}, status)
    if status < 400:
        failure.reason = Reason.UPSTREAM_INVALID_RESPONSE
    return failure


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from retry-after-ms (OpenAI, Azure) or Retry-After (RFC 9110: seconds, or a date, read against Date)."""
    milliseconds = seconds(headers.get("retry-after-ms"))
    if milliseconds:
        return milliseconds / 1000
    value, now = headers.get("retry-after"), headers.get("date")
    if (found := seconds(value)) is not None or value is None or now is None:
        return found
    try:
        until, since = (email.utils.parsedate_to_datetime(date) for date in (value, now))
    except (ValueError, OverflowError):
        return None
    both_zoned = until.tzinfo is not None and since.tzinfo is not None
    return max(0.0, (until - since).total_seconds()) if both_zoned else None


def seconds(value: str | None) -> float | None:
    """A number of seconds that somebody could wait."""
    try:
        found = float(value) if value else None
    except ValueError:
        return None
    return found if found is not None and 0 <= found < LONGEST_WAIT_S else None
