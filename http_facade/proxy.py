"""A provider's own API under /proxy/PROVIDER/PATH: methods, bodies and streams pass as they are."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from urllib.parse import unquote

import grpc

from dragoman.reasons import GatewayError, Reason
from dragoman.v1 import proxy_pb2
from gateway_dialects.openai import SERVER
from http_facade.api import Api
from http_facade.core import Core, ProxyCall
from http_facade.exchange import Exchange

PREFIX = "/proxy/"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BODILESS = (204, 304)
WRITTEN_BY_SERVER = frozenset({b"date"})
"""The HTTP server's own, and once is enough."""
OF_PAGES = frozenset({b"access-control-allow-origin", b"access-control-allow-credentials", b"access-control-expose-headers"})
"""Which pages may read an answer is this gateway's to decide, not the provider's."""


class Proxy:
    """Answers with what the provider answers. If the provider breaks off, so does the answer: an error cannot be written
    inside a body that is not the gateway's."""

    def __init__(self, core: Core, api: Api) -> None:
        self._core = core

    async def __call__(self, exchange: Exchange) -> None:
        request = request_of(exchange)
        exchange.details["provider"] = request.provider
        exchange.check_length()
        request.body, more = await exchange.body_piece()
        if more:
            upload = Upload(request, exchange)
            try:
                await self._relay(self._core.proxy_stream(upload.messages(), exchange), exchange)
            except grpc.aio.AioRpcError as error:
                raise upload.failure or error from None
        else:
            await self._relay(self._core.proxy(request, exchange), exchange)

    async def _relay(self, call: ProxyCall, exchange: Exchange) -> None:
        """Raises grpc.aio.AioRpcError when the provider breaks off: the answer then stays without its end."""
        try:
            with self._core.watch(call, exchange):
                head = await head_of(call)
                await exchange.begin(head.status, list(headers_of(head, exchange)))
                while (message := await read(call)) is not None:
                    if message.HasField("end"):
                        note_end(message.end, exchange)
                    else:
                        await exchange.write(message.body, more=True)
                await exchange.write(b"", more=False)
        finally:
            call.cancel()


class Upload:
    """The messages of a request whose body is sent to the core while it arrives."""

    def __init__(self, request: proxy_pb2.ProxyRequest, exchange: Exchange) -> None:
        """request: with the first piece of the body."""
        self._request = request
        self._exchange = exchange
        self._uploaded = exchange.uploaded = asyncio.Event()
        self.failure: GatewayError | None = None
        """Why the body could not be read to its end."""

    async def messages(self) -> AsyncIterator[proxy_pb2.ProxyStreamRequest]:
        """Ends without a last message when the body breaks off."""
        first, self._request.body = self._request.body, b""
        try:
            yield proxy_pb2.ProxyStreamRequest(head=self._request)
            yield proxy_pb2.ProxyStreamRequest(body=first)
            more = True
            while more:
                piece, more = await self._exchange.body_piece()
                yield proxy_pb2.ProxyStreamRequest(body=piece)
            # Not only at the end of this generator: who reads the last message may ask for no more.
            self._uploaded.set()
            yield proxy_pb2.ProxyStreamRequest(end=True)
        except GatewayError as failure:
            self.failure = failure
        finally:
            self._uploaded.set()


def request_of(exchange: Exchange) -> proxy_pb2.ProxyRequest:
    """The request, but for its body. Its path is read as it was sent: decoded, a slash in a name would be one of a path."""
    scope = exchange.scope
    raw_path: bytes = scope["raw_path"]
    _, found, place = raw_path.decode("latin-1").partition(PREFIX)
    provider, slash, path = place.partition("/")
    if not found or not provider:
        raise GatewayError(
            Reason.INVALID_REQUEST, f"Write {PREFIX}PROVIDER/PATH, not {scope['path']}.", code="unknown_url", status=404
        )
    return proxy_pb2.ProxyRequest(
        provider=unquote(provider),
        method=scope["method"],
        path=slash + path,
        query=scope["query_string"].decode("latin-1"),
        headers=(proxy_pb2.HttpHeader(name=text(name), value=text(value)) for name, value in scope["headers"]),
    )


async def read(call: ProxyCall) -> proxy_pb2.ProxyResponse | None:
    """The next message; None at the end."""
    message = await call.read()
    if isinstance(message, proxy_pb2.ProxyStreamResponse):
        return message.response
    return message if isinstance(message, proxy_pb2.ProxyResponse) else None


async def head_of(call: ProxyCall) -> proxy_pb2.ProxyHead:
    first = await read(call)
    if first is None or not first.HasField("head"):
        raise GatewayError(Reason.STREAM_INTERRUPTED, "the core ended the answer before it began")
    return first.head


def headers_of(head: proxy_pb2.ProxyHead, exchange: Exchange) -> Iterable[tuple[bytes, bytes]]:
    """The provider's, and the gateway's id of the request; clients of the provider look for the provider's own."""
    names = set()
    for header in head.headers:
        name = header.name.encode("latin-1")
        if name in WRITTEN_BY_SERVER or name in OF_PAGES or (name == b"content-length" and head.status in BODILESS):
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


def note_end(end: proxy_pb2.ProxyEnd, exchange: Exchange) -> None:
    """For the access log: what the request consumed."""
    details = exchange.details
    details["input_tokens"], details["output_tokens"] = end.usage.input_tokens, end.usage.output_tokens
    if end.usage.HasField("cost"):
        details["cost"] = end.usage.cost.total_usd
    if end.model:
        details["model"] = f"{details['provider']}/{end.model}"


def text(raw: bytes) -> str:
    return raw.decode("latin-1")


API = Api(
    name="proxy",
    title="a provider's own API, untouched",
    server=SERVER,
    more={PREFIX + "{provider/path:path}": dict.fromkeys(METHODS, Proxy)},
)
