"""OpenAI's error envelope. Source: https://platform.openai.com/docs/guides/error-codes and recorded errors."""

from __future__ import annotations

from dragoman.reasons import GatewayError
from gateway_dialects.kit.json import Json, encode_json

TYPES = {
    403: "permission_error",
    408: "timeout_error",
    429: "rate_limit_error",
    499: "cancelled",
    503: "overloaded_error",
    504: "timeout_error",
}
"""By status; any other 4xx is an invalid_request_error, any other 5xx a server_error."""


def render_error(failure: GatewayError) -> bytes:
    """The JSON body: {"error": {message, type, param, code}}, with metadata where a provider was involved."""
    return encode_json({"error": error_object(failure)})


def error_object(failure: GatewayError) -> Json:
    upstream = failure.metadata
    error: Json = {
        "message": failure.message,
        "type": upstream.get("upstream_type") if 400 <= failure.http_status < 500 else None,
        "param": failure.field or None,
        "code": failure.code or upstream_code(failure) or failure.reason.lower(),
    }
    error["type"] = error["type"] or type_of(failure.http_status)
    if upstream:
        error["metadata"] = dict(upstream)
    return error


def type_of(status: int) -> str:
    return TYPES.get(status) or ("invalid_request_error" if status < 500 else "server_error")


def upstream_code(failure: GatewayError) -> str:
    """A client's own mistake keeps the provider's code, on which its programs may rely; the gateway's failures have ours."""
    code = failure.metadata.get("upstream_code", "")
    return code if 400 <= failure.http_status < 500 and not code.isdecimal() else ""


def render_error_event(failure: GatewayError) -> bytes:
    """An error inside a stream, in the form that OpenAI's SDKs raise from. Nothing follows it."""
    return b"data: " + render_error(failure) + b"\n\n"
