"""Which HTTP status each reason of the contract becomes."""

from __future__ import annotations

from collections.abc import Mapping

STATUS_BY_REASON: Mapping[str, int] = {
    "INVALID_REQUEST": 400,
    "REQUEST_TOO_LARGE": 413,
    "UNSUPPORTED": 400,
    "MODEL_NOT_FOUND": 404,
    "MISSING_API_KEY": 401,
    "INVALID_API_KEY": 401,
    "PERMISSION_DENIED": 403,
    "CONTEXT_LENGTH_EXCEEDED": 400,
    "CONTENT_FILTERED": 400,
    "RATE_LIMITED": 429,
    "QUOTA_EXHAUSTED": 429,
    "UPSTREAM_REJECTED": 400,
    # The provider refused our key, not the client's: its own 401 would make the client doubt a key that is right.
    "UPSTREAM_AUTH": 502,
    "UPSTREAM_UNAVAILABLE": 502,
    "UPSTREAM_OVERLOADED": 503,
    "UPSTREAM_TIMEOUT": 504,
    "UPSTREAM_INVALID_RESPONSE": 502,
    "STREAM_INTERRUPTED": 502,
    "DEADLINE_EXCEEDED": 504,
    "CANCELLED": 499,
    "SHUTTING_DOWN": 503,
    "INTERNAL": 500,
    "RECORD_NOT_FOUND": 404,
    "STORAGE_UNAVAILABLE": 503,
}


def status_for(reason: str, metadata: Mapping[str, str]) -> int:
    """A refusal of the client's own request keeps the provider's status (400, 413, 422); the rest is by reason."""
    if reason == "UPSTREAM_REJECTED":
        status = int(metadata.get("upstream_status", "400"))
        return status if 400 <= status < 500 else 400
    return STATUS_BY_REASON.get(reason, 500)
