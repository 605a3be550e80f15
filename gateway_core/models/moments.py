"""What a row of a price list says at a moment, and until when it will say so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta

from dragoman.v1.models_pb2 import Prices
from gateway_core.models.price_data import Dated, Row, Stepped, Unit

Rates = Mapping[Unit, float | Stepped]


def counts(dated: Dated, now: datetime) -> bool:
    if dated.since is not None and now.date() < dated.since:
        return False
    if dated.hours is None:
        return True
    begin, end = dated.hours
    at = now.time()
    return begin <= at < end if begin <= end else at >= begin or at < end


def rates_at(row: Row, tier: str, now: datetime) -> Rates:
    """The prices of a service tier; empty for the default one."""
    standard = next((dated for dated in reversed(row.prices) if counts(dated, now)), row.prices[0] if row.prices else None)
    rates = dict(standard.rates) if standard else {}
    special = [dated.rates for dated in row.tiers.get(tier, ()) if counts(dated, now)]
    for differing in reversed(special):
        rates.update(differing)
    return rates


def prices_of(rates: Rates) -> Prices | None:
    """None where tokens have no known price: an answer's cost is whole or unknown."""
    if "input" not in rates or "output" not in rates:
        return None
    prices = Prices()
    fill(prices, rates, 0)
    for start in sorted({start for rate in rates.values() if isinstance(rate, Stepped) for start, _ in rate.above}):
        fill(prices.long_context.add(above_input_tokens=start).prices, rates, start)
    return prices


def fill(prices: Prices, rates: Rates, start: int) -> None:
    for unit, rate in rates.items():
        setattr(prices, unit, price_above(rate, start))


def price_above(rate: float | Stepped, start: int) -> float:
    """The price of requests that have more input tokens than this, up to the next step."""
    if not isinstance(rate, Stepped):
        return rate
    return next((price for step, price in reversed(rate.above) if step <= start), rate.base)


def next_change(row: Row, now: datetime) -> float:
    """When other prices may count: seconds since 1970, infinite when nothing is known to change."""
    every = [*row.prices, *(dated for tier in row.tiers.values() for dated in tier)]
    return min((moment.timestamp() for moment in changes(every, now)), default=math.inf)


def changes(every: Iterable[Dated], now: datetime) -> Iterator[datetime]:
    for dated in every:
        if dated.since is not None and dated.since > now.date():
            yield datetime.combine(dated.since, time(), UTC)
        for hour in dated.hours or ():
            today = datetime.combine(now.date(), hour, UTC)
            yield today if today > now else today + timedelta(days=1)
