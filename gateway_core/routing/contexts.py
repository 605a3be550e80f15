"""Which models a call can name: all that is configured, those of its context, or those that its BYOK credentials reach."""

import dataclasses
import ipaddress
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from dragoman.metadata import BYOK_KEY, BYOK_PROVIDER, BYOK_URL, CONTEXT
from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.models_pb2 import Model
from gateway_core.call import NO_CREDENTIALS, ByokCredentials, Call
from gateway_core.providers.vendor import Vendor
from gateway_core.providers.vendors import VENDORS, vendor_of
from gateway_core.routing.resolver import (
    ModelResolver,
    Resolver,
    Route,
    Target,
    as_model,
    endpoint_of,
    not_found,
    one_key_each,
    shorten,
    shown,
)
from gateway_core.settings.byok import is_plain
from gateway_core.settings.contexts import ContextSettings
from gateway_core.settings.facts import UNKNOWN_FACTS
from gateway_core.settings.file import near
from gateway_core.settings.providers import KNOWN
from gateway_core.settings.settings import ProviderSettings, Settings, SettingsError
from gateway_dialects.kit.dialect import Endpoint, Secret

PATH_MARKS = {"/anthropic": "anthropic", "/anthropic/v1": "anthropic", "/v1beta": "gemini"}
"""How the path of a base URL ends that speaks another dialect than openai, wherever it is: several vendors serve Anthropic's
API at /anthropic beside their own."""


class ProviderContext:
    """A Resolver of one provider's models, by its own names, and the routes whose targets are all at that provider."""

    def __init__(self, configured: ModelResolver, endpoint: Endpoint, where: str) -> None:
        """endpoint: as it is configured, or with a client's own key. where: what binds the call, for messages."""
        self._endpoint = endpoint
        self._where = where
        self._facts = configured.facts_of(endpoint.provider) if not endpoint.byok else UNKNOWN_FACTS
        self.providers: Mapping[str, Endpoint] = {endpoint.provider: endpoint}
        self.routes = {name: self._narrow(route) for name, route in configured.routes.items() if self._has(route)}
        self._others = {*configured.providers, *KNOWN} - {endpoint.provider}

    def endpoint(self, provider: str) -> Endpoint:
        if provider != self._endpoint.provider:
            raise not_found(f"{self._where} serves {self._endpoint.provider}, not {shown(provider)}", "provider")
        return self._endpoint

    def resolve(self, model: str) -> Route:
        """A bare name is the provider's own. Raises GatewayError MODEL_NOT_FOUND for the names of other providers."""
        return self.routes.get(model) or Route(model, self._targets(self._provider_name(model)))

    def routes_as_models(self) -> Iterator[Model]:
        return (as_model(self.routes[name]) for name in sorted(self.routes))

    def listed_as(self, model: str) -> str:
        return model

    def _provider_name(self, name: str) -> str:
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

    def _narrow(self, route: Route) -> Route:
        names = dict.fromkeys(target.model for target in route.targets)
        return Route(route.name, tuple(target for name in names for target in self._targets(name)))

    def _targets(self, model: str) -> tuple[Target, ...]:
        return tuple(Target(one, model, self._facts) for one in one_key_each(self._endpoint))


class UrlContext:
    """A Resolver for the server at a client's own URL, under any model name."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.providers: Mapping[str, Endpoint] = {endpoint.provider: endpoint}
        self.routes: Mapping[str, Route] = {}

    def endpoint(self, provider: str) -> Endpoint:
        """There is but one."""
        return self._endpoint

    def resolve(self, model: str) -> Route:
        own = model.removeprefix(f"{self._endpoint.provider}/")
        return Route(model, (Target(self._endpoint, own or model),))

    def routes_as_models(self) -> Iterator[Model]:
        return iter(())

    def listed_as(self, model: str) -> str:
        return model


class RouteContext:
    """A Resolver of one route, whatever model a call names."""

    def __init__(self, route: Route, where: str) -> None:
        self._route = route
        self._where = where
        self.providers: Mapping[str, Endpoint] = {}
        self.routes = {route.name: route}

    def endpoint(self, provider: str) -> Endpoint:
        """Which providers are behind the route is the operator's business."""
        raise not_found(f"{self._where} serves {self._route.name}, and no provider by name", "provider")

    def resolve(self, model: str) -> Route:
        return self._route

    def routes_as_models(self) -> Iterator[Model]:
        yield as_model(self._route)

    def listed_as(self, model: str) -> str:
        """A model that a client names is a name of the route."""
        return self._route.name if model else ""


class ByokContext:
    """A Resolver of another's models, reached with the client's own key."""

    def __init__(self, resolver: Resolver, key: Secret) -> None:
        self._inner = resolver
        self._key = key
        self.providers = resolver.providers
        self.routes = resolver.routes

    def endpoint(self, provider: str) -> Endpoint:
        """Who names a provider, means it by the key."""
        return with_byok_key(self._inner.endpoint(provider), self._key)

    def resolve(self, model: str) -> Route:
        """Raises GatewayError INVALID_REQUEST for a route with several providers: the key belongs to one of them."""
        route = self._resolved(model)
        providers = sorted({target.endpoint.provider for target in route.targets})
        if len(providers) > 1:
            several = f"{shown(model)} leads to {' and '.join(providers)}"
            raise invalid(BYOK_KEY, f"{several}, and {BYOK_KEY} is for one of them: say which in {BYOK_PROVIDER}")
        models = dict.fromkeys(target.model for target in route.targets)
        endpoint = with_byok_key(route.targets[0].endpoint, self._key)
        return Route(route.name, tuple(Target(endpoint, one) for one in models))

    def routes_as_models(self) -> Iterator[Model]:
        return self._inner.routes_as_models()

    def listed_as(self, model: str) -> str:
        return self._inner.listed_as(model)

    def _resolved(self, model: str) -> Route:
        try:
            return self._inner.resolve(model)
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


class Contexts:
    """Raises SettingsError for a context that is bound to what is not there."""

    def __init__(self, configured: ModelResolver, settings: Settings) -> None:
        self._configured = configured
        self._byok, self._capabilities = settings.byok, settings.capabilities
        self._contexts = {context.name: self._bound(context) for context in settings.contexts}

    def of(self, call: Call) -> Resolver:
        """The models of a call with a context, BYOK credentials or both. Raises GatewayError: MODEL_NOT_FOUND for an unknown
        context, PERMISSION_DENIED for what the client may not bring, INVALID_REQUEST for what is no key or URL."""
        if call.byok is NO_CREDENTIALS:
            return self._in_context(call.context) if call.context else self._configured
        self._check(call.byok)
        if call.context:
            return narrowed(self._in_context(call.context), call)
        if call.byok.url:
            return UrlContext(self._endpoint_at(call.byok))
        if call.byok.provider:
            return ProviderContext(self._configured, self._named(call.byok), f"{BYOK_PROVIDER}: {call.byok.provider}")
        return ByokContext(self._configured, call.byok.key)

    def _bound(self, context: ContextSettings) -> ProviderContext | RouteContext:
        where = f"the context {context.name}"
        try:
            if context.provider:
                return ProviderContext(self._configured, self._configured.endpoint(context.provider), where)
            return RouteContext(self._configured.resolve(context.model), where)
        except GatewayError as error:
            raise SettingsError(f"{context.place}: {error.message}.") from None

    def _in_context(self, name: str) -> ProviderContext | RouteContext:
        if found := self._contexts.get(name):
            return found
        raise not_found(f"there is no context {shown(name)} here", CONTEXT)

    def _check(self, given: ByokCredentials) -> None:
        if (given.key or given.url) and not self._byok.enabled:
            raise GatewayError(
                Reason.PERMISSION_DENIED, "this gateway takes no provider keys and URLs of its clients", BYOK_KEY
            )
        key = given.key.reveal()
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise invalid(BYOK_KEY, f"{BYOK_KEY} holds a character that cannot be part of a key")

    def _named(self, given: ByokCredentials) -> Endpoint:
        """A provider that is configured, or one that Dragoman knows and that the client has a key for."""
        vendor = KNOWN.get(given.provider)
        if given.provider in self._configured.providers or vendor is None:
            endpoint = self._configured.endpoint(given.provider)
            return with_byok_key(endpoint, given.key) if given.key else endpoint
        if not given.key:
            raise not_found(f"this gateway has no key of its own for {vendor.name}: send yours in {BYOK_KEY}", BYOK_PROVIDER)
        if not vendor.needs_key or "{" in vendor.url:
            raise invalid(BYOK_URL, f"where {vendor.name} is must be said: send its base URL in {BYOK_URL}")
        known = ProviderSettings(vendor.name, vendor.dialect, vendor.url)
        return with_byok_key(endpoint_of(known, self._capabilities), given.key)

    def _endpoint_at(self, given: ByokCredentials) -> Endpoint:
        """The server at the client's URL. It gets the client's key and nothing of the operator's."""
        if not is_plain(given.url):
            raise invalid(BYOK_URL, f"{BYOK_URL} must be a plain base URL, like https://api.example.com/v1")
        if not self._byok.allows(given.url):
            message = f"this gateway does not let its clients choose {host_of(given.url)} as a provider"
            raise GatewayError(Reason.PERMISSION_DENIED, f"{message} ([byok] urls)", BYOK_URL)
        endpoint = endpoint_of(settings_at(given.url.rstrip("/"), given.provider), self._capabilities)
        return dataclasses.replace(with_byok_key(endpoint, given.key), guarded=True, others={})


def narrowed(resolver: ProviderContext | RouteContext, call: Call) -> Resolver:
    """A context's models, reached with BYOK credentials. Raises GatewayError PERMISSION_DENIED for others."""
    given = call.byok
    if given.url:
        raise GatewayError(
            Reason.PERMISSION_DENIED, f"the context {call.context} is bound; {BYOK_URL} cannot be used in it", BYOK_URL
        )
    if given.provider and given.provider not in resolver.providers:
        message = f"the context {call.context} does not serve {shown(given.provider)} by its name"
        raise GatewayError(Reason.PERMISSION_DENIED, message, BYOK_PROVIDER)
    return ByokContext(resolver, given.key) if given.key else resolver


def settings_at(url: str, provider: str) -> ProviderSettings:
    """The provider at a URL: the one that the client names, or that the host tells, or one that is called like its host.
    Raises GatewayError INVALID_REQUEST for a provider that is not known."""
    vendor = vendor_named(url, provider) if provider else vendor_at(url)
    path = urlsplit(url).path
    marked = next((dialect for mark, dialect in PATH_MARKS.items() if path.endswith(mark)), "")
    if vendor is None:
        return ProviderSettings(host_of(url), marked or "openai", url)
    if marked:
        return ProviderSettings(vendor.name, marked, url)
    if not path:
        url = vendor.url if vendor.serves(host_of(url)) and "{" not in vendor.url else url
    return ProviderSettings(vendor.name, vendor.dialect, vendor.base_url(url))


def vendor_named(url: str, provider: str) -> Vendor:
    found = vendor_of(provider, url)
    if found is None:
        raise invalid(
            BYOK_PROVIDER,
            f"{BYOK_PROVIDER} names {shown(provider)}, which is not known; leave it out.{near(provider, KNOWN)}",
        )
    return found


def vendor_at(url: str) -> Vendor | None:
    host = host_of(url)
    name = next((vendor.name for vendor in VENDORS if vendor.serves(host)), "")
    return vendor_of(name, url) if name else None


def host_of(url: str) -> str:
    """In lower case, with brackets where it is an IPv6 address."""
    host = (urlsplit(url).hostname or "").lower()
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host


def with_byok_key(endpoint: Endpoint, key: Secret) -> Endpoint:
    """The endpoint with the client's own key. The operator's headers are removed: they may hold keys or name its account."""
    return dataclasses.replace(endpoint, keys=(key,) if key else (), headers={}, byok=True)
