"""Downloads over HTTP, guarded: a client's URL must not lead into the operator's own network, and must not cost more time or
memory than was meant for it.

The guard checks where sockets are made, so that the address that was checked is the one that is connected to, whatever a
name resolves to a moment later, and checks again for every redirect. TLS still verifies the name. No cookies, no
credentials, no environment, no proxies, and no connection is used twice.
"""

import asyncio
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from dragoman.reasons import GatewayError, Reason
from gateway_core.call import Deadline
from gateway_core.transport.base import Download, Undeliverable
from gateway_core.transport.guard import Forbidden, Guard
from gateway_core.transport.http1.connect import cause_of

ACCEPT_ENCODING = "identity"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
DEFAULT_PORTS = frozenset({80, 443})
FIRST_FREE_PORT = 1024
BLOCKED_PORTS = frozenset({1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080}) | set(
    range(6665, 6670)
)
"""Ports of other protocols, which a request could be made to speak (https://fetch.spec.whatwg.org/#port-blocking). Of those
below 1024, only HTTP's own are open."""
LONGEST_URL = 8192
RESOLVING_THREADS = 8
NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
is_type = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*").fullmatch
AddressInfo = tuple[
    int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]
]


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """What one URL may take, redirects included."""

    total_s: float = 10.0
    redirects: int = 3
    connections: int = 100
    """The most at one time, of all calls."""


class HttpDownloader:
    """See Downloader. Belongs to the event loop of its first download."""

    def __init__(
        self,
        user_agent: str,
        guard: Guard,
        limits: DownloadLimits = DownloadLimits(),
        *,
        resolver: AbstractResolver | None = None,
    ) -> None:
        """resolver: in place of the system's."""
        self._user_agent = user_agent
        self._guard = guard
        self._limits = limits
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None
        self._running: set[asyncio.Timeout] = set()
        self._closed = False

    async def download(self, url: str, max_bytes: int, deadline: Deadline) -> Download:
        if self._closed:
            raise stopping()
        left, total_s = deadline.remaining(), self._limits.total_s
        place = parse(url)
        limit = asyncio.timeout(total_s if left is None else min(left, total_s))
        self._running.add(limit)
        try:
            async with limit:
                return await self._follow(place, max_bytes)
        except TimeoutError:
            if self._closed:
                raise stopping() from None
            if left is not None and left <= total_s:
                raise GatewayError(Reason.DEADLINE_EXCEEDED, "the deadline passed while a URL was fetched") from None
            raise Undeliverable(f"{place.host} did not deliver within {total_s:g} s") from None
        finally:
            self._running.discard(limit)

    async def close(self) -> None:
        self._closed = True
        for limit in self._running:
            # A reader whose connection is taken away may wait for ever; its time is up instead.
            if not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time())
        if self._session is not None:
            await self._session.close()

    async def _follow(self, place: URL, max_bytes: int) -> Download:
        for _ in range(self._limits.redirects + 1):
            found = await self._get(place, max_bytes)
            if isinstance(found, Download):
                return found
            place = found
        raise Undeliverable(f"{place.host} redirects more than {self._limits.redirects} times")

    async def _get(self, place: URL, max_bytes: int) -> Download | URL:
        """The content, or the URL of a redirect."""
        try:
            async with self._opened().get(place, allow_redirects=False) as response:
                if response.status in REDIRECTS and (location := response.headers.get("Location")):
                    return parse(location, place)
                if response.status != 200:
                    raise Undeliverable(f"{place.host} answered with status {response.status}")
                return Download(await read(response, max_bytes), type_of(response))
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            # RuntimeError is what there is when close() has just taken the session away.
            if isinstance(error, TimeoutError) and error.errno is None:
                raise
            raise Undeliverable(why(error, place.host or "the host")) from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=GuardedResolver(self._resolver or SystemResolver(), self._guard),
                socket_factory=self._make_socket,
                use_dns_cache=False,
                force_close=True,
                limit=self._limits.connections,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers={"User-Agent": self._user_agent, "Accept": "*/*", "Accept-Encoding": ACCEPT_ENCODING},
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(),
                trust_env=False,
            )
        return self._session

    def _make_socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """For an address about to be connected to: a literal in the URL comes here without being resolved."""
        family, kind, protocol, _, address = info
        self._guard.check(str(address[0]))
        return socket.socket(family, kind, protocol)


class SystemResolver(AbstractResolver):
    """The system's, in threads of its own: the event loop's are few, and while a client's name does not resolve, those of
    providers must."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVING_THREADS, thread_name_prefix="resolving")

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        look_up = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=NUMERIC)
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class GuardedResolver(AbstractResolver):
    """Gives a name's addresses only where every one of them may be connected to."""

    def __init__(self, inner: AbstractResolver, guard: Guard) -> None:
        self._inner = inner
        self._guard = guard

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for one in found:
            self._guard.check(one["host"])
        return found

    async def close(self) -> None:
        await self._inner.close()


def stopping() -> GatewayError:
    return GatewayError(Reason.SHUTTING_DOWN, "the gateway is stopping")


def parse(text: str, base: URL | None = None) -> URL:
    """An absolute URL that may be asked for. Raises Undeliverable. base: of which page this is a redirect."""
    if len(text) > LONGEST_URL:
        raise Undeliverable(f"the URL is longer than {LONGEST_URL} characters")
    try:
        # Signatures may cover what is quoted, so nothing is quoted anew that need not be.
        url = URL(text, encoded=text.isascii() and text.isprintable() and " " not in text)
        url = url if base is None else base.join(url)
        port = url.port
    except ValueError:
        raise Undeliverable("it is not a valid URL") from None
    if url.scheme not in ("http", "https") or not url.host or port is None:
        raise Undeliverable("only http and https URLs can be fetched")
    if url.user is not None or url.password is not None:
        raise Undeliverable("a URL must not hold a user name or password")
    if port in BLOCKED_PORTS or (port < FIRST_FREE_PORT and port not in DEFAULT_PORTS):
        raise Undeliverable(f"port {port} is not one that HTTP is served on")
    return url.with_fragment(None)


async def read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """The body, decompressed piece by piece and counted as it comes: the length that was announced may be a lie."""
    too_large = Undeliverable(f"what {response.url.host} delivers is larger than {max_bytes} bytes")
    if (response.content_length or 0) > max_bytes:
        raise too_large
    pieces: list[bytes] = []
    left = max_bytes
    async for piece in response.content.iter_any():
        left -= len(piece)
        if left < 0:
            raise too_large
        pieces.append(piece)
    return b"".join(pieces)


def type_of(response: aiohttp.ClientResponse) -> str:
    mime_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return mime_type if is_type(mime_type) else ""


def why(error: Exception, host: str) -> str:
    """For whoever gave the URL. The error's own text may reveal what is behind the gateway."""
    match error:
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, Forbidden):
            return f"{host} is not a public address"
        case aiohttp.ClientConnectorError():
            return f"no connection to {host}: {cause_of(error.os_error)}"
        case ValueError() | aiohttp.InvalidURL():
            return "it is not a valid URL"
        case aiohttp.ClientPayloadError():
            return f"{host} broke off before the end of the content"
        case aiohttp.ClientResponseError():
            return f"{host} answered something that is not HTTP"
        case _:
            return f"{host} closed the connection before it answered"
