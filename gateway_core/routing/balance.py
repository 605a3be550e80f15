"""Balance: the shares of equal targets, and whose turn it is.

Turns are smooth weighted round robin, as nginx has it: of shares 3 and 1 every fourth call goes to the second, never
two in a row. So no share, however it changes, sends a burst of calls to the target that is the best just now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from gateway_core.routing.measurements import filled

TYPICAL_OUTPUT = 300
"""Tokens, for how long an answer takes."""
MOST_BETTER = 4.0
"""How many times better than its peers a target counts at most, in time or cost."""
LEAST_SHARE = 0.03
"""Of what an equal share were: every target is explored, or one that has recovered would never be found out."""


class Merit(NamedTuple):
    """What is known of a target. None: not known; it then counts as its peers' median."""

    weight: float
    reliability: float
    latency: float | None
    """Seconds to the first content."""
    throughput: float | None
    """Tokens per second."""
    cost: float | None
    """Of this request, in US dollars."""


def shares_of(merits: Sequence[Merit]) -> Sequence[float]:
    """Shares of targets: weight x reliability^2 x (median time / its time) x (median cost / its cost)^2, time and cost
    counting at most four times; none less than three hundredths of an equal share."""
    latencies = [max(value, 0.0) for value in filled([merit.latency for merit in merits])]
    speeds = [max(value, 1e-3) for value in filled([merit.throughput for merit in merits])]
    if all(merit.latency is None for merit in merits):
        latencies = [0.0] * len(merits)
    if all(merit.throughput is None for merit in merits):
        speeds = [TYPICAL_OUTPUT] * len(merits)
    times = [latency + TYPICAL_OUTPUT / speed for latency, speed in zip(latencies, speeds, strict=True)]
    costs = filled([merit.cost for merit in merits])
    shares = [
        merit.weight * merit.reliability**2 * better(time, times) * better(cost, costs) ** 2
        for merit, time, cost in zip(merits, times, costs, strict=True)
    ]
    least = LEAST_SHARE * sum(shares) / len(shares)
    return [max(share, least) for share in shares]


def better(value: float, peers: Sequence[float]) -> float:
    """How many times less than its peers' median a value is, within bounds."""
    usual = median(peers)
    if value <= 0:
        return MOST_BETTER if usual > 0 else 1.0
    return min(max(usual / value, 1 / MOST_BETTER), MOST_BETTER)


class RoundRobin:
    """By route and target, how much of its share each was not given yet, in parts of all."""

    def __init__(self) -> None:
        self._owed: dict[tuple[str, str], float] = {}

    def order(self, route: str, shares: Mapping[str, float], *, taking: bool = True) -> list[str]:
        """The targets by what they are owed. shares: of those that may be asked now, more than 0. taking: whether this is a
        call, for which the first is asked."""
        total = sum(shares.values())
        owed = {name: self._owed.get((route, name), 0.0) + share / total for name, share in shares.items()}
        names = sorted(owed, key=lambda name: -owed[name])
        if taking:
            owed[names[0]] -= 1.0
            self._owed.update(((route, name), left) for name, left in owed.items())
        return names
