"""Circuit breaker: which targets are passed over because they failed lately, and until when.

What fails is classified first and then counted, for each route and each model at a provider with one key by itself: a target
that is bad for one route may be good for another. A refused key is left at once, in all routes; the provider's other keys
never are. What a provider says of its quotas is kept beside, as advice. Nothing is kept of targets that did not fail, and
nothing of clients' own credentials (BYOK).
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from dragoman.reasons import RULES, GatewayError, Reason
from gateway_core.call import Call, Clock
from gateway_core.routing.resolver import Route, Target
from gateway_core.settings.attempts import REJECT, BreakerSettings
from gateway_dialects.kit.dialect import Secret

EVERY = ""
"""In place of a route or a model: all."""
MOST_CELLS = 10_000
"""Of targets that failed: clients choose models."""
SWEEP_S = 60.0
LONGEST_S = 86_400.0
"""What a provider may ask for."""
MOST_DOUBLINGS = 30
JITTER = 0.1
"""Share of a pause by which it is longer or shorter, so that not all gateways come back at once."""
CREDENTIALS = frozenset({Reason.UPSTREAM_AUTH, Reason.QUOTA_EXHAUSTED})
NEUTRAL = frozenset(
    {Reason.DEADLINE_EXCEEDED, Reason.CANCELLED, Reason.SHUTTING_DOWN, Reason.INTERNAL, Reason.MODEL_NOT_FOUND}
)
"""They say nothing of whether the target is well."""


class CellKey(NamedTuple):
    route: str
    provider: str
    model: str
    keys: tuple[Secret, ...]


@dataclass(slots=True)
class Cell:
    """What is known of a target that failed. Times are of the breaker's clock."""

    window_ends: float
    failures: int = 0
    successes: int = 0
    opened: int = 0
    """How often in a row it was opened."""
    until: float = 0.0
    """Of an open one: from then on one call may try. 0: it is closed."""
    probe: Call | None = None
    """That call, while it runs."""
    reason: Reason = Reason.UPSTREAM_UNAVAILABLE
    """Why it was opened."""


class PassedOver(NamedTuple):
    """A target that is not asked now."""

    target: Target
    until: float
    reason: Reason
    advice: bool
    """Whether it is but the provider's word on its quota."""


@dataclass(slots=True)
class Breaker:
    """Belongs to one process. Empty while all is well: then no call pays for it."""

    settings: BreakerSettings = field(default_factory=BreakerSettings)
    clock: Clock = time.monotonic
    cells: dict[CellKey, Cell] = field(default_factory=dict)
    quotas: dict[CellKey, float] = field(default_factory=dict)
    """Until when a quota is used up."""
    swept: float = float("-inf")
    """When it was last looked through for what can be forgotten."""

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to look at."""
        return not self.cells and not self.quotas

    def targets(self, route: Route, call: Call) -> Iterator[Target]:
        """Those to ask, in their order; each is decided on when it is reached. Raises GatewayError where all are open and
        the settings say so."""
        if self.clock() - self.swept > SWEEP_S:
            self._sweep()
        passed_over: list[PassedOver] = []
        asked = False
        for target in route.targets:
            if (found := self._admit(route, target, call)) is None:
                asked = True
                yield target
            else:
                passed_over.append(found)
                explain(found, call, self.clock())
        if asked:
            return
        passed_over.sort(key=lambda one: (not one.advice, one.until))
        if passed_over and not passed_over[0].advice and self.settings.all_open == REJECT:
            raise self._refusal(route, passed_over[0], call)
        yield from (one.target for one in passed_over)

    def state(self, route: Route, target: Target) -> PassedOver | None:
        """None: it can be asked. Changes nothing, so that whoever looks takes no call's place."""
        if target.endpoint.byok:
            return None
        now = self.clock()
        found = [cell for key in keys_of(route, target) if (cell := self.cells.get(key)) is not None and cell.until]
        waiting = [cell for cell in found if cell.until > now or cell.probe is not None]
        if waiting:
            last = max(waiting, key=lambda cell: cell.until)
            return PassedOver(target, max(last.until, now), last.reason, advice=False)
        until = self.quotas.get(quota_key(target), 0.0)
        return PassedOver(target, until, Reason.RATE_LIMITED, advice=True) if until > now else None

    def left(self, route: Route, target: Target) -> bool:
        """Whether it is open, and another target could be asked."""
        if not self.cells or len(route.targets) < 2:
            return False
        found = self.state(route, target)
        return found is not None and not found.advice

    def succeeded(self, route: Route, target: Target) -> None:
        """An answer is whole."""
        if self.cells and not target.endpoint.byok:
            for key in keys_of(route, target):
                self._close(key)

    def answers(self, route: Route, target: Target) -> None:
        """A stream has content: others may try, too. One more failure opens it again."""
        if not self.cells or target.endpoint.byok:
            return
        for key in keys_of(route, target):
            cell = self.cells.get(key)
            if cell is not None and cell.until:
                cell.until, cell.probe = 0.0, None
                self._renew(cell)
                cell.failures = self.settings.failures - 1

    def failed(self, route: Route, target: Target, failure: GatewayError, call: Call) -> None:
        if target.endpoint.byok or not self.settings.enabled:
            return
        reason, wait_s = failure.reason, failure.retry_after_s
        if reason in CREDENTIALS and any(target.endpoint.keys):
            self._open(credentials_key(target, failure), reason, 0.0)
        elif reason is Reason.RATE_LIMITED and wait_s:
            self.used_up(target, wait_s)
        elif RULES[reason].same_target or reason in CREDENTIALS:
            self._count(CellKey(route.name, *target_key(target)), reason, wait_s or 0.0, call)
        elif reason not in NEUTRAL:
            # It refuses this request, and is well.
            self.succeeded(route, target)
            return
        self.released(route, target, call)

    def released(self, route: Route, target: Target, call: Call) -> None:
        """A call ended without saying how the target is."""
        if self.cells:
            for key in keys_of(route, target):
                if (cell := self.cells.get(key)) is not None and cell.probe is call:
                    cell.probe = None

    def used_up(self, target: Target, seconds: float) -> None:
        """The provider says that a quota of this key and model is used up for so long."""
        if not target.endpoint.byok and self.settings.enabled:
            self._make_room()
            self.quotas[quota_key(target)] = self.clock() + min(seconds, LONGEST_S)

    def _admit(self, route: Route, target: Target, call: Call) -> PassedOver | None:
        """None: it is asked now. Of those that wait for an open one's time the first takes its place."""
        found = self.state(route, target)
        if found is None and not target.endpoint.byok:
            for key in keys_of(route, target):
                if (cell := self.cells.get(key)) is not None and cell.until:
                    cell.probe = call
            # Its time has come.
            self.quotas.pop(quota_key(target), None)
        return found

    def _count(self, key: CellKey, reason: Reason, wait_s: float, call: Call) -> None:
        cell = self._cell(key)
        if cell.until:
            # What was asked before it was opened, and fails now, is no news.
            if cell.probe is call:
                self._open(key, reason, wait_s)
            return
        if cell.window_ends <= self.clock():
            self._renew(cell)
        cell.failures += 1
        total = cell.failures + cell.successes
        if cell.failures >= self.settings.failures and cell.failures >= self.settings.rate * total:
            self._open(key, reason, wait_s)

    def _open(self, key: CellKey, reason: Reason, least_s: float) -> None:
        cell, settings = self._cell(key), self.settings
        pause = min(settings.cooldown * 2.0**cell.opened, settings.longest) if key.route else settings.credentials
        pause = max(pause * random.uniform(1 - JITTER, 1 + JITTER), min(least_s, LONGEST_S))
        cell.opened = min(cell.opened + 1, MOST_DOUBLINGS)
        cell.until, cell.probe, cell.reason = self.clock() + pause, None, reason

    def _close(self, key: CellKey) -> None:
        cell = self.cells.get(key)
        if cell is None:
            return
        if cell.until or cell.window_ends <= self.clock():
            del self.cells[key]
        else:
            cell.successes += 1

    def _cell(self, key: CellKey) -> Cell:
        cell = self.cells.get(key)
        if cell is None:
            self._make_room()
            cell = self.cells[key] = Cell(self.clock() + self.settings.window)
        return cell

    def _renew(self, cell: Cell) -> None:
        cell.window_ends = self.clock() + self.settings.window
        cell.failures = cell.successes = 0

    def _make_room(self) -> None:
        if len(self.cells) + len(self.quotas) < MOST_CELLS:
            return
        self._sweep()
        if len(self.cells) + len(self.quotas) >= MOST_CELLS:
            self.cells.clear()
            self.quotas.clear()

    def _sweep(self) -> None:
        """Forget what nobody has asked for long after its time."""
        self.swept = self.clock()
        cutoff = self.swept - self.settings.longest
        self.cells = {key: cell for key, cell in self.cells.items() if max(cell.until, cell.window_ends) > cutoff}
        self.quotas = {key: until for key, until in self.quotas.items() if until > self.swept}

    def _refusal(self, route: Route, soonest: PassedOver, call: Call) -> GatewayError:
        wait_s = max(1.0, soonest.until - self.clock())
        message = f"all targets of {route.name} are paused after failures; the first is asked again in {wait_s:.0f} s"
        target = soonest.target
        metadata = {"provider": target.endpoint.provider, "model": target.model}
        return GatewayError(soonest.reason, message, retry_after_s=wait_s, metadata=metadata, trace=call.route)


def target_key(target: Target) -> tuple[str, str, tuple[Secret, ...]]:
    return target.endpoint.provider, target.model, target.endpoint.keys


def quota_key(target: Target) -> CellKey:
    return CellKey(EVERY, *target_key(target))


def credentials_key(target: Target, failure: GatewayError) -> CellKey:
    """A key may be good for other models where the provider only forbids it this one (403)."""
    provider, model, keys = target_key(target)
    return CellKey(EVERY, provider, model if failure.metadata.get("upstream_status") == "403" else EVERY, keys)


def keys_of(route: Route, target: Target) -> tuple[CellKey, ...]:
    """Of the cells that say whether a target can be asked."""
    provider, model, keys = target_key(target)
    return (
        CellKey(route.name, provider, model, keys),
        CellKey(EVERY, provider, model, keys),
        CellKey(EVERY, provider, EVERY, keys),
    )


def explain(passed_over: PassedOver, call: Call, now: float) -> None:
    """In the call's trace."""
    target, until, reason, advice = passed_over
    why = "its quota is used up" if advice else f"it failed ({reason})"
    call.route.considered.add(
        provider=target.endpoint.provider,
        model=target.model,
        excluded_by="quota" if advice else "breaker",
        message=f"{why}: it is asked again in {max(0.0, until - now):.0f} s",
    )
