"""The service as gRPC serves it: opens each call, authenticates its caller, settles it, packs its failure into a status."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Any, Never, Protocol, TypeAlias, TypeVar

import grpc

from dragoman.metadata import BYOK_KEY, CALL_ID, REQUEST_ID
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
from gateway_core.call import ANONYMOUS, UNAUTHENTICATED, Call, Caller
from gateway_core.deadline import Clock, Deadline
from gateway_core.rpc.interceptors import ObservedContext, deadline_passed
from gateway_core.rpc.received import MetadataReader, Received
from gateway_core.settings.contexts import KeyPlace
from gateway_dialects.kit.dialect import Secret

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
Context: TypeAlias = grpc.aio.ServicerContext[RequestT, ResponseT]
AnyContext: TypeAlias = grpc.aio.ServicerContext[Any, Any]

Authenticate: TypeAlias = Callable[[Sequence[str]], Caller]
"""(the keys that were presented) -> their owner. Raises GatewayError."""

_log = logging.getLogger("dragoman.grpc")


class Records(Protocol):
    """The records that clients store. Every method raises GatewayError."""

    async def put(self, request: PutRecordRequest, call: Call) -> PutRecordResponse: ...

    async def get(self, request: GetRecordRequest, call: Call) -> GetRecordResponse: ...

    async def delete(self, request: DeleteRecordRequest, call: Call) -> DeleteRecordResponse: ...

    async def page(self, request: ListRecordsRequest, call: Call) -> ListRecordsResponse: ...


class Gateway(Protocol):
    """What is served. Every method raises GatewayError; any other exception is a fault of ours."""

    async def chat(self, request: ChatRequest, call: Call) -> ChatResponse: ...

    def stream(self, request: ChatRequest, call: Call) -> AsyncGenerator[StreamResponse, None]:
        """It is closed, whatever happens: aclose() is awaited before the call ends."""

    async def count_tokens(self, request: ChatRequest, call: Call) -> CountTokensResponse: ...

    async def list_models(self, request: ListModelsRequest, call: Call) -> ListModelsResponse: ...

    def proxy(self, request: ProxyRequest, call: Call) -> AsyncGenerator[ProxyResponse, None]:
        """It is closed as stream is."""

    def proxy_stream(self, requests: AsyncIterator[ProxyStreamRequest], call: Call) -> AsyncGenerator[ProxyResponse, None]:
        """As proxy."""

    async def get_call(self, request: GetCallRequest, call: Call) -> GetCallResponse: ...

    def settle(self, call: Call, reason: Reason | None = None) -> None:
        """End the call. Called for every call, whatever happened; does nothing for one that has ended."""

    @property
    def records(self) -> Records: ...


class GatewayServicer(GatewayServiceServicer):
    """GatewayService, on a socket or in this process.

    Requests are only read, never changed: in this process they are the client's own objects. The ids of the request and of
    the call go back in the initial metadata, so that a client knows them before the answer, and when the answer never comes.
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
        self.gateway = gateway
        self._authenticate = authenticate
        self._total_timeout_s = total_timeout_s
        self._metadata = MetadataReader(key_places or {})
        self._clock = clock

    async def Chat(  # noqa: N802
        self, request: ChatRequest, context: Context[ChatRequest, ChatResponse]
    ) -> ChatResponse:
        async with Serving(self, context, "Chat", request.model) as call:
            return await self.gateway.chat(request, call)

    async def Stream(  # noqa: N802
        self, request: StreamRequest, context: Context[StreamRequest, StreamResponse]
    ) -> AsyncGenerator[StreamResponse, None]:
        async with (
            Serving(self, context, "Stream", request.chat.model) as call,
            aclosing(self.gateway.stream(request.chat, call)) as batches,
        ):
            async for batch in batches:
                yield batch

    async def CountTokens(  # noqa: N802
        self, request: CountTokensRequest, context: Context[CountTokensRequest, CountTokensResponse]
    ) -> CountTokensResponse:
        async with Serving(self, context, "CountTokens", request.chat.model) as call:
            return await self.gateway.count_tokens(request.chat, call)

    async def ListModels(  # noqa: N802
        self, request: ListModelsRequest, context: Context[ListModelsRequest, ListModelsResponse]
    ) -> ListModelsResponse:
        async with Serving(self, context, "ListModels") as call:
            return await self.gateway.list_models(request, call)

    async def Proxy(  # noqa: N802
        self, request: ProxyRequest, context: Context[ProxyRequest, ProxyResponse]
    ) -> AsyncGenerator[ProxyResponse, None]:
        async with Serving(self, context, "Proxy") as call, aclosing(self.gateway.proxy(request, call)) as messages:
            async for message in messages:
                yield message

    async def ProxyStream(  # noqa: N802
        self,
        request_iterator: AsyncIterator[ProxyStreamRequest],
        context: Context[ProxyStreamRequest, ProxyStreamResponse],
    ) -> AsyncGenerator[ProxyStreamResponse, None]:
        async with (
            Serving(self, context, "ProxyStream") as call,
            aclosing(self.gateway.proxy_stream(request_iterator, call)) as messages,
        ):
            async for message in messages:
                yield ProxyStreamResponse(response=message)

    async def GetCall(  # noqa: N802
        self, request: GetCallRequest, context: Context[GetCallRequest, GetCallResponse]
    ) -> GetCallResponse:
        async with Serving(self, context, "GetCall") as call:
            return await self.gateway.get_call(request, call)

    async def PutRecord(  # noqa: N802
        self, request: PutRecordRequest, context: Context[PutRecordRequest, PutRecordResponse]
    ) -> PutRecordResponse:
        async with Serving(self, context, "PutRecord") as call:
            return await self.gateway.records.put(request, call)

    async def GetRecord(  # noqa: N802
        self, request: GetRecordRequest, context: Context[GetRecordRequest, GetRecordResponse]
    ) -> GetRecordResponse:
        async with Serving(self, context, "GetRecord") as call:
            return await self.gateway.records.get(request, call)

    async def DeleteRecord(  # noqa: N802
        self, request: DeleteRecordRequest, context: Context[DeleteRecordRequest, DeleteRecordResponse]
    ) -> DeleteRecordResponse:
        async with Serving(self, context, "DeleteRecord") as call:
            return await self.gateway.records.delete(request, call)

    async def ListRecords(  # noqa: N802
        self, request: ListRecordsRequest, context: Context[ListRecordsRequest, ListRecordsResponse]
    ) -> ListRecordsResponse:
        async with Serving(self, context, "ListRecords") as call:
            return await self.gateway.records.page(request, call)

    def open(self, context: AnyContext, operation: str, model: str) -> tuple[Call, Received]:
        """A call that is not authenticated yet, and its metadata."""
        received = self._metadata.read(context.invocation_metadata() or ())
        given: float | None = context.time_remaining()
        limits = [seconds for seconds in (given, self._total_timeout_s) if seconds is not None]
        call = Call(
            received.request_id,
            Deadline.after(min(limits) if limits else None, self._clock),
            UNAUTHENTICATED,
            metadata=received.metadata,
            context=received.context,
            byok=received.byok,
            operation=operation,
            model=model,
        )
        return call, received

    def authenticate(self, received: Received) -> Caller:
        """Raises GatewayError for a missing or unknown key."""
        try:
            caller = self._authenticate(received.keys)
        except GatewayError as failure:
            if failure.reason is Reason.MISSING_API_KEY and (place := self._metadata.place_in(received.context)):
                failure.message = f"the context {received.context} needs a gateway key in {place}"
            raise
        if caller is not ANONYMOUS and received.byok.key:
            self._refuse_gateway_key(received.byok.key)
        return caller

    def _refuse_gateway_key(self, key: Secret) -> None:
        """No gateway key goes to a provider, not even one that its owner takes for the provider's."""
        try:
            self._authenticate((key.reveal(),))
        except GatewayError:
            return
        raise invalid(BYOK_KEY, f"{BYOK_KEY} is a key of this gateway, not the provider's")


class Serving:
    """One call while it is served: opened and authenticated on entry; on exit settled, whatever happened, and a failure
    packed into a status."""

    __slots__ = ("_call", "_context", "_model", "_operation", "_servicer")

    def __init__(self, servicer: GatewayServicer, context: AnyContext, operation: str, model: str = "") -> None:
        self._servicer = servicer
        self._context = context
        self._operation = operation
        self._model = model
        self._call: Call | None = None

    async def __aenter__(self) -> Call:
        call, received = self._servicer.open(self._context, self._operation, self._model)
        self._call = call
        if isinstance(self._context, ObservedContext):
            self._context.call = call
        await self._context.send_initial_metadata(((REQUEST_ID, call.request_id), (CALL_ID, call.id)))
        try:
            call.caller = self._servicer.authenticate(received)
        except Exception as error:
            await self._fail(call, error)
        return call

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        call = self._call
        assert call is not None
        if error is None:
            self._servicer.gateway.settle(call)
        elif isinstance(error, Exception):
            await self._fail(call, error)
        else:
            # A CancelledError where the call awaits, or a GeneratorExit between two messages.
            over = deadline_passed(self._context)
            self._servicer.gateway.settle(call, Reason.DEADLINE_EXCEEDED if over else Reason.CANCELLED)

    async def _fail(self, call: Call, error: Exception) -> Never:
        if isinstance(error, GatewayError):
            failure = error
        else:
            _log.error("call %s failed", call.request_id, exc_info=error)
            message = f"the gateway failed; its log tells why under the request id {call.request_id}"
            failure = GatewayError(Reason.INTERNAL, message, trace=call.route if call.route.attempts else None)
        self._servicer.gateway.settle(call, failure.reason)
        await self._context.abort(*pack(failure))
        raise AssertionError("abort raises")
