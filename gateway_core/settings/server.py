"""How a process runs: where it listens, for how long, what it logs and where it stores."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dragoman.client_address import Network
from gateway_core.settings.file import SettingsError, Table

STORAGE_PATH = "DRAGOMAN_STORAGE_PATH"
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?|null")
MEBIBYTE = 1024 * 1024
MAX_STORAGE_DAYS = 36_500
ROOM_IN_MEMORY = 64 * MEBIBYTE
ROOM_IN_FILE = 1024 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int
    """0 lets the system choose."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


DEFAULT_HTTP = Address("127.0.0.1", 8080)
DEFAULT_GRPC = Address("127.0.0.1", 50051)


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """PEM files. A relative path starts at the configuration file's folder."""

    certificate: Path
    private_key: Path
    client_ca: Path | None = None
    """Set: only clients with a certificate of this authority may connect (mutual TLS)."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    http: Address = DEFAULT_HTTP
    grpc: Address = DEFAULT_GRPC
    http_tls: TlsSettings | None = None
    grpc_tls: TlsSettings | None = None
    max_body_bytes: int = 50 * 1024 * 1024
    """The largest request that is read, over HTTP and gRPC."""
    keep_alive: float = 15.0
    """Seconds of silence after which a stream gets a sign of life."""
    grace: float = 30.0
    """Seconds that running calls have to finish once the server is asked to stop."""
    max_connections: int = 10_000
    """Of HTTP clients at the same time."""
    max_connections_per_address: int = 1_000
    max_calls: int = 5_000
    """Running at the same time, in each process."""
    max_calls_per_address: int = 1_000
    max_calls_per_key: int = 1_000
    wrong_keys_per_minute: int = 60
    """Of one address, before further ones are refused with 429. 0: no bound."""
    cors_origins: tuple[str, ...] = ()
    """Origins of the pages that may ask from a browser; * is any."""
    watchdog: float = 60.0
    """Seconds after which a worker whose event loop does not run is killed and replaced. 0: never."""
    hosts: tuple[str, ...] = ()
    """Names beside localhost by which a gateway without keys may be asked."""
    trusted_proxies: tuple[Network, ...] = ()
    """Whose X-Forwarded-For is believed."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """The most of each that one request may have."""

    messages: int = 10_000
    tools: int = 2_000
    candidates: int = 128


@dataclass(frozen=True, slots=True)
class LogSettings:
    format: str = "text"
    """text or json."""
    access: bool = True
    """Whether every request gets a line."""


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """For `dragoman chat`."""

    model: str = "demo/echo"


@dataclass(frozen=True, slots=True)
class StorageSettings:
    path: Path | None = None
    """An SQLite file, which is made when it is not there; all processes on one machine that name it share it. None: memory,
    which ends with the process."""
    days: int = 30
    """How long a record is stored."""
    max_record_bytes: int = 16 * MEBIBYTE
    max_records: int = 100_000
    """How many each caller may have; the oldest go first."""
    max_bytes: int = ROOM_IN_MEMORY
    """How much each caller's may be in all."""
    signature_hours: int = 6
    """How long the signatures of tool calls are remembered for clients that do not give them back. 0: not at all."""


def parse_address(text: str, place: str) -> Address:
    """HOST:PORT, with brackets around an IPv6 host. Raises SettingsError."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or not port.isascii() or not port.isdecimal() or int(port) > 65535 or (":" in host and host[0] != "["):
        raise SettingsError(f"{place} must be HOST:PORT, like 127.0.0.1:8080, not {text!r}.")
    return Address(host.strip("[]") or "0.0.0.0", int(port))


def read_server(table: Table) -> ServerSettings:
    default = ServerSettings()
    server = ServerSettings(
        http=_read_address(table, "http", default.http),
        grpc=_read_address(table, "grpc", default.grpc),
        http_tls=_read_tls(table, "http_tls"),
        grpc_tls=_read_tls(table, "grpc_tls"),
        max_body_bytes=table.whole("max_body_bytes", default.max_body_bytes, least=1),
        keep_alive=table.seconds("keep_alive", default.keep_alive),
        grace=table.seconds("grace", default.grace),
        max_connections=table.whole("max_connections", default.max_connections, least=1),
        max_connections_per_address=table.whole("max_connections_per_address", default.max_connections_per_address, least=1),
        max_calls=table.whole("max_calls", default.max_calls, least=1),
        max_calls_per_address=table.whole("max_calls_per_address", default.max_calls_per_address, least=1),
        max_calls_per_key=table.whole("max_calls_per_key", default.max_calls_per_key, least=1),
        wrong_keys_per_minute=table.whole("wrong_keys_per_minute", default.wrong_keys_per_minute, least=0),
        cors_origins=_read_origins(table),
        watchdog=table.seconds("watchdog", default.watchdog),
        hosts=tuple(table.texts("hosts")),
        trusted_proxies=tuple(_read_networks(table, "trusted_proxies")),
    )
    table.finish()
    return server


def _read_origins(table: Table) -> tuple[str, ...]:
    """As browsers write them (RFC 6454): in lower case, without a path."""
    origins = table.texts("cors_origins")
    for origin in origins:
        if origin != "*" and not ORIGIN.fullmatch(origin):
            raise table.error("cors_origins", f'takes origins like "https://app.example.com", or "*", not {origin!r}.')
    return tuple(origins)


def _read_networks(table: Table, key: str) -> Iterator[Network]:
    for text in table.texts(key):
        try:
            yield ipaddress.ip_network(text)
        except ValueError as error:
            raise table.error(key, f'takes addresses and networks like "10.0.0.0/8": {error}.') from None


def _read_address(table: Table, key: str, default: Address) -> Address:
    text = table.text(key)
    return parse_address(text, table.place_of(key)) if key in table else default


def _read_tls(server: Table, key: str) -> TlsSettings | None:
    table = server.table(key)
    if key not in server:
        return None
    certificate, private_key = _read_path(table, "certificate"), _read_path(table, "private_key")
    client_ca = _read_path(table, "client_ca")
    table.finish()
    if certificate is None or private_key is None:
        raise SettingsError(f"{table.place} needs certificate and private_key: the paths of two PEM files.")
    return TlsSettings(certificate, private_key, client_ca)


def _read_path(table: Table, key: str) -> Path | None:
    if not (text := table.text(key)):
        return None
    path = table.folder / text
    if not path.is_file():
        raise table.error(key, f"names {path}, and there is no such file.")
    return path


def read_limits(table: Table) -> RequestLimits:
    default = RequestLimits()
    limits = RequestLimits(
        messages=table.whole("messages", default.messages, least=1),
        tools=table.whole("tools", default.tools, least=1),
        candidates=table.whole("candidates", default.candidates, least=1),
    )
    table.finish()
    return limits


def read_proxy(table: Table) -> bool:
    """Whether the providers' own APIs can be reached through the gateway."""
    enabled = table.flag("enabled", True)
    table.finish()
    return enabled


def read_log(table: Table) -> LogSettings:
    log = LogSettings(table.choice("format", "text", ("text", "json")), table.flag("access", True))
    table.finish()
    return log


def read_chat(table: Table) -> ChatSettings:
    chat = ChatSettings(table.text("model", ChatSettings().model))
    table.finish()
    return chat


def read_storage(table: Table | None, environ: Mapping[str, str]) -> StorageSettings:
    """The variable's relative path starts at the working directory, the file's at its own folder, which wins."""
    path = Path(environ[STORAGE_PATH]) if environ.get(STORAGE_PATH) else None
    if table is None:
        return StorageSettings(path=path, max_bytes=room(path))
    if text := table.text("path"):
        path = table.folder / text
    default = StorageSettings()
    max_record_bytes = table.whole("max_record_bytes", default.max_record_bytes, least=1)
    days = table.whole("days", default.days, least=1)
    if days > MAX_STORAGE_DAYS:
        raise table.error("days", f"must be {MAX_STORAGE_DAYS} or less, not {days}.")
    storage = StorageSettings(
        path=path,
        days=days,
        max_record_bytes=max_record_bytes,
        max_records=table.whole("max_records", default.max_records, least=1),
        max_bytes=table.whole("max_bytes", max(room(path), max_record_bytes), least=1),
        signature_hours=table.whole("signature_hours", default.signature_hours, least=0),
    )
    if storage.max_bytes < storage.max_record_bytes:
        raise table.error("max_bytes", f"must be at least max_record_bytes, which is {storage.max_record_bytes}.")
    table.finish()
    return storage


def room(path: Path | None) -> int:
    return ROOM_IN_MEMORY if path is None else ROOM_IN_FILE
