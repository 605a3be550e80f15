"""How attempts at providers go, as an operator configures it: [retries], [timeouts] and [breaker]."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from gateway_core.settings.file import SettingsError, Table
from gateway_dialects.kit.dialect import Timers


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """Exponential backoff with jitter at one target. Times are in seconds."""

    attempts: int = 2
    """How often one target is asked at most, the first time included."""
    initial: float = 0.5
    longest: float = 8.0
    jitter: float = 1.0
    """The share of a pause that is drawn at random: 1 is full jitter."""
    content_filter: bool = False
    """Whether the next target is asked where a provider's filter refuses a request."""


LEAST_BAD, REJECT = ALL_OPEN = ("least_bad", "reject")
"""What becomes of a call whose targets are all open: they are asked all the same, the one first whose pause ends first; or
it fails at once."""


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a target is passed over. Times are in seconds."""

    enabled: bool = True
    failures: int = 20
    """The least failures within the window that open it."""
    rate: float = 0.5
    """The least share of calls within the window that fail."""
    window: float = 30.0
    cooldown: float = 5.0
    """The first pause; each in a row is twice as long."""
    longest: float = 300.0
    credentials: float = 1800.0
    """The pause of a key that is refused, or has no credit."""
    all_open: str = LEAST_BAD


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Towards providers, in seconds. 0: as long as the call may take. See kit.dialect.Timers."""

    connect: float = 10.0
    headers: float = 0.0
    first_content: float = 0.0
    idle: float = 120.0
    total: float = 600.0

    def timers(self, *changes: Mapping[str, float]) -> Timers | None:
        """With what a provider and a route change of them, the last one wins. None: they change nothing."""
        changed = {name: value for each in changes for name, value in each.items()}
        found = dataclasses.replace(self, **changed)
        timers = Timers(found.connect, found.headers, found.first_content, found.idle, found.total)
        return timers if changed else None


TIMEOUT_VARIABLES = {
    "connect": "DRAGOMAN_CONNECT_TIMEOUT",
    "headers": "DRAGOMAN_HEADERS_TIMEOUT",
    "first_content": "DRAGOMAN_FIRST_EVENT_TIMEOUT",
    "idle": "DRAGOMAN_IDLE_TIMEOUT",
    "total": "DRAGOMAN_TOTAL_TIMEOUT",
}


def read_retries(table: Table) -> RetrySettings:
    default = RetrySettings()
    retries = RetrySettings(
        attempts=table.whole("attempts", default.attempts, least=1),
        initial=table.seconds("initial", default.initial),
        longest=table.seconds("longest", default.longest),
        jitter=table.number("jitter", default.jitter, 1),
        content_filter=table.flag("content_filter", default.content_filter),
    )
    table.finish()
    return retries


def read_breaker(table: Table) -> BreakerSettings:
    default = BreakerSettings()
    breaker = BreakerSettings(
        enabled=table.flag("enabled", default.enabled),
        failures=table.whole("failures", default.failures, least=1),
        rate=table.number("rate", default.rate, 1),
        window=table.seconds("window", default.window),
        cooldown=table.seconds("cooldown", default.cooldown),
        longest=table.seconds("longest", default.longest),
        credentials=table.seconds("credentials", default.credentials),
        all_open=table.choice("all_open", default.all_open, ALL_OPEN),
    )
    table.finish()
    return breaker


def read_timeouts(table: Table | None, environ: Mapping[str, str]) -> Timeouts:
    """The environment wins. Raises SettingsError."""
    found = dict(read_timers(table)) if table is not None else {}
    for name, variable in TIMEOUT_VARIABLES.items():
        if text := environ.get(variable, "").strip():
            found[name] = seconds_in(text, variable)
    return dataclasses.replace(Timeouts(), **found)


def read_timers(table: Table) -> Mapping[str, float]:
    """Those that a table has: of the gateway, a provider, a route or a target. Raises SettingsError."""
    found = {name: table.seconds(name, 0.0) for name in TIMEOUT_VARIABLES if name in table}
    table.finish()
    return found


def seconds_in(text: str, place: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < float("inf"):
        raise SettingsError(f"{place} must be a number of seconds, 0 or more, not {text!r}.")
    return found
