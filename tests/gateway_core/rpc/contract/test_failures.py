"""Calls that fail: which status, with which details, over both channels alike."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import NoReturn

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo

from dragoman.reasons import RULES, Reason
from dragoman.status import unpack
from dragoman.v1.calls_pb2 import GetCallRequest, GetCallResponse
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from dragoman.v1.models_pb2 import ListModelsRequest, ListModelsResponse
from dragoman.v1.proxy_pb2 import ProxyRequest, ProxyResponse, ProxyStreamRequest
from dragoman.v1.records_pb2 import PutRecordRequest
from dragoman.v1.routing_pb2 import RouteTrace
from dragoman.v1.stream_pb2 import StreamResponse
from dragoman.v1.tokens_pb2 import CountTokensRequest, CountTokensResponse
from gateway_core.call import ANONYMOUS, Call
from gateway_core.providers.registry import DIALECTS
from gateway_core.rpc.servicer import GatewayServicer
from gateway_core.settings.settings import ModelSettings
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.kept import Kept
from tests.gateway_core.rpc.serving import (
    PROVIDER_KEY,
    Behind,
    Reach,
    Served,
    by_socket,
    chunk,
    detail,
    details,
    failure_of,
    in_process,
    question,
    read_all,
    read_until_failure,
    run,
    status_of,
    streamed,
    text_of,
)
from tests.upstream import CUT, Received, Reply, Signal, Step, event_stream, json_reply

EARLY = {
    "demo/error-400": Reason.UPSTREAM_REJECTED,
    "demo/error-401": Reason.UPSTREAM_AUTH,
    "demo/error-404": Reason.MODEL_NOT_FOUND,
    "demo/error-429": Reason.RATE_LIMITED,
    "demo/error-500": Reason.UPSTREAM_UNAVAILABLE,
    "demo/error-503": Reason.UPSTREAM_OVERLOADED,
    "demo/html": Reason.UPSTREAM_UNAVAILABLE,
    "demo/broken": Reason.UPSTREAM_INVALID_RESPONSE,
    "demo/nothing": Reason.MODEL_NOT_FOUND,
    "nobody/x": Reason.MODEL_NOT_FOUND,
}


@pytest.mark.parametrize(("model", "reason"), EARLY.items())
def test_a_call_that_fails_before_any_answer(contract: Contract, model: str, reason: Reason) -> None:
    async def check(house: Served) -> None:
        by_chat = await failure_of(house.stub.Chat(question(model)))
        by_stream = await failure_of(read_all(house.stub.Stream(streamed(model))))
        for error in (by_chat, by_stream):
            assert error.code() is grpc.StatusCode[RULES[reason].grpc_code]
            info = detail(error, ErrorInfo)
            assert (info.domain, info.reason) == ("dragoman.v1", reason.value)
            assert status_of(error).code == error.code().value[0]
            assert error.details() == status_of(error).message != ""

    contract(check)


def test_an_unknown_model_is_a_violation_of_its_field(contract: Contract) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(house.stub.Chat(question("opnai/gpt")))
        assert error.code() is grpc.StatusCode.NOT_FOUND
        (violation,) = detail(error, BadRequest).field_violations
        assert violation.field == "model"
        assert "opnai/gpt" in violation.description
        assert detail(error, ErrorInfo).metadata["field"] == "model"
        assert details(error, RouteTrace) == []

    contract(check)


def test_when_to_try_again(contract: Contract) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(house.stub.Chat(question("demo/error-429")))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert detail(error, RetryInfo).retry_delay.ToTimedelta().total_seconds() == 1.0
        assert unpack(error).retry_after_s == 1.0

    contract(check)


def test_everyone_who_was_asked(contract: Contract) -> None:
    behind = Behind(routes=[ModelSettings("fast", ("demo/error-503", "demo/error-401"))], attempts=2)

    async def check(house: Served) -> None:
        for call in (house.stub.Chat(question("fast")), read_all(house.stub.Stream(streamed("fast")))):
            error = await failure_of(call)
            trace = detail(error, RouteTrace)
            assert trace.requested_model == "fast"
            asked = [(attempt.model, attempt.status, attempt.reason) for attempt in trace.attempts]
            overloaded = ("error-503", 503, "UPSTREAM_OVERLOADED")
            assert asked == [overloaded, overloaded, ("error-401", 401, "UPSTREAM_AUTH")]
            assert detail(error, ErrorInfo).metadata["provider"] == "demo"
            assert unpack(error).trace == trace

    contract(check, behind)


@pytest.mark.parametrize(
    ("model", "said", "reason"),
    [
        ("demo/error-after-3", "the quick brown", Reason.UPSTREAM_UNAVAILABLE),
        ("demo/cut-5", "the quick brown fox jumps", Reason.STREAM_INTERRUPTED),
        ("demo/eof", "Hello there", Reason.STREAM_INTERRUPTED),
    ],
)
def test_a_stream_that_fails_after_content(contract: Contract, model: str, said: str, reason: Reason) -> None:
    async def check(house: Served) -> None:
        call = house.stub.Stream(streamed(model))
        batches, error = await read_until_failure(call)
        assert text_of(batches).strip() == said
        assert [event for batch in batches for event in batch.events if event.HasField("finished")] == []
        assert error.code() is grpc.StatusCode[RULES[reason].grpc_code] is await call.code()
        assert detail(error, ErrorInfo).reason == reason
        assert [attempt.reason for attempt in detail(error, RouteTrace).attempts] == [reason]

    contract(check)


@pytest.mark.parametrize("steps", [[CUT], [], [b"data: {\n\n"]], ids=["cut", "end", "broken"])
def test_an_upstream_that_breaks_off_after_content(contract: Contract, steps: list[Step]) -> None:
    go_on = Signal()

    async def check(house: Served) -> None:
        messages = aiter(house.stub.Stream(streamed("at-openai/gpt")))
        assert text_of([await anext(messages)]) == "Hi"
        go_on.set()
        batches, error = await read_until_failure(messages)
        assert text_of(batches) == ""
        assert error.code() is grpc.StatusCode.UNAVAILABLE

    contract(check, Behind(lambda _: event_stream(chunk("Hi"), go_on, *steps)))


def leaks(request: Received) -> Reply:
    """A provider that repeats the key that it was sent, everywhere."""
    key = PROVIDER_KEY
    error = {"message": f"wrong key {key}", "type": key, "code": key, "param": key}
    return json_reply({"error": error}, 401, {"x-request-id": key})


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_status_holds_a_providers_key(contract: Contract, dialect: str, caplog: pytest.LogCaptureFixture) -> None:
    async def check(house: Served) -> None:
        model = f"at-{dialect}/m"
        by_chat = await failure_of(house.stub.Chat(question(model)))
        by_stream = await failure_of(read_all(house.stub.Stream(streamed(model))))
        for error in (by_chat, by_stream):
            assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
            assert PROVIDER_KEY not in f"{error} {status_of(error)} {error.trailing_metadata()}"
            assert PROVIDER_KEY.encode() not in status_of(error).SerializeToString()
        assert len(house.upstream.requests) == 2

    with caplog.at_level(logging.DEBUG, "dragoman"):
        contract(check, Behind(leaks))
    assert PROVIDER_KEY not in caplog.text


def test_a_method_that_is_not_there(contract: Contract) -> None:
    async def check(house: Served) -> None:
        method = house.channel.unary_unary(
            "/dragoman.v1.GatewayService/Sing", ChatRequest.SerializeToString, ChatResponse.FromString
        )
        error = await failure_of(method(question()))
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED

    contract(check)


class Faulty:
    """A gateway with a fault in it."""

    def __init__(self) -> None:
        self.records = Kept(lambda _: self._fail())

    def _fail(self) -> NoReturn:
        raise RuntimeError("internals that are nobody's business")

    async def chat(self, request: ChatRequest, call: Call) -> ChatResponse:
        self._fail()

    async def stream(self, request: ChatRequest, call: Call) -> AsyncGenerator[StreamResponse, None]:
        if request.model == "late":
            yield StreamResponse()
        self._fail()

    async def count_tokens(self, request: ChatRequest, call: Call) -> CountTokensResponse:
        self._fail()

    async def list_models(self, request: ListModelsRequest, call: Call) -> ListModelsResponse:
        self._fail()

    async def get_call(self, request: GetCallRequest, call: Call) -> GetCallResponse:
        self._fail()

    def settle(self, call: Call, reason: Reason | None = None) -> None:
        assert reason in (None, Reason.INTERNAL)

    async def proxy(self, request: ProxyRequest, call: Call) -> AsyncGenerator[ProxyResponse, None]:
        yield ProxyResponse(body=b"some of it")
        self._fail()

    async def proxy_stream(
        self, requests: AsyncIterator[ProxyStreamRequest], call: Call
    ) -> AsyncGenerator[ProxyResponse, None]:
        yield ProxyResponse(body=b"some of it")
        self._fail()


@pytest.mark.parametrize("reach", [in_process, by_socket])
def test_a_fault_of_ours_is_logged_and_not_told(reach: Reach, caplog: pytest.LogCaptureFixture) -> None:
    async def check() -> None:
        async with reach(GatewayServicer(Faulty(), lambda _: ANONYMOUS)) as channel:
            stub = GatewayServiceStub(channel)
            metadata = (("x-request-id", "r1"),)
            for call in (
                stub.Chat(question(), metadata=metadata),
                read_all(stub.Stream(streamed("early"), metadata=metadata)),
                read_all(stub.Stream(streamed("late"), metadata=metadata)),
                stub.CountTokens(CountTokensRequest(), metadata=metadata),
                stub.ListModels(ListModelsRequest(), metadata=metadata),
                stub.PutRecord(PutRecordRequest(), metadata=metadata),
                stub.GetCall(GetCallRequest(), metadata=metadata),
                read_all(stub.Proxy(ProxyRequest(), metadata=metadata)),
                read_all(stub.ProxyStream(iter([ProxyStreamRequest()]), metadata=metadata)),
            ):
                error = await failure_of(call)
                assert error.code() is grpc.StatusCode.INTERNAL
                assert detail(error, ErrorInfo).reason == "INTERNAL"
                assert "r1" in (error.details() or "")
                assert "internals" not in str(error)

    run(check)
    records = [record for record in caplog.records if record.name == "dragoman.grpc"]
    assert [record.getMessage() for record in records] == ["call r1 failed"] * 9
    assert caplog.text.count("RuntimeError: internals that are nobody's business") == 9
