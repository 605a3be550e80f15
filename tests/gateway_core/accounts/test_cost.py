"""Who gets a cost: what has a usage and a known price, and no provider that told its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.models_pb2 import Prices
from dragoman.v1.proxy_pb2 import ProxyEnd, ProxyHead, ProxyResponse
from dragoman.v1.routing_pb2 import RouteTrace
from dragoman.v1.stream_pb2 import Finished, PartDelta, Started, StreamEvent, StreamResponse
from dragoman.v1.usage_pb2 import COST_SOURCE_PRICE_DATA, COST_SOURCE_PROVIDER, Cost, Usage
from gateway_core.accounts.cost import charge_answer, charge_proxied, charge_stream
from gateway_core.models.price_book import PriceBook

LISTS = b"""{"source":"test","lists":{"a":{"urls":"https://a","rows":[
{"id":"m","equals":["m","m-2026"],"prices":[{"rates":{"input":1,"output":2}}],
"tiers":{"flex":[{"rates":{"input":0.5,"output":1}}],"speed:fast":[{"rates":{"input":6,"output":12}}]}}]}}}"""
BOOK = PriceBook({"p": ("https://a",)}, {"p/own": Prices(input=3, output=3)}, read=lambda: LISTS)
USED = Usage(input_tokens=1_000_000, output_tokens=1_000_000)


def answer(usage: Usage | None = USED, model: str = "m", answering: str = "", tier: str = "") -> ChatResponse:
    found = ChatResponse(model=answering, route=RouteTrace(provider="p", model=model), usage=usage)
    if tier:
        found.service_tier = tier
    return found


def cost_of(found: ChatResponse) -> float | None:
    charge_answer(found, BOOK)
    return found.usage.cost.total_usd if found.usage.HasField("cost") else None


@pytest.mark.parametrize(
    ("found", "dollars"),
    [
        (answer(), 3.0),
        (answer(model="own"), 6.0),
        (answer(model="deployment-7", answering="m-2026"), 3.0),
        (answer(model="m", answering="unheard-of"), 3.0),
        (answer(tier="flex"), 1.5),
        (answer(tier="default"), 3.0),
        (answer(Usage(input_tokens=1_000_000, raw_json='{"speed":"fast"}')), 6.0),
        (answer(Usage(input_tokens=1_000_000, raw_json='{"speed":"standard"}')), 1.0),
        (answer(Usage(input_tokens=1_000_000, estimated=True)), 1.0),
        (answer(model="unheard-of"), None),
        (answer(model="unheard-of", answering="unheard-of"), None),
        (answer(Usage()), None),
        (answer(Usage(raw_json="{}")), None),
    ],
)
def test_an_answers_cost(found: ChatResponse, dollars: float | None) -> None:
    assert cost_of(found) == dollars
    assert not found.usage.HasField("cost") or found.usage.cost.source == COST_SOURCE_PRICE_DATA


def test_what_the_provider_says_stays() -> None:
    found = answer(Usage(input_tokens=5, cost=Cost(total_usd=0, source=COST_SOURCE_PROVIDER)))
    assert cost_of(found) == 0.0
    assert found.usage.cost.source == COST_SOURCE_PROVIDER


def test_an_answer_without_usage_gets_none() -> None:
    found = answer(None)
    charge_answer(found, BOOK)
    assert not found.HasField("usage")


def test_an_answer_from_nowhere() -> None:
    found = ChatResponse(usage=USED)
    assert cost_of(found) is None


STARTED = StreamEvent(started=Started(model="", route=RouteTrace(provider="p", model="m")))
WORD = StreamEvent(part_delta=PartDelta(text="Hi"))


def finished(usage: Usage | None = USED, tier: str = "") -> StreamEvent:
    found = Finished(usage=usage)
    if tier:
        found.service_tier = tier
    return StreamEvent(finished=found)


class Batches:
    """A stream that knows whether it was closed."""

    def __init__(self, *batches: Sequence[StreamEvent]) -> None:
        self.closed = False
        self._batches = batches

    async def __call__(self) -> AsyncGenerator[StreamResponse, None]:
        try:
            for events in self._batches:
                yield StreamResponse(events=events)
        finally:
            self.closed = True


def streamed(*batches: Sequence[StreamEvent]) -> list[StreamResponse]:
    source = Batches(*batches)

    async def main() -> list[StreamResponse]:
        return [batch async for batch in charge_stream(source(), BOOK)]

    found = asyncio.run(main())
    assert source.closed
    return found


@pytest.mark.parametrize("batches", [[[STARTED, WORD, finished()]], [[STARTED, WORD], [WORD], [finished()]]])
def test_a_streams_cost_is_in_its_last_event(batches: list[list[StreamEvent]]) -> None:
    found = streamed(*batches)
    assert [len(batch.events) for batch in found] == [len(events) for events in batches]
    assert found[-1].events[-1].finished.usage.cost == Cost(total_usd=3.0, source=COST_SOURCE_PRICE_DATA)


@pytest.mark.parametrize(("early", "late", "dollars"), [("flex", "", 1.5), ("", "flex", 1.5), ("flex", "default", 3.0)])
def test_the_last_word_about_the_tier_counts(early: str, late: str, dollars: float) -> None:
    started = StreamEvent()
    started.CopyFrom(STARTED)
    if early:
        started.started.service_tier = early
    assert streamed([started], [finished(tier=late)])[-1].events[-1].finished.usage.cost.total_usd == dollars


def test_a_stream_without_usage() -> None:
    assert not streamed([STARTED], [finished(None)])[-1].events[-1].finished.HasField("usage")


def test_a_stream_that_is_closed_early_closes_what_it_reads() -> None:
    source = Batches([STARTED], [WORD], [finished()])

    async def main() -> None:
        charged = charge_stream(source(), BOOK)
        await anext(charged)
        assert not source.closed
        await charged.aclose()
        assert source.closed

    asyncio.run(main())


@pytest.mark.parametrize(("model", "tier", "dollars"), [("m-2026", "", 3.0), ("m", "flex", 1.5), ("unheard-of", "", None)])
def test_a_proxied_answers_cost(model: str, tier: str, dollars: float | None) -> None:
    end = ProxyEnd(usage=USED, model=model, service_tier=tier)
    given = [ProxyResponse(head=ProxyHead(status=200)), ProxyResponse(body=b"end"), ProxyResponse(end=end)]
    closed: list[bool] = []

    async def messages() -> AsyncGenerator[ProxyResponse, None]:
        try:
            for message in given:
                yield message
        finally:
            closed.append(True)

    async def charged() -> list[ProxyResponse]:
        return [message async for message in charge_proxied(messages(), "p", BOOK)]

    found = asyncio.run(charged())
    assert [message.WhichOneof("piece") for message in found] == ["head", "body", "end"]
    usage = found[-1].end.usage
    assert (usage.cost.total_usd if usage.HasField("cost") else None) == dollars
    assert closed == [True]
