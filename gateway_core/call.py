"""Who calls, until when, and under which name it is logged: what a request carries beside its message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway_core.deadline import Deadline


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner of a gateway key."""

    name: str


ANONYMOUS = Caller("anonymous")
"""Whoever calls a gateway that has no keys."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the service."""

    request_id: str
    deadline: Deadline = field(default_factory=Deadline)
    caller: Caller = ANONYMOUS
    metadata: Mapping[str, str] = field(default_factory=dict)
    """The call's text metadata, names in lower case; holds no key."""
