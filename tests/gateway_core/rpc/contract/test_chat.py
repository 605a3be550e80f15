from __future__ import annotations

import asyncio

from dragoman.v1.chat_pb2 import ChatRequest, FinishReason, FunctionTool, Tool
from gateway_core.settings.settings import ModelSettings
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.serving import PROVIDER_KEY, Behind, Served, answer, question
from tests.upstream import Received, Reply, json_reply

LARGE = 6 * 1024 * 1024
"""Characters: more than the 4 MiB that gRPC takes unless told otherwise."""


def echo(request: Received) -> Reply:
    return json_reply(answer(request.json()["messages"][0]["content"]))


def said(text: str) -> Behind:
    return Behind(lambda _: json_reply(answer(text)))


def test_a_whole_answer(contract: Contract) -> None:
    async def check(house: Served) -> None:
        response = await house.stub.Chat(question())
        (candidate,) = response.candidates
        assert [part.text for part in candidate.parts] == ["Hello there"]
        assert candidate.finish_reason == FinishReason.FINISH_REASON_STOP
        assert (response.usage.input_tokens, response.usage.output_tokens) == (2, 2)
        assert (response.route.requested_model, response.route.provider) == ("demo/echo", "demo")
        assert [attempt.status for attempt in response.route.attempts] == [200]

    contract(check)


def test_a_tool_is_called(contract: Contract) -> None:
    async def check(house: Served) -> None:
        tool = Tool(function=FunctionTool(name="weather", parameters_json='{"type":"object"}'))
        response = await house.stub.Chat(question("demo/tools", tools=[tool]))
        (call,) = [part.tool_call for part in response.candidates[0].parts if part.HasField("tool_call")]
        assert (call.name, call.arguments_json) == ("weather", "{}")
        assert response.candidates[0].finish_reason == FinishReason.FINISH_REASON_TOOL_CALLS

    contract(check)


def test_the_provider_is_asked_once_with_its_own_key(contract: Contract) -> None:
    async def check(house: Served) -> None:
        response = await house.stub.Chat(question("at-openai/gpt"), metadata=(("authorization", "Bearer of-the-client"),))
        assert response.candidates[0].parts[0].text == "Hi"
        (request,) = house.upstream.requests
        assert request.headers["authorization"] == f"Bearer {PROVIDER_KEY}"
        assert request.json()["model"] == "gpt"

    contract(check, said("Hi"))


def test_a_request_stays_as_the_client_made_it(contract: Contract) -> None:
    request = question("at-openai/gpt", temperature=0.7, stop=["."])
    before = ChatRequest.FromString(request.SerializeToString())

    async def check(house: Served) -> None:
        first = await house.stub.Chat(request)
        second = await house.stub.Chat(request)
        assert first.candidates == second.candidates
        assert request == before
        assert house.upstream.requests[0].json()["temperature"] == 0.7

    contract(check, said("Hi"))


def test_large_messages(contract: Contract) -> None:
    text = "0123456789abcdef" * (LARGE // 16)

    async def check(house: Served) -> None:
        response = await house.stub.Chat(question("at-openai/gpt", text))
        assert response.candidates[0].parts[0].text == text

    contract(check, Behind(echo))


def test_many_at_a_time(contract: Contract) -> None:
    texts = [f"question {number}" for number in range(100)]

    async def check(house: Served) -> None:
        calls = [house.stub.Chat(question("at-openai/gpt", text), metadata=(("x-request-id", text[9:]),)) for text in texts]
        responses = await asyncio.gather(*calls)
        assert [response.candidates[0].parts[0].text for response in responses] == texts
        ids = [dict(await call.initial_metadata())["x-request-id"] for call in calls]
        assert ids == [text[9:] for text in texts]

    contract(check, Behind(echo))


def test_what_could_not_be_done_is_told(contract: Contract) -> None:
    async def check(house: Served) -> None:
        response = await house.stub.Chat(question("at-anthropic/claude", seed=7))
        assert [(warning.field, warning.provider) for warning in response.warnings] == [("seed", "at-anthropic")]

    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    contract(check, Behind(lambda _: json_reply(body)))


def test_the_next_target_answers(contract: Contract) -> None:
    async def check(house: Served) -> None:
        response = await house.stub.Chat(question("fast"))
        assert response.candidates[0].parts[0].text == "Hello there"
        assert (response.route.fallback_from, response.route.provider) == ("demo/error-503", "demo")
        assert [attempt.reason for attempt in response.route.attempts] == ["UPSTREAM_OVERLOADED", ""]

    contract(check, Behind(routes=[ModelSettings("fast", ("demo/error-503", "demo/echo"))]))
