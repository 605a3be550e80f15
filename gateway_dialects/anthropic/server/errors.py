"""Anthropic's error envelope. Source: https://platform.claude.com/docs/en/api/errors and recorded errors."""

from __future__ import annotations

from dragoman.reasons import GatewayError
from gateway_dialects.kit.json import Json, encode_json

TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
OWN_TYPES = frozenset({*TYPES.values(), "invalid_request_error", "api_error"})


def render_error(failure: GatewayError, request_id: str = "") -> bytes:
    """The JSON body: {"type": "error", "error": {type, message}, "request_id"}, with param and metadata where there are."""
    return encode_json({"type": "error", "error": error_object(failure), "request_id": request_id or None})


def error_object(failure: GatewayError) -> Json:
    error: Json = {"type": error_type(failure), "message": failure.message}
    if failure.field:
        error["param"] = failure.field
    if failure.metadata:
        error["metadata"] = dict(failure.metadata)
    return error


def error_type(failure: GatewayError) -> str:
    """A client's own mistake keeps the provider's word for it; the gateway's failures have ours."""
    status = failure.http_status
    told = failure.metadata.get("upstream_type", "")
    if 400 <= status < 500 and told in OWN_TYPES:
        return told
    return TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")


def render_error_event(failure: GatewayError, request_id: str = "") -> bytes:
    """An error inside a stream, in the form that Anthropic's SDKs raise from. Nothing follows it."""
    return b"event: error\ndata: " + render_error(failure, request_id) + b"\n\n"
