"""A call of the service: who makes it, until when, and what became of it.

Opened by the servicer, ended once by accounts.settlement, whatever happens. Everything that is reported about a call comes
from here: its record, the access log, metadata, the route that answers carry.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from dragoman.metadata import API, APP_NAMES, ENVIRONMENT, LONGEST_TAG, PREFIXES, TAGS, TASK_ID, first_value
from dragoman.v1.chat_pb2 import ChatRequest, FinishReason
from dragoman.v1.routing_pb2 import RouteTrace
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.dialect import Secret

Clock = Callable[[], float]
"""Monotonic seconds."""


class Deadline(NamedTuple):
    """A point on the monotonic clock, shared by all that a call does. None: there is none."""

    expires_at: float | None = None
    clock: Clock = time.monotonic

    @classmethod
    def after(cls, seconds: float | None, clock: Clock = time.monotonic) -> Deadline:
        return cls(None if seconds is None else clock() + seconds, clock)

    def remaining(self) -> float | None:
        """Seconds left, never below 0. None: there is no deadline."""
        return None if self.expires_at is None else max(0.0, self.expires_at - self.clock())

    def within(self, seconds: float) -> Deadline:
        """The same, or so many seconds from now where that is earlier."""
        soon = self.clock() + seconds
        return self if self.expires_at is not None and self.expires_at <= soon else Deadline(soon, self.clock)

    def allows(self, seconds: float) -> bool:
        """Whether so many seconds are left."""
        left = self.remaining()
        return left is None or seconds < left


@dataclass(frozen=True, slots=True)
class KeyScope:
    """What a gateway key opens. Empty: all of the kind."""

    models: tuple[str, ...] = ()
    """Patterns, with * and ?, of provider/model or of a route's name."""
    providers: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    """The only contexts that it can be used in."""
    proxy: bool = True
    """Whether it opens the providers' own APIs (/proxy)."""

    def has_model(self, name: str) -> bool:
        return not self.models or any(fnmatchcase(name, pattern) for pattern in self.models)

    def has_target(self, provider: str, model: str) -> bool:
        return self.has_provider(provider) and self.has_model(f"{provider}/{model}")

    def has_provider(self, provider: str) -> bool:
        return not self.providers or provider in self.providers


EVERYTHING = KeyScope()


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner of a gateway key."""

    name: str
    scope: KeyScope = EVERYTHING


NO_KEY = Secret("")
ANONYMOUS = Caller("anonymous")
"""Every caller of a gateway without keys."""
UNAUTHENTICATED = Caller("")
"""A caller whose key is missing or unknown. Its calls are not recorded."""


@dataclass(frozen=True, slots=True)
class ByokCredentials:
    """What a client sends in place of the operator's configuration (BYOK)."""

    provider: str = ""
    """The provider's name. Empty: inferred from the model or the URL."""
    url: str = field(default="", repr=False)
    """The provider's base URL, unchecked."""
    key: Secret = NO_KEY
    """The client's own key with that provider."""


NO_CREDENTIALS = ByokCredentials()
NOTHING: Mapping[str, str] = {}
NO_DEADLINE = Deadline()
NO_RAW_USAGE = ("", "")
TAG_OF: Sequence[tuple[str, str]] = (
    *TAGS.items(),
    *((name, "app") for name in reversed(APP_NAMES)),
    *((prefix + TASK_ID, "task") for prefix in reversed(PREFIXES)),
    *((prefix + ENVIRONMENT, "environment") for prefix in reversed(PREFIXES)),
)
"""Metadata, and the tag that it is in a record. Of several that have a value the last one counts."""


class Call:
    """One call, and its record while it runs. Durations are in seconds on the deadline's clock."""

    request: ChatRequest | None = None
    """The chat, until the call is settled."""
    messages = input_media = 0
    provider = path = ""
    """Of a proxied request: the provider that it names, its method and path."""
    first_content: float | None = None
    ended: float | None = None
    """None: it runs."""
    reason = ""
    """Why it failed: the name of a Reason. Empty: it has not failed."""
    raw_usage = NO_RAW_USAGE
    """The provider's own JSON of the usage, and its dialect."""
    trace = b""
    """The route, serialised, once it does not change any more."""
    streamed = False
    """Whether a stream has begun."""
    conversation = ""
    """A hash of what the call belongs to, where its route keeps the target of a conversation."""
    answered_by = service_tier = response_id = raw_finish_reason = ""
    """As the provider reports them: the model, the tier, the answer's id, why the first candidate ended."""
    finish_reason: FinishReason.ValueType = FinishReason.FINISH_REASON_UNSPECIFIED
    output_size = 0
    """Bytes of output so far."""
    in_flight = False
    """Whether it is counted as running."""

    def __init__(
        self,
        request_id: str,
        deadline: Deadline = NO_DEADLINE,
        caller: Caller = ANONYMOUS,
        *,
        metadata: Mapping[str, str] = NOTHING,
        context: str = "",
        byok: ByokCredentials = NO_CREDENTIALS,
        operation: str = "",
        model: str = "",
    ) -> None:
        """request_id: empty where the client gave none. metadata: the call's text metadata without secrets, names in lower
        case. context: the operator's context that it is made in, empty for none. operation: the RPC's name. model: the one
        that is asked for."""
        now_ns = time.time_ns()
        self.id = new_call_id(now_ns)
        self.request_id = request_id or self.id
        self.deadline = deadline
        self.caller = caller
        self.metadata = metadata
        self.api = metadata.get(API, "")
        """The served API that was called. Empty: gRPC."""
        self.context = context
        self.byok = byok
        self.operation = operation
        self.route = route = RouteTrace()
        route.call_id, route.requested_model = self.id, model
        self.usage: Usage | None = None
        """What it consumed in all, as far as it is known."""
        self.admitted_ms = now_ns // 1_000_000
        self.began = deadline.clock()

    @property
    def task_id(self) -> str:
        return first_value(TASK_ID, self.metadata)[:LONGEST_TAG]

    @property
    def environment(self) -> str:
        return first_value(ENVIRONMENT, self.metadata)[:LONGEST_TAG]

    @property
    def app(self) -> str:
        """What OpenRouter's clients call the application."""
        return next((value for name in APP_NAMES if (value := self.metadata.get(name, ""))), "")[:LONGEST_TAG]

    def tags(self) -> dict[str, str]:
        """What the client says of the call, for its record. Empty values are omitted."""
        metadata = self.metadata
        return {tag: value[:LONGEST_TAG] for name, tag in TAG_OF if (value := metadata.get(name, "").strip())}

    def compact(self) -> None:
        """Serialise the route of an ended call, which may be stored for long: as a message it takes ten times the memory.
        Whoever still asks for it or for the usage gets a copy."""
        self.trace = self.trace or self.route.SerializeToString()
        if len(self.route.attempts) == 1:
            del self.usage
        del self.route

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            """The route and the usage of a compact call."""
            if name not in ("route", "usage"):
                raise AttributeError(name)
            route = RouteTrace.FromString(self.trace)
            if name == "route":
                return route
            used = route.attempts[-1]
            return used.usage if used.HasField("usage") else None

    def reach_content(self) -> None:
        """Note the time of the first content."""
        if self.first_content is None:
            self.first_content = self.deadline.clock()

    def log_fields(self, status: str) -> Mapping[str, object]:
        """The call's line in the access log; None for what is not known. status: of gRPC."""
        route, usage = self.route, self.usage
        ended = self.deadline.clock() if self.ended is None else self.ended
        model = f"{route.provider}/{route.model}" if route.provider and route.model else route.requested_model
        return {
            "method": f"grpc {self.operation}",
            "path": self.path or None,
            "status": status,
            "ms": round((ended - self.began) * 1000, 1),
            "request_id": self.request_id,
            "call_id": self.id,
            "api": self.api or None,
            "caller": self.caller.name or None,
            "model": model or None,
            "provider": route.provider or self.provider or None,
            "attempts": len(route.attempts) or None,
            "upstream_status": (route.attempts[-1].status or None) if self.path and route.attempts else None,
            "input_tokens": usage.input_tokens if usage else None,
            "output_tokens": usage.output_tokens if usage else None,
            "cost": usage.cost.total_usd if usage and usage.HasField("cost") else None,
            "error": self.reason or None,
            "task_id": self.task_id or None,
            "environment": self.environment or None,
            "app": self.app or None,
        }


IDS_AT_ONCE = 128
_random: list[str] = []
"""Of the ids to come: a system call for each would cost more than all else of it."""


def new_call_id(now_ns: int) -> str:
    """A UUID of version 7 (RFC 9562) in 32 hexadecimal digits: in order of time, to a quarter of a microsecond. now_ns:
    since 1970 UTC."""
    try:
        random = _random.pop()
    except IndexError:
        text = os.urandom(8 * IDS_AT_ONCE).hex()
        _random.extend(text[start : start + 15] for start in range(16, len(text), 16))
        random = text[:15]
    milliseconds, rest = divmod(now_ns, 1_000_000)
    return f"{milliseconds:012x}7{rest * 4096 // 1_000_000:03x}8{random}"
