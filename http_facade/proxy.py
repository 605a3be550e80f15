"""A provider's own API under /proxy/PROVIDER/PATH: methods, bodies and streams pass as they are."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.proxy_pb2 import HttpHeader, ProxyEnd, ProxyHead, ProxyRequest, ProxyResponse
from gateway_dialects.openai import SERVER
from http_facade.api import Api
from http_facade.core import Core, ProxyCall
from http_facade.exchange import Exchange

PREFIX = "/proxy/"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BODILESS = (204, 304)
WRITTEN_BY_SERVER = frozenset({b"date"})
"""The HTTP server's own, and once is enough."""


class Proxy:
    """Answers with what the provider answers. A provider that breaks off breaks off here too: nothing can be said inside a
    body that is not the gateway's."""

    def __init__(self, core: Core, api: Api) -> None:
        self._core = core

    async def __call__(self, exchange: Exchange) -> None:
        wanted = wanted_by(exchange)
        exchange.check_length()
        pieces, more = [], True
        while more:
            piece, more = await exchange.body_piece()
            pieces.append(piece)
        wanted.body = b"".join(pieces)
        exchange.details["provider"] = wanted.provider
        call = self._core.proxy(wanted, exchange)
        try:
            with self._core.watch(call, exchange):
                head = await head_of(call)
                await exchange.begin(head.status, list(headers_of(head, exchange)))
                await relay(call, wanted.provider, exchange)
        finally:
            call.cancel()


def wanted_by(exchange: Exchange) -> ProxyRequest:
    """The request, but for its body. Its path is read as it was sent: decoded, a slash in a name would be one of a path."""
    scope = exchange.scope
    raw_path: bytes = scope["raw_path"]
    _, found, place = raw_path.decode("latin-1").partition(PREFIX)
    provider, slash, path = place.partition("/")
    if not found or not provider:
        raise GatewayError(
            Reason.INVALID_REQUEST, f"Write {PREFIX}PROVIDER/PATH, not {scope['path']}.", code="unknown_url", status=404
        )
    return ProxyRequest(
        provider=unquote(provider),
        method=scope["method"],
        path=slash + path,
        query=scope["query_string"].decode("latin-1"),
        headers=(HttpHeader(name=text(name), value=text(value)) for name, value in scope["headers"]),
    )


async def head_of(call: ProxyCall) -> ProxyHead:
    first = await call.read()
    if not isinstance(first, ProxyResponse) or not first.HasField("head"):
        raise GatewayError(Reason.STREAM_INTERRUPTED, "the core ended the answer before it began")
    return first.head


def headers_of(head: ProxyHead, exchange: Exchange) -> Iterable[tuple[bytes, bytes]]:
    """The provider's, and the gateway's id of the request; clients of the provider look for the provider's own."""
    names = set()
    for header in head.headers:
        name = header.name.encode("latin-1")
        if name in WRITTEN_BY_SERVER or (name == b"content-length" and head.status in BODILESS):
            continue
        names.add(name)
        yield name, header.value.encode("latin-1")
        if name == b"content-type" and header.value.startswith("text/event-stream"):
            yield b"x-accel-buffering", b"no"
    request_id = exchange.request_id.encode()
    if b"x-request-id" not in names:
        yield b"x-request-id", request_id
    yield b"x-dragoman-request-id", request_id
    yield b"x-dragoman-provider", str(exchange.details["provider"]).encode("latin-1", "replace")


async def relay(call: ProxyCall, provider: str, exchange: Exchange) -> None:
    """Raises grpc.aio.AioRpcError when the provider breaks off: the answer then stays without its end."""
    while isinstance(message := await call.read(), ProxyResponse):
        if message.HasField("end"):
            note(message.end, provider, exchange)
        else:
            await exchange.write(message.body, more=True)
    await exchange.write(b"", more=False)


def note(end: ProxyEnd, provider: str, exchange: Exchange) -> None:
    """For the access log: what it took."""
    exchange.details.update(input_tokens=end.usage.input_tokens, output_tokens=end.usage.output_tokens)
    if end.usage.HasField("cost"):
        exchange.details["cost"] = end.usage.cost.total_usd
    if end.model:
        exchange.details["model"] = f"{provider}/{end.model}"


def text(raw: bytes) -> str:
    return raw.decode("latin-1")


API = Api(
    name="proxy",
    title="a provider's own API, untouched",
    server=SERVER,
    more={PREFIX + "{provider/path:path}": dict.fromkeys(METHODS, Proxy)},
)
