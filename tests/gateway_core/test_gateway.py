"""The gateway without any channel: what it refuses, whom it asks, what it closes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Message, Part, Role
from dragoman.v1.models_pb2 import ListModelsRequest, Prices
from dragoman.v1.usage_pb2 import COST_SOURCE_PRICE_DATA
from gateway_core.bootstrap import build_gateway, price_urls
from gateway_core.call import Call, Deadline
from gateway_core.execution.attempt import Transports
from gateway_core.gateway import Gateway
from gateway_core.settings.settings import ModelSettings, ProviderSettings, RetrySettings, Settings
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Endpoint, Secret, Timers, UpstreamRequest
from tests.gateway_core.execution.scripted import (
    DONE,
    STOP,
    Answer,
    Clock,
    ScriptedResponse,
    ScriptedTransport,
    Stall,
    delta,
    refuses,
    says,
    streams,
)


class Closable(ScriptedTransport):
    closed = 0

    async def close(self) -> None:
        self.closed += 1


def asked(model: str = "a/m", text: str = "Hi") -> ChatRequest:
    return ChatRequest(model=model, messages=[Message(role=Role.ROLE_USER, parts=[Part(text=text)])])


def run(check: Callable[[Gateway, Closable], Awaitable[None]], **answers: Answer | list[Answer]) -> None:
    """A gateway with the providers a and b, the alias nick and the route fast."""
    clock = Clock()
    transport = Closable(clock, **answers)
    settings = Settings(
        providers=tuple(ProviderSettings(name, "openai", f"http://{name}", (Secret("k"),)) for name in ("a", "b")),
        models=(ModelSettings("fast", ("a/m", "b/m")), ModelSettings("nick", alias="b/m")),
        prices={"a/m": Prices(input=1, output=5)},
        retries=RetrySettings(attempts=2),
    )

    async def main() -> None:
        gateway = build_gateway(settings, transports=Transports.only(transport), sleep=clock.sleep)
        await check(gateway, transport)
        await gateway.close()
        assert transport.closed == 1

    asyncio.run(main())


def test_a_whole_answer() -> None:
    async def check(gateway: Gateway, transport: Closable) -> None:
        response = await gateway.chat(asked(), Call("r1"))
        assert response.candidates[0].parts[0].text == "Hi"
        assert transport.asked == ["a"]

    run(check, a=says("Hi"))


def test_an_alias_and_a_route() -> None:
    async def check(gateway: Gateway, transport: Closable) -> None:
        assert (await gateway.chat(asked("nick"), Call("r1"))).route.requested_model == "nick"
        response = await gateway.chat(asked("fast"), Call("r1"))
        assert (response.route.provider, response.route.fallback_from) == ("b", "a/m")
        assert transport.asked == ["b", "a", "a", "b"]

    run(check, a=refuses(503), b=says("Hi"))


def test_the_callers_own_fallbacks() -> None:
    async def check(gateway: Gateway, transport: Closable) -> None:
        request = asked("a/m")
        request.fallback_models.append("b/n")
        response = await gateway.chat(request, Call("r1"))
        assert (response.route.requested_model, response.route.fallback_from) == ("a/m", "a/m")
        assert (response.route.provider, response.route.model) == ("b", "n")
        assert transport.asked == ["a", "a", "b"]

    run(check, a=refuses(503), b=says("Hi"))


def test_a_stream() -> None:
    async def check(gateway: Gateway, transport: Closable) -> None:
        batches = [batch async for batch in gateway.stream(asked(), Call("r1"))]
        assert accumulate(batches).candidates[0].parts[0].text == "Hi"

    run(check, a=streams(delta(content="Hi"), STOP, DONE))


def test_a_stream_that_is_closed_early_lets_go_of_the_provider() -> None:
    async def check(gateway: Gateway, transport: Closable) -> None:
        async with aclosing(gateway.stream(asked(), Call("r1"))) as batches:
            await anext(batches)
        assert [response.closed for response in transport.responses] == [1]

    run(check, a=streams(delta(content="Hi"), delta(content="Ho"), STOP, DONE))


@pytest.mark.parametrize(
    ("request_message", "reason", "field"),
    [
        (ChatRequest(), Reason.INVALID_REQUEST, "model"),
        (ChatRequest(model="a/m"), Reason.INVALID_REQUEST, "messages"),
        (asked("nobody/m"), Reason.MODEL_NOT_FOUND, "model"),
        (asked("a/"), Reason.MODEL_NOT_FOUND, "model"),
    ],
)
def test_what_cannot_be_served_is_refused_before_anybody_is_asked(
    request_message: ChatRequest, reason: Reason, field: str
) -> None:
    async def check(gateway: Gateway, transport: Closable) -> None:
        with pytest.raises(GatewayError) as by_chat:
            await gateway.chat(request_message, Call("r1"))
        with pytest.raises(GatewayError) as by_stream:
            async for _ in gateway.stream(request_message, Call("r1")):
                pytest.fail("it streams")
        for caught in (by_chat, by_stream):
            assert (caught.value.reason, caught.value.field) == (reason, field)
        assert transport.asked == []

    run(check)


def test_the_models() -> None:
    async def check(gateway: Gateway, transport: Closable) -> None:
        response = await gateway.list_models(ListModelsRequest(), Call("r1"))
        assert [model.id for model in response.models] == ["fast", "nick", "a/x", "b/x"]

    body = b'{"object": "list", "data": [{"id": "x"}]}'
    run(check, a=Answer(steps=[body]), b=Answer(steps=[body]))


USED = {"usage": {"prompt_tokens": 1_000_000, "completion_tokens": 100_000}}


def test_every_answer_tells_its_cost() -> None:
    async def check(gateway: Gateway, transport: Closable) -> None:
        cost = (await gateway.chat(asked(), Call("r1"))).usage.cost
        assert (cost.total_usd, cost.source) == (1.5, COST_SOURCE_PRICE_DATA)

    run(check, a=says("Hi", **USED))


def test_so_does_every_stream() -> None:
    async def check(gateway: Gateway, transport: Closable) -> None:
        batches = [batch async for batch in gateway.stream(asked(), Call("r1"))]
        assert batches[-1].events[-1].finished.usage.cost.total_usd == 1.5
        assert accumulate(batches).usage.cost.source == COST_SOURCE_PRICE_DATA

    run(check, a=streams(delta(content="Hi"), STOP, {"id": "c1", "choices": [], **USED}, DONE))


def test_the_target_that_answered_names_the_price() -> None:
    async def check(gateway: Gateway, transport: Closable) -> None:
        answer = await gateway.chat(asked("fast"), Call("r1"))
        assert answer.route.provider == "b"
        assert not answer.usage.HasField("cost")

    run(check, a=refuses(401), b=says("Hi", **USED))


def test_a_model_is_described_without_asking_once_its_list_is_known() -> None:
    async def check(gateway: Gateway, transport: Closable) -> None:
        for _ in range(3):
            (model,) = (await gateway.list_models(ListModelsRequest(model="a/m"), Call("r1"))).models
            assert (model.id, model.prices.input, model.prices.output) == ("a/m", 1.0, 5.0)
            (nick,) = (await gateway.list_models(ListModelsRequest(model="nick"), Call("r1"))).models
            assert (list(nick.targets), nick.HasField("prices")) == (["b/m"], False)
        assert transport.asked == ["a"]

    run(check, a=Answer(steps=[b'{"object": "list", "data": [{"id": "m"}]}']))


def test_a_chat_does_not_wait_for_a_list_of_models() -> None:
    stall = Stall()

    async def check(gateway: Gateway, transport: Closable) -> None:
        listing = asyncio.create_task(gateway.list_models(ListModelsRequest(provider="a"), Call("r1")))
        await stall.begun.wait()
        assert (await gateway.chat(asked(), Call("r1"))).candidates[0].parts[0].text == "Hi"
        assert not listing.done()
        await gateway.close()
        transport.closed = 0
        assert [warning.provider for warning in (await listing).warnings] == ["a"]

    run(check, a=[Answer(stall=stall), says("Hi")])


def test_closing_ends_a_list_that_is_asked_for_beside_the_calls() -> None:
    stall = Stall()
    clock = Clock()
    transport = ScriptedTransport(clock, a=[Answer(steps=[b'{"data": [{"id": "m"}]}']), Answer(stall=stall)])
    settings = Settings(providers=(ProviderSettings("a", "openai", "http://a", (Secret("k"),)),))

    async def main() -> None:
        gateway = build_gateway(settings, transports=Transports.only(transport), clock=clock)
        await gateway.list_models(ListModelsRequest(), Call("r1"))
        clock.now += 1000
        old = await gateway.list_models(ListModelsRequest(), Call("r1"))
        assert [model.id for model in old.models] == ["a/m"]
        await stall.begun.wait()
        await gateway.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


@pytest.mark.parametrize(
    ("url", "urls"),
    [
        ("http://10.0.0.5/v1", ("http://10.0.0.5/v1", "https://api.openai.com/v1")),
        ("https://api.x.ai/v1", ("https://api.x.ai/v1", "https://api.openai.com/v1")),
    ],
)
def test_prices_are_looked_for_by_url_and_then_by_name(url: str, urls: tuple[str, ...]) -> None:
    known, own = Endpoint("openai", "openai", url), Endpoint("corp", "openai", url)
    found = price_urls({"openai": known, "corp": own})
    assert (found["openai"], found["corp"]) == (urls, (url,))


def test_what_clients_may_bring_has_prices_too() -> None:
    assert price_urls({})["anthropic"] == ("https://api.anthropic.com/v1",)


def test_the_calls_deadline_goes_along() -> None:
    seen: list[Deadline] = []

    class Watching(Closable):
        async def send(self, request: UpstreamRequest, deadline: Deadline, timers: Timers | None = None) -> ScriptedResponse:
            seen.append(deadline)
            return await super().send(request, deadline, timers)

    clock = Clock()
    settings = Settings(providers=(ProviderSettings("a", "openai", "http://a", (Secret("k"),)),))

    async def main() -> None:
        gateway = build_gateway(settings, transports=Transports.only(Watching(clock, a=says("Hi"))))
        deadline = Deadline.after(5.0, clock)
        await gateway.chat(asked(), Call("r1", deadline))
        assert seen == [deadline]

    asyncio.run(main())
