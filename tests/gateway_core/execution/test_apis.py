"""Providers with several APIs: each target of a route is asked by the one that its call's client speaks."""

from __future__ import annotations

import asyncio
import json

import pytest

from dragoman.metadata import API
from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.tokens_pb2 import CountTokensResponse
from gateway_core.call import Call, Deadline
from gateway_core.execution.attempt import Transports
from gateway_core.execution.chain import Chain, RetryPolicy
from gateway_core.routing.resolver import Route, Target
from gateway_dialects.kit.dialect import Endpoint, OtherApi
from tests.gateway_core.execution.scripted import Answer, Clock, ScriptedTransport, question, refuses, says, streams


def both(provider: str) -> Target:
    """At http://PROVIDER, and http://PROVIDER/anthropic."""
    others = {"anthropic": OtherApi(f"http://{provider}/anthropic")}
    return Target(Endpoint(provider, "openai", f"http://{provider}", others=others), "m")


def only(provider: str) -> Target:
    return Target(Endpoint(provider, "openai", f"http://{provider}"), "m")


def claude(text: str) -> Answer:
    body = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"}
    usage = {"input_tokens": 1, "output_tokens": 1}
    return Answer(steps=[json.dumps({**body, "content": [{"type": "text", "text": text}], "usage": usage}).encode()])


class Rig:
    def __init__(self, api: str, **answers: Answer) -> None:
        clock = Clock()
        self.transport = ScriptedTransport(clock, **answers)
        self.chain = Chain(Transports.only(self.transport), RetryPolicy(attempts=1), sleep=clock.sleep)
        self.call = Call("id", Deadline.after(None, clock), metadata={API: api} if api else {})

    def chat(self, *targets: Target) -> ChatResponse:
        return asyncio.run(self.chain.chat(question(), Route("r", targets), self.call))

    def count(self, *targets: Target) -> CountTokensResponse:
        return asyncio.run(self.chain.count_tokens(question(), Route("r", targets), self.call))

    @property
    def urls(self) -> list[str]:
        return [request.url for request in self.transport.sent]

    @property
    def apis(self) -> list[str]:
        return [attempt.api for attempt in self.call.route.attempts]


@pytest.mark.parametrize(
    ("api", "used"), [("anthropic", "anthropic"), ("openai", "openai"), ("gemini", "openai"), ("", "openai")]
)
def test_the_client_decides(api: str, used: str) -> None:
    rig = Rig(api, a=claude("Hi") if used == "anthropic" else says("Hi"))
    assert rig.chat(both("a")).candidates[0].parts[0].text == "Hi"
    assert rig.urls == ["http://a/anthropic/v1/messages" if used == "anthropic" else "http://a/chat/completions"]
    assert rig.apis == [used]
    assert (rig.call.route.provider, rig.call.route.fallback_from) == ("a", "")


def test_each_target_for_itself() -> None:
    rig = Rig("anthropic", a=refuses(503), b=refuses(503), c=claude("Hi"))
    assert rig.chat(both("a"), only("b"), both("c")).candidates[0].parts[0].text == "Hi"
    assert rig.apis == ["anthropic", "openai", "anthropic"]
    assert rig.call.route.fallback_from == "a/m"


def test_a_stream() -> None:
    started = {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 1}}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    text = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}
    ended = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}
    rig = Rig(
        "anthropic",
        a=streams(started, block, text, {"type": "content_block_stop", "index": 0}, ended, {"type": "message_stop"}),
    )

    async def read() -> list[str]:
        batches = [batch async for batch in rig.chain.stream(question(), Route("r", (both("a"),)), rig.call)]
        return [event.part_delta.text for batch in batches for event in batch.events if event.HasField("part_delta")]

    assert asyncio.run(read()) == ["Hi"]
    assert rig.apis == ["anthropic"]


def test_the_count_of_tokens() -> None:
    rig = Rig("anthropic", a=Answer(steps=[b'{"input_tokens": 7}']))
    assert rig.count(both("a")) == CountTokensResponse(input_tokens=7)
    assert rig.urls == ["http://a/anthropic/v1/messages/count_tokens"]
    rig = Rig("openai-responses", a=refuses(500))
    responses = {"openai-responses": OtherApi("http://a")}
    assert rig.count(Target(Endpoint("a", "openai", "http://a", others=responses), "m")).estimated
    assert rig.urls == []


@pytest.mark.parametrize("status", [400, 401, 404, 405, 500])
def test_a_vendor_that_does_not_count(status: int) -> None:
    rig = Rig("anthropic", a=refuses(status))
    assert rig.count(both("a")).estimated
    assert rig.apis == ["anthropic"]


def test_a_fault_of_the_request_at_the_first_api() -> None:
    rig = Rig("anthropic", a=refuses(400))
    with pytest.raises(GatewayError) as caught:
        rig.count(Target(Endpoint("a", "anthropic", "http://a"), "m"))
    assert caught.value.reason is Reason.UPSTREAM_REJECTED


def test_models_that_only_one_api_serves() -> None:
    others = {"anthropic": OtherApi("http://a/anthropic", only_models=("claude-", "opus"))}
    endpoint = Endpoint("a", "openai", "http://a", others=others)
    found = {model: Target(endpoint, model).speaking("anthropic").endpoint.dialect for model in ("claude-x", "gpt", "opus")}
    assert found == {"claude-x": "anthropic", "gpt": "openai", "opus": "anthropic"}
