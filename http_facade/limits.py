"""What the facade allows a request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    body_bytes: int = 50_000_000
    header_bytes: int = 65_536
    timeout_s: float | None = 600.0
    """How long an answer is waited for; None: the core alone decides."""
    keep_alive_s: float = 15.0
    """Silence after which a stream gets a sign of life; 0: never."""
