"""Rate limits in the headers of Anthropic's API.

Source: https://platform.claude.com/docs/en/api/rate-limits#response-headers. Subscriptions have unified ones, by whose
status Claude Code tells a spent quota from a moment's throttle.
"""

from datetime import UTC, datetime, timedelta

from gateway_dialects.kit.rate_limits import Field, Measure, RateLimitFormat

FIELDS: dict[str, Field] = {
    f"anthropic-ratelimit-{subject}-{measure.name.lower()}": (subject, measure)
    for subject in ("requests", "tokens")
    for measure in Measure
}
LONGEST_S = 366 * 86400.0


def read_reset(value: str, now: float) -> float | None:
    """A moment (RFC 3339)."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.timestamp() - now if moment.tzinfo is not None else None


def write_reset(seconds: float, now: float) -> str:
    moment = datetime.fromtimestamp(now, UTC) + timedelta(seconds=min(seconds, LONGEST_S))
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


RATE_LIMITS = RateLimitFormat(("anthropic-ratelimit-", "anthropic-fast-", "x-should-retry"), FIELDS, read_reset, write_reset)
