"""The service as gRPC serves it: opens each call, authenticates its caller, settles it, packs its failure into a status."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple, Never, Protocol, TypeAlias, TypeVar

import grpc

from dragoman.in_flight import InFlight
from dragoman.metadata import (
    BYOK_KEY,
    BYOK_NAMES,
    CALL_ID,
    CONTEXT,
    KEY_NAMES,
    PROVIDER,
    PROVIDER_API_KEY,
    PROVIDER_URL,
    REQUEST_ID,
    bearer,
    first_value,
    is_request_id,
)
from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.status import PackedStatus, pack
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
from gateway_core.call import ANONYMOUS, NO_CREDENTIALS, UNAUTHENTICATED, ByokCredentials, Call, Caller, Clock, Deadline
from gateway_core.rpc.interceptors import ObservedContext, deadline_passed
from gateway_core.settings.contexts import KeyPlace
from gateway_core.settings.server import ServerSettings
from gateway_dialects.kit.dialect import Secret

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

Authenticate: TypeAlias = Callable[[Sequence[str]], Caller]
"""(the keys that were presented) -> their owner. Raises GatewayError."""

SECRET_METADATA = frozenset({"proxy-authorization", "cookie"})
"""May hold other secrets, and never becomes part of a Call."""

LARGEST_TRAILER = 8000
"""Bytes. Many clients refuse more than 8 KiB."""
PAIR_OVERHEAD = 32
"""Of a pair of metadata (RFC 9113, section 6.5.2)."""
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
        in_flight: InFlight | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        """total_timeout_s: the longest that a call may take, whatever deadline its client gives. key_places: the only place
        where a gateway key counts, by context. in_flight: counts by key; None: the defaults of the settings."""
        self.gateway = gateway
        self._authenticate = authenticate
        self._total_timeout_s = total_timeout_s
        self._metadata = MetadataReader(key_places or {})
        default = ServerSettings()
        self._in_flight = in_flight or InFlight(default.max_calls, default.max_calls_per_key, "key")
        self._clock = clock
        self._no_deadline = Deadline(None, clock)

    def admits(self, metadata: Iterable[tuple[str, str | bytes]]) -> bool:
        """Whether a call with this metadata has a key where one is needed."""
        try:
            self._caller(self._metadata.read(metadata))
        except GatewayError:
            return False
        return True

    async def refuse(self, context: Context, operation: str) -> None:
        """Abort a call that is not admitted, with the reason."""
        await self._open(context, operation)

    async def Chat(self, request: ChatRequest, context: Context) -> ChatResponse:
        return await self._answer(context, "Chat", self.gateway.chat, request, request.model)

    async def Stream(self, request: StreamRequest, context: Context) -> AsyncGenerator[StreamResponse, None]:
        call = await self._open(context, "Stream", request.chat.model)
        try:
            async with aclosing(self.gateway.stream(request.chat, call)) as batches:
                async for batch in batches:
                    yield batch
        except BaseException as error:
            await self._fail(call, context, error)
        send_limits(call, context)
        self._settle(call)

    async def CountTokens(self, request: CountTokensRequest, context: Context) -> CountTokensResponse:
        return await self._answer(context, "CountTokens", self.gateway.count_tokens, request.chat, request.chat.model)

    async def ListModels(self, request: ListModelsRequest, context: Context) -> ListModelsResponse:
        return await self._answer(context, "ListModels", self.gateway.list_models, request)

    async def Proxy(self, request: ProxyRequest, context: Context) -> AsyncGenerator[ProxyResponse, None]:
        call = await self._open(context, "Proxy")
        try:
            async with aclosing(self.gateway.proxy(request, call)) as messages:
                async for message in messages:
                    yield message
        except BaseException as error:
            await self._fail(call, context, error)
        self._settle(call)

    async def ProxyStream(
        self, request_iterator: AsyncIterator[ProxyStreamRequest], context: Context
    ) -> AsyncGenerator[ProxyStreamResponse, None]:
        call = await self._open(context, "ProxyStream")
        try:
            async with aclosing(self.gateway.proxy_stream(request_iterator, call)) as messages:
                async for message in messages:
                    yield ProxyStreamResponse(response=message)
        except BaseException as error:
            await self._fail(call, context, error)
        self._settle(call)

    async def GetCall(self, request: GetCallRequest, context: Context) -> GetCallResponse:
        return await self._answer(context, "GetCall", self.gateway.get_call, request)

    async def PutRecord(self, request: PutRecordRequest, context: Context) -> PutRecordResponse:
        return await self._answer(context, "PutRecord", self.gateway.records.put, request)

    async def GetRecord(self, request: GetRecordRequest, context: Context) -> GetRecordResponse:
        return await self._answer(context, "GetRecord", self.gateway.records.get, request)

    async def DeleteRecord(self, request: DeleteRecordRequest, context: Context) -> DeleteRecordResponse:
        return await self._answer(context, "DeleteRecord", self.gateway.records.delete, request)

    async def ListRecords(self, request: ListRecordsRequest, context: Context) -> ListRecordsResponse:
        return await self._answer(context, "ListRecords", self.gateway.records.page, request)

    async def CheckKey(self, request: CheckKeyRequest, context: Context) -> CheckKeyResponse:
        async def answer(request: CheckKeyRequest, call: Call) -> CheckKeyResponse:
            return CheckKeyResponse(caller=call.caller.name, anonymous=call.caller is ANONYMOUS)

        return await self._answer(context, "CheckKey", answer, request)

    async def _answer(
        self,
        context: Context,
        operation: str,
        answer: Callable[[RequestT, Call], Awaitable[ResponseT]],
        request: RequestT,
        model: str = "",
    ) -> ResponseT:
        """One call with one answer. It is settled, whatever happens."""
        call = await self._open(context, operation, model)
        try:
            response = await answer(request, call)
        except BaseException as error:
            await self._fail(call, context, error)
        send_limits(call, context)
        self._settle(call)
        return response

    async def _open(self, context: Context, operation: str, model: str = "") -> Call:
        """A call of an authenticated caller, whose ids the client knows. Aborts with the status of a missing or unknown
        key."""
        received = self._metadata.read(context.invocation_metadata() or ())
        seconds: float | None = context.time_remaining()
        if self._total_timeout_s is not None and (seconds is None or self._total_timeout_s < seconds):
            seconds = self._total_timeout_s
        call = Call(
            received.request_id,
            self._no_deadline if seconds is None else Deadline(self._clock() + seconds, self._clock),
            UNAUTHENTICATED,
            metadata=received.metadata,
            context=received.context,
            byok=received.byok,
            operation=operation,
            model=model,
        )
        if isinstance(context, ObservedContext):
            context.call = call
        await context.send_initial_metadata(((REQUEST_ID, call.request_id), (CALL_ID, call.id)))
        try:
            call.caller = self._caller(received)
            # Nothing is awaited from here until the caller settles the call, so that it is never counted for ever.
            self._in_flight.enter(call.caller.name)
        except Exception as error:
            await self._fail(call, context, error)
        call.in_flight = True
        return call

    def _settle(self, call: Call, reason: Reason | None = None) -> None:
        if call.in_flight:
            call.in_flight = False
            self._in_flight.leave(call.caller.name)
        self.gateway.settle(call, reason)

    async def _fail(self, call: Call, context: Context, error: BaseException) -> Never:
        """Settle a failed call, and pack its failure into a status."""
        if not isinstance(error, Exception):
            # A CancelledError where the call awaits, or a GeneratorExit between two messages.
            self._settle(call, Reason.DEADLINE_EXCEEDED if deadline_passed(context) else Reason.CANCELLED)
            raise error
        if isinstance(error, GatewayError):
            failure = error
        else:
            _log.error("call %s failed", call.request_id, exc_info=error)
            message = f"the gateway failed; its log tells why under the request id {call.request_id}"
            failure = GatewayError(Reason.INTERNAL, message, trace=call.route if call.route.attempts else None)
        packed = pack(failure)
        trailer = (*packed.trailer, *limits_beside(packed, call))
        self._settle(call, failure.reason)
        await context.abort(packed.code, packed.message, trailer)
        raise AssertionError("abort raises")

    def _caller(self, received: Received) -> Caller:
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


def send_limits(call: Call, context: Context) -> None:
    """The rate limits that the provider reported, in the trailing metadata of a gRPC client. The facade reads the route."""
    if not call.api and (limits := call.route.rate_limit_headers):
        context.set_trailing_metadata(tuple(limits.items()))


def limits_beside(packed: PackedStatus, call: Call) -> Iterator[tuple[str, str]]:
    """The rate limits that fit beside the status of a failure: a client learns nothing of one that is too large."""
    if call.api:
        return
    left = LARGEST_TRAILER - 3 * len(packed.message.encode()) - sum(4 * len(value) // 3 for _, value in packed.trailer)
    for name, value in call.route.rate_limit_headers.items():
        left -= len(name) + len(value) + PAIR_OVERHEAD
        if left < 0:
            return
        yield name, value


class Received(NamedTuple):
    """The metadata of a call."""

    request_id: str
    """The client's own where it is valid, so that its logs and ours agree. Empty: it gave none."""
    keys: Sequence[str]
    """All values that may be a gateway key, in the order in which they came."""
    metadata: Mapping[str, str]
    """Text metadata without secrets."""
    byok: ByokCredentials = NO_CREDENTIALS

    @property
    def context(self) -> str:
        return self.metadata.get(CONTEXT, "")


class MetadataReader:
    """Knows where the clients of each context put their keys."""

    def __init__(self, key_places: Mapping[str, KeyPlace]) -> None:
        """key_places: by context. In others, and in none, a key counts wherever it is found."""
        self._places = key_places
        self._placed = frozenset(
            name for place in key_places.values() for name in (place.header, place.query.lower()) if name
        )
        self._special = self._placed | SECRET_METADATA.union(KEY_NAMES, BYOK_NAMES)

    def read(self, pairs: Iterable[tuple[str, str | bytes]]) -> Received:
        """authorization in another form than Bearer KEY counts as a bare key: some clients send it so."""
        metadata: dict[str, str] = {}
        keys: list[str] = []
        given: dict[str, str] = {}
        placed: list[tuple[str, str]] = []
        for name, value in pairs:
            if isinstance(value, bytes):
                continue
            if name not in self._special:
                metadata[name] = value
                continue
            if name in self._placed:
                placed.append((name, value))
            if name in KEY_NAMES:
                keys.append(bearer(value) if name == "authorization" else value)
            elif name in BYOK_NAMES:
                given[name] = value
        place = self._places.get(metadata.get(CONTEXT, ""))
        found = keys if place is None else [key for key in place.keys_in(placed) if key]
        request_id = metadata.get(REQUEST_ID, "")
        if not is_request_id(request_id):
            request_id = ""
        return Received(request_id, found, metadata, read_credentials(given) if given else NO_CREDENTIALS)

    def place_in(self, context: str) -> KeyPlace | None:
        """The only place where a key counts in this context; None: it counts everywhere."""
        return self._places.get(context)


def read_credentials(found: Mapping[str, str]) -> ByokCredentials:
    provider, url, key = (first_value(name, found) for name in (PROVIDER, PROVIDER_URL, PROVIDER_API_KEY))
    return ByokCredentials(provider, url, Secret(bearer(key))) if provider or url or key else NO_CREDENTIALS
