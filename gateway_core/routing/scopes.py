"""What of a resolver's models a gateway key opens."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from dragoman.metadata import CONTEXT
from dragoman.reasons import GatewayError, Reason
from dragoman.v1.models_pb2 import Model
from gateway_core.call import Call, Caller
from gateway_core.routing.resolver import Resolver, Route, as_model, shown
from gateway_dialects.kit.dialect import Endpoint


class ScopedResolver:
    """A Resolver of those models of another that a caller's key opens, checked on every target, whatever its name."""

    def __init__(self, resolver: Resolver, caller: Caller) -> None:
        self._inner = resolver
        self._caller = caller
        self._scope = caller.scope

    @property
    def providers(self) -> Mapping[str, Endpoint]:
        return {name: one for name, one in self._inner.providers.items() if self._scope.has_provider(name)}

    @property
    def routes(self) -> Mapping[str, Route]:
        found = {name: self._opened(route) for name, route in self._inner.routes.items()}
        return {name: route for name, route in found.items() if route.targets}

    def endpoint(self, provider: str) -> Endpoint:
        """Raises GatewayError PERMISSION_DENIED for a provider that the key does not open."""
        endpoint = self._inner.endpoint(provider)
        if not self._scope.has_provider(endpoint.provider):
            raise self._denied(f"the provider {shown(provider)}", "provider")
        return endpoint

    def resolve(self, model: str) -> Route:
        """Raises GatewayError PERMISSION_DENIED for a name without a target that the key opens."""
        route = self._opened(self._inner.resolve(model))
        if not route.targets:
            raise self._denied(f"the model {shown(model)}", "model")
        return route

    def routes_as_models(self) -> Iterator[Model]:
        routes = self.routes
        return (as_model(routes[name]) for name in sorted(routes))

    def listed_as(self, model: str) -> str:
        return self._inner.listed_as(model)

    def _opened(self, route: Route) -> Route:
        scope = self._scope
        by_name = route.name in self._inner.routes and scope.has_model(route.name)
        targets = tuple(
            target
            for target in route.targets
            if (scope.has_provider(target.endpoint.provider) if by_name else self._opens(target.endpoint, target.model))
        )
        return route if len(targets) == len(route.targets) else replace(route, targets=targets)

    def _opens(self, endpoint: Endpoint, model: str) -> bool:
        return self._scope.has_target(endpoint.provider, model)

    def _denied(self, what: str, field: str) -> GatewayError:
        message = f"the gateway key of {self._caller.name} does not open {what}: ask the gateway's operator"
        return GatewayError(Reason.PERMISSION_DENIED, message, field)


def scoped(resolver: Resolver, call: Call) -> Resolver:
    """The models of a call that its key opens. Raises GatewayError PERMISSION_DENIED for a key of other contexts."""
    caller = call.caller
    contexts = caller.scope.contexts
    if contexts and call.context not in contexts:
        where = f"the context {shown(call.context)}" if call.context else "no context"
        message = f"the gateway key of {caller.name} is for {' and '.join(contexts)}, and this call is in {where}"
        raise GatewayError(Reason.PERMISSION_DENIED, message, CONTEXT)
    return ScopedResolver(resolver, caller) if caller.scope.models or caller.scope.providers else resolver
