"""The transport over HTTP, and the only importer of the upstream HTTP client (aiohttp). Importing it costs about 0.1 s:
import it where a transport is made and nowhere else.

It never retries: a connection that the provider closed at the very moment it was used again fails like any other, with
UPSTREAM_UNAVAILABLE, and the one retrying layer decides. (For a GET, which changes nothing, aiohttp itself sends once more
on a fresh connection, unless it is to be sent verbatim.) It follows no redirects, has no cookies, reads no environment and
no .netrc.
"""

from __future__ import annotations

import asyncio
import io
import os
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import aiohttp
from yarl import URL

from dragoman.reasons import GatewayError, Reason, invalid
from gateway_core.call import Deadline
from gateway_core.transport.guard import Forbidden, Guard
from gateway_dialects.kit.dialect import UpstreamRequest

LARGE_BODY_BYTES = 1 << 20
"""Above this size, aiohttp wants a file, which it writes piece by piece so that others get their turn."""
ACCEPT_ENCODING = "identity"
"""Compression would cost time and may hold back streamed events. A compressed answer is decompressed all the same, unless it
is wanted verbatim."""
UNASKED_HEADERS = ("Accept", "Content-Type")
"""What aiohttp would add to a request that is to be sent verbatim."""


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What an upstream may take. Seconds unless named otherwise."""

    connect_s: float = 10.0
    """For resolving the name, connecting and TLS."""
    answer_s: float = 600.0
    """From the request to the answer's head: a model that does not stream thinks for all of this time."""
    idle_s: float = 300.0
    """Between two reads of the body."""
    keepalive_s: float = 30.0
    """How long an unused connection stays open."""
    dns_cache_s: int = 30
    connections: int = 0
    """The most at one time, 0 for no bound: who queues for a connection here would be late without knowing why."""
    max_body_bytes: int = 256 * 1024 * 1024
    """The most that read() takes into memory."""


class AiohttpTransport:
    """See Transport. Belongs to the event loop of its first request."""

    def __init__(self, user_agent: str, limits: HttpLimits = HttpLimits(), *, guard: Guard | None = None) -> None:
        """guard: checks where sockets are made, so that the address which was checked is the one that is connected to."""
        self._guard = guard
        self._user_agent = user_agent
        self._limits = limits
        self._endless = self._timeout(None)
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def send(self, request: UpstreamRequest, deadline: Deadline) -> AiohttpResponse:
        left = deadline.remaining()
        if left == 0.0:
            raise deadline_exceeded()
        if self._closed:
            raise GatewayError(Reason.SHUTTING_DOWN, "the gateway is stopping")
        session = self._session or self._open()
        body = request.body
        pieces = None if request.stream is None else Pieces(request.stream, request.headers.get("content-length"))
        try:
            response = await session.request(
                request.method,
                target(request.url),
                data=pieces or ((body if len(body) <= LARGE_BODY_BYTES else io.BytesIO(body)) if body else None),
                headers=request.headers,
                skip_auto_headers=UNASKED_HEADERS if request.verbatim else None,
                auto_decompress=not request.verbatim,
                middlewares=ONLY_ONCE if request.verbatim else None,
                allow_redirects=False,
                timeout=self._endless if left is None else self._timeout(left),
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if pieces is not None and pieces.failure is not None:
                raise pieces.failure from error
            raise unsent(error, request.url, self._limits) from error
        return AiohttpResponse(response, request.url, self._limits)

    async def close(self) -> None:
        """Cut every connection. Requests made later fail with SHUTTING_DOWN."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        limits = self._limits
        connector = aiohttp.TCPConnector(
            limit=limits.connections,
            keepalive_timeout=limits.keepalive_s,
            ttl_dns_cache=limits.dns_cache_s,
            socket_factory=None if self._guard is None else partial(guarded_socket, self._guard),
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers={"User-Agent": self._user_agent, "Accept-Encoding": ACCEPT_ENCODING},
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._endless,
            trust_env=False,
        )
        return self._session

    def _timeout(self, left: float | None) -> aiohttp.ClientTimeout:
        """Without a bound of its own for the answer's head where the deadline comes first: every timer costs."""
        limits = self._limits
        answer_s = limits.answer_s if left is None or left > limits.answer_s else None
        return aiohttp.ClientTimeout(total=left, connect=limits.connect_s, sock_read=answer_s, ceil_threshold=float("inf"))


class Pieces:
    """A body that is sent while it is read. aiohttp reports a failure to read it as one of the connection; the failure
    itself is here."""

    def __init__(self, pieces: AsyncIterator[bytes], length: str | None) -> None:
        """length: the header content-length."""
        self._pieces = pieces
        self._left = None if length is None else int(length)
        self.failure: Exception | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return self._counted(await anext(self._pieces, None))
        except StopAsyncIteration:
            raise
        except Exception as error:
            self.failure = error
            raise

    def _counted(self, piece: bytes | None) -> bytes:
        """Raises GatewayError INVALID_REQUEST for another length than the header's: the provider would wait for the rest, or
        take it for the next request."""
        if self._left is not None:
            self._left -= len(piece or b"")
            if self._left < 0 or (piece is None and self._left > 0):
                what = "longer" if self._left < 0 else "shorter"
                raise invalid("body", f"body: it is {what} than its content-length says")
        if piece is None:
            raise StopAsyncIteration
        return piece


class AiohttpResponse:
    """See UpstreamResponse. Its own iterator of chunks: nothing is made per read."""

    __slots__ = ("_closed", "_headers", "_limits", "_response", "_url", "status")

    def __init__(self, response: aiohttp.ClientResponse, url: str, limits: HttpLimits) -> None:
        self.status = response.status
        self._response = response
        self._headers: Mapping[str, str] | None = None
        self._closed: asyncio.Future[None] | None = None
        self._url = url
        self._limits = limits

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case; the last of several values."""
        if self._headers is None:
            self._headers = {name.lower(): value for name, value in self._response.headers.items()}
        return self._headers

    @property
    def header_fields(self) -> Sequence[tuple[str, str]]:
        raw = self._response.raw_headers
        return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw]

    async def read(self) -> bytes:
        """Raises UPSTREAM_INVALID_RESPONSE for a body of more than max_body_bytes."""
        pieces: list[bytes] = []
        left = self._limits.max_body_bytes
        async for piece in self.chunks():
            left -= len(piece)
            if left < 0:
                raise too_large(self._url, self._limits)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def chunks(self) -> AsyncIterator[bytes]:
        connection = self._response.connection
        if connection is not None and (protocol := connection.protocol) is not None:
            # Until here the timer ran for the head.
            protocol.read_timeout = self._limits.idle_s
            protocol.start_timeout()
            self._closed = protocol.closed
            if self._closed is not None:
                self._closed.remove_done_callback(retrieve)
                self._closed.add_done_callback(retrieve)
                self._closed.add_done_callback(self._fail_if_unfinished)
        return self

    def _fail_if_unfinished(self, _: asyncio.Future[None]) -> None:
        """aiohttp leaves the reader waiting for ever when the chunked framing breaks after the head."""
        content = self._response.content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError())

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._response.content.readany()
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            # RuntimeError is what a reader gets whose connection close() has just taken away.
            raise interrupted(error, self._url, self._limits) from error
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def close(self) -> None:
        if self._closed is not None:
            self._closed.remove_done_callback(self._fail_if_unfinished)
        connection = self._response.connection
        if connection is not None and connection.transport is not None:
            # Closing alone would first write out what is left of the request, and over TLS wait for the other side.
            connection.transport.abort()
        self._response.close()


def guarded_socket(guard: Guard, info: aiohttp.AddrInfoType) -> socket.socket:
    """For an address about to be connected to. Raises Forbidden."""
    family, kind, protocol, _, address = info
    guard.check(str(address[0]))
    return socket.socket(family, kind, protocol)


class Unanswered(aiohttp.ClientError):
    """The connection broke before the answer's head."""


async def once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Without this, aiohttp sends what HTTP calls idempotent, a DELETE or a PUT, once more on a fresh connection."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise Unanswered from error


ONLY_ONCE = (once,)


def retrieve(closed: asyncio.Future[None]) -> None:
    """Mark the future's error as seen: the event loop complains about those that nobody asked for."""
    if not closed.cancelled():
        closed.exception()


def deadline_exceeded() -> GatewayError:
    return GatewayError(Reason.DEADLINE_EXCEEDED, "the deadline passed before the answer was complete")


def target(url: str) -> URL:
    """The URL to be sent exactly as the dialect wrote it, for signatures may cover it. Raises ValueError for characters that
    would end the request line early."""
    if " " in url or not url.isprintable():
        raise ValueError("a URL with characters that must be quoted")
    return URL(url, encoded=True)


def unsent(error: Exception, url: str, limits: HttpLimits) -> GatewayError:
    """Why there is no answer's head. The error's own text may hold the URL and is not repeated."""
    where = host_and_port(url)
    match error:
        case aiohttp.ConnectionTimeoutError():
            return GatewayError(Reason.UPSTREAM_TIMEOUT, f"no connection to {where} within {limits.connect_s:g} s")
        case aiohttp.SocketTimeoutError():
            return GatewayError(Reason.UPSTREAM_TIMEOUT, f"no answer from {where} within {limits.answer_s:g} s")
        case TimeoutError() if error.errno is None:
            return deadline_exceeded()
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, Forbidden):
            return GatewayError(Reason.PERMISSION_DENIED, f"{where} is not a public address")
        case aiohttp.ClientConnectorError():
            return GatewayError(Reason.UPSTREAM_UNAVAILABLE, f"no connection to {where}: {cause_of(error.os_error)}")
        case aiohttp.ClientResponseError():
            return GatewayError(Reason.UPSTREAM_INVALID_RESPONSE, f"{where} answered something that is not HTTP")
        case ValueError() | aiohttp.NonHttpUrlClientError():
            message = f"the request to {where} is not valid HTTP: check the provider's URL, headers and key"
            return GatewayError(Reason.UPSTREAM_UNAVAILABLE, message)
        case _:
            return GatewayError(Reason.UPSTREAM_UNAVAILABLE, f"{where} closed the connection before it answered")


def interrupted(error: Exception, url: str, limits: HttpLimits) -> GatewayError:
    """Why the body ended early."""
    where = host_and_port(url)
    match error:
        case aiohttp.SocketTimeoutError():
            return GatewayError(Reason.UPSTREAM_TIMEOUT, f"{where} sent nothing for {limits.idle_s:g} s")
        case TimeoutError() if error.errno is None:
            return deadline_exceeded()
        case _:
            return GatewayError(Reason.STREAM_INTERRUPTED, f"{where} broke off before the end of its answer")


def too_large(url: str, limits: HttpLimits) -> GatewayError:
    message = f"the answer of {host_and_port(url)} is larger than {limits.max_body_bytes} bytes"
    return GatewayError(Reason.UPSTREAM_INVALID_RESPONSE, message)


def host_and_port(url: str) -> str:
    """All of a URL that an error may name: the rest can hold a key."""
    try:
        parsed = URL(url, encoded=True)
    except ValueError:
        return "the provider"
    return f"{parsed.host}:{parsed.port}" if parsed.host else "the provider"


def cause_of(error: OSError) -> str:
    """For a person."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})"
        case ssl.SSLError():
            return f"TLS failed ({error.reason})" if error.reason else "TLS failed"
        case socket.gaierror():
            return "its name cannot be resolved"
        case _:
            return os.strerror(error.errno).lower() if error.errno else "it was closed at once"
