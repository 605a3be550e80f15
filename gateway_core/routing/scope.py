"""What model names stand for within a context, or where a client brings its own: less than the whole catalog."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Protocol

from dragoman.metadata import BYOK_KEY, BYOK_PROVIDER
from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.models_pb2 import Model
from gateway_core.routing.catalog import Catalog, as_model, not_found, one_key_each, shorten, shown
from gateway_core.routing.route import Route, Target
from gateway_core.settings.providers import KNOWN
from gateway_dialects.kit.dialect import Endpoint, Secret


class Names(Protocol):
    """What a call can name. The catalog is one; so is every part of it."""

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


class ProviderScope:
    """One provider's models, under their own names, and the routes that lead nowhere else."""

    def __init__(self, catalog: Catalog, endpoint: Endpoint, where: str) -> None:
        """endpoint: as it is configured, or with a client's own key. where: what binds the call, for messages."""
        self._endpoint = endpoint
        self._where = where
        self.providers: Mapping[str, Endpoint] = {endpoint.provider: endpoint}
        self.routes = {name: self._own(route) for name, route in catalog.routes.items() if self._has(route)}
        self._others = {*catalog.providers, *KNOWN} - {endpoint.provider}

    def endpoint(self, provider: str) -> Endpoint:
        """See Names.endpoint."""
        if provider != self._endpoint.provider:
            raise not_found(f"{self._where} serves {self._endpoint.provider}, not {shown(provider)}", "provider")
        return self._endpoint

    def resolve(self, model: str) -> Route:
        """A bare name is the provider's own. Raises GatewayError MODEL_NOT_FOUND for the names of other providers."""
        return self.routes.get(model) or Route(model, self._targets(self._own_name(model)))

    def routes_as_models(self) -> Iterator[Model]:
        """See Names.routes_as_models."""
        return (as_model(self.routes[name]) for name in sorted(self.routes))

    def listed_as(self, model: str) -> str:
        """See Names.listed_as."""
        return model

    def _own_name(self, name: str) -> str:
        own = self._endpoint.provider
        provider, slash, model = name.partition("/")
        if slash and provider == own:
            if not model:
                raise not_found(f"{shown(name)} names no model: write {own}/MODEL")
            return model
        vendor = KNOWN.get(own)
        if slash and provider in self._others and not (vendor and vendor.makers_names):
            raise not_found(
                f"{self._where} serves {own}, and {shown(name)} is a model of {provider}; if {own} itself calls one of its"
                f" models so, write {own}/{shorten(name)}"
            )
        return name

    def _has(self, route: Route) -> bool:
        return all(target.endpoint.provider == self._endpoint.provider for target in route.targets)

    def _own(self, route: Route) -> Route:
        names = dict.fromkeys(target.model for target in route.targets)
        return Route(route.name, tuple(target for name in names for target in self._targets(name)))

    def _targets(self, model: str) -> tuple[Target, ...]:
        return tuple(Target(one, model) for one in one_key_each(self._endpoint))


class UrlScope:
    """Whatever a server has that a client brings: its model names are the server's own business."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.providers: Mapping[str, Endpoint] = {endpoint.provider: endpoint}
        self.routes: Mapping[str, Route] = {}

    def endpoint(self, provider: str) -> Endpoint:
        """See Names.endpoint. There is but one."""
        return self._endpoint

    def resolve(self, model: str) -> Route:
        """See Names.resolve."""
        own = model.removeprefix(f"{self._endpoint.provider}/")
        return Route(model, (Target(self._endpoint, own or model),))

    def routes_as_models(self) -> Iterator[Model]:
        """See Names.routes_as_models."""
        return iter(())

    def listed_as(self, model: str) -> str:
        """See Names.listed_as."""
        return model


class RouteScope:
    """One route for whatever a client names."""

    def __init__(self, route: Route, where: str) -> None:
        self._route = route
        self._where = where
        self.providers: Mapping[str, Endpoint] = {}
        self.routes = {route.name: route}

    def endpoint(self, provider: str) -> Endpoint:
        """See Names.endpoint. Which providers are behind the route is the operator's business."""
        raise not_found(f"{self._where} serves {self._route.name}, and no provider by name", "provider")

    def resolve(self, model: str) -> Route:
        """See Names.resolve."""
        return self._route

    def routes_as_models(self) -> Iterator[Model]:
        """See Names.routes_as_models."""
        yield as_model(self._route)

    def listed_as(self, model: str) -> str:
        """See Names.listed_as. A model that a client names is a name of the route."""
        return self._route.name if model else ""


class KeyedScope:
    """The same names, asked for with a client's own key."""

    def __init__(self, names: Names, key: Secret) -> None:
        self._names = names
        self._key = key
        self.providers = names.providers
        self.routes = names.routes

    def endpoint(self, provider: str) -> Endpoint:
        """See Names.endpoint. Who names a provider, means it by the key."""
        return with_own_key(self._names.endpoint(provider), self._key)

    def resolve(self, model: str) -> Route:
        """Raises GatewayError INVALID_REQUEST for a route with several providers: the key belongs to one of them."""
        route = self._resolved(model)
        providers = sorted({target.endpoint.provider for target in route.targets})
        if len(providers) > 1:
            several = f"{shown(model)} leads to {' and '.join(providers)}"
            raise invalid(
                BYOK_KEY,
                f"{several}, and {BYOK_KEY} is for one of them: say which in {BYOK_PROVIDER}",
            )
        models = dict.fromkeys(target.model for target in route.targets)
        endpoint = with_own_key(route.targets[0].endpoint, self._key)
        return Route(route.name, tuple(Target(endpoint, one) for one in models))

    def routes_as_models(self) -> Iterator[Model]:
        """See Names.routes_as_models."""
        return self._names.routes_as_models()

    def listed_as(self, model: str) -> str:
        """See Names.listed_as."""
        return self._names.listed_as(model)

    def _resolved(self, model: str) -> Route:
        try:
            return self._names.resolve(model)
        except GatewayError as failure:
            provider, _, own = model.partition("/")
            if (
                failure.reason is not Reason.MODEL_NOT_FOUND
                or provider not in KNOWN
                or provider in self.providers
                or not own
            ):
                raise
            advice = f"to use your own key, send {BYOK_PROVIDER}: {provider}"
            failure.message = f"{shown(model)} needs the provider {provider}, which is not enabled; {advice}"
            raise


def route_of(request: ChatRequest, names: Names) -> Route:
    """The route of the request's model, and after it those of the models that it names to fall back on. Raises GatewayError
    for a name that stands for nothing."""
    route = names.resolve(request.model)
    if not request.fallback_models:
        return route
    targets = list(route.targets)
    for name in request.fallback_models:
        targets += [target for target in names.resolve(name).targets if target not in targets]
    return Route(route.name, tuple(targets))


def with_own_key(endpoint: Endpoint, key: Secret) -> Endpoint:
    """The endpoint for a client that brings its own key. What the operator sends in headers may be keys, or belong to the
    operator's account, and stays out."""
    return dataclasses.replace(endpoint, keys=(key,) if key else (), headers={}, brought=True)
