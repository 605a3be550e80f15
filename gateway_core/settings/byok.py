"""BYOK, as an operator configures it: whether clients may use provider keys and URLs of their own ([byok])."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gateway_core.providers.vendors import VENDORS
from gateway_core.settings.file import SettingsError, Table

DEFAULT_PORTS = {"http": 80, "https": 443}
IS_RULE = re.compile(
    r"(https?)://(\*|(?:\*\.)?[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[A-Za-z0-9._~/-]*)?"
).fullmatch
IS_URL = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~@/-]*)?").fullmatch
"""Of all URLs only the plain ones, which no two programs read differently."""
MAX_URL_LENGTH = 1024
PRIVATE_URLS = "DRAGOMAN_ALLOW_PRIVATE_URLS"


@dataclass(frozen=True, slots=True)
class UrlRule:
    """Which URLs one entry of the list allows."""

    scheme: str
    host: str
    """In lower case. * matches any host, *.example.com all below example.com."""
    port: int
    path: str
    """The URL's path is this one or below it. No slash at the end."""

    def allows(self, url: str) -> bool:
        """url: one that is_plain."""
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port or DEFAULT_PORTS[parts.scheme]
        named = self.host == "*" or host == self.host or (self.host.startswith("*.") and host.endswith(self.host[1:]))
        below = parts.path == self.path or parts.path.startswith(f"{self.path}/")
        return named and below and (parts.scheme, port) == (self.scheme, self.port)


def known_rules() -> tuple[UrlRule, ...]:
    """The hosts of the providers that Dragoman knows."""
    hosts = {host for vendor in VENDORS for host in vendor.hosts()}
    return tuple(UrlRule("https", host, 443, "") for host in sorted(hosts))


@dataclass(frozen=True, slots=True)
class ByokSettings:
    """Whether clients may use BYOK credentials, and at which URLs."""

    enabled: bool = True
    """Whether clients may use provider keys and URLs of their own. Naming a provider that is configured needs no leave."""
    urls: tuple[UrlRule, ...] = field(default_factory=known_rules)
    """Which URLs clients may give. The private-address guard holds beside it."""
    private_urls: bool = False
    """Whether those URLs may lead to private, loopback, link-local and other addresses that are not public."""

    def allows(self, url: str) -> bool:
        return is_plain(url) and any(rule.allows(url) for rule in self.urls)


def is_plain(url: str) -> bool:
    """Whether it is a base URL without anything that could hide where it leads: no user, query, fragment, escapes or dots
    for segments."""
    if len(url) > MAX_URL_LENGTH or not IS_URL(url):
        return False
    try:
        parts = urlsplit(url)
        if not parts.hostname or parts.port == 0:
            return False
    except ValueError:
        return False
    return {"", ".", ".."}.isdisjoint(parts.path.removesuffix("/").split("/")[1:])


def read_byok(table: Table | None, environ: Mapping[str, str]) -> ByokSettings:
    """Raises SettingsError."""
    settings = ByokSettings(private_urls=read_flag(PRIVATE_URLS, environ))
    if table is not None:
        enabled = table.flag("enabled", settings.enabled)
        urls = tuple(read_rule(table, text) for text in table.texts("urls")) if "urls" in table else settings.urls
        table.finish()
        settings = ByokSettings(enabled, urls, settings.private_urls)
    return settings


def read_flag(variable: str, environ: Mapping[str, str]) -> bool:
    value = environ.get(variable, "").strip().lower()
    if value not in ("", "true", "1", "false", "0"):
        raise SettingsError(f"{variable} must be true or false.")
    return value in ("true", "1")


def read_rule(table: Table, text: str) -> UrlRule:
    found = IS_RULE(text)
    if found is None or int(found[3] or 1) not in range(1, 65536):
        raise table.error(
            "urls", f"holds {text!r}, which must be like https://api.example.com/, https://*.example.com/ or https://*."
        )
    scheme, host, port, path = found.groups()
    return UrlRule(scheme, host.lower().strip("[]"), int(port or DEFAULT_PORTS[scheme]), (path or "").rstrip("/"))
