"""The transport over HTTP/1.1.

It never retries; the one retrying layer decides. What is sent once more, at once and on a fresh connection, is a request
that met the end of a connection: one that was kept open, and that the upstream closed before any byte of an answer, or with
the 408 that closes idle connections. A body in pieces is gone then, and its request fails. The transport follows no
redirects, has no cookies, reads no environment and no .netrc.
"""

from __future__ import annotations

import asyncio
import dataclasses
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from dragoman.reasons import GatewayError, Reason
from gateway_core.call import Deadline
from gateway_core.transport.guard import Forbidden, Guard
from gateway_core.transport.http1.codec import Origin, framed, parse, place_of, request_head
from gateway_core.transport.http1.connect import Connector, cause_of
from gateway_core.transport.http1.connection import Connection
from gateway_core.transport.http1.decompress import Inflater, Unreadable, inflater_for
from gateway_core.transport.http1.exchange import NEVER, Exchange, Fate
from gateway_core.transport.http1.pool import Pool
from gateway_dialects.kit.dialect import Timers, UpstreamRequest

ACCEPT_ENCODING = "identity"
"""Compression would cost time and may hold back streamed events. A compressed answer is decompressed all the same, unless it
is wanted verbatim."""


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What an upstream may take. Seconds unless named otherwise."""

    connect_s: float = 10.0
    """For waiting in turn, resolving the name, connecting and TLS."""
    answer_s: float = 600.0
    """See Timers.headers_s."""
    idle_s: float = 300.0
    """Between two reads of the body."""
    keepalive_s: float = 30.0
    """How long an unused connection stays open."""
    dns_cache_s: float = 30.0
    connections: int = 10_000
    """The most to one origin at one time; 0 for no bound."""
    max_body_bytes: int = 256 * 1024 * 1024
    """The most that read() takes into memory."""


class HttpTransport:
    """See Transport. Belongs to the event loop of its first request."""

    def __init__(self, user_agent: str, limits: HttpLimits = HttpLimits(), *, guard: Guard | None = None) -> None:
        """guard: checks the addresses that are connected to."""
        self._limits = limits
        self._limits_of: dict[Timers, HttpLimits] = {}
        self._connector = Connector(guard, dns_cache_s=limits.dns_cache_s)
        self._verbatim = {"user-agent": user_agent, "accept-encoding": ACCEPT_ENCODING}
        self._defaults = {**self._verbatim, "accept": "*/*"}
        self._pools: dict[Origin, Pool] = {}
        self._closed = False

    async def send(self, request: UpstreamRequest, deadline: Deadline, timers: Timers | None = None) -> HttpResponse:
        limits = self._limits if timers is None else self._limited(timers)
        left = deadline.remaining()
        if left == 0.0:
            raise deadline_exceeded()
        origin, head = self._written(request)
        until = NEVER if left is None else asyncio.get_running_loop().time() + left
        pool = self._pool(origin)
        connection = pool.idle() or await self._fresh(pool, origin, limits, until)
        exchange = await self._exchange(connection, request, head, limits, until)
        if request.stream is None and met_the_end(exchange):
            exchange.close()
            connection = await self._fresh(pool, origin, limits, until)
            exchange = await self._exchange(connection, request, head, limits, until)
        if not exchange.status:
            raise unanswered(exchange, origin, limits)
        return HttpResponse(exchange, origin, limits, verbatim=request.verbatim)

    async def close(self) -> None:
        """Cut every connection. Requests made later fail with SHUTTING_DOWN."""
        self._closed = True
        for pool in self._pools.values():
            pool.close()

    def _written(self, request: UpstreamRequest) -> tuple[Origin, bytes]:
        """Where the request goes, and its head. Raises GatewayError UPSTREAM_UNAVAILABLE for what HTTP cannot carry."""
        defaults = self._verbatim if request.verbatim else self._defaults
        length = len(request.body) if request.stream is None else None
        try:
            origin, target = parse(request.url)
            defaults = {"host": origin.authority, **defaults}
            return origin, request_head(request.method, target, headers=request.headers, defaults=defaults, length=length)
        except ValueError:
            where = place_of(request.url)
            message = f"the request to {where} is not valid HTTP: check the provider's URL, headers and key"
            raise GatewayError(Reason.UPSTREAM_UNAVAILABLE, message) from None

    def _pool(self, origin: Origin) -> Pool:
        if self._closed:
            raise stopping()
        pool = self._pools.get(origin)
        if pool is None:
            # Clients may name any number of origins.
            self._pools = {other: pool for other, pool in self._pools.items() if not pool.empty}
            opening = partial(self._connector.open, origin)
            limits = self._limits
            pool = self._pools[origin] = Pool(opening, most=limits.connections, keepalive_s=limits.keepalive_s)
        return pool

    def _limited(self, timers: Timers) -> HttpLimits:
        """Timers are configured: there are few."""
        found = self._limits_of.get(timers)
        if found is None:
            found = self._limits_of[timers] = dataclasses.replace(
                self._limits,
                connect_s=timers.connect_s or NEVER,
                answer_s=timers.headers_s or NEVER,
                idle_s=timers.idle_s or NEVER,
            )
        return found

    async def _fresh(self, pool: Pool, origin: Origin, limits: HttpLimits, until: float) -> Connection:
        connect_until = asyncio.get_running_loop().time() + limits.connect_s
        try:
            async with asyncio.timeout_at(min(until, connect_until)):
                connection = await pool.fresh()
        except OSError as error:
            late = until <= connect_until and is_timeout(error)
            # The traceback of a time-out holds the task, and that will hold what is raised here.
            raise (deadline_exceeded() if late else unconnected(error, origin, limits)) from error.with_traceback(None)
        if self._closed:
            connection.abort()
            raise stopping()
        return connection

    async def _exchange(
        self, connection: Connection, request: UpstreamRequest, head: bytes, limits: HttpLimits, until: float
    ) -> Exchange:
        """Returns with the answer's head, or when there will be none."""
        now = asyncio.get_running_loop().time()
        exchange = Exchange(now, until, answer_s=limits.answer_s, idle_s=limits.idle_s)
        connection.start(exchange, request.method, head, body_of(request))
        try:
            while not exchange.status and exchange.fate is None:
                await exchange.news()
        except BaseException:
            exchange.close()
            raise
        return exchange


class HttpResponse:
    """See UpstreamResponse. Its own iterator of chunks: nothing is made per read."""

    __slots__ = ("_exchange", "_headers", "_inflater", "_limits", "_origin", "status")

    def __init__(self, exchange: Exchange, origin: Origin, limits: HttpLimits, *, verbatim: bool) -> None:
        """verbatim: whether a compressed body stays as it is. Raises GatewayError UPSTREAM_INVALID_RESPONSE for one that
        cannot be decompressed."""
        self.status = exchange.status
        self._exchange = exchange
        self._origin = origin
        self._limits = limits
        self._headers: Mapping[str, str] | None = None
        self._inflater: Inflater | None = None
        coding = exchange.headers.get(b"content-encoding")
        if coding is not None and not verbatim:
            try:
                self._inflater = inflater_for(coding.decode("latin-1"))
            except Unreadable as error:
                exchange.close()
                raise GatewayError(Reason.UPSTREAM_INVALID_RESPONSE, f"{origin.place} answered {error}") from None

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case; the last of several values."""
        if self._headers is None:
            found = self._exchange.headers.items()
            self._headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in found}
        return self._headers

    @property
    def header_fields(self) -> Sequence[tuple[str, str]]:
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._exchange.fields]

    async def read(self) -> bytes:
        """Raises UPSTREAM_INVALID_RESPONSE for a body of more than max_body_bytes."""
        pieces: list[bytes] = []
        left = self._limits.max_body_bytes
        # Most answers are here with their heads.
        whole = self._inflater is None and self._exchange.fate is Fate.WHOLE
        while piece := self._exchange.take() if whole else await self._next_piece():
            left -= len(piece)
            if left < 0:
                raise too_large(self._origin, self._limits)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def chunks(self) -> AsyncIterator[bytes]:
        return self

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if piece := await self._next_piece():
            return piece
        raise StopAsyncIteration

    async def close(self) -> None:
        self._exchange.close()

    async def _next_piece(self) -> bytes:
        """Empty at the end of a whole body. Raises GatewayError."""
        exchange = self._exchange
        if self._inflater is not None:
            return await self._inflated(self._inflater)
        piece = await exchange.next_piece()
        if not piece and exchange.fate is not Fate.WHOLE:
            raise interrupted(exchange, self._origin, self._limits)
        return piece

    async def _inflated(self, inflater: Inflater) -> bytes:
        exchange, text = self._exchange, b""
        try:
            while not text:
                if inflater.pending:
                    text = inflater.more()
                elif piece := await exchange.next_piece():
                    text = inflater.feed(piece)
                elif exchange.fate is Fate.WHOLE and inflater.complete:
                    break
                else:
                    raise interrupted(exchange, self._origin, self._limits)
        except zlib.error as error:
            raise broken_off(self._origin) from error
        return text


def body_of(request: UpstreamRequest) -> bytes | AsyncGenerator[bytes, None]:
    if request.stream is None:
        return request.body
    length = next((value for name, value in request.headers.items() if name.lower() == "content-length"), None)
    return framed(request.stream, None if length is None else int(length))


def met_the_end(exchange: Exchange) -> bool:
    """Whether the connection that was kept open had ended before the request came to it. (A 408 that closes the connection
    may be asked again: RFC 9110, section 15.5.9.)"""
    if exchange.status == 408 and exchange.reused:
        return exchange.headers.get(b"connection", b"").lower() == b"close"
    return exchange.stale


def is_timeout(error: OSError) -> bool:
    """Whether a limit of ours has passed, and not one of the system's."""
    return isinstance(error, TimeoutError) and error.errno is None


def deadline_exceeded() -> GatewayError:
    return GatewayError(Reason.DEADLINE_EXCEEDED, "the deadline passed before the answer was complete")


def stopping() -> GatewayError:
    return GatewayError(Reason.SHUTTING_DOWN, "the gateway is stopping")


def unconnected(error: OSError, origin: Origin, limits: HttpLimits) -> GatewayError:
    """Why there is no connection. The error's own text may hold the URL and is not repeated."""
    if isinstance(error, Forbidden):
        return GatewayError(Reason.PERMISSION_DENIED, f"{origin.place} is not a public address")
    if is_timeout(error):
        return GatewayError(Reason.UPSTREAM_TIMEOUT, f"no connection to {origin.place} within {limits.connect_s:g} s")
    return GatewayError(Reason.UPSTREAM_UNAVAILABLE, f"no connection to {origin.place}: {cause_of(error)}")


def unanswered(exchange: Exchange, origin: Origin, limits: HttpLimits) -> Exception:
    """Why there is no answer's head."""
    match exchange.fate:
        case Fate.SILENT:
            return GatewayError(Reason.UPSTREAM_TIMEOUT, f"no answer from {origin.place} within {limits.answer_s:g} s")
        case Fate.BAD_FRAMING:
            message = f"{origin.place} answered something that is not HTTP ({exchange.why})"
            return GatewayError(Reason.UPSTREAM_INVALID_RESPONSE, message)
        case Fate.DEADLINE | Fate.UNSENT:
            return interrupted(exchange, origin, limits)
        case _:
            return GatewayError(Reason.UPSTREAM_UNAVAILABLE, f"{origin.place} closed the connection before it answered")


def interrupted(exchange: Exchange, origin: Origin, limits: HttpLimits) -> Exception:
    """Why the body ended early. A failure to read the request's body is what it is."""
    if exchange.failure is not None:
        # Not kept, for its traceback holds the exchange.
        failure, exchange.failure = exchange.failure, None
        return failure
    match exchange.fate:
        case Fate.SILENT:
            return GatewayError(Reason.UPSTREAM_TIMEOUT, f"{origin.place} sent nothing for {limits.idle_s:g} s")
        case Fate.DEADLINE:
            return deadline_exceeded()
        case _:
            return broken_off(origin)


def broken_off(origin: Origin) -> GatewayError:
    return GatewayError(Reason.STREAM_INTERRUPTED, f"{origin.place} broke off before the end of its answer")


def too_large(origin: Origin, limits: HttpLimits) -> GatewayError:
    message = f"the answer of {origin.place} is larger than {limits.max_body_bytes} bytes"
    return GatewayError(Reason.UPSTREAM_INVALID_RESPONSE, message)
