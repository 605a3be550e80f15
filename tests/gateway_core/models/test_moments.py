"""What a row says at a moment: days, hours, tiers, and when it says something else."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time

import pytest

from gateway_core.models.price_lists import Dated, Row, Stepped, next_change, prices_of, rates_at


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def row(*prices: Dated, tiers: dict[str, list[Dated]] | None = None) -> Row:
    return Row("m", equals=["m"], prices=list(prices), tiers=tiers or {})


def plain(price: float, **when: object) -> Dated:
    return Dated({"input": price, "output": price}, **when)  # type: ignore[arg-type]


RISING = row(plain(1.0), plain(2.0, since=date(2026, 11, 10)), plain(3.0, since=date(2026, 11, 20)))
NIGHTLY = row(plain(1.0), plain(2.0, hours=(time(22), time(4))))
MORNING = row(plain(1.0), plain(2.0, hours=(time(1), time(4))))


@pytest.mark.parametrize(
    ("model", "now", "price", "until"),
    [
        (RISING, at(9, 23, 59), 1.0, at(10)),
        (RISING, at(10), 2.0, at(20)),
        (RISING, at(19, 23, 59), 2.0, at(20)),
        (RISING, at(20), 3.0, None),
        (NIGHTLY, at(1, 21, 59), 1.0, at(1, 22)),
        (NIGHTLY, at(1, 22), 2.0, at(2, 4)),
        (NIGHTLY, at(2, 3, 59), 2.0, at(2, 4)),
        (NIGHTLY, at(2, 4), 1.0, at(2, 22)),
        (MORNING, at(1, 0, 59), 1.0, at(1, 1)),
        (MORNING, at(1, 1), 2.0, at(1, 4)),
        (MORNING, at(1, 4), 1.0, at(2, 1)),
        (row(plain(1.0, since=date(2026, 11, 9))), at(1), 1.0, at(9)),
    ],
)
def test_prices_change(model: Row, now: datetime, price: float, until: datetime | None) -> None:
    assert rates_at(model, "", now) == {"input": price, "output": price}
    assert next_change(model, now) == (until.timestamp() if until else math.inf)


def test_a_tier_differs_in_part() -> None:
    flex = [Dated({"output": 9.0}, since=date(2026, 11, 5)), Dated({"input": 8.0, "output": 7.0})]
    model = row(plain(1.0), tiers={"flex": flex})
    assert rates_at(model, "flex", at(1)) == {"input": 8.0, "output": 7.0}
    assert rates_at(model, "flex", at(5)) == {"input": 8.0, "output": 9.0}
    assert rates_at(model, "priority", at(5)) == {"input": 1.0, "output": 1.0}
    assert next_change(model, at(1)) == at(5).timestamp()


@pytest.mark.parametrize("rates", [{}, {"input": 1.0}, {"output": 1.0}, {"request": 1.0}])
def test_half_a_price_is_none(rates: dict[str, float]) -> None:
    assert prices_of(rates) is None  # type: ignore[arg-type]


def test_a_row_without_prices() -> None:
    assert rates_at(row(), "", at(1)) == {}


def test_long_inputs() -> None:
    steps = Stepped(1.0, [(100, 2.0), (300, 3.0)])
    prices = prices_of({"input": steps, "output": Stepped(10.0, [(200, 20.0)]), "cache_read": 0.5})
    assert prices is not None
    assert (prices.input, prices.output, prices.cache_read) == (1.0, 10.0, 0.5)
    assert [
        (longer.above_input_tokens, longer.prices.input, longer.prices.output, longer.prices.cache_read)
        for longer in prices.long_context
    ] == [(100, 2.0, 10.0, 0.5), (200, 2.0, 20.0, 0.5), (300, 3.0, 20.0, 0.5)]
