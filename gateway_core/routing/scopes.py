"""Which names a call can use: the whole gateway's, those of its context, or those of what its client brings."""

from __future__ import annotations

import dataclasses
import ipaddress
from urllib.parse import urlsplit

from dragoman.metadata import BYOK_KEY, BYOK_PROVIDER, BYOK_URL, CONTEXT
from dragoman.reasons import GatewayError, Reason, invalid
from gateway_core.call import NOTHING, Call, Own
from gateway_core.providers.vendor import Vendor
from gateway_core.providers.vendors import VENDORS, vendor_of
from gateway_core.routing.catalog import Catalog, endpoint_of, not_found, shown
from gateway_core.routing.scope import (
    KeyedScope,
    Names,
    ProviderScope,
    RouteScope,
    UrlScope,
    with_own_key,
)
from gateway_core.settings.byok import is_plain
from gateway_core.settings.contexts import ContextSettings
from gateway_core.settings.file import near
from gateway_core.settings.providers import KNOWN
from gateway_core.settings.settings import ProviderSettings, Settings, SettingsError
from gateway_dialects.kit.dialect import Endpoint

PATH_MARKS = {"/anthropic": "anthropic", "/anthropic/v1": "anthropic", "/v1beta": "gemini"}
"""How the path of a base URL ends that speaks another dialect than openai, wherever it is: several vendors serve Anthropic's
API at /anthropic beside their own."""


class Scopes:
    """Raises SettingsError for a context that is bound to what is not there."""

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self._catalog = catalog
        self._byok = settings.byok
        self._contexts = {context.name: self._bound(context) for context in settings.contexts}

    def of(self, call: Call) -> Names:
        """Raises GatewayError: MODEL_NOT_FOUND for an unknown context, PERMISSION_DENIED for what the client may not bring,
        INVALID_REQUEST for what is no key or URL."""
        if call.own is NOTHING:
            return self._in_context(call.context) if call.context else self._catalog
        self._check(call.own)
        if call.context:
            return narrowed(self._in_context(call.context), call)
        if call.own.url:
            return UrlScope(self._endpoint_at(call.own))
        if call.own.provider:
            return ProviderScope(self._catalog, self._named(call.own), f"{BYOK_PROVIDER}: {call.own.provider}")
        return KeyedScope(self._catalog, call.own.key)

    def _bound(self, context: ContextSettings) -> ProviderScope | RouteScope:
        where = f"the context {context.name}"
        try:
            if context.provider:
                return ProviderScope(self._catalog, self._catalog.endpoint(context.provider), where)
            return RouteScope(self._catalog.resolve(context.model), where)
        except GatewayError as error:
            raise SettingsError(f"{context.place}: {error.message}.") from None

    def _in_context(self, name: str) -> ProviderScope | RouteScope:
        if found := self._contexts.get(name):
            return found
        raise not_found(f"there is no context {shown(name)} here", CONTEXT)

    def _check(self, own: Own) -> None:
        if (own.key or own.url) and not self._byok.enabled:
            raise GatewayError(
                Reason.PERMISSION_DENIED,
                "this gateway takes no provider keys and URLs of its clients",
                BYOK_KEY,
            )
        key = own.key.reveal()
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise invalid(BYOK_KEY, f"{BYOK_KEY} holds a character that cannot be part of a key")

    def _named(self, own: Own) -> Endpoint:
        """A provider that is configured, or one that Dragoman knows and that the client has a key for."""
        vendor = KNOWN.get(own.provider)
        if own.provider in self._catalog.providers or vendor is None:
            endpoint = self._catalog.endpoint(own.provider)
            return with_own_key(endpoint, own.key) if own.key else endpoint
        if not own.key:
            raise not_found(
                f"this gateway has no key of its own for {vendor.name}: send yours in {BYOK_KEY}",
                BYOK_PROVIDER,
            )
        if not vendor.needs_key or "{" in vendor.url:
            raise invalid(BYOK_URL, f"where {vendor.name} is must be said: send its base URL in {BYOK_URL}")
        return with_own_key(endpoint_of(ProviderSettings(vendor.name, vendor.dialect, vendor.url)), own.key)

    def _endpoint_at(self, own: Own) -> Endpoint:
        """The server at the client's URL. It gets the client's key and nothing of the operator's."""
        if not is_plain(own.url):
            raise invalid(BYOK_URL, f"{BYOK_URL} must be a plain base URL, like https://api.example.com/v1")
        if not self._byok.allows(own.url):
            message = f"this gateway does not let its clients choose {host_of(own.url)} as a provider"
            raise GatewayError(Reason.PERMISSION_DENIED, f"{message} ([byok] urls)", BYOK_URL)
        endpoint = endpoint_of(settings_at(own.url.rstrip("/"), own.provider))
        return dataclasses.replace(with_own_key(endpoint, own.key), guarded=True)


def narrowed(names: ProviderScope | RouteScope, call: Call) -> Names:
    """A context's names for a client that brings its own. Raises GatewayError PERMISSION_DENIED for what leads elsewhere."""
    own = call.own
    if own.url:
        raise GatewayError(
            Reason.PERMISSION_DENIED,
            f"the context {call.context} is bound; {BYOK_URL} cannot be used in it",
            BYOK_URL,
        )
    if own.provider and own.provider not in names.providers:
        message = f"the context {call.context} does not serve {shown(own.provider)} by its name"
        raise GatewayError(Reason.PERMISSION_DENIED, message, BYOK_PROVIDER)
    return KeyedScope(names, own.key) if own.key else names


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
