"""Selection: which of a route's targets a request may reach, and in which order, by its preferences and the route's policy.

Two keys of one provider are one target here, and stay together. Nothing of this runs for a request without preferences whose
route has nothing to choose.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple, TypeAlias

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.models_pb2 import Prices
from dragoman.v1.routing_pb2 import ConsideredTarget, RoutingPreferences
from dragoman.v1.usage_pb2 import Usage
from gateway_core.call import Call
from gateway_core.models.price_book import Charge, PriceBook
from gateway_core.routing.balance import RoundRobin
from gateway_core.routing.preferences import PRICE, Exclusion, Filter, check_preferences, names_target, nothing_left
from gateway_core.routing.resolver import Policy, Route, Target
from gateway_core.settings.models import ORDERED
from gateway_dialects.kit.estimate import estimate_input_tokens

EXPECTED_OUTPUT = 500
"""Tokens of an answer, for what a request is expected to cost, where the request does not allow fewer."""
NO_PREFERENCES = RoutingPreferences()
PLAIN_POLICY = Policy()

Keys: TypeAlias = tuple[Target, ...]
"""A model at a provider, once for each key."""
Misfit: TypeAlias = Callable[[ChatRequest, Target, str], str]
"""(request, target, served API) -> the setting of the request that the target does not take; empty: it takes all."""


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


class Selector:
    """Holds nothing that a request without a policy changes."""

    def __init__(self, prices: PriceBook, misfit: Misfit) -> None:
        self._book = prices
        self._misfit = misfit
        self._turns = RoundRobin()

    def choose(self, request: ChatRequest, route: Route, call: Call, providers: Collection[str]) -> Route:
        """The route with those of its targets that may be asked, in their order; the reasons are put into the call's trace.
        providers: the names of those that the call can reach. Raises GatewayError: INVALID_REQUEST for malformed
        preferences, MODEL_NOT_FOUND where they leave no target."""
        wanted = request.routing if request.HasField("routing") else NO_PREFERENCES
        if wanted is not NO_PREFERENCES:
            elsewhere = any(target.endpoint.quirks.routes for target in route.targets)
            check_preferences(wanted, providers, elsewhere=elsewhere)
        excludes = Filter(wanted, self.prices_of, lambda target: self._misfit(request, target, call.api))
        excluded: list[tuple[Target, Exclusion]] = []
        groups: list[Group] = []
        for part in route.parts or (route,):
            groups.append(Group(part.name, part.policy or PLAIN_POLICY, []))
            for keys in by_name(part.targets):
                if reason := excludes(keys[0]):
                    excluded.append((keys[0], reason))
                else:
                    groups[-1].targets.append(keys)
        ranked = self._rank(groups, wanted, request, excluded)
        trace = call.route
        trace.strategy = strategy_of(wanted, groups)
        trace.considered.extend(considered(ranked, excluded))
        if not ranked:
            failure = nothing_left(request.model, excluded)
            failure.trace = trace
            raise failure
        return replace(route, targets=tuple(target for one in ranked for target in one.keys))

    def prices_of(self, target: Target) -> Prices | None:
        """None: not known."""
        return target.tuned.prices or self._book.quote(target.endpoint.provider, target.model).prices

    def _rank(
        self,
        groups: Sequence[Group],
        wanted: RoutingPreferences,
        request: ChatRequest,
        excluded: list[tuple[Target, Exclusion]],
    ) -> list[Ranked]:
        if wanted.sort.partition == "none":
            first = groups[0]
            groups = [Group(first.name, first.policy, [keys for group in groups for keys in group.targets])]
        found: list[Ranked] = []
        for group in groups:
            ranked = in_order(self._sorted(group, wanted, request), wanted.order)
            if wanted.HasField("allow_fallbacks") and not wanted.allow_fallbacks and not wanted.order:
                beyond = Exclusion("allow_fallbacks", "it is false, and another target is before it")
                excluded += [(one.target, beyond) for one in ranked[1:]]
                del ranked[1:]
            found += ranked
        return found

    def _sorted(self, group: Group, wanted: RoutingPreferences, request: ChatRequest) -> list[Ranked]:
        if (wanted.sort.by or group.policy.sort) == PRICE:
            return sorted_by([(self._cost(keys[0], request), keys) for keys in group.targets], "{:.6f} US dollars expected")
        found: list[Ranked] = []
        for _, several in groupby(sorted(group.targets, key=tier_of), tier_of):
            tier = list(several)
            balances = group.policy.balance != ORDERED and len(tier) > 1 and not (wanted.order or wanted.sort.by)
            found += self._balanced(group, tier, taking=not found) if balances else map(Ranked, tier)
        return found

    def _balanced(self, group: Group, tier: Sequence[Keys], *, taking: bool) -> Iterator[Ranked]:
        """taking: whether the first of them will be asked."""
        shares = [(keys[0].name, keys[0].tuned.weight) for keys in tier]
        total, keys_of = sum(share for _, share in shares), {keys[0].name: keys for keys in tier}
        told = {name: f"its share is {share / total:.0%}" for name, share in shares}
        for name in self._turns.order(group.name, shares, taking=taking):
            yield Ranked(keys_of[name], told[name])

    def _cost(self, target: Target, request: ChatRequest) -> float | None:
        """What the request is expected to cost there, in US dollars. None: not known."""
        prices = self.prices_of(target)
        if prices is None:
            return None
        most = request.max_output_tokens or request.max_tokens or EXPECTED_OUTPUT
        return Charge(prices).amount(
            Usage(input_tokens=estimate_input_tokens(request), output_tokens=min(most, EXPECTED_OUTPUT))
        )


def by_name(targets: Iterable[Target]) -> Sequence[Keys]:
    """The targets, with the keys of each together."""
    found: dict[str, list[Target]] = {}
    for target in targets:
        found.setdefault(target.name, []).append(target)
    return [tuple(keys) for keys in found.values()]


def tier_of(keys: Keys) -> int:
    return keys[0].tuned.priority


def sorted_by(valued: Iterable[tuple[float | None, Keys]], told: str) -> list[Ranked]:
    """The least first; those without a value last."""
    known = sorted(valued, key=lambda pair: (pair[0] is None, pair[0] or 0.0))
    return [Ranked(keys, "not known" if value is None else told.format(value)) for value, keys in known]


def in_order(ranked: list[Ranked], names: Sequence[str]) -> list[Ranked]:
    """Those that a request names first, in its order; the others behind them."""
    if not names:
        return ranked

    def place(one: Ranked) -> int:
        return next((index for index, name in enumerate(names) if names_target(name, one.target)), len(names))

    return sorted(ranked, key=place)


def strategy_of(wanted: RoutingPreferences, groups: Sequence[Group]) -> str:
    """By what the targets were put in order: order, sort:price, weighted ..."""
    sort = wanted.sort.by or next((group.policy.sort for group in groups if group.policy.sort), "")
    words = ["order"] if wanted.order else []
    if sort:
        words.append(f"sort:{sort}")
    return ",".join(words) or next((group.policy.balance for group in groups if group.policy.balance != ORDERED), ORDERED)


def considered(ranked: Iterable[Ranked], excluded: Iterable[tuple[Target, Exclusion]]) -> Iterator[ConsideredTarget]:
    for one in ranked:
        yield ConsideredTarget(provider=one.target.endpoint.provider, model=one.target.model, message=one.message)
    for target, (clause, why) in excluded:
        yield ConsideredTarget(provider=target.endpoint.provider, model=target.model, excluded_by=clause, message=why)
