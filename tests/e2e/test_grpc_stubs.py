"""The generated Python stubs against a running gateway, blocking and asyncio."""

import asyncio
from collections.abc import Iterator

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from dragoman.v1.chat_pb2 import FINISH_REASON_STOP, FINISH_REASON_TOOL_CALLS, ChatRequest, FunctionTool, Tool
from dragoman.v1.content_pb2 import Message, Part, Role, ToolResult
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from dragoman.v1.models_pb2 import ListModelsRequest
from dragoman.v1.stream_pb2 import StreamEvent, StreamRequest
from tests.e2e.conversations import completion, word
from tests.e2e.gateways import KEY, PROVIDER_KEY, Gateway, Provider
from tests.upstream import STALL, Reply, event_stream

WITH_KEY = (("authorization", f"Bearer {KEY}"),)


def request(model: str, text: str = "one two three") -> ChatRequest:
    return ChatRequest(model=model, messages=[Message(role=Role.ROLE_USER, parts=[Part(text=text)])])


def text_of(events: list[StreamEvent]) -> str:
    return "".join(event.part_delta.text for event in events)


@pytest.fixture
def channel(gateway: Gateway) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(gateway.grpc) as opened:
        yield opened


def test_blocking_callers(channel: grpc.Channel) -> None:
    stub = GatewayServiceStub(channel)
    answer, call = stub.Chat.with_call(request("demo/echo"), metadata=(*WITH_KEY, ("x-request-id", "my-own-id")), timeout=10)
    events = [
        event
        for batch in stub.Stream(StreamRequest(chat=request("demo/slow-5")), metadata=WITH_KEY, timeout=10)
        for event in batch.events
    ]
    models = stub.ListModels(ListModelsRequest(model="demo/echo"), metadata=WITH_KEY).models

    assert answer.candidates[0].parts[0].text == text_of(events) == "one two three"
    assert events[-1].finished.candidates[0].finish_reason == answer.candidates[0].finish_reason == FINISH_REASON_STOP
    assert dict(call.initial_metadata())["x-request-id"] == "my-own-id"
    assert [model.id for model in models] == ["demo/echo"]


def test_asyncio_callers(gateway: Gateway) -> None:
    async def talk() -> tuple[str, str]:
        async with grpc.aio.insecure_channel(gateway.grpc) as channel:
            stub = GatewayServiceStub(channel)
            answer = await stub.Chat(request("demo/echo"), metadata=WITH_KEY, timeout=10)
            stream = stub.Stream(StreamRequest(chat=request("demo/slow-5")), metadata=WITH_KEY, timeout=10)
            events = [event async for batch in stream for event in batch.events]
            return answer.candidates[0].parts[0].text, text_of(events)

    assert asyncio.run(talk()) == ("one two three", "one two three")


def test_tools_there_and_back(channel: grpc.Channel) -> None:
    stub = GatewayServiceStub(channel)
    asked = request("demo/tools")
    asked.tools.append(Tool(function=FunctionTool(name="weather", parameters_json='{"type": "object"}')))
    (candidate,) = stub.Chat(asked, metadata=WITH_KEY).candidates
    (part,) = candidate.parts

    assert (candidate.finish_reason, part.tool_call.name) == (FINISH_REASON_TOOL_CALLS, "weather")
    asked.messages.add(role=Role.ROLE_ASSISTANT, parts=[part])
    result = ToolResult(tool_call_id=part.tool_call.id, parts=[Part(text="Rain.")])
    asked.messages.add(role=Role.ROLE_TOOL, parts=[Part(tool_result=result)])
    assert stub.Chat(asked, metadata=WITH_KEY).candidates[0].parts[0].text == "weather answered: Rain."


def test_a_provider_gets_its_own_key(channel: grpc.Channel, provider: Provider) -> None:
    provider.answers(completion("Hi"))
    metadata = (*WITH_KEY, ("x-api-key", KEY))

    answer = GatewayServiceStub(channel).Chat(request("openai/m"), metadata=metadata)

    assert answer.candidates[0].parts[0].text == "Hi"
    assert provider.requests[0].headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert KEY not in str(provider.requests[0].headers)


def test_a_deadline_reaches_the_provider(channel: grpc.Channel, provider: Provider) -> None:
    provider.answers(Reply(before_head=[STALL]))

    with pytest.raises(grpc.RpcError) as caught:
        GatewayServiceStub(channel).Chat(request("openai/m"), metadata=WITH_KEY, timeout=0.3)

    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    provider.requests[0].closed.join()
    assert len(provider.requests) == 1


def test_cancelling_a_stream_reaches_the_provider(channel: grpc.Channel, provider: Provider) -> None:
    provider.answers(event_stream(word("first"), STALL))
    stream = GatewayServiceStub(channel).Stream(StreamRequest(chat=request("openai/m")), metadata=WITH_KEY)
    assert next(iter(stream)).events[0].started.model == "real-model-2026"

    stream.cancel()

    provider.requests[0].closed.join()


def test_health_is_for_anyone(channel: grpc.Channel) -> None:
    for service in ("", "dragoman.v1.GatewayService"):
        answer = HealthStub(channel).Check(HealthCheckRequest(service=service))  # type: ignore[no-untyped-call]
        assert answer.status == HealthCheckResponse.SERVING


def test_many_calls_on_one_connection(gateway: Gateway) -> None:
    async def talk() -> list[str]:
        async with grpc.aio.insecure_channel(gateway.grpc) as channel:
            stub = GatewayServiceStub(channel)
            calls = [stub.Chat(request("demo/echo", f"number {i}"), metadata=WITH_KEY, timeout=20) for i in range(200)]
            return [answer.candidates[0].parts[0].text for answer in await asyncio.gather(*calls)]

    assert asyncio.run(talk()) == [f"number {i}" for i in range(200)]
