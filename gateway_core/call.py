"""Who calls, until when, and under which name it is logged: what a request carries beside its message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway_core.deadline import Deadline
from gateway_dialects.kit.dialect import Secret


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner of a gateway key."""

    name: str


NO_KEY = Secret("")
ANONYMOUS = Caller("anonymous")
"""Whoever calls a gateway that has no keys."""


@dataclass(frozen=True, slots=True)
class Own:
    """What a client brings of its own in place of what the operator has configured."""

    provider: str = ""
    """The provider's name. Empty: the model or the URL tells."""
    url: str = field(default="", repr=False)
    """The provider's base URL, as the client wrote it: it may hold anything."""
    key: Secret = NO_KEY
    """The client's own key with that provider."""


NOTHING = Own()


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the service."""

    request_id: str
    deadline: Deadline = field(default_factory=Deadline)
    caller: Caller = ANONYMOUS
    metadata: Mapping[str, str] = field(default_factory=dict)
    """The call's text metadata, names in lower case; holds no key."""
    context: str = ""
    """The operator's context in which it is made. Empty: none."""
    own: Own = NOTHING
    task_id: str = ""
    """What the client calls the task that it belongs to, for the log."""
    environment: str = ""
    """Where the client says that it runs: production, for example."""
