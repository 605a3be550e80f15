"""Providers as an operator configures them: [providers.NAME] tables and <PROVIDER>_API_KEY, <PROVIDER>_API_URL variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gateway_core.providers.registry import DIALECTS
from gateway_core.providers.vendor import Vendor
from gateway_core.providers.vendors import VENDORS, vendor_of
from gateway_core.settings.attempts import read_timers
from gateway_core.settings.facts import UNKNOWN_FACTS, Facts, read_facts
from gateway_core.settings.file import SettingsError, Table, near
from gateway_dialects.kit.dialect import Secret

CACHE_TTLS = ("5m", "1h")
MARKING_DIALECTS = frozenset({"anthropic", "openai"})
"""Those in which a request can say where the prompt cache ends."""
KNOWN: Mapping[str, Vendor] = {vendor.name: vendor for vendor in VENDORS if vendor is vendor_of(vendor.name)}

IN_PROCESS = Facts(data_collection=False, zdr=True)
"""Of a provider that is always there, in this process."""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """A provider that is enabled."""

    name: str
    dialect: str
    url: str
    """Base URL without a trailing slash; no {NAME} is left in it."""
    keys: tuple[Secret, ...] = ()
    """In the order they are used: the next one when a provider turns one away."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with every request to it. May hold keys."""
    api_version: str = ""
    """The version of its API to ask for, where it has several by date."""
    inline_thinking: bool = False
    """Whether its models write their reasoning into the text between <think> and </think>."""
    reads_urls: bool = True
    """Whether it may fetch pictures that clients name by URL. Where it may not, it is sent the bytes."""
    prompt_cache: str = ""
    """5m or 1h: its prompt cache is marked for clients that mark none, and lasts so long. Empty: it is not."""
    apis: tuple[str, ...] = ()
    """The dialects of the APIs to use, its own first. Empty: those that its vendor is known to have at its default URL."""
    facts: Facts = UNKNOWN_FACTS
    timeouts: Mapping[str, float] = field(default_factory=dict)
    """See read_timers."""


def read_providers(table: Table | None, environ: Mapping[str, str]) -> Iterator[ProviderSettings]:
    """The file's providers, then those that the environment enables, then those that are always there."""
    named: set[str] = set()
    environ = _with_aliases(environ)
    for name, provider in table.tables() if table else ():
        yield _from_table(name, provider, environ)
        named.add(name)
    for vendor in KNOWN.values():
        if vendor.name not in named and (vendor.always or _enabled_by_environment(vendor, environ)):
            yield _from_environment(vendor_of(vendor.name, environ.get(vendor.url_variable, "")) or vendor, environ)


def _with_aliases(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with the variables that people know under other names under ours too."""
    found = dict(environ)
    for vendor in KNOWN.values():
        for variable, aliases in ((vendor.key_variable, vendor.key_aliases), (vendor.url_variable, vendor.url_aliases)):
            if not found.get(variable) and (value := _first(aliases, environ)):
                found[variable] = value
    return found


def _first(variables: Iterable[str], environ: Mapping[str, str]) -> str:
    """The value of the first of these variables that is set; empty when none is."""
    return next((value for variable in variables if (value := environ.get(variable))), "")


def _enabled_by_environment(vendor: Vendor, environ: Mapping[str, str]) -> bool:
    """A key enables a provider. So does a URL where no key is needed: at a vendor that takes none, or at a server that is
    not the vendor's own."""
    if environ.get(vendor.key_variable):
        return True
    url = environ.get(vendor.url_variable, "")
    return bool(url) and (not vendor.needs_key or vendor.base_url(url) != vendor.url)


def _from_environment(vendor: Vendor, environ: Mapping[str, str]) -> ProviderSettings:
    if vendor.always:
        return ProviderSettings(vendor.name, vendor.dialect, vendor.url, facts=IN_PROCESS)
    key = environ.get(vendor.key_variable)
    keys = (_secret(key, vendor.key_variable),) if key else ()
    url = _environment_url(vendor, environ, vendor.key_variable)
    version = _first(vendor.version_variables, environ)
    return ProviderSettings(vendor.name, vendor.dialect, url, keys, api_version=version)


def _environment_url(vendor: Vendor, environ: Mapping[str, str], place: str) -> str:
    """The URL of a provider for which the file gives none. place is where it is enabled."""
    if url := environ.get(vendor.url_variable):
        return _checked(vendor.base_url(_filled(url, vendor.name, environ, vendor.url_variable)), vendor.url_variable)
    return _filled(vendor.url, vendor.name, environ, place)


def _from_table(name: str, table: Table, environ: Mapping[str, str]) -> ProviderSettings:
    vendor = KNOWN.get(name)
    if not re.fullmatch(r"[\w.-]+", name):
        raise SettingsError(f"{table.place}: a provider's name may hold letters, digits, - _ and . only.")
    given, apis = read_text(table, "url", environ), _read_apis(table)
    dialect = table.choice("dialect", "", DIALECTS) if "dialect" in table else next(iter(apis), "")
    if vendor:
        vendor = vendor_of(name, given or environ.get(vendor.url_variable, ""), dialect) or vendor
        dialect = dialect or vendor.dialect
    keys = _read_keys(name, table, environ)
    headers = {key: _header(table, key, text, environ) for key, text in table.text_table("headers").items()}
    version = read_text(table, "api_version", environ) or _first(vendor.version_variables if vendor else (), environ)
    inline_thinking, reads_urls = table.flag("inline_thinking", False), table.flag("reads_urls", True)
    timeouts = read_timers(table.table("timeouts"))
    prompt_cache, facts = _read_prompt_cache(table, name, (dialect, *apis)), Facts(**read_facts(table))
    table.finish()
    if not vendor and not (given and dialect):
        missing = " and ".join(part for part, there in (("url", given), ("dialect", dialect)) if not there)
        raise SettingsError(
            f"{table.place} is not a provider that Dragoman knows; one of your own needs {missing}"
            f' (dialect = "openai", url = "http://HOST:PORT/v1").{near(name, KNOWN)}'
        )
    url = _table_url(name, given, vendor, dialect, table, environ)
    if vendor and vendor.needs_key and not keys and not headers and url == vendor.url:
        raise SettingsError(f'{table.place} has no key: set {vendor.key_variable}, or write key = "env:NAME".')
    return ProviderSettings(
        name, dialect, url, keys, headers, version, inline_thinking, reads_urls, prompt_cache, apis, facts, timeouts
    )


def _read_prompt_cache(table: Table, name: str, dialects: Iterable[str]) -> str:
    if "prompt_cache" not in table:
        return ""
    found = table.choice("prompt_cache", "", CACHE_TTLS)
    rows = [vendor for vendor in VENDORS if vendor.name == name]
    if rows and all(vendor.quirks.automatic_cache or vendor.dialect not in MARKING_DIALECTS for vendor in rows):
        raise table.error("prompt_cache", "is for providers that cache only what is marked; this one takes no marks.")
    if not rows and not MARKING_DIALECTS.intersection(dialects):
        names = " and ".join(sorted(MARKING_DIALECTS))
        raise table.error("prompt_cache", f"is for the dialects {names}: others have no marks of the cache.")
    return found


def _read_apis(table: Table) -> tuple[str, ...]:
    """Empty: not configured."""
    apis = table.texts("apis")
    for name in apis:
        if name not in DIALECTS:
            raise table.error("apis", f"may name {', '.join(DIALECTS)}, not {name!r}.{near(name, DIALECTS)}")
    if "apis" in table and not apis:
        raise table.error("apis", "names no API: name those to use, or leave it out.")
    if len(set(apis)) < len(apis):
        raise table.error("apis", "names an API twice.")
    if apis and (dialect := table.text("dialect", apis[0])) != apis[0]:
        raise table.error("apis", f"begins with {apis[0]}, and dialect is {dialect}: they must be the same.")
    return apis


def _table_url(name: str, given: str, vendor: Vendor | None, dialect: str, table: Table, environ: Mapping[str, str]) -> str:
    if not given and vendor:
        return _environment_url(vendor, environ, table.place)
    url = _filled(given, name, environ, table.place_of("url"))
    own = vendor if vendor and vendor.dialect == dialect else None
    return _checked(own.base_url(url) if own else url.rstrip("/"), table.place_of("url"))


def _read_keys(name: str, table: Table, environ: Mapping[str, str]) -> tuple[Secret, ...]:
    """key or keys of the table, or else the provider's variable."""
    several = table.texts("keys")
    if "key" in table:
        if several:
            raise table.error("keys", "stands beside key; put all of them into keys.")
        return (read_secret(table, "key", environ),)
    if several:
        return tuple(_secret(_resolved(table, "keys", text, environ), table.place_of("keys")) for text in several)
    variable = f"{_prefix(name)}_API_KEY"
    key = environ.get(variable)
    return (_secret(key, variable),) if key else ()


def _header(table: Table, name: str, text: str, environ: Mapping[str, str]) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~\w-]+", name):
        raise table.error("headers", f"holds {name!r}, which cannot be the name of an HTTP header.")
    return _secret(_resolved(table, "headers", text, environ), table.place_of("headers")).reveal()


def read_secret(table: Table, key: str, environ: Mapping[str, str]) -> Secret:
    """A key, written down or as env:NAME. Raises SettingsError, which never shows it."""
    return _secret(read_text(table, key, environ), table.place_of(key))


def read_text(table: Table, key: str, environ: Mapping[str, str]) -> str:
    """A text, or the value of the variable that env:NAME names. Raises SettingsError when the variable is not set."""
    return _resolved(table, key, table.text(key), environ)


def _resolved(table: Table, key: str, text: str, environ: Mapping[str, str]) -> str:
    if not text.startswith("env:"):
        return text
    variable = text.removeprefix("env:").strip()
    if value := environ.get(variable):
        return value
    raise table.error(
        key,
        f"reads the environment variable {variable}, which is not set: set it, or name another.{near(variable, environ)}",
    )


def _secret(value: str, place: str) -> Secret:
    """What travels in a header must be one line of printable ASCII."""
    stripped = value.strip()
    if not stripped:
        raise SettingsError(f"{place} is empty.")
    if not (stripped.isascii() and stripped.isprintable()):
        raise SettingsError(
            f"{place} holds a character that cannot be part of a key: a line break, perhaps, or a quote mark."
        )
    return Secret(stripped)


def _filled(url: str, name: str, environ: Mapping[str, str], place: str) -> str:
    """The URL with {NAME} replaced by <PROVIDER>_NAME."""

    def value(found: re.Match[str]) -> str:
        variable = f"{_prefix(name)}_{found[1]}"
        if given := environ.get(variable, "").strip():
            return given
        raise SettingsError(
            f"{place}: the URL of {name} needs {{{found[1]}}}: set {variable},"
            f" or give the whole URL in {_prefix(name)}_API_URL."
        )

    return re.sub(r"\{(\w+)\}", value, url)


def _prefix(name: str) -> str:
    return re.sub(r"\W", "_", name).upper()


def _checked(url: str, place: str) -> str:
    """Raises SettingsError for what is no base URL."""
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or parts.scheme not in ("http", "https", "demo"):
        raise SettingsError(f"{place} must be a base URL, like https://api.example.com/v1.")
    if "@" in parts.netloc:
        raise SettingsError(f"{place} holds a user name or password; put the key into key instead.")
    if parts.query or parts.fragment or parts.path.endswith("/chat/completions"):
        raise SettingsError(f"{place} must be a base URL: leave out what follows it (?..., #..., /chat/completions).")
    return url
