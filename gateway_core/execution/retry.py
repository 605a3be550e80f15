"""How often and after what pause a target is asked again: tenacity's arithmetic, without its loop.

The loop itself is routing/chain.py, the only one: it needs the pause before it decides whether the deadline allows it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt, wait_exponential_jitter

from dragoman.reasons import GatewayError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter. Times are in seconds."""

    attempts: int = 2
    """How often one target is asked at most, the first time included."""
    initial: float = 0.5
    longest: float = 8.0
    """The longest pause before the same target is asked again; a provider that wants more is left for the next target."""
    jitter: float = 0.5

    def pause(self, attempts_made: int, failure: GatewayError) -> float | None:
        """Seconds until the same target may be asked again; None: never. A provider's Retry-After is a floor."""
        if not failure.retries_same_target:
            return None
        state = RetryCallState(AsyncRetrying(), None, (), {})
        state.attempt_number = attempts_made
        if stop_after_attempt(self.attempts)(state):
            return None
        backoff = wait_exponential_jitter(multiplier=self.initial, max=self.longest, jitter=self.jitter)(state)
        floor = failure.retry_after_s or 0.0
        return max(backoff, floor) if floor <= self.longest else None
