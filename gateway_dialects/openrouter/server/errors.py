"""OpenRouter's errors. Source: https://openrouter.ai/docs/api-reference/errors, and recorded errors."""

from __future__ import annotations

from dragoman.reasons import GatewayError
from gateway_dialects.kit.json import Json, encode_json

ERROR_TYPES = {
    "INVALID_REQUEST": "invalid_request",
    "UNSUPPORTED": "invalid_request",
    "UPSTREAM_REJECTED": "invalid_request",
    "REQUEST_TOO_LARGE": "payload_too_large",
    "MODEL_NOT_FOUND": "not_found",
    "RECORD_NOT_FOUND": "not_found",
    "MISSING_API_KEY": "authentication",
    "INVALID_API_KEY": "authentication",
    "PERMISSION_DENIED": "permission_denied",
    "CONTEXT_LENGTH_EXCEEDED": "context_length_exceeded",
    "CONTENT_FILTERED": "content_policy_violation",
    "RATE_LIMITED": "rate_limit_exceeded",
    "QUOTA_EXHAUSTED": "payment_required",
    "UPSTREAM_AUTH": "provider_unavailable",
    "UPSTREAM_UNAVAILABLE": "provider_unavailable",
    "UPSTREAM_OVERLOADED": "provider_overloaded",
    "UPSTREAM_TIMEOUT": "timeout",
    "UPSTREAM_INVALID_RESPONSE": "provider_unavailable",
    "STREAM_INTERRUPTED": "provider_unavailable",
    "DEADLINE_EXCEEDED": "timeout",
}
"""By reason; any other is server."""


def render_error(failure: GatewayError) -> bytes:
    """The JSON body: {"error": {code, message, metadata}}."""
    return encode_json({"error": error_object(failure)})


def error_object(failure: GatewayError) -> Json:
    """code is the HTTP status. metadata: error_type, the field at fault, and what a provider said."""
    upstream = dict(failure.metadata)
    kind, reason = ERROR_TYPES.get(failure.reason, "server"), failure.code or failure.reason.lower()
    metadata: Json = {"error_type": kind, "reason": reason}
    if failure.field:
        metadata["param"] = failure.field
    if provider := upstream.pop("provider", ""):
        metadata["provider_name"] = provider
    if code := upstream.pop("upstream_code", ""):
        metadata["provider_code"] = code
    return {"code": failure.http_status, "message": failure.message, "metadata": {**upstream, **metadata}}
