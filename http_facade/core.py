"""The core as endpoints call it: on behalf of an HTTP client, with its keys, for as long as it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.models_pb2 import ListModelsRequest, ListModelsResponse
from dragoman.v1.proxy_pb2 import ProxyRequest, ProxyResponse
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
from http_facade.calls import Cancellable, Watch, Watches
from http_facade.exchange import Exchange
from http_facade.limits import Limits

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

StreamCall = grpc.aio.UnaryStreamCall[StreamRequest, StreamResponse]
ProxyCall = grpc.aio.UnaryStreamCall[ProxyRequest, ProxyResponse]


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

    async def chat(self, chat: ChatRequest, exchange: Exchange) -> ChatResponse:
        call = self._stub.Chat(chat, timeout=self.limits.timeout_s, metadata=self.metadata(exchange))
        with Watch(exchange, call, self._watches):
            return await call

    def stream(self, chat: ChatRequest, exchange: Exchange) -> StreamCall:
        """The caller watches it, and reads it to its end or cancels it."""
        return self._stub.Stream(StreamRequest(chat=chat), timeout=self.limits.timeout_s, metadata=self.metadata(exchange))

    def proxy(self, wanted: ProxyRequest, exchange: Exchange) -> ProxyCall:
        """The caller watches it, and reads it to its end or cancels it."""
        return self._stub.Proxy(wanted, timeout=self.limits.timeout_s, metadata=self.metadata(exchange))

    def watch(self, call: Cancellable, exchange: Exchange) -> Watch:
        return Watch(exchange, call, self._watches)

    async def count_tokens(self, chat: ChatRequest, exchange: Exchange) -> CountTokensResponse:
        wanted = CountTokensRequest(chat=chat)
        call = self._stub.CountTokens(wanted, timeout=self.limits.timeout_s, metadata=self.metadata(exchange))
        with Watch(exchange, call, self._watches):
            return await call

    async def list_models(self, wanted: ListModelsRequest, exchange: Exchange) -> ListModelsResponse:
        call = self._stub.ListModels(wanted, timeout=self.limits.timeout_s, metadata=self.metadata(exchange))
        with Watch(exchange, call, self._watches):
            return await call

    async def put_record(self, record: Record, exchange: Exchange) -> None:
        """Also when the client is gone: what it asked for is done by then."""
        await self._stub.PutRecord(
            PutRecordRequest(record=record), timeout=self.limits.timeout_s, metadata=self.metadata(exchange)
        )

    async def get_record(self, wanted: GetRecordRequest, exchange: Exchange) -> GetRecordResponse:
        return await self._stub.GetRecord(wanted, timeout=self.limits.timeout_s, metadata=self.metadata(exchange))

    async def delete_record(self, wanted: DeleteRecordRequest, exchange: Exchange) -> None:
        await self._stub.DeleteRecord(wanted, timeout=self.limits.timeout_s, metadata=self.metadata(exchange))

    async def list_records(self, wanted: ListRecordsRequest, exchange: Exchange) -> ListRecordsResponse:
        return await self._stub.ListRecords(wanted, timeout=self.limits.timeout_s, metadata=self.metadata(exchange))
