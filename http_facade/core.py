"""The core as endpoints call it: on behalf of an HTTP client, with its keys, for as long as it is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias, TypeVar
from urllib.parse import quote

import grpc

from dragoman import metadata as names
from dragoman.client_address import FORWARDED_FOR
from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.keys_pb2 import CheckKeyRequest, CheckKeyResponse
from dragoman.v1.proxy_pb2 import ProxyRequest, ProxyResponse, ProxyStreamRequest, ProxyStreamResponse
from dragoman.v1.stream_pb2 import StreamRequest, StreamResponse
from http_facade.exchange import Exchange

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
Unary: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT]"
StreamCall = grpc.aio.UnaryStreamCall[StreamRequest, StreamResponse]
ProxyStreamCall = grpc.aio.StreamStreamCall[ProxyStreamRequest, ProxyStreamResponse]
ProxyCall = grpc.aio.UnaryStreamCall[ProxyRequest, ProxyResponse] | ProxyStreamCall
Metadata = list[tuple[str, str]]

KEY_HEADERS = {name.encode(): name for name in names.KEY_NAMES}
LONGEST_KEY = 1024
MOST_KEYS, MOST_OF_KEYS = 8, 4096
"""How many keys of one request count, in whatever places, and how many characters of them: gRPC carries 8 KiB in all."""
NAMED_HEADERS = frozenset(
    name.encode() for name in (*names.BYOK_NAMES, *names.TAG_NAMES, *names.APP_NAMES, *names.SESSION_NAMES)
)
LONGEST_BYOK = 3072
"""In characters: some providers' keys are tokens of 2 KiB, and gRPC carries 8 KiB in all."""
CHECK_S = 10.0
"""How long the core may take to say whose a key is."""
WATCH_AFTER_S = 0.05
"""A call that ends sooner does not pay for a task that watches the connection. One that takes longer is watched after this
time, or twice as long at most: a client that disconnected before is noticed then."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the facade allows a request. Sizes in bytes, times in seconds."""

    body_bytes: int = 50_000_000
    header_bytes: int = 65_536
    timeout_s: float | None = 600.0
    """How long an answer is waited for; None: the core alone decides."""
    keep_alive_s: float = 15.0
    """Silence after which a stream gets a keep-alive; 0: never."""
    requests: int = 5_000
    """At the same time."""
    requests_per_address: int = 1_000
    wrong_keys_per_minute: int = 60
    """Of one address; 0: no bound."""


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """The only place where the clients of a context put the gateway key. The core knows it too, and decides."""

    header: str = ""
    """In lower case."""
    query: str = ""


KeyPlaces = Mapping[str, KeyPlace]
"""By context. In others, and in none, a key counts wherever it is found."""


class Core:
    """Calls that end when their client goes away. Raises GatewayError, grpc.aio.AioRpcError and ClientGone."""

    def __init__(self, stub: GatewayServiceAsyncStub, limits: Limits, key_places: KeyPlaces | None = None) -> None:
        self.limits = limits
        self._key_places = key_places or {}
        self.stub = stub
        self._watches = Watches()

    def watch(self, call: Cancellable, exchange: Exchange) -> Watch:
        return Watch(exchange, call, self._watches)

    def chat(self, chat: ChatRequest, exchange: Exchange) -> Awaitable[ChatResponse]:
        return self.ask(self.stub.Chat, chat, exchange)

    def stream(self, chat: ChatRequest, exchange: Exchange) -> StreamCall:
        """The caller watches it, and reads it to its end or cancels it."""
        metadata = call_metadata(exchange)
        return self.stub.Stream(StreamRequest(chat=chat), timeout=self.limits.timeout_s, metadata=metadata)

    def proxy(self, request: ProxyRequest, exchange: Exchange) -> ProxyCall:
        """The caller watches it, and reads it to its end or cancels it."""
        return self.stub.Proxy(request, timeout=self.limits.timeout_s, metadata=call_metadata(exchange))

    def proxy_stream(self, requests: AsyncIterator[ProxyStreamRequest], exchange: Exchange) -> ProxyStreamCall:
        """As proxy."""
        return self.stub.ProxyStream(requests, timeout=self.limits.timeout_s, metadata=call_metadata(exchange))

    async def ask(
        self, method: Unary[RequestT, ResponseT], request: RequestT, exchange: Exchange, *, watched: bool = True
    ) -> ResponseT:
        """Call one of the stub's methods. watched: whether the call ends when the client goes away."""
        call = method(request, timeout=self.limits.timeout_s, metadata=call_metadata(exchange))
        if not watched:
            return await call
        with Watch(exchange, call, self._watches):
            return await call

    async def check_key(self, exchange: Exchange) -> CheckKeyResponse:
        """Who asks. It is not watched: that would read the body."""
        metadata = [*identity(exchange), *exchange.keys]
        return await self.stub.CheckKey(CheckKeyRequest(), timeout=CHECK_S, metadata=metadata)

    def keys_of(self, exchange: Exchange) -> Metadata:
        """All that may be a gateway key, as metadata."""
        return keys_of(exchange, self._key_places)


def identity(exchange: Exchange) -> Metadata:
    """The request's id, API and context."""
    metadata = [(names.REQUEST_ID, exchange.request_id), (names.API, exchange.api.name)]
    if exchange.client:
        metadata.append((FORWARDED_FOR, exchange.client))
    if exchange.context:
        metadata.append((names.CONTEXT, exchange.context))
    return metadata


def call_metadata(exchange: Exchange) -> Metadata:
    """The request's identity, keys, BYOK credentials and tags. Raises GatewayError for what cannot be carried and must not
    be cut."""
    metadata = [*identity(exchange), *exchange.keys]
    if not NAMED_HEADERS.isdisjoint(exchange.headers):
        add_named(metadata, exchange)
    if exchange.tags:
        metadata += [(name, carried(value)[: names.LONGEST_TAG]) for name, value in exchange.tags]
    return metadata


def keys_of(exchange: Exchange, places: KeyPlaces) -> Metadata:
    place = places.get(exchange.context)
    keys = usual_keys(exchange) if place is None else placed_keys(exchange, place)
    return list(bounded(keys)) if len(keys) > 1 else keys


def usual_keys(exchange: Exchange) -> Metadata:
    scope = exchange.scope
    keys = [(KEY_HEADERS[name], carried(value.decode("latin-1"))) for name, value in scope["headers"] if name in KEY_HEADERS]
    if b"key=" in scope["query_string"]:
        keys += [("x-goog-api-key", carried(key)) for key in exchange.query_values(names.KEY_PARAMETER)]
    return keys


def placed_keys(exchange: Exchange, place: KeyPlace) -> Metadata:
    keys: Metadata = []
    if place.header:
        header, found = place.header.encode(), exchange.scope["headers"]
        keys += [(place.header, carried(value.decode("latin-1"))) for name, value in found if name == header]
    if place.query:
        keys += [(place.query.lower(), carried(key)) for key in exchange.query_values(place.query)]
    return keys


def bounded(keys: Metadata) -> Iterator[tuple[str, str]]:
    left = MOST_OF_KEYS
    for name, key in keys[:MOST_KEYS]:
        left -= len(key)
        if left < 0:
            return
        yield name, key


def add_named(metadata: Metadata, exchange: Exchange) -> None:
    for name in names.BYOK_NAMES:
        if value := exchange.header(name.encode()):
            if len(value) > LONGEST_BYOK or not is_plain(value):
                raise invalid(name, f"The header {name} must be printable ASCII, at most {LONGEST_BYOK} characters.")
            metadata.append((name, value))
    for name in (*names.TAG_NAMES, *names.APP_NAMES):
        if value := exchange.header(name.encode()):
            metadata.append((name, carried(value)[: names.LONGEST_TAG]))
    if session := next((value for name in names.SESSION_NAMES if (value := exchange.header(name.encode()))), ""):
        metadata.append((names.SESSION, carried(session)[: names.LONGEST_TAG]))


def is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def carried(key: str) -> str:
    """gRPC carries printable ASCII only, and 8 KiB in all. No gateway key is other, and in this form it is none either."""
    return key if is_plain(key) and len(key) <= LONGEST_KEY else quote(key)[:LONGEST_KEY]


class ClientGone(Exception):
    """The client closed the connection before its answer was complete."""


class Cancellable(Protocol):
    """A gRPC call."""

    def cancel(self) -> bool: ...


class Watches:
    """The calls that are not watched yet, and their one timer: one for each would cost more than the watching."""

    __slots__ = ("_earlier", "_latest", "_timer")

    def __init__(self) -> None:
        self._latest: set[Watch] = set()
        self._earlier: set[Watch] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, watch: Watch) -> None:
        self._latest.add(watch)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._tick)

    def remove(self, watch: Watch) -> None:
        self._latest.discard(watch)
        self._earlier.discard(watch)

    def _tick(self) -> None:
        """Begin with those that were already there at the last tick."""
        due, self._earlier, self._latest = self._earlier, self._latest, set()
        for watch in due:
            watch.begin()
        again = bool(self._earlier)
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._tick) if again else None


class Watch:
    """While it is entered, the client's going away cancels the call; whoever awaits the call then sees ClientGone."""

    __slots__ = ("_call", "_exchange", "_gone", "_watcher", "_watches")

    def __init__(self, exchange: Exchange, call: Cancellable, watches: Watches) -> None:
        self._exchange = exchange
        self._call = call
        self._gone = False
        self._watcher: asyncio.Task[None] | None = None
        self._watches = watches

    def __enter__(self) -> Self:
        self._watches.add(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._watches.remove(self)
        if self._watcher is not None and not self._watcher.done():
            self._watcher.cancel()
        if self._gone and kind is asyncio.CancelledError:
            raise ClientGone from None

    def begin(self) -> None:
        self._watcher = asyncio.create_task(self._wait())

    async def _wait(self) -> None:
        await self._exchange.disconnected()
        self._gone = True
        self._call.cancel()
