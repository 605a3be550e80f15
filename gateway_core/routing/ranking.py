"""Ranking: the order in which the targets that a request may reach are asked.

A request's order and sort come first; else the tiers of the route, and within a tier its balance. The keys of a provider are
one target here, and stay together. The whole policy is in docs/routing.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, TypeAlias

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.models_pb2 import Prices
from dragoman.v1.routing_pb2 import Percentiles, RoutingPreferences
from dragoman.v1.usage_pb2 import Usage
from gateway_core.call import Call
from gateway_core.models.price_book import Charge, PriceBook
from gateway_core.routing.affinity import Affinity, conversation_of
from gateway_core.routing.balance import Merit, RoundRobin, shares_of
from gateway_core.routing.measurements import COUNTING, Measurements, Score, filled
from gateway_core.routing.preferences import LATENCY, PRICE, THROUGHPUT, names_target
from gateway_core.routing.resolver import Policy, Target
from gateway_core.settings.models import MEASURED, ORDERED
from gateway_dialects.kit.estimate import estimate_input_tokens

EXPECTED_OUTPUT = 500
"""Tokens of an answer, for what a request is expected to cost, where the request does not allow fewer."""

Keys: TypeAlias = tuple[Target, ...]
"""A model at a provider, once for each key."""


class Ranked(NamedTuple):
    """A target in its place."""

    keys: Keys
    message: str = ""
    """Why it is there, for the trace."""

    @property
    def target(self) -> Target:
        return self.keys[0]


class Group(NamedTuple):
    """The targets of one model of a request that may be asked."""

    name: str
    """Of its route."""
    policy: Policy
    targets: list[Keys]


class Ranking:
    """Holds whose turn it is, what was measured, and which conversations have a target."""

    def __init__(self, prices: PriceBook, measured: Measurements, affinity: Affinity) -> None:
        self._book = prices
        self._measured = measured
        self._affinity = affinity
        self._turns = RoundRobin()

    def prices_of(self, target: Target) -> Prices | None:
        """None: not known."""
        return target.tuned.prices or self._book.quote(target.endpoint.provider, target.model).prices

    def rank(
        self, groups: Sequence[Group], wanted: RoutingPreferences, request: ChatRequest, call: Call
    ) -> Iterator[list[Ranked]]:
        """The targets of each group in their order; all together where the request wants that. By what they were put in
        order becomes the strategy of the call's trace."""
        if wanted.sort.partition == "none":
            first = groups[0]
            groups = [Group(first.name, first.policy, [keys for group in groups for keys in group.targets])]
        words = ["order"] if wanted.order else []
        for group in groups:
            by = wanted.sort.by or group.policy.sort
            if by in SORTED:
                ranked = SORTED[by](self, group.targets, request)
                words.append(f"sort:{by}")
            else:
                ranked = list(self._in_tiers(group, wanted, request, call, begins=group is groups[0]))
                words.append("" if wanted.order else group.policy.balance)
            yield in_order(self._preferred(ranked, wanted), wanted.order)
        if not call.route.strategy:
            call.route.strategy = ",".join(dict.fromkeys(filter(None, words))) or ORDERED

    def _in_tiers(
        self, group: Group, wanted: RoutingPreferences, request: ChatRequest, call: Call, *, begins: bool
    ) -> Iterator[Ranked]:
        """begins: whether one of them will be asked first."""
        for _, several in groupby(sorted(group.targets, key=tier_of), tier_of):
            tier = list(several)
            if group.policy.balance == ORDERED or len(tier) == 1 or wanted.order:
                yield from map(Ranked, tier)
            elif not begins:
                yield from self._balanced(group, tier, request, taking=False)
            else:
                yield from self._kept(group, tier, request, call)
            begins = False

    def _kept(self, group: Group, tier: Sequence[Keys], request: ChatRequest, call: Call) -> Iterator[Ranked]:
        """By turns, but for a conversation whose target is among them."""
        conversation = call.conversation = conversation_of(request, call, group.name)
        kept = self._affinity.target(conversation)
        first = next((keys for keys in tier if keys[0].name == kept), None)
        if first is not None:
            call.route.strategy = "affinity"
            yield Ranked(first, "it has answered this conversation before")
        ranked = self._balanced(group, tier, request, taking=first is None and call.operation != COUNTING)
        yield from (one for one in ranked if one.keys is not first)

    def _balanced(self, group: Group, tier: Sequence[Keys], request: ChatRequest, *, taking: bool) -> list[Ranked]:
        """taking: whether the first of them will be asked."""
        targets = [keys[0] for keys in tier]
        if group.policy.balance == MEASURED:
            self._measured.watching = True
            used = expected_usage(request)
            shares = shares_of([self._merit(target, used) for target in targets])
        else:
            shares = [target.tuned.weight for target in targets]
        total = sum(shares)
        named = {target.name: share for target, share in zip(targets, shares, strict=True)}
        keys_of = {keys[0].name: keys for keys in tier}
        return [
            Ranked(keys_of[name], f"its share is {named[name] / total:.0%}")
            for name in self._turns.order(group.name, named, taking=taking)
        ]

    def _merit(self, target: Target, used: Usage) -> Merit:
        score = self._measured.of(target.name)
        latency = score.latency["p50"] if score.latency else None
        throughput = score.throughput["p50"] if score.throughput else None
        return Merit(target.tuned.weight, score.reliability, latency, throughput, self._cost(target, used))

    def _cost(self, target: Target, used: Usage) -> float | None:
        """What the request is expected to cost there, in US dollars. None: not known."""
        own = target.tuned.prices
        charge = Charge(own) if own else self._book.quote(target.endpoint.provider, target.model).charge
        return None if charge is None else charge.amount(used)

    def by_price(self, several: Sequence[Keys], request: ChatRequest) -> list[Ranked]:
        """Those whose price is not known last."""
        used = expected_usage(request)
        costs = [(self._cost(keys[0], used), keys) for keys in several]
        costs.sort(key=lambda pair: (pair[0] is None, pair[0] or 0.0))
        return [
            Ranked(keys, "price not known" if cost is None else f"{cost:.6f} US dollars expected") for cost, keys in costs
        ]

    def by_throughput(self, several: Sequence[Keys], request: ChatRequest) -> list[Ranked]:
        self._measured.watching = True
        speeds = [score.throughput["p50"] if (score := self._score(keys)).throughput else None for keys in several]
        return by_speed(several, speeds, "tokens per second", best_first=-1)

    def by_latency(self, several: Sequence[Keys], request: ChatRequest) -> list[Ranked]:
        self._measured.watching = True
        waits = [score.latency["p50"] if (score := self._score(keys)).latency else None for keys in several]
        return by_speed(several, waits, "seconds to the first content", best_first=1)

    def _preferred(self, ranked: list[Ranked], wanted: RoutingPreferences) -> list[Ranked]:
        """Those behind that are known to be slower than is preferred."""
        if not (wanted.HasField("preferred_min_throughput") or wanted.HasField("preferred_max_latency")):
            return ranked
        self._measured.watching = True
        return sorted(ranked, key=lambda one: self._is_slow(one.keys, wanted))

    def _is_slow(self, keys: Keys, wanted: RoutingPreferences) -> bool:
        score = self._score(keys)
        least, most = bounds_of(wanted.preferred_min_throughput), bounds_of(wanted.preferred_max_latency)
        return (score.throughput is not None and any(score.throughput[name] < bound for name, bound in least)) or (
            score.latency is not None and any(score.latency[name] > bound for name, bound in most)
        )

    def _score(self, keys: Keys) -> Score:
        return self._measured.of(keys[0].name)


SORTED = {PRICE: Ranking.by_price, THROUGHPUT: Ranking.by_throughput, LATENCY: Ranking.by_latency}


def expected_usage(request: ChatRequest) -> Usage:
    most = min(request.max_output_tokens or request.max_tokens or EXPECTED_OUTPUT, EXPECTED_OUTPUT)
    return Usage(input_tokens=estimate_input_tokens(request), output_tokens=most)


def by_name(targets: Iterable[Target]) -> Sequence[Keys]:
    """The targets, with the keys of each together."""
    found: dict[str, list[Target]] = {}
    for target in targets:
        found.setdefault(target.name, []).append(target)
    return [tuple(keys) for keys in found.values()]


def tier_of(keys: Keys) -> int:
    return keys[0].tuned.priority


def by_speed(several: Sequence[Keys], values: Sequence[float | None], unit: str, *, best_first: int) -> list[Ranked]:
    """One that was not measured counts as the median of the others. best_first: 1: the least is the best, -1: the most."""
    known = list(zip(filled(values), values, several, strict=True))
    known.sort(key=lambda one: best_first * one[0])
    return [Ranked(keys, "not measured yet" if value is None else f"{value:.3g} {unit}") for _, value, keys in known]


def bounds_of(bounds: Percentiles) -> Sequence[tuple[str, float]]:
    return [(field.name, value) for field, value in bounds.ListFields()]


def in_order(ranked: list[Ranked], names: Sequence[str]) -> list[Ranked]:
    """Those that a request names first, in its order; the others behind them."""
    if not names:
        return ranked

    def place(one: Ranked) -> int:
        return next((index for index, name in enumerate(names) if names_target(name, one.target)), len(names))

    return sorted(ranked, key=place)
