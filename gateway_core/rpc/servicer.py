"""The service as gRPC sees it: who calls, until when, under which name; and the status of what failed."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Never, Protocol, TypeAlias, TypeVar

import grpc

from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.gateway_pb2_grpc import GatewayServiceServicer
from dragoman.v1.models_pb2 import ListModelsRequest, ListModelsResponse
from dragoman.v1.stream_pb2 import StreamRequest, StreamResponse
from dragoman.v1.tokens_pb2 import CountTokensRequest, CountTokensResponse
from gateway_core.call import Call, Caller
from gateway_core.deadline import Clock, Deadline
from gateway_core.errors import GatewayError, Reason
from gateway_core.rpc.interceptors import ObservedContext
from gateway_core.rpc.status import REQUEST_ID, pack

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
Context: TypeAlias = grpc.aio.ServicerContext[RequestT, ResponseT]

Authenticate: TypeAlias = Callable[[Sequence[str]], Caller]
"""(the keys that were presented) -> whose they are. Raises GatewayError."""

KEY_METADATA = frozenset({"x-api-key", "api-key", "x-goog-api-key"})
"""Where a key may stand by itself, as the SDKs of the providers send it; in authorization it follows Bearer."""
SECRET_METADATA = frozenset({"proxy-authorization", "cookie"})
"""What may hold other secrets, and so never becomes part of a Call."""

_log = logging.getLogger("dragoman.grpc")
_is_sane_request_id = re.compile(r"[A-Za-z0-9._:-]{1,128}").fullmatch


class Gateway(Protocol):
    """What is served. Every method raises GatewayError; any other exception is a fault of its own."""

    async def chat(self, request: ChatRequest, call: Call) -> ChatResponse: ...

    def stream(self, request: ChatRequest, call: Call) -> AsyncGenerator[StreamResponse, None]:
        """It is closed, whatever happens: aclose() is awaited before the call ends."""

    async def count_tokens(self, request: ChatRequest, call: Call) -> CountTokensResponse: ...

    async def list_models(self, request: ListModelsRequest, call: Call) -> ListModelsResponse: ...


@dataclass(frozen=True, slots=True)
class Received:
    """What the metadata of a call says."""

    request_id: str
    """The client's own where it is sane, so that its logs and ours agree."""
    keys: Sequence[str]
    """Whatever may be a gateway key, in the order in which it came."""
    metadata: Mapping[str, str]


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
        clock: Clock = time.monotonic,
    ) -> None:
        """total_timeout_s: the longest that a call may take, whatever deadline its client gives."""
        self._gateway = gateway
        self._authenticate = authenticate
        self._total_timeout_s = total_timeout_s
        self._clock = clock

    async def Chat(  # noqa: N802
        self, request: ChatRequest, context: Context[ChatRequest, ChatResponse]
    ) -> ChatResponse:
        received = await _accept(context)
        try:
            return await self._gateway.chat(request, self._call(context, received))
        except Exception as error:
            await _fail(context, received, error)

    async def Stream(  # noqa: N802
        self, request: StreamRequest, context: Context[StreamRequest, StreamResponse]
    ) -> AsyncGenerator[StreamResponse, None]:
        received = await _accept(context)
        try:
            async with aclosing(self._gateway.stream(request.chat, self._call(context, received))) as batches:
                async for batch in batches:
                    yield batch
        except Exception as error:
            await _fail(context, received, error)

    async def CountTokens(  # noqa: N802
        self, request: CountTokensRequest, context: Context[CountTokensRequest, CountTokensResponse]
    ) -> CountTokensResponse:
        received = await _accept(context)
        try:
            return await self._gateway.count_tokens(request.chat, self._call(context, received))
        except Exception as error:
            await _fail(context, received, error)

    async def ListModels(  # noqa: N802
        self, request: ListModelsRequest, context: Context[ListModelsRequest, ListModelsResponse]
    ) -> ListModelsResponse:
        received = await _accept(context)
        try:
            return await self._gateway.list_models(request, self._call(context, received))
        except Exception as error:
            await _fail(context, received, error)

    def _call(self, context: Context[RequestT, ResponseT], received: Received) -> Call:
        """Raises GatewayError for a missing or unknown key."""
        caller = self._authenticate(received.keys)
        if isinstance(context, ObservedContext):
            context.caller = caller.name
        given: float | None = context.time_remaining()
        limits = [seconds for seconds in (given, self._total_timeout_s) if seconds is not None]
        deadline = Deadline.after(min(limits), self._clock) if limits else Deadline()
        return Call(received.request_id, deadline, caller, received.metadata)


async def _accept(context: Context[RequestT, ResponseT]) -> Received:
    received = read_metadata(context)
    if isinstance(context, ObservedContext):
        context.request_id = received.request_id
    await context.send_initial_metadata(((REQUEST_ID, received.request_id),))
    return received


def read_metadata(context: Context[RequestT, ResponseT]) -> Received:
    """What stands in authorization in another form than Bearer KEY is presented as it is, and so is refused wherever keys
    are needed."""
    metadata: dict[str, str] = {}
    keys: list[str] = []
    for name, value in context.invocation_metadata() or ():
        if isinstance(value, bytes):
            continue
        if name == "authorization":
            scheme, _, rest = value.partition(" ")
            keys.append(rest.strip() if scheme.lower() == "bearer" else value)
        elif name in KEY_METADATA:
            keys.append(value)
        elif name not in SECRET_METADATA:
            metadata[name] = value
    request_id = metadata.get(REQUEST_ID, "")
    if not _is_sane_request_id(request_id):
        request_id = uuid.uuid4().hex
    return Received(request_id, keys, metadata)


async def _fail(context: Context[RequestT, ResponseT], received: Received, error: Exception) -> Never:
    if not isinstance(error, GatewayError):
        _log.error("call %s failed", received.request_id, exc_info=error)
        message = f"the gateway failed; its log tells why under the request id {received.request_id}"
        error = GatewayError(Reason.INTERNAL, message)
    if isinstance(context, ObservedContext):
        context.error = error
    code, message, trailer = pack(error)
    await context.abort(code, message, trailer)
