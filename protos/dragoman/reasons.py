"""The one error type of the core, and the closed vocabulary of reasons (errors.proto says what each one means and bills)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum

from dragoman.v1.routing_pb2 import RouteTrace


class Reason(StrEnum):
    """Why a call failed: the names of the contract's enum Reason, without their prefix."""

    INVALID_REQUEST = "INVALID_REQUEST"
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
    UNSUPPORTED = "UNSUPPORTED"
    MODEL_NOT_FOUND = "MODEL_NOT_FOUND"
    MISSING_API_KEY = "MISSING_API_KEY"
    INVALID_API_KEY = "INVALID_API_KEY"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    CONTEXT_LENGTH_EXCEEDED = "CONTEXT_LENGTH_EXCEEDED"
    CONTENT_FILTERED = "CONTENT_FILTERED"
    RATE_LIMITED = "RATE_LIMITED"
    QUOTA_EXHAUSTED = "QUOTA_EXHAUSTED"
    UPSTREAM_REJECTED = "UPSTREAM_REJECTED"
    UPSTREAM_AUTH = "UPSTREAM_AUTH"
    UPSTREAM_UNAVAILABLE = "UPSTREAM_UNAVAILABLE"
    UPSTREAM_OVERLOADED = "UPSTREAM_OVERLOADED"
    UPSTREAM_TIMEOUT = "UPSTREAM_TIMEOUT"
    UPSTREAM_INVALID_RESPONSE = "UPSTREAM_INVALID_RESPONSE"
    STREAM_INTERRUPTED = "STREAM_INTERRUPTED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    CANCELLED = "CANCELLED"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    INTERNAL = "INTERNAL"
    RECORD_NOT_FOUND = "RECORD_NOT_FOUND"
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"


RETRY_SAME_TARGET = frozenset(
    {
        Reason.RATE_LIMITED,
        Reason.UPSTREAM_UNAVAILABLE,
        Reason.UPSTREAM_OVERLOADED,
        Reason.UPSTREAM_TIMEOUT,
        Reason.UPSTREAM_INVALID_RESPONSE,
        Reason.STREAM_INTERRUPTED,
    }
)
"""Failures that the same target may get over on its own. All others are final for it."""

TRY_NEXT_TARGET = RETRY_SAME_TARGET | {
    Reason.QUOTA_EXHAUSTED,
    Reason.UPSTREAM_AUTH,
    Reason.MODEL_NOT_FOUND,
    Reason.CONTEXT_LENGTH_EXCEEDED,
    Reason.UNSUPPORTED,
}
"""Failures that say nothing about another target. A request that is itself at fault is in neither set."""


@dataclasses.dataclass(slots=True, eq=False)
class GatewayError(Exception):
    """A call that failed, with all that its caller may know. No field may hold a key."""

    reason: Reason
    message: str
    field: str = ""
    """The request field at fault, as its client would write it: messages[1].content. Empty when none is."""
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """For ErrorInfo.metadata; errors.proto lists the keys."""
    retry_after_s: float | None = None
    """Seconds to wait before trying again, as the provider or the limiter said."""
    trace: RouteTrace | None = None

    def __str__(self) -> str:
        return self.message

    @property
    def retries_same_target(self) -> bool:
        return self.reason in RETRY_SAME_TARGET

    @property
    def tries_next_target(self) -> bool:
        return self.reason in TRY_NEXT_TARGET


def invalid(field_name: str, message: str) -> GatewayError:
    """A malformed request, naming the field at fault."""
    return GatewayError(Reason.INVALID_REQUEST, message, field=field_name)
