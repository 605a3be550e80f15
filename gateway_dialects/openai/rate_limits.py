"""Rate limits in the headers of OpenAI's APIs and of compatible vendors.

Sources: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers, https://console.groq.com/docs/rate-limits,
https://docs.mistral.ai/deployment/ai-studio/tier (req-minute, tokens-minute), and recorded answers.
"""

import re

from gateway_dialects.kit.rate_limits import Field, Measure, RateLimitFormat

EPOCH_S = 1e9
"""A number from here on is a moment and no duration: OpenRouter writes milliseconds since 1970."""
EPOCH_MS = 1e12
UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
PIECE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ms|[dhms])")
NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
SUBJECTS = {"requests": "requests", "tokens": "tokens", "req-minute": "requests", "tokens-minute": "tokens"}
FIELDS: dict[str, Field] = {
    f"x-ratelimit-{measure.name.lower()}-{name}": (subject, measure)
    for name, subject in SUBJECTS.items()
    for measure in Measure
}


def read_reset(value: str, now: float) -> float | None:
    """A duration as Go writes it (6m0s, 17ms), seconds, or a moment."""
    if NUMBER.fullmatch(value):
        number = float(value)
        if number < EPOCH_S:
            return number
        return (number / 1000 if number >= EPOCH_MS else number) - now
    pieces = PIECE.findall(value)
    if not pieces or "".join(number + unit for number, unit in pieces) != value:
        return None
    return sum(float(number) * UNITS[unit] for number, unit in pieces)


def write_reset(seconds: float, now: float) -> str:
    """A duration: 6m0s, 1s, 120ms."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms" if seconds else "0s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{rest}s"


RATE_LIMITS = RateLimitFormat(
    ("x-ratelimit-", "x-ratelimitbysize-", "x-tokenlimit-", "ratelimit-", "x-should-retry"), FIELDS, read_reset, write_reset
)
