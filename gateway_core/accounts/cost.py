"""Puts its cost into an answer whose provider did not tell it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.proxy_pb2 import ProxyResponse
from dragoman.v1.routing_pb2 import RouteTrace
from dragoman.v1.stream_pb2 import Started, StreamResponse
from dragoman.v1.usage_pb2 import COST_SOURCE_PRICE_DATA, Usage
from gateway_core.models.charge import speed
from gateway_core.models.price_book import PriceBook, Quote


def charge_answer(answer: ChatResponse, book: PriceBook) -> None:
    if answer.HasField("usage"):
        charge_usage(answer.usage, quote_for(answer.route, answer.model, book), answer.service_tier)


async def charge_stream(
    batches: AsyncGenerator[StreamResponse, None], book: PriceBook
) -> AsyncGenerator[StreamResponse, None]:
    """The same batches; finished, the last event, gets the cost. Closing it closes them."""
    started: Started | None = None
    async with aclosing(batches):
        async for batch in batches:
            if started is None:
                started = batch.events[0].started
            last = batch.events[-1]
            if last.HasField("finished") and last.finished.HasField("usage"):
                quote = quote_for(started.route, started.model, book)
                charge_usage(last.finished.usage, quote, last.finished.service_tier or started.service_tier)
            yield batch


async def charge_proxied(
    messages: AsyncGenerator[ProxyResponse, None], provider: str, book: PriceBook
) -> AsyncGenerator[ProxyResponse, None]:
    """The same messages; the end gets the cost. Closing it closes them."""
    async with aclosing(messages):
        async for message in messages:
            if message.HasField("end"):
                end = message.end
                charge_usage(end.usage, book.quote(provider, end.model), end.service_tier)
            yield message


def quote_for(route: RouteTrace, answering: str, book: PriceBook) -> Quote:
    """By the model that was asked, or else by the one that says it answered: a deployment may be called anything."""
    quote = book.quote(route.provider, route.model)
    return quote if quote.charge or not answering else book.quote(route.provider, answering)


def charge_usage(usage: Usage, quote: Quote, tier: str) -> None:
    """No cost where it cannot be known: it would be taken for free."""
    charge = quote.charge
    if charge is None or usage.HasField("cost"):
        return
    if quote.tiers:
        charge = quote.tiers.get(tier) or quote.tiers.get(f"speed:{speed(usage)}") or charge
    total = charge.amount(usage)
    if not total and not (usage.input_tokens or usage.output_tokens):
        return
    cost = usage.cost
    cost.total_usd, cost.source = total, COST_SOURCE_PRICE_DATA
