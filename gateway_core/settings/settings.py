"""What an operator configures: a TOML file and the environment, as frozen values. The only reader of os.environ.

Precedence: command line, environment (DRAGOMAN_HTTP, DRAGOMAN_GRPC), file, default. Gateway keys and providers of file and
environment add up; where both name a provider, the file wins and the environment fills what it leaves out.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dragoman.v1.models_pb2 import Prices
from gateway_core.call import EVERYTHING, KeyScope
from gateway_core.models.table import Override
from gateway_core.settings.attempts import (
    BreakerSettings,
    RetrySettings,
    Timeouts,
    read_breaker,
    read_retries,
    read_timeouts,
)
from gateway_core.settings.byok import ByokSettings, read_byok
from gateway_core.settings.capabilities import read_capabilities
from gateway_core.settings.contexts import ContextSettings, read_contexts
from gateway_core.settings.file import SettingsError, Table, read_toml
from gateway_core.settings.models import MediaSettings, ModelSettings, read_media, read_models, read_prices
from gateway_core.settings.providers import KNOWN, ProviderSettings, read_providers, read_secret
from gateway_core.settings.server import (
    Address,
    ChatSettings,
    LogSettings,
    RequestLimits,
    ServerSettings,
    StorageSettings,
    TlsSettings,
    parse_address,
    read_chat,
    read_limits,
    read_log,
    read_proxy,
    read_server,
    read_storage,
)

__all__ = [
    "Address",
    "BreakerSettings",
    "ByokSettings",
    "ChatSettings",
    "ContextSettings",
    "LogSettings",
    "MediaSettings",
    "ModelSettings",
    "ProviderSettings",
    "RequestLimits",
    "RetrySettings",
    "ServerSettings",
    "SettingsError",
    "StorageSettings",
    "Timeouts",
    "TlsSettings",
]

HASH = re.compile(r"sha256:[0-9a-f]{64}")
CORE_TABLES = ("providers", "models", "prices", "keys", "byok", "media", "storage", "limits", "proxy")
SHORTEST_KEY = 8
"""Characters of a gateway key. What is shorter can be guessed, or is a variable that was not set."""
LONGEST_NAME = 24
"""What is longer and ends in = is a key in base64, and no name of an empty one."""
NAMED_KEY = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)=(?P<key>(?!=).*)")


@dataclass(frozen=True, slots=True)
class KeySettings:
    """A gateway key, of which only the hash is stored."""

    name: str
    hash: str
    """sha256: and the lower-case hexadecimal SHA-256 of the key."""
    scope: KeyScope = EVERYTHING


@dataclass(frozen=True, slots=True)
class Settings:
    server: ServerSettings = field(default_factory=ServerSettings)
    providers: tuple[ProviderSettings, ...] = ()
    models: tuple[ModelSettings, ...] = ()
    capabilities: Mapping[str, Override] = field(default_factory=dict)
    """What the operator knows of models, by provider/model."""
    prices: Mapping[str, Prices] = field(default_factory=dict)
    """The operator's own prices by provider/model; the model * matches all of a provider."""
    keys: tuple[KeySettings, ...] = ()
    contexts: tuple[ContextSettings, ...] = ()
    byok: ByokSettings = field(default_factory=ByokSettings)
    media: MediaSettings = field(default_factory=MediaSettings)
    retries: RetrySettings = field(default_factory=RetrySettings)
    timeouts: Timeouts = field(default_factory=Timeouts)
    breaker: BreakerSettings = field(default_factory=BreakerSettings)
    log: LogSettings = field(default_factory=LogSettings)
    chat: ChatSettings = field(default_factory=ChatSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    limits: RequestLimits = field(default_factory=RequestLimits)
    proxy: bool = True
    """Whether the providers' own APIs can be reached through the gateway."""

    def listening(self, *, http: str | None = None, grpc: str | None = None) -> Settings:
        """The same with other addresses, HOST:PORT. Raises SettingsError for what is no address."""
        server = self.server
        if http is not None:
            server = dataclasses.replace(server, http=parse_address(http, "--http"))
        if grpc is not None:
            server = dataclasses.replace(server, grpc=parse_address(grpc, "--grpc"))
        return dataclasses.replace(self, server=server)

    def storing(self, path: Path | None) -> Settings:
        """The same with another place of the storage. None: as it is."""
        return self if path is None else dataclasses.replace(self, storage=dataclasses.replace(self.storage, path=path))

    def check_exposure(self, *, http: bool = True, grpc: bool = True) -> None:
        """Raises SettingsError when a server that is to run would be open to other machines without gateway keys."""
        if self.keys:
            return
        for name, address, runs in (("http", self.server.http, http), ("grpc", self.server.grpc, grpc)):
            if runs and not address.is_loopback:
                raise SettingsError(
                    f"--{name} {address} is open to other machines, but there are no gateway keys: anyone could spend your"
                    f" provider credit. Listen on 127.0.0.1:{address.port} instead, or make a key with `dragoman keys create"
                    " NAME` and put its [[keys]] lines into the config (or the key into DRAGOMAN_API_KEYS)."
                )


def from_environment(path: Path | None = None, *, core: bool = True) -> Settings:
    """The settings of this process. See load."""
    return load(path, os.environ, core=core)


def plain_or_variable(text: str, place: str) -> str:
    """A value from the command line; env:NAME reads a variable. Raises SettingsError when that is not set."""
    if not text.startswith("env:"):
        return text
    variable = text.removeprefix("env:")
    if value := os.environ.get(variable):
        return value
    raise SettingsError(f"{place} reads the environment variable {variable}, which is not set.")


def load(path: Path | None, environ: Mapping[str, str], *, core: bool = True) -> Settings:
    """Read the file, or the one that DRAGOMAN_CONFIG names, and the environment.

    core: False leaves out providers, models, prices, gateway keys and BYOK, for a facade of its own: where it runs, the
    variables that hold the core's keys need not be set, and keys that it knew would protect nothing.

    Raises SettingsError, which names the file, the line, the key and what to do.
    """
    if path is None and (named := environ.get("DRAGOMAN_CONFIG")):
        path = Path(named)
    root = read_toml(path) if path else None
    settings = _read_file(root) if root else Settings()
    if core:
        settings = _with_core(settings, root, environ)
    addresses = (environ.get("DRAGOMAN_HTTP"), environ.get("DRAGOMAN_GRPC"))
    server = settings.server
    if addresses[0]:
        server = dataclasses.replace(server, http=parse_address(addresses[0], "DRAGOMAN_HTTP"))
    if addresses[1]:
        server = dataclasses.replace(server, grpc=parse_address(addresses[1], "DRAGOMAN_GRPC"))
    timeouts = read_timeouts(root.table("timeouts") if root else None, environ)
    settings = dataclasses.replace(settings, server=server, timeouts=timeouts)
    if root:
        root.skip(*CORE_TABLES)
        root.finish()
    return settings


def hash_key(key: str) -> str:
    """A gateway key as the configuration has it."""
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def _read_file(root: Table) -> Settings:
    return Settings(
        server=read_server(root.table("server")),
        retries=read_retries(root.table("retries")),
        breaker=read_breaker(root.table("breaker")),
        log=read_log(root.table("log")),
        chat=read_chat(root.table("chat")),
        contexts=tuple(read_contexts(root.table("contexts"))),
    )


def _with_core(settings: Settings, root: Table | None, environ: Mapping[str, str]) -> Settings:
    from_file = tuple(_read_keys(root, environ)) if root else ()
    keys = from_file + tuple(_environment_keys(environ.get("DRAGOMAN_API_KEYS", "")))
    _check_unique(keys)
    providers = tuple(read_providers(root.table("providers") if root else None, environ))
    known = {*KNOWN, *(provider.name for provider in providers)}
    return dataclasses.replace(
        settings,
        providers=providers,
        models=tuple(read_models(root.table("models"))) if root else (),
        capabilities=read_capabilities(root.table("models"), known) if root else {},
        prices=read_prices(root.table("prices"), known) if root else {},
        keys=keys,
        byok=read_byok(root.table("byok") if root else None, environ),
        media=read_media(root.table("media") if root else None, environ),
        storage=read_storage(root.table("storage") if root else None, environ),
        limits=read_limits(root.table("limits")) if root else RequestLimits(),
        proxy=read_proxy(root.table("proxy")) if root else True,
    )


def _read_keys(root: Table, environ: Mapping[str, str]) -> Iterator[KeySettings]:
    for table in root.array("keys"):
        name, hashed = table.text("name"), table.text("hash").lower()
        plain = read_secret(table, "key", environ) if "key" in table else None
        scope = KeyScope(table.texts("models"), table.texts("providers"), table.texts("contexts"), table.flag("proxy", True))
        table.finish()
        if not name:
            raise SettingsError(f'{table.place} needs a name = "...": whose key it is.')
        if (plain is None) == (not hashed):
            raise SettingsError(
                f'{table.place} needs either hash = "sha256:...", as `dragoman keys create` prints it, or key.'
            )
        if hashed and not HASH.fullmatch(hashed):
            raise table.error("hash", 'must be "sha256:" and 64 hexadecimal digits, as `dragoman keys create` prints it.')
        yield KeySettings(name, hashed or hash_of(plain.reveal() if plain else "", table.place_of("key")), scope)


def _environment_keys(text: str) -> Iterator[KeySettings]:
    """DRAGOMAN_API_KEYS: key, sha256:hash, name=key or name=sha256:hash, separated by commas."""
    for position, item in enumerate(filter(None, map(str.strip, text.split(","))), 1):
        named = NAMED_KEY.fullmatch(item)
        if named and not named["key"] and len(item) >= LONGEST_NAME:
            named = None
        name, key = (named["name"], named["key"]) if named else ("", item)
        place = f"DRAGOMAN_API_KEYS: entry {position}"
        if key.lower().startswith("sha256:"):
            if not HASH.fullmatch(key.lower()):
                raise SettingsError(f"{place} must be sha256: and 64 hexadecimal digits.")
            hashed = key.lower()
        else:
            hashed = hash_of(key, place)
        # By its digest: what a key owns must not become another's when the list changes.
        yield KeySettings(name or f"key-{hashed.removeprefix('sha256:')[:8]}", hashed)


def hash_of(key: str, place: str) -> str:
    """Raises SettingsError for what is no key."""
    if len(key) < SHORTEST_KEY:
        raise SettingsError(
            f"{place} is a gateway key of {len(key)} characters, and {SHORTEST_KEY} are the least: make one with"
            " `dragoman keys create NAME`, or `openssl rand -hex 32`. An empty one is often a variable that is not set."
        )
    return hash_key(key)


EMPTY_HASH = hash_key("")


def _check_unique(keys: tuple[KeySettings, ...]) -> None:
    owners: dict[str, str] = {}
    for key in keys:
        if key.hash == EMPTY_HASH:
            raise SettingsError(f"The gateway key of {key.name} is the hash of an empty key, which would open to anybody.")
        if owners.setdefault(key.hash, key.name) != key.name:
            raise SettingsError(f"The gateway keys of {owners[key.hash]} and {key.name} are the same; give each its own.")
