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
    jitter: float = 0.5


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
        jitter=table.seconds("jitter", default.jitter),
    )
    table.finish()
    return retries


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
