"""Model resolver: configured routes and aliases, provider/model, and well-known bare model names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.models_pb2 import Model
from gateway_core.models.fit import api_for
from gateway_core.models.limits import listed_name
from gateway_core.models.table import NO_OVERRIDES, ModelTable, Override
from gateway_core.providers.registry import DIALECTS
from gateway_core.providers.vendor import Vendor
from gateway_core.providers.vendors import VENDORS
from gateway_core.settings.facts import UNKNOWN_FACTS, Facts
from gateway_core.settings.file import SettingsError, near
from gateway_core.settings.models import ORDERED, TargetSettings
from gateway_core.settings.providers import KNOWN, MARKING_DIALECTS
from gateway_core.settings.settings import ModelSettings, ProviderSettings, Settings
from gateway_dialects.kit.dialect import Endpoint, OtherApi, Quirks

CACHE_SIZE = 4096
"""Most resolved names that are cached: clients choose them."""
SHOWN_NAME = 100
"""Most characters of an unknown name that an error message repeats."""
PLAIN_TARGET = TargetSettings()
VARIANTS = {"nitro": "throughput", "floor": "price"}
"""By what the targets of a model are sorted that is named with one of OpenRouter's variants."""
FOREIGN_VARIANTS = {
    "free": "it is a model of OpenRouter's: name openrouter/... with it",
    "online": "give the request a tool that searches the web",
    "thinking": "ask for reasoning in the request",
    "extended": "name the model without it",
    "exacto": "name the model without it",
}
"""Other variants, and what to do instead."""
GATEWAY = "dragoman"
"""The provider of routes and aliases in model lists."""


@dataclass(frozen=True, slots=True)
class Target:
    """An upstream deployment: a model at a provider, reached with one key."""

    endpoint: Endpoint
    model: str
    """The model in the provider's own name."""
    facts: Facts = field(default=UNKNOWN_FACTS, compare=False)
    tuned: TargetSettings = field(default=PLAIN_TARGET, compare=False)
    """What its route says of it."""
    _spoken: dict[str, Target] = field(default_factory=dict, init=False, repr=False, compare=False)
    """At the provider's other APIs, by dialect."""

    @property
    def name(self) -> str:
        return f"{self.endpoint.provider}/{self.model}"

    def speaking(self, api: str) -> Target:
        """The target at the API of its provider that the clients of a served API gain by; mostly the provider's first."""
        dialect = DIALECTS.get(api)
        return self if dialect is None or not dialect.for_its_clients else self._at(api)

    def suited(self, request: ChatRequest) -> Target:
        """The target at the API of its provider that takes the request, where this one is known not to."""
        needed = api_for(request, self.endpoint.capabilities_of(self.model))
        return self._at(needed) if needed else self

    def _at(self, api: str) -> Target:
        found = self._spoken.get(api)
        if found is None:
            endpoint = self.endpoint.speaking(api, self.model)
            found = self._spoken[api] = self if endpoint is self.endpoint else dataclasses.replace(self, endpoint=endpoint)
        return found


@dataclass(frozen=True, slots=True)
class Policy:
    """How the targets of a route are put in order where a request does not say it."""

    balance: str = ORDERED
    sort: str = ""
    """See RoutingSort.by. Empty: not sorted."""


@dataclass(frozen=True, slots=True)
class Route:
    """A model name and its targets in the order in which they are tried."""

    name: str
    targets: tuple[Target, ...]
    policy: Policy | None = None
    """None: there is nothing to choose, as for most."""
    parts: tuple[Route, ...] = ()
    """Of a route that was made of several models: that of each."""


class Resolver(Protocol):
    """The models that a call can name. ModelResolver is one; so is every narrower set."""

    @property
    def providers(self) -> Mapping[str, Endpoint]: ...

    @property
    def routes(self) -> Mapping[str, Route]: ...

    def endpoint(self, provider: str) -> Endpoint:
        """Raises GatewayError MODEL_NOT_FOUND."""

    def resolve(self, model: str) -> Route:
        """The route of a name. Raises GatewayError."""

    def routes_as_models(self) -> Iterator[Model]: ...

    def listed_as(self, model: str) -> str:
        """Under which id a list has the model that a call names."""


class ModelResolver:
    """Resolves every configured model name. Raises SettingsError for a route or alias without a target."""

    def __init__(self, settings: Settings) -> None:
        self._timeouts = settings.timeouts
        self._timeouts_of = {provider.name: provider.timeouts for provider in settings.providers}
        self._endpoints = {provider.name: self._endpoint_of(provider, settings) for provider in settings.providers}
        self._facts = {provider.name: provider.facts for provider in settings.providers}
        self._models = {model.name: model for model in settings.models}
        self._routes = {model.name: self._configured(model) for model in settings.models}
        self._cache = dict(self._routes)

    @property
    def providers(self) -> Mapping[str, Endpoint]:
        """The providers that are enabled, by name."""
        return self._endpoints

    @property
    def routes(self) -> Mapping[str, Route]:
        """The configured routes and aliases, by name."""
        return self._routes

    def endpoint(self, provider: str) -> Endpoint:
        """Raises GatewayError MODEL_NOT_FOUND, saying what to do, for a provider that is not enabled."""
        if endpoint := self._endpoints.get(provider):
            return endpoint
        if vendor := KNOWN.get(provider):
            raise not_found(f"the provider {provider} is not enabled: {vendor.how_to_enable()}", "provider")
        raise not_found(f"there is no provider {shown(provider)}; {self._what_there_is(provider)}", "provider")

    def resolve(self, model: str) -> Route:
        """The route of a name. Raises GatewayError MODEL_NOT_FOUND, saying what to do."""
        route = self._cache.get(model)
        if route is None:
            route = self._unconfigured(model)
            if len(self._cache) >= CACHE_SIZE:
                self._cache = dict(self._routes)
            self._cache[model] = route
        return route

    def routes_as_models(self) -> Iterator[Model]:
        """The configured routes and aliases, by name."""
        return (as_model(self._routes[name]) for name in sorted(self._routes))

    def listed_as(self, model: str) -> str:
        """The id in model lists of the model that a call names."""
        return model

    def facts_of(self, provider: str) -> Facts:
        return self._facts.get(provider, UNKNOWN_FACTS)

    def _unconfigured(self, name: str) -> Route:
        """The route of a name that is none of the operator's, which may end with a variant."""
        base, _, variant = name.rpartition(":")
        if not base or (variant not in VARIANTS and variant not in FOREIGN_VARIANTS):
            return Route(name, self._targets(name))
        if name.partition("/")[0] in self._endpoints and self._endpoints[name.partition("/")[0]].quirks.routes:
            return Route(name, self._targets(name))
        if variant in FOREIGN_VARIANTS:
            raise not_found(f"{shown(name)} ends with :{variant}, which is not known here: {FOREIGN_VARIANTS[variant]}")
        return dataclasses.replace(self.resolve(base), policy=Policy(sort=VARIANTS[variant]))

    def _targets(self, name: str, *, exact: bool = False) -> tuple[Target, ...]:
        """The targets of provider/model or of a bare name: one per key, so that the next key is tried after one that is
        refused. exact: whether the model is named as the provider does, and not as another service does."""
        provider, slash, model = name.partition("/")
        endpoint = self._endpoints.get(provider) if slash else None
        if endpoint is None:
            endpoint, model = self._claimed(name), name
        if not model:
            raise not_found(f"{shown(name)} names no model: write {endpoint.provider}/MODEL")
        if not exact:
            model = listed_name(endpoint.provider, model)
        return tuple(Target(one, model, self.facts_of(endpoint.provider)) for one in one_key_each(endpoint))

    def _claimed(self, name: str) -> Endpoint:
        """The only enabled provider whose models have such names."""
        claims = {vendor.name: vendor.claim(name) for vendor in KNOWN.values()}
        best = max(claims.values(), default=0)
        claimants = [vendor for vendor, claim in claims.items() if claim == best] if best else []
        enabled = [vendor for vendor in claimants if vendor in self._endpoints]
        if len(enabled) == 1:
            return self._endpoints[enabled[0]]
        if enabled:
            options = " or ".join(f"{vendor}/{shorten(name)}" for vendor in enabled)
            raise not_found(f"{shown(name)} could be a model of several providers: ask for {options}")
        provider = name.partition("/")[0]
        if "/" in name and provider in KNOWN:
            claimants = [provider]
        if claimants:
            missing = KNOWN[claimants[0]]
            raise not_found(
                f"{shown(name)} needs the provider {missing.name}, which is not enabled: {missing.how_to_enable()}"
            )
        raise not_found(f"there is no model {shown(name)}; {self._what_there_is(name)}")

    def _what_there_is(self, name: str) -> str:
        provider, slash, model = name.partition("/")
        hint = near(shorten(name), self._models)
        if not hint and (close := near(shorten(provider), self._endpoints)):
            hint = close.replace("?", f"/{shorten(model)}?") if slash else close
        routes = f", or one of the routes {some(self._models)}" if self._models else ""
        return f"name PROVIDER/MODEL with one of the providers {some(self._endpoints)}{routes}.{hint}"

    def _configured(self, model: ModelSettings) -> Route:
        seen = [model.name]
        current = model
        while current.alias in self._models and not current.targets:
            if current.alias in seen:
                raise SettingsError(f"{model.place} goes round in circles: {' -> '.join([*seen, current.alias])}.")
            seen.append(current.alias)
            current = self._models[current.alias]
        names = current.targets or (current.alias,)
        targets = [target for name in names for target in self._configured_target(name, current)]
        plain = current.balance == ORDERED and not current.tuned
        return Route(model.name, tuple(targets), None if plain else Policy(current.balance))

    def _configured_target(self, name: str, model: ModelSettings) -> tuple[Target, ...]:
        if model.targets.count(name) > 1:
            raise SettingsError(f"{model.place}.targets names {name} twice; retries are set in [retries].")
        try:
            found = self._targets(name, exact=True)
        except GatewayError as error:
            if name in self._models:
                raise SettingsError(
                    f"{model.place}.targets names {name}, which is a route itself: name its targets, or make this an alias."
                ) from None
            raise SettingsError(f"{model.place}: {error.message}.") from None
        tuned = model.tuned.get(name, PLAIN_TARGET)
        return tuple(self._tuned(one, tuned, model.timeouts) for one in found)

    def _tuned(self, target: Target, tuned: TargetSettings, timeouts: Mapping[str, float]) -> Target:
        """timeouts: of the route."""
        endpoint = target.endpoint
        if timeouts or tuned.timeouts:
            timers = self._timeouts.timers(self._timeouts_of[endpoint.provider], timeouts, tuned.timeouts)
            endpoint = dataclasses.replace(endpoint, timers=timers)
        facts = dataclasses.replace(target.facts, **tuned.facts)
        return dataclasses.replace(target, endpoint=endpoint, facts=facts, tuned=tuned)

    def _endpoint_of(self, provider: ProviderSettings, settings: Settings) -> Endpoint:
        endpoint = endpoint_of(provider, settings.capabilities)
        timers = settings.timeouts.timers(provider.timeouts)
        return endpoint if timers is None else dataclasses.replace(endpoint, timers=timers)


def route_of(request: ChatRequest, resolver: Resolver) -> Route:
    """The targets of the request's model, then those of its fallback models. Raises GatewayError:
    MODEL_NOT_FOUND for an unknown model, INVALID_REQUEST for one among those to fall back on."""
    route = resolver.resolve(request.model)
    if not request.fallback_models:
        return route
    parts, targets = [route], list(route.targets)
    for index, name in enumerate(request.fallback_models):
        try:
            other = resolver.resolve(name)
        except GatewayError as failure:
            if failure.reason is Reason.MODEL_NOT_FOUND:
                raise invalid(f"models[{index}]", failure.message) from None
            raise
        further = tuple(target for target in other.targets if target not in targets)
        if further:
            parts.append(other if len(further) == len(other.targets) else dataclasses.replace(other, targets=further))
            targets += further
    chosen = any(part.policy is not None for part in parts)
    return Route(route.name, tuple(targets), Policy() if chosen else None, tuple(parts))


def as_model(route: Route) -> Model:
    targets = dict.fromkeys(target.name for target in route.targets)
    return Model(id=route.name, provider=GATEWAY, owned_by=GATEWAY, targets=targets)


def endpoint_of(provider: ProviderSettings, overrides: Mapping[str, Override] = NO_OVERRIDES) -> Endpoint:
    """overrides: what the operator knows of models, by provider/model."""
    rows = {vendor.dialect: vendor for vendor in VENDORS if vendor.name == provider.name}
    quirks = quirks_of(provider, rows.get(provider.dialect), provider.dialect)
    return Endpoint(
        provider.name,
        provider.dialect,
        provider.url,
        provider.keys,
        provider.headers,
        quirks,
        provider.api_version,
        others=other_apis(provider, rows, overrides),
        capabilities_of=ModelTable(provider.name, provider.dialect, quirks.efforts, overrides),
    )


def quirks_of(provider: ProviderSettings, row: Vendor | None, dialect: str) -> Quirks:
    quirks = row.quirks if row else Quirks()
    if provider.prompt_cache and dialect in MARKING_DIALECTS and not quirks.automatic_cache:
        quirks = dataclasses.replace(quirks, prompt_cache=provider.prompt_cache, cache_hints=True)
    if provider.inline_thinking:
        quirks = dataclasses.replace(quirks, inline_thinking=True)
    if not provider.reads_urls:
        quirks = dataclasses.replace(quirks, reads_urls_of=frozenset())
    return quirks


def other_apis(
    provider: ProviderSettings, rows: Mapping[str, Vendor], overrides: Mapping[str, Override]
) -> Mapping[str, OtherApi]:
    """The APIs that are configured, or else those of the vendor at its default URL, by dialect. At another URL than the
    vendor's all of them are there.

    rows: of the vendor, by dialect.
    """
    apis = provider.apis
    if not apis and rows and provider.url == KNOWN[provider.name].url:
        apis = tuple(rows)
    at_vendor = any(provider.url == row.url for row in rows.values())
    found = {}
    for dialect in apis:
        if dialect != provider.dialect:
            row = rows.get(dialect)
            url = row.url if row and at_vendor else provider.url
            quirks = quirks_of(provider, row, dialect)
            table = ModelTable(provider.name, dialect, quirks.efforts, overrides)
            found[dialect] = OtherApi(url, quirks, row.only_models if row else (), table)
    return found


def one_key_each(endpoint: Endpoint) -> tuple[Endpoint, ...]:
    if len(endpoint.keys) < 2:
        return (endpoint,)
    return tuple(dataclasses.replace(endpoint, keys=(key,)) for key in endpoint.keys)


def not_found(message: str, field: str = "model") -> GatewayError:
    return GatewayError(Reason.MODEL_NOT_FOUND, message, field=field)


def shorten(name: str) -> str:
    return name if len(name) <= SHOWN_NAME else name[:SHOWN_NAME] + "..."


def shown(name: str) -> str:
    return repr(shorten(name))


def some(names: Mapping[str, object]) -> str:
    """The first names, in order."""
    first = sorted(names)[:20]
    return ", ".join(first) + (" ..." if len(names) > len(first) else "")
