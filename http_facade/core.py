"""The core as endpoints call it: on behalf of an HTTP client, with its keys, for as long as it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import grpc

from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.models_pb2 import ListModelsRequest, ListModelsResponse
from dragoman.v1.proxy_pb2 import ProxyRequest, ProxyResponse
from dragoman.v1.stream_pb2 import StreamRequest, StreamResponse
from dragoman.v1.tokens_pb2 import CountTokensRequest, CountTokensResponse
from http_facade.calls import Cancellable, Watch, Watches
from http_facade.exchange import Exchange
from http_facade.limits import Limits

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

StreamCall = grpc.aio.UnaryStreamCall[StreamRequest, StreamResponse]
ProxyCall = grpc.aio.UnaryStreamCall[ProxyRequest, ProxyResponse]

KEY_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
"""Where clients put the gateway's key. Each SDK has a habit of its own, and some fill two of them; the core takes whichever
holds a key that it knows."""
LONGEST_KEY = 1024


class Core:
    """Calls that end when their client goes away. Raises Failure, grpc.aio.AioRpcError and ClientGone."""

    def __init__(self, stub: GatewayServiceAsyncStub, limits: Limits) -> None:
        self.limits = limits
        self._stub = stub
        self._watches = Watches()

    async def chat(self, chat: ChatRequest, exchange: Exchange) -> ChatResponse:
        call = self._stub.Chat(chat, timeout=self.limits.timeout_s, metadata=call_metadata(exchange))
        with Watch(exchange, call, self._watches):
            return await call

    def stream(self, chat: ChatRequest, exchange: Exchange) -> StreamCall:
        """The caller watches it, and reads it to its end or cancels it."""
        return self._stub.Stream(StreamRequest(chat=chat), timeout=self.limits.timeout_s, metadata=call_metadata(exchange))

    def proxy(self, wanted: ProxyRequest, exchange: Exchange) -> ProxyCall:
        """The caller watches it, and reads it to its end or cancels it."""
        return self._stub.Proxy(wanted, timeout=self.limits.timeout_s, metadata=call_metadata(exchange))

    def watch(self, call: Cancellable, exchange: Exchange) -> Watch:
        return Watch(exchange, call, self._watches)

    async def count_tokens(self, chat: ChatRequest, exchange: Exchange) -> CountTokensResponse:
        wanted = CountTokensRequest(chat=chat)
        call = self._stub.CountTokens(wanted, timeout=self.limits.timeout_s, metadata=call_metadata(exchange))
        with Watch(exchange, call, self._watches):
            return await call

    async def list_models(self, wanted: ListModelsRequest, exchange: Exchange) -> ListModelsResponse:
        call = self._stub.ListModels(wanted, timeout=self.limits.timeout_s, metadata=call_metadata(exchange))
        with Watch(exchange, call, self._watches):
            return await call


def call_metadata(exchange: Exchange) -> list[tuple[str, str]]:
    """What the core needs of the HTTP request: its id and the client's keys."""
    metadata = [("x-request-id", exchange.request_id)]
    for name in KEY_HEADERS:
        if (key := exchange.header(name.encode())) is not None:
            metadata.append((name, carried(key)))
    if b"key=" in exchange.scope["query_string"] and (key := exchange.query().get("key")):
        metadata.append(("x-goog-api-key", carried(key)))
    return metadata


def carried(key: str) -> str:
    """gRPC carries printable ASCII only, and 8 KiB in all. No gateway key is other, and in this form it is none either."""
    return key if key.isascii() and key.isprintable() and len(key) <= LONGEST_KEY else quote(key)[:LONGEST_KEY]
