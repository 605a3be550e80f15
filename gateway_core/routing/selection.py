"""Selection: which of a route's targets a request may reach, and in which order, by its preferences and the route's policy.

Nothing of this runs for a request without preferences whose route has nothing to choose.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.routing_pb2 import ConsideredTarget, RoutingPreferences
from gateway_core.call import Call
from gateway_core.routing.preferences import Exclusion, Filter, check_preferences, nothing_left
from gateway_core.routing.ranking import Group, Ranked, Ranking, by_name
from gateway_core.routing.resolver import Policy, Route, Target

NO_PREFERENCES = RoutingPreferences()
PLAIN_POLICY = Policy()

Misfit: TypeAlias = Callable[[ChatRequest, Target, str], str]
"""(request, target, served API) -> the setting of the request that the target does not take; empty: it takes all."""


class Selector:
    def __init__(self, ranking: Ranking, misfit: Misfit) -> None:
        self._ranking = ranking
        self._misfit = misfit

    def choose(self, request: ChatRequest, route: Route, call: Call, providers: Collection[str]) -> Route:
        """The route with those of its targets that may be asked, in their order; the reasons are put into the call's trace.
        providers: the names of those that the call can reach. Raises GatewayError: INVALID_REQUEST for malformed
        preferences, MODEL_NOT_FOUND where they leave no target."""
        wanted = request.routing if request.HasField("routing") else NO_PREFERENCES
        if wanted is not NO_PREFERENCES:
            elsewhere = any(target.endpoint.quirks.routes for target in route.targets)
            check_preferences(wanted, providers, elsewhere=elsewhere)
        excludes = Filter(wanted, self._ranking.prices_of, lambda target: self._misfit(request, target, call.api))
        excluded: list[tuple[Target, Exclusion]] = []
        groups: list[Group] = []
        for part in route.parts or (route,):
            groups.append(Group(part.name, part.policy or PLAIN_POLICY, []))
            for keys in by_name(part.targets):
                if reason := excludes(keys[0]):
                    excluded.append((keys[0], reason))
                else:
                    groups[-1].targets.append(keys)
        ranked = []
        for several in self._ranking.rank(groups, wanted, request, call):
            if wanted.HasField("allow_fallbacks") and not wanted.allow_fallbacks and not wanted.order:
                beyond = Exclusion("allow_fallbacks", "it is false, and another target is before it")
                excluded += [(one.target, beyond) for one in several[1:]]
                several = several[:1]
            ranked += several
        trace = call.route
        trace.considered.extend(considered(ranked, excluded))
        if not ranked:
            failure = nothing_left(request.model, excluded)
            failure.trace = trace
            raise failure
        return replace(route, targets=tuple(target for one in ranked for target in one.keys))


def considered(ranked: Iterable[Ranked], excluded: Iterable[tuple[Target, Exclusion]]) -> Iterator[ConsideredTarget]:
    for one in ranked:
        yield ConsideredTarget(provider=one.target.endpoint.provider, model=one.target.model, message=one.message)
    for target, (clause, why) in excluded:
        yield ConsideredTarget(provider=target.endpoint.provider, model=target.model, excluded_by=clause, message=why)
