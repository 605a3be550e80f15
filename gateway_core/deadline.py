"""Deadlines: one for each call, shared by all that it does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]
"""Monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on the monotonic clock. None: there is none."""

    expires_at: float | None = None
    clock: Clock = time.monotonic

    @classmethod
    def after(cls, seconds: float | None, clock: Clock = time.monotonic) -> Deadline:
        return cls(None if seconds is None else clock() + seconds, clock)

    def remaining(self) -> float | None:
        """Seconds left, never below 0. None: there is no deadline."""
        if self.expires_at is None:
            return None
        return max(0.0, self.expires_at - self.clock())

    def allows(self, seconds: float) -> bool:
        """Whether so many seconds are left."""
        left = self.remaining()
        return left is None or seconds < left
