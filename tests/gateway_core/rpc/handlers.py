"""Servicers made of functions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

from dragoman.v1.calls_pb2 import GetCallRequest, GetCallResponse
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.gateway_pb2_grpc import GatewayServiceServicer
from dragoman.v1.keys_pb2 import CheckKeyRequest, CheckKeyResponse
from dragoman.v1.models_pb2 import ListModelsRequest, ListModelsResponse
from dragoman.v1.proxy_pb2 import ProxyRequest, ProxyResponse, ProxyStreamRequest, ProxyStreamResponse
from dragoman.v1.records_pb2 import (
    DeleteRecordRequest,
    DeleteRecordResponse,
    GetRecordRequest,
    GetRecordResponse,
    ListRecordsRequest,
    ListRecordsResponse,
    PutRecordRequest,
    PutRecordResponse,
)
from dragoman.v1.stream_pb2 import StreamRequest, StreamResponse
from dragoman.v1.tokens_pb2 import CountTokensRequest, CountTokensResponse

Context: TypeAlias = Any
"""grpc.aio.ServicerContext; tests ask it for more than its types know."""
ChatHandler: TypeAlias = Callable[[ChatRequest, Context], Awaitable[ChatResponse]]
StreamHandler: TypeAlias = Callable[[StreamRequest, Context], AsyncGenerator[StreamResponse, None]]
Requests: TypeAlias = AsyncIterator[ProxyStreamRequest]
BothHandler: TypeAlias = Callable[[Requests, Context], AsyncGenerator[ProxyStreamResponse, None]]


async def no_chat(request: ChatRequest, context: Context) -> ChatResponse:
    return ChatResponse()


async def no_stream(request: StreamRequest, context: Context) -> AsyncGenerator[StreamResponse, None]:
    yield StreamResponse()


async def no_both(requests: Requests, context: Context) -> AsyncGenerator[ProxyStreamResponse, None]:
    yield ProxyStreamResponse()


class Handlers(GatewayServiceServicer):
    def __init__(self, chat: ChatHandler = no_chat, stream: StreamHandler = no_stream, both: BothHandler = no_both) -> None:
        """both: with many requests and many answers."""
        self._chat = chat
        self._stream = stream
        self._both = both

    async def Chat(self, request: ChatRequest, context: Context) -> ChatResponse:
        return await self._chat(request, context)

    async def Stream(self, request: StreamRequest, context: Context) -> AsyncGenerator[StreamResponse, None]:
        messages = self._stream(request, context)
        try:
            async for message in messages:
                yield message
        finally:
            await messages.aclose()

    async def CountTokens(self, request: CountTokensRequest, context: Context) -> CountTokensResponse:
        return CountTokensResponse()

    async def ListModels(self, request: ListModelsRequest, context: Context) -> ListModelsResponse:
        return ListModelsResponse()

    async def PutRecord(self, request: PutRecordRequest, context: Context) -> PutRecordResponse:
        return PutRecordResponse()

    async def GetRecord(self, request: GetRecordRequest, context: Context) -> GetRecordResponse:
        return GetRecordResponse()

    async def DeleteRecord(self, request: DeleteRecordRequest, context: Context) -> DeleteRecordResponse:
        return DeleteRecordResponse()

    async def ListRecords(self, request: ListRecordsRequest, context: Context) -> ListRecordsResponse:
        return ListRecordsResponse()

    async def Proxy(self, request: ProxyRequest, context: Context) -> AsyncGenerator[ProxyResponse, None]:
        yield ProxyResponse()

    async def ProxyStream(self, request_iterator: Requests, context: Context) -> AsyncGenerator[ProxyStreamResponse, None]:
        messages = self._both(request_iterator, context)
        try:
            async for message in messages:
                yield message
        finally:
            await messages.aclose()

    async def GetCall(self, request: GetCallRequest, context: Context) -> GetCallResponse:
        return GetCallResponse()

    async def CheckKey(self, request: CheckKeyRequest, context: Context) -> CheckKeyResponse:
        return CheckKeyResponse()


class Waiting:
    """Handlers that wait for ever. `begun` and `ended` are set when they do so, `go_on` lets them end."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()
        self.go_on = asyncio.Event()
        self.handlers = Handlers(self.chat, self.stream)

    async def chat(self, request: ChatRequest, context: Context) -> ChatResponse:
        await self._wait()
        return ChatResponse(id="late")

    async def stream(self, request: StreamRequest, context: Context) -> AsyncGenerator[StreamResponse, None]:
        try:
            yield StreamResponse()
            await self._wait()
            yield StreamResponse()
        finally:
            self.ended.set()

    async def _wait(self) -> None:
        self.begun.set()
        try:
            await self.go_on.wait()
        finally:
            self.ended.set()
