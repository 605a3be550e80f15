"""Why a call failed: the one table of reasons, and the one error type that dialects, core and facade raise.

errors.proto says what each reason means and bills.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from dragoman.v1.routing_pb2 import RouteTrace


class Rule(NamedTuple):
    """What follows from a reason."""

    grpc_code: str
    """The name of the gRPC status code."""
    http_status: int
    same_target: bool = False
    """Whether the same target may get over it, so that it is asked again."""
    next_target: bool = False
    """Whether it says nothing about another target, so that the next one is asked."""


TRANSIENT = {"same_target": True, "next_target": True}


class Reason(StrEnum):
    """The names of the contract's enum Reason, without their prefix."""

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
    OVERLOADED = "OVERLOADED"


RULES: Mapping[Reason, Rule] = MappingProxyType(
    {
        Reason.INVALID_REQUEST: Rule("INVALID_ARGUMENT", 400),
        Reason.REQUEST_TOO_LARGE: Rule("INVALID_ARGUMENT", 413),
        Reason.UNSUPPORTED: Rule("INVALID_ARGUMENT", 400, next_target=True),
        Reason.MODEL_NOT_FOUND: Rule("NOT_FOUND", 404, next_target=True),
        Reason.MISSING_API_KEY: Rule("UNAUTHENTICATED", 401),
        Reason.INVALID_API_KEY: Rule("UNAUTHENTICATED", 401),
        Reason.PERMISSION_DENIED: Rule("PERMISSION_DENIED", 403),
        Reason.CONTEXT_LENGTH_EXCEEDED: Rule("INVALID_ARGUMENT", 400, next_target=True),
        Reason.CONTENT_FILTERED: Rule("INVALID_ARGUMENT", 400),
        Reason.RATE_LIMITED: Rule("RESOURCE_EXHAUSTED", 429, **TRANSIENT),
        Reason.QUOTA_EXHAUSTED: Rule("RESOURCE_EXHAUSTED", 429, next_target=True),
        Reason.UPSTREAM_REJECTED: Rule("INVALID_ARGUMENT", 400),
        # The provider refused our key, not the client's: its own 401 would make the client doubt a key that is right.
        Reason.UPSTREAM_AUTH: Rule("FAILED_PRECONDITION", 502, next_target=True),
        Reason.UPSTREAM_UNAVAILABLE: Rule("UNAVAILABLE", 502, **TRANSIENT),
        Reason.UPSTREAM_OVERLOADED: Rule("UNAVAILABLE", 503, **TRANSIENT),
        Reason.UPSTREAM_TIMEOUT: Rule("DEADLINE_EXCEEDED", 504, **TRANSIENT),
        Reason.UPSTREAM_INVALID_RESPONSE: Rule("UNAVAILABLE", 502, **TRANSIENT),
        Reason.STREAM_INTERRUPTED: Rule("UNAVAILABLE", 502, **TRANSIENT),
        Reason.DEADLINE_EXCEEDED: Rule("DEADLINE_EXCEEDED", 504),
        Reason.CANCELLED: Rule("CANCELLED", 499),
        Reason.SHUTTING_DOWN: Rule("UNAVAILABLE", 503),
        Reason.INTERNAL: Rule("INTERNAL", 500),
        Reason.RECORD_NOT_FOUND: Rule("NOT_FOUND", 404),
        Reason.STORAGE_UNAVAILABLE: Rule("UNAVAILABLE", 503),
        Reason.OVERLOADED: Rule("UNAVAILABLE", 503),
    }
)


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
    code: str = ""
    """The served API's own code. Empty: the provider's, or the reason in lower case."""
    status: int = 0
    """The HTTP status, where it is not the reason's."""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Of the HTTP answer: allow, connection, who was asked."""

    def __str__(self) -> str:
        return self.message

    @property
    def http_status(self) -> int:
        """A refusal of the client's own request keeps the provider's status (400, 413, 422); the rest is by reason."""
        if self.reason is Reason.UPSTREAM_REJECTED and not self.status:
            upstream = int(self.metadata.get("upstream_status", "400"))
            return upstream if 400 <= upstream < 500 else 400
        return self.status or RULES[self.reason].http_status

    @property
    def retries_same_target(self) -> bool:
        return RULES[self.reason].same_target

    @property
    def tries_next_target(self) -> bool:
        return RULES[self.reason].next_target


def invalid(field: str, message: str, code: str = "invalid_value") -> GatewayError:
    """A malformed request, naming the field at fault."""
    return GatewayError(Reason.INVALID_REQUEST, message, field, code=code)
