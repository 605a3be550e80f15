"""What the servicer makes of a call for the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import grpc
import pytest

from dragoman.in_flight import InFlight
from dragoman.metadata import KEY_NAMES
from dragoman.reasons import GatewayError, Reason
from dragoman.status import unpack
from dragoman.v1.calls_pb2 import GetCallRequest, GetCallResponse
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from dragoman.v1.models_pb2 import ListModelsRequest, ListModelsResponse
from dragoman.v1.proxy_pb2 import ProxyRequest, ProxyResponse, ProxyStreamRequest
from dragoman.v1.records_pb2 import DeleteRecordRequest, GetRecordRequest, ListRecordsRequest, PutRecordRequest
from dragoman.v1.stream_pb2 import StreamResponse
from dragoman.v1.tokens_pb2 import CountTokensResponse
from gateway_core.call import Call, Caller
from gateway_core.rpc.servicer import SECRET_METADATA, GatewayServicer
from tests.gateway_core.rpc.kept import Kept
from tests.gateway_core.rpc.serving import Reach, by_socket, failure_of, in_process, question, read_all, run, streamed

on_both = pytest.mark.parametrize("reach", [in_process, by_socket], ids=["local", "socket"])
NOW = 1000.0


class Recording:
    """A gateway that keeps the calls it gets, and fails with the error that it is given."""

    def __init__(self, error: GatewayError | None = None) -> None:
        self.calls: list[Call] = []
        self.settled: list[Reason | None] = []
        self.closed = 0
        self.records = Kept(self._keep)
        self._error = error

    def _keep(self, call: Call) -> None:
        self.calls.append(call)
        if self._error is not None:
            raise self._error

    async def chat(self, request: ChatRequest, call: Call) -> ChatResponse:
        self._keep(call)
        return ChatResponse()

    async def stream(self, request: ChatRequest, call: Call) -> AsyncGenerator[StreamResponse, None]:
        try:
            self._keep(call)
            yield StreamResponse()
        finally:
            self.closed += 1

    async def count_tokens(self, request: ChatRequest, call: Call) -> CountTokensResponse:
        self._keep(call)
        return CountTokensResponse()

    async def list_models(self, request: ListModelsRequest, call: Call) -> ListModelsResponse:
        self._keep(call)
        return ListModelsResponse()

    async def get_call(self, request: GetCallRequest, call: Call) -> GetCallResponse:
        self._keep(call)
        return GetCallResponse()

    def settle(self, call: Call, reason: Reason | None = None) -> None:
        self.settled.append(reason)

    async def proxy(self, request: ProxyRequest, call: Call) -> AsyncGenerator[ProxyResponse, None]:
        try:
            self._keep(call)
            yield ProxyResponse()
        finally:
            self.closed += 1

    async def proxy_stream(
        self, requests: AsyncIterator[ProxyStreamRequest], call: Call
    ) -> AsyncGenerator[ProxyResponse, None]:
        async for _ in requests:
            async for message in self.proxy(ProxyRequest(), call):
                yield message


def authenticate(keys: Sequence[str]) -> Caller:
    return Caller(", ".join(keys) or "nobody")


def over(reach: Reach, gateway: Recording, check: Callable[[Any], Awaitable[object]], **options: Any) -> None:
    async def main() -> None:
        async with reach(GatewayServicer(gateway, authenticate, clock=lambda: NOW, **options)) as channel:
            await check(GatewayServiceStub(channel))

    run(main)


@on_both
def test_every_method_gets_the_call(reach: Reach) -> None:
    gateway = Recording()
    metadata = (("x-request-id", "r1"), ("authorization", "Bearer k"), ("team", "a"), ("some-bin", b"\x00"))

    async def check(stub: Any) -> None:
        await stub.Chat(question(), metadata=metadata)
        await read_all(stub.Stream(streamed(), metadata=metadata))
        await stub.ListModels(ListModelsRequest(), metadata=metadata)
        await stub.PutRecord(PutRecordRequest(), metadata=metadata)
        await stub.GetRecord(GetRecordRequest(), metadata=metadata)
        await stub.DeleteRecord(DeleteRecordRequest(), metadata=metadata)
        await stub.ListRecords(ListRecordsRequest(), metadata=metadata)
        await read_all(stub.Proxy(ProxyRequest(), metadata=metadata))
        await read_all(stub.ProxyStream(iter([ProxyStreamRequest()]), metadata=metadata))
        await stub.GetCall(GetCallRequest(), metadata=metadata)

    over(reach, gateway, check)
    for call in gateway.calls:
        assert (call.request_id, call.caller.name) == ("r1", "k")
        assert call.metadata["team"] == "a"
        assert "some-bin" not in call.metadata
        assert call.deadline.remaining() is None
    assert len(gateway.calls) == len({call.id for call in gateway.calls}) == 10
    assert gateway.settled == [None] * 10
    assert gateway.closed == 3


class Lasting(Recording):
    """Its streams end when their clients end them."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.Event()

    async def stream(self, request: ChatRequest, call: Call) -> AsyncGenerator[StreamResponse, None]:
        yield StreamResponse()
        await asyncio.Event().wait()

    def settle(self, call: Call, reason: Reason | None = None) -> None:
        super().settle(call, reason)
        if self.settled.count(Reason.CANCELLED) == 2:
            self.ended.set()


BOUNDS = [
    (InFlight(100, 2, "key"), ("Bearer a", "Bearer b"), grpc.StatusCode.RESOURCE_EXHAUSTED, Reason.RATE_LIMITED),
    (InFlight(2, 100, "key"), ("Bearer a", "Bearer a"), grpc.StatusCode.UNAVAILABLE, Reason.OVERLOADED),
]


@on_both
@pytest.mark.parametrize(("in_flight", "keys", "code", "reason"), BOUNDS, ids=["by key", "in all"])
def test_calls_at_the_same_time(
    reach: Reach, in_flight: InFlight, keys: tuple[str, str], code: grpc.StatusCode, reason: Reason
) -> None:
    """keys: of those that run, and of one that is let in all the same where the bound is by key."""
    mine, other = ((("authorization", key),) for key in keys)

    async def check(stub: Any) -> None:
        running = [stub.Stream(streamed(), metadata=mine) for _ in range(2)]
        for call in running:
            await call.read()
        for refused in (stub.Chat(question(), metadata=mine), stub.GetCall(GetCallRequest(), metadata=mine)):
            error = await failure_of(refused)
            assert (error.code(), unpack(error).reason, unpack(error).retry_after_s) == (code, reason, 1.0)
        if other != mine:
            await stub.Chat(question(), metadata=other)
        for call in running:
            call.cancel()
        await gateway.ended.wait()
        for _ in range(5):
            await stub.Chat(question(), metadata=mine)

    gateway = Lasting()
    over(reach, gateway, check, in_flight=in_flight)


@on_both
@pytest.mark.parametrize("name", sorted(SECRET_METADATA | set(KEY_NAMES)))
def test_no_call_holds_a_key(reach: Reach, name: str) -> None:
    gateway = Recording()

    async def check(stub: Any) -> None:
        await stub.Chat(question(), metadata=((name, "Bearer secret"),))

    over(reach, gateway, check)
    assert "secret" not in str(gateway.calls[0].metadata)


@pytest.mark.parametrize(
    ("metadata", "caller"),
    [
        ((), "nobody"),
        ((("authorization", "Bearer k"),), "k"),
        ((("authorization", "bearer k"),), "k"),
        ((("authorization", "BEARER   k  "),), "k"),
        ((("authorization", "Bearer a b"),), "a b"),
        ((("authorization", "Basic a"),), "Basic a"),
        ((("authorization", "k"),), "k"),
        ((("x-api-key", "k"),), "k"),
        ((("api-key", "k"),), "k"),
        ((("x-goog-api-key", "k"),), "k"),
        ((("x-api-key", "a"), ("authorization", "Bearer b")), "a, b"),
        ((("authorization-bin", b"Bearer k"), ("cookie", "k"), ("proxy-authorization", "Bearer k")), "nobody"),
    ],
)
def test_where_keys_are_read(metadata: tuple[tuple[str, str | bytes], ...], caller: str) -> None:
    gateway = Recording()

    async def check(stub: Any) -> None:
        await stub.Chat(question(), metadata=metadata)

    over(in_process, gateway, check)
    assert gateway.calls[0].caller.name == caller


@pytest.mark.parametrize(
    ("asked_s", "total_s", "least", "most"),
    [(None, None, None, None), (None, 5.0, 5.0, 5.0), (1.0, 5.0, 0.0, 1.0), (50.0, 5.0, 5.0, 5.0), (50.0, None, 49.0, 50.0)],
)
def test_the_shorter_deadline_holds(
    asked_s: float | None, total_s: float | None, least: float | None, most: float | None
) -> None:
    gateway = Recording()

    async def check(stub: Any) -> None:
        await stub.Chat(question(), timeout=asked_s)

    over(in_process, gateway, check, total_timeout_s=total_s)
    left = gateway.calls[0].deadline.remaining()
    if left is None or least is None or most is None:
        assert left is least is most is None
    else:
        assert least <= left <= most


WORDS = ["line\nbreak", "\u00fc \u4e2d \U0001f600", "100% of %41", 'quo"te', "\x00\x7f", "\ud800", "trailing ", ""]


@on_both
@pytest.mark.parametrize("words", WORDS)
def test_any_words_arrive(reach: Reach, words: str) -> None:
    gateway = Recording(GatewayError(Reason.UPSTREAM_REJECTED, words, "f" + words, {"upstream_message": words}))

    async def check(stub: Any) -> None:
        for call in (stub.Chat(question()), read_all(stub.Stream(streamed())), stub.ListModels(ListModelsRequest())):
            error = await failure_of(call)
            found = unpack(error)
            readable = words.replace("\ud800", "?")
            assert (found.message, found.field) == (readable, "f" + readable)
            assert found.metadata == {"upstream_message": readable}
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT

    over(reach, gateway, check)


@on_both
def test_a_whole_book_of_an_error_arrives_in_part(reach: Reach) -> None:
    book = "\u4e2d" * 100_000
    gateway = Recording(GatewayError(Reason.UPSTREAM_REJECTED, book, book, {"upstream_message": book}, 1.0))

    async def check(stub: Any) -> None:
        found = unpack(await failure_of(stub.Chat(question())))
        assert found.reason is Reason.UPSTREAM_REJECTED
        assert book.startswith(found.message)
        assert len(found.message) > 300

    over(reach, gateway, check)
