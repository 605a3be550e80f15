"""The table of models: what a model takes at one API of a provider, by its family and by what the vendor narrows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

from gateway_core.models.families import family_of
from gateway_core.models.families.family import plain_name
from gateway_core.models.limits import limits_of
from gateway_core.models.vendor_rules import APIS, RULES, VendorRule
from gateway_dialects.kit.capabilities import UNKNOWN, Capabilities

CACHE_SIZE = 4096
"""Models; clients choose their names, so there must be a bound."""
MERGED = frozenset({"refused", "ranges", "efforts"})
"""Fields that a narrower record adds to, rather than replaces."""
NARROWING = tuple(field.name for field in fields(Capabilities) if field.init and field.name not in MERGED)


@dataclass(frozen=True, slots=True)
class Override:
    """What an operator knows of one model."""

    values: Mapping[str, Any]
    """Of fields of Capabilities."""
    like: str = ""
    """Another model whose family it is of, as an alias or a deployment may be. Empty: what its own name tells."""

    def over(self, known: Capabilities) -> Capabilities:
        return replace(known, **self.values)


NO_OVERRIDES: Mapping[str, Override] = MappingProxyType({})


class ModelTable:
    """What models take at one API of a provider: Endpoint.capabilities_of."""

    def __init__(
        self, provider: str, dialect: str, efforts: tuple[str, ...] = (), overrides: Mapping[str, Override] = NO_OVERRIDES
    ) -> None:
        """efforts: see Quirks.efforts. overrides: the operator's, by provider/model."""
        self._overrides = {
            name.partition("/")[2]: override for name, override in overrides.items() if name.partition("/")[0] == provider
        }
        self._provider = provider
        self._efforts = efforts
        self._api = APIS.get(dialect)
        self._rules: Sequence[tuple[re.Pattern[str], VendorRule]] = [
            (re.compile(rule.pattern), rule)
            for rule in RULES.get(provider, ())
            if not rule.dialects or dialect in rule.dialects
        ]
        self._known: dict[str, Capabilities] = {}

    def __call__(self, model: str) -> Capabilities:
        """model: in the provider's own name."""
        found = self._known.get(model)
        if found is None:
            if len(self._known) >= CACHE_SIZE:
                self._known.clear()
            found = self._known[model] = self._look_up(model)
        return found

    def _look_up(self, model: str) -> Capabilities:
        override = self._overrides.get(model)
        found = self._by_name(override.like or model if override else model)
        return override.over(found) if override else found

    def _by_name(self, model: str) -> Capabilities:
        found = family_of(model).takes
        if self._efforts and found.reasoning is not False:
            found = replace(found, efforts=common_efforts(found.efforts, self._efforts))
        if self._api is not None:
            found = narrowed(found, self._api)
        for pattern, rule in self._rules:
            if pattern.match(plain_name(model)):
                found = narrowed(found, rule.takes)
        return self._with_limits(found, model)

    def _with_limits(self, known: Capabilities, model: str) -> Capabilities:
        if known.most_output is not None or (limits := limits_of(self._provider, model)) is None:
            return known
        return replace(known, context=known.context or limits.context, most_output=limits.most_output)


def narrowed(known: Capabilities, by: Capabilities) -> Capabilities:
    """What is said in both records; the second one's word counts where they differ."""
    said = {name: value for name in NARROWING if (value := getattr(by, name)) != getattr(UNKNOWN, name)}
    ranges = {name: (name, least, most) for name, least, most in (*known.ranges, *by.ranges)}
    return replace(
        known,
        **said,
        refused=known.refused | by.refused,
        ranges=tuple(ranges.values()),
        efforts=known.efforts if by.efforts is None else by.efforts,
    )


def common_efforts(family: Sequence[str] | None, vendor: Sequence[str]) -> tuple[str, ...]:
    """The efforts that both know; the vendor's where there are none, since it gives them a meaning of its own."""
    if family is None:
        return tuple(vendor)
    return tuple(effort for effort in family if effort in vendor) or (tuple(vendor) if family else ())
