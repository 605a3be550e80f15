"""The one shrinking deadline that a call has."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]
"""Gives monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on the monotonic clock; None: never."""

    expires_at: float | None = None
    clock: Clock = time.monotonic

    @classmethod
    def after(cls, seconds: float | None, clock: Clock = time.monotonic) -> Deadline:
        return cls(None if seconds is None else clock() + seconds, clock)

    def remaining(self) -> float | None:
        """Seconds left, never below 0; None when there is no end."""
        if self.expires_at is None:
            return None
        return max(0.0, self.expires_at - self.clock())

    def allows(self, seconds: float) -> bool:
        """Whether something that takes so long ends in time."""
        left = self.remaining()
        return left is None or seconds < left
