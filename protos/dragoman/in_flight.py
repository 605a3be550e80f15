"""Bounds of what runs at the same time."""

from __future__ import annotations

from dragoman.reasons import GatewayError, Reason

AGAIN_S = 1.0
"""When a refused client may try again."""


class InFlight:
    """Counts what runs, in all and of each client."""

    def __init__(self, most: int, most_of_one: int, kind: str) -> None:
        """kind: of client, which ends the names of the settings."""
        self._most = most
        self._most_of_one = most_of_one
        self._kind = kind
        self._running: dict[str, int] = {}
        self._all = 0

    def enter(self, client: str) -> None:
        """Count one more until leave. Raises GatewayError OVERLOADED for too many in all, RATE_LIMITED for those of one."""
        if self._all >= self._most:
            message = f"The gateway runs as many calls as it may, {self._most} ([server] max_calls). Try again."
            raise GatewayError(Reason.OVERLOADED, message, code="overloaded", retry_after_s=AGAIN_S)
        running = self._running.get(client, 0)
        if running >= self._most_of_one:
            place = f"{self._kind} ([server] max_calls_per_{self._kind})"
            message = f"{running} calls are running, the most of one {place}. Try again when one has ended."
            raise GatewayError(Reason.RATE_LIMITED, message, code="too_many_calls", retry_after_s=AGAIN_S)
        self._running[client] = running + 1
        self._all += 1

    def leave(self, client: str) -> None:
        self._all -= 1
        left = self._running[client] - 1
        if left:
            self._running[client] = left
        else:
            del self._running[client]
