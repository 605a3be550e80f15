"""The core as endpoints call it: on behalf of an HTTP client, with its keys, for as long as it is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import grpc

from dragoman.v1.calls_pb2 import GetCallRequest, GetCallResponse
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.models_pb2 import ListModelsRequest, ListModelsResponse
from dragoman.v1.proxy_pb2 import ProxyRequest, ProxyResponse, ProxyStreamRequest, ProxyStreamResponse
from dragoman.v1.records_pb2 import (
    DeleteRecordRequest,
    GetRecordRequest,
    GetRecordResponse,
    ListRecordsRequest,
    ListRecordsResponse,
    PutRecordRequest,
    Record,
)
from dragoman.v1.stream_pb2 import StreamRequest, StreamResponse
from dragoman.v1.tokens_pb2 import CountTokensRequest, CountTokensResponse
from http_facade.call_metadata import KeyPlaces, Metadata, call_metadata
from http_facade.exchange import Exchange
from http_facade.watch import Cancellable, Watch, Watches

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
Unary: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT]"
StreamCall = grpc.aio.UnaryStreamCall[StreamRequest, StreamResponse]
ProxyStreamCall = grpc.aio.StreamStreamCall[ProxyStreamRequest, ProxyStreamResponse]
ProxyCall = grpc.aio.UnaryStreamCall[ProxyRequest, ProxyResponse] | ProxyStreamCall


@dataclass(frozen=True, slots=True)
class Limits:
    """What the facade allows a request. Sizes in bytes, times in seconds."""

    body_bytes: int = 50_000_000
    header_bytes: int = 65_536
    timeout_s: float | None = 600.0
    """How long an answer is waited for; None: the core alone decides."""
    keep_alive_s: float = 15.0
    """Silence after which a stream gets a keep-alive; 0: never."""


class Core:
    """Calls that end when their client goes away. Raises GatewayError, grpc.aio.AioRpcError and ClientGone."""

    def __init__(self, stub: GatewayServiceAsyncStub, limits: Limits, key_places: KeyPlaces | None = None) -> None:
        self.limits = limits
        self._key_places = key_places or {}
        self._stub = stub
        self._watches = Watches()

    def metadata(self, exchange: Exchange) -> Metadata:
        """What a call carries on behalf of this request. Raises GatewayError."""
        return call_metadata(exchange, self._key_places)

    def watch(self, call: Cancellable, exchange: Exchange) -> Watch:
        return Watch(exchange, call, self._watches)

    async def chat(self, chat: ChatRequest, exchange: Exchange) -> ChatResponse:
        return await self._watched(self._stub.Chat, chat, exchange)

    def stream(self, chat: ChatRequest, exchange: Exchange) -> StreamCall:
        """The caller watches it, and reads it to its end or cancels it."""
        return self._stub.Stream(StreamRequest(chat=chat), timeout=self.limits.timeout_s, metadata=self.metadata(exchange))

    def proxy(self, request: ProxyRequest, exchange: Exchange) -> ProxyCall:
        """The caller watches it, and reads it to its end or cancels it."""
        return self._stub.Proxy(request, timeout=self.limits.timeout_s, metadata=self.metadata(exchange))

    def proxy_stream(self, requests: AsyncIterator[ProxyStreamRequest], exchange: Exchange) -> ProxyStreamCall:
        """As proxy."""
        return self._stub.ProxyStream(requests, timeout=self.limits.timeout_s, metadata=self.metadata(exchange))

    async def count_tokens(self, chat: ChatRequest, exchange: Exchange) -> CountTokensResponse:
        return await self._watched(self._stub.CountTokens, CountTokensRequest(chat=chat), exchange)

    async def list_models(self, request: ListModelsRequest, exchange: Exchange) -> ListModelsResponse:
        return await self._watched(self._stub.ListModels, request, exchange)

    async def get_call(self, request: GetCallRequest, exchange: Exchange) -> GetCallResponse:
        return await self._watched(self._stub.GetCall, request, exchange)

    async def put_record(self, record: Record, exchange: Exchange) -> None:
        """Also when the client is gone: what it asked for is done by then."""
        await self._unwatched(self._stub.PutRecord, PutRecordRequest(record=record), exchange)

    async def get_record(self, request: GetRecordRequest, exchange: Exchange) -> GetRecordResponse:
        return await self._unwatched(self._stub.GetRecord, request, exchange)

    async def delete_record(self, request: DeleteRecordRequest, exchange: Exchange) -> None:
        await self._unwatched(self._stub.DeleteRecord, request, exchange)

    async def list_records(self, request: ListRecordsRequest, exchange: Exchange) -> ListRecordsResponse:
        return await self._unwatched(self._stub.ListRecords, request, exchange)

    async def _watched(self, method: Unary[RequestT, ResponseT], request: RequestT, exchange: Exchange) -> ResponseT:
        call = method(request, timeout=self.limits.timeout_s, metadata=self.metadata(exchange))
        with Watch(exchange, call, self._watches):
            return await call

    async def _unwatched(self, method: Unary[RequestT, ResponseT], request: RequestT, exchange: Exchange) -> ResponseT:
        return await method(request, timeout=self.limits.timeout_s, metadata=self.metadata(exchange))
