"""Google's error envelope. Source: https://google.aip.dev/193, https://cloud.google.com/apis/design/errors and recorded
errors."""

from __future__ import annotations

from dragoman.reasons import GatewayError
from gateway_dialects.kit.json import Json, encode_json

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    504: "DEADLINE_EXCEEDED",
}
"""The names of google.rpc.Code by HTTP status, as https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
maps them."""
DOMAIN = "dragoman.v1"
TYPE_URL = "type.googleapis.com/google.rpc."


def render_error(failure: GatewayError) -> bytes:
    """The JSON body: {"error": {code, message, status, details}}."""
    return encode_json({"error": error_object(failure)})


def error_object(failure: GatewayError) -> Json:
    return {
        "code": failure.http_status,
        "message": failure.message,
        "status": status_name(failure),
        "details": details_of(failure),
    }


def status_name(failure: GatewayError) -> str:
    """A client's own mistake keeps the provider's word for it; the gateway's failures have ours."""
    told = failure.metadata.get("upstream_type", "")
    if 400 <= failure.http_status < 500 and told in STATUSES.values():
        return told
    return STATUSES.get(failure.http_status, "INVALID_ARGUMENT" if failure.http_status < 500 else "UNAVAILABLE")


def details_of(failure: GatewayError) -> list[Json]:
    """ErrorInfo always; BadRequest and RetryInfo where there is something to say."""
    info: Json = {"@type": f"{TYPE_URL}ErrorInfo", "reason": failure.reason, "domain": DOMAIN}
    if failure.metadata:
        info["metadata"] = dict(failure.metadata)
    details = [info]
    if failure.field:
        violation = {"field": failure.field, "description": failure.message}
        details.append({"@type": f"{TYPE_URL}BadRequest", "fieldViolations": [violation]})
    if failure.retry_after_s is not None:
        details.append({"@type": f"{TYPE_URL}RetryInfo", "retryDelay": f"{failure.retry_after_s:g}s"})
    return details
