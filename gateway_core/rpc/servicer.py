"""The service as gRPC sees it: who calls, until when, under which name; and the status of what failed."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Never, Protocol, TypeAlias, TypeVar

import grpc

from dragoman.metadata import REQUEST_ID
from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.status import pack
from dragoman.v1.calls_pb2 import GetCallRequest, GetCallResponse
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.gateway_pb2_grpc import GatewayServiceServicer
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
from gateway_core.call import ANONYMOUS, Call, Caller
from gateway_core.deadline import Clock, Deadline
from gateway_core.rpc.interceptors import ObservedContext
from gateway_core.rpc.received import MetadataReader, Received
from gateway_core.settings.contexts import KeyPlace
from gateway_dialects.kit.dialect import Secret

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
Context: TypeAlias = grpc.aio.ServicerContext[RequestT, ResponseT]

Authenticate: TypeAlias = Callable[[Sequence[str]], Caller]
"""(the keys that were presented) -> whose they are. Raises GatewayError."""

_log = logging.getLogger("dragoman.grpc")


class Records(Protocol):
    """What is kept for callers. Every method raises GatewayError."""

    async def put(self, request: PutRecordRequest, call: Call) -> PutRecordResponse: ...

    async def get(self, request: GetRecordRequest, call: Call) -> GetRecordResponse: ...

    async def delete(self, request: DeleteRecordRequest, call: Call) -> DeleteRecordResponse: ...

    async def page(self, request: ListRecordsRequest, call: Call) -> ListRecordsResponse: ...


class Gateway(Protocol):
    """What is served. Every method raises GatewayError; any other exception is a fault of its own."""

    async def chat(self, request: ChatRequest, call: Call) -> ChatResponse: ...

    def stream(self, request: ChatRequest, call: Call) -> AsyncGenerator[StreamResponse, None]:
        """It is closed, whatever happens: aclose() is awaited before the call ends."""

    async def count_tokens(self, request: ChatRequest, call: Call) -> CountTokensResponse: ...

    async def list_models(self, request: ListModelsRequest, call: Call) -> ListModelsResponse: ...

    def proxy(self, request: ProxyRequest, call: Call) -> AsyncGenerator[ProxyResponse, None]:
        """It is closed as stream is."""

    def proxy_stream(self, requests: AsyncIterator[ProxyStreamRequest], call: Call) -> AsyncGenerator[ProxyResponse, None]:
        """As proxy."""

    @property
    def records(self) -> Records: ...


class GatewayServicer(GatewayServiceServicer):
    """GatewayService, on a socket or in this process.

    Requests are only read, never changed: in this process they are the client's own objects. The request id goes back in the
    initial metadata, so that a client knows it before the answer, and when the answer never comes.
    """

    def __init__(
        self,
        gateway: Gateway,
        authenticate: Authenticate,
        *,
        total_timeout_s: float | None = None,
        key_places: Mapping[str, KeyPlace] | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        """total_timeout_s: the longest that a call may take, whatever deadline its client gives. key_places: the only place
        where a gateway key counts, by context."""
        self._gateway = gateway
        self._authenticate = authenticate
        self._total_timeout_s = total_timeout_s
        self._metadata = MetadataReader(key_places or {})
        self._clock = clock

    async def Chat(  # noqa: N802
        self, request: ChatRequest, context: Context[ChatRequest, ChatResponse]
    ) -> ChatResponse:
        received = await self._accept(context)
        try:
            return await self._gateway.chat(request, self._call(context, received))
        except Exception as error:
            await _fail(context, received, error)

    async def Stream(  # noqa: N802
        self, request: StreamRequest, context: Context[StreamRequest, StreamResponse]
    ) -> AsyncGenerator[StreamResponse, None]:
        received = await self._accept(context)
        try:
            async with aclosing(self._gateway.stream(request.chat, self._call(context, received))) as batches:
                async for batch in batches:
                    yield batch
        except Exception as error:
            await _fail(context, received, error)

    async def CountTokens(  # noqa: N802
        self, request: CountTokensRequest, context: Context[CountTokensRequest, CountTokensResponse]
    ) -> CountTokensResponse:
        received = await self._accept(context)
        try:
            return await self._gateway.count_tokens(request.chat, self._call(context, received))
        except Exception as error:
            await _fail(context, received, error)

    async def ListModels(  # noqa: N802
        self, request: ListModelsRequest, context: Context[ListModelsRequest, ListModelsResponse]
    ) -> ListModelsResponse:
        received = await self._accept(context)
        try:
            return await self._gateway.list_models(request, self._call(context, received))
        except Exception as error:
            await _fail(context, received, error)

    async def Proxy(  # noqa: N802
        self, request: ProxyRequest, context: Context[ProxyRequest, ProxyResponse]
    ) -> AsyncGenerator[ProxyResponse, None]:
        received = await self._accept(context)
        try:
            async with aclosing(self._gateway.proxy(request, self._call(context, received))) as messages:
                async for message in messages:
                    yield message
        except Exception as error:
            await _fail(context, received, error)

    async def ProxyStream(  # noqa: N802
        self,
        request_iterator: AsyncIterator[ProxyStreamRequest],
        context: Context[ProxyStreamRequest, ProxyStreamResponse],
    ) -> AsyncGenerator[ProxyStreamResponse, None]:
        received = await self._accept(context)
        try:
            messages = self._gateway.proxy_stream(request_iterator, self._call(context, received))
            async with aclosing(messages):
                async for message in messages:
                    yield ProxyStreamResponse(response=message)
        except Exception as error:
            await _fail(context, received, error)

    async def PutRecord(  # noqa: N802
        self, request: PutRecordRequest, context: Context[PutRecordRequest, PutRecordResponse]
    ) -> PutRecordResponse:
        return await self._answer(context, lambda call: self._gateway.records.put(request, call))

    async def GetRecord(  # noqa: N802
        self, request: GetRecordRequest, context: Context[GetRecordRequest, GetRecordResponse]
    ) -> GetRecordResponse:
        return await self._answer(context, lambda call: self._gateway.records.get(request, call))

    async def DeleteRecord(  # noqa: N802
        self, request: DeleteRecordRequest, context: Context[DeleteRecordRequest, DeleteRecordResponse]
    ) -> DeleteRecordResponse:
        return await self._answer(context, lambda call: self._gateway.records.delete(request, call))

    async def ListRecords(  # noqa: N802
        self, request: ListRecordsRequest, context: Context[ListRecordsRequest, ListRecordsResponse]
    ) -> ListRecordsResponse:
        return await self._answer(context, lambda call: self._gateway.records.page(request, call))

    async def GetCall(  # noqa: N802
        self, request: GetCallRequest, context: Context[GetCallRequest, GetCallResponse]
    ) -> GetCallResponse:
        return await self._answer(context, lambda call: _no_call(request))

    async def _answer(
        self, context: Context[RequestT, ResponseT], work: Callable[[Call], Awaitable[ResponseT]]
    ) -> ResponseT:
        received = await self._accept(context)
        try:
            return await work(self._call(context, received))
        except Exception as error:
            await _fail(context, received, error)

    async def _accept(self, context: Context[RequestT, ResponseT]) -> Received:
        received = self._metadata.read(context.invocation_metadata() or ())
        if isinstance(context, ObservedContext):
            context.request_id = received.request_id
            context.task_id, context.environment = received.task_id, received.environment
        await context.send_initial_metadata(((REQUEST_ID, received.request_id),))
        return received

    def _call(self, context: Context[RequestT, ResponseT], received: Received) -> Call:
        """Raises GatewayError for a missing or unknown key."""
        caller = self._caller(received)
        if isinstance(context, ObservedContext):
            context.caller = caller.name
        given: float | None = context.time_remaining()
        limits = [seconds for seconds in (given, self._total_timeout_s) if seconds is not None]
        deadline = Deadline.after(min(limits), self._clock) if limits else Deadline()
        return Call(
            received.request_id,
            deadline,
            caller,
            received.metadata,
            received.context,
            received.own,
            received.task_id,
            received.environment,
        )

    def _caller(self, received: Received) -> Caller:
        try:
            caller = self._authenticate(received.keys)
        except GatewayError as failure:
            if failure.reason is Reason.MISSING_API_KEY and (place := self._metadata.place_in(received.context)):
                failure.message = f"the context {received.context} needs a gateway key in {place}"
            raise
        if caller is not ANONYMOUS and received.own.key:
            self._refuse_gateway_key(received.own.key)
        return caller

    def _refuse_gateway_key(self, key: Secret) -> None:
        """No gateway key goes to a provider, not even one that its owner takes for the provider's."""
        try:
            self._authenticate((key.reveal(),))
        except GatewayError:
            return
        raise invalid(
            "x-dragoman-provider-api-key", "x-dragoman-provider-api-key is a key of this gateway, not the provider's"
        )


async def _no_call(request: GetCallRequest) -> GetCallResponse:
    raise GatewayError(Reason.RECORD_NOT_FOUND, f"there is no call with the id {request.id!r}", field="id")


async def _fail(context: Context[RequestT, ResponseT], received: Received, error: Exception) -> Never:
    if not isinstance(error, GatewayError):
        _log.error("call %s failed", received.request_id, exc_info=error)
        message = f"the gateway failed; its log tells why under the request id {received.request_id}"
        error = GatewayError(Reason.INTERNAL, message)
    if isinstance(context, ObservedContext):
        context.error = error
    code, message, trailer = pack(error)
    await context.abort(code, message, trailer)
