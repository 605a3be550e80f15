"""The arithmetic of a cost: subsets are in the totals already, and nothing a provider says makes it negative."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.v1.models_pb2 import LongContextPrices, Prices
from dragoman.v1.usage_pb2 import Usage
from gateway_core.models.price_book import Charge, read_raw, speed

MILLION = 1_000_000


def cost(prices: Prices, **usage: object) -> float:
    return Charge(prices).amount(Usage(**usage))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prices", "usage", "dollars"),
    [
        (Prices(input=1, output=10), {"input_tokens": MILLION, "output_tokens": MILLION}, 11.0),
        (Prices(input=1, output=10, cache_read=0.1), {"input_tokens": MILLION, "cache_read_tokens": 600_000}, 0.46),
        (Prices(input=1, output=10), {"input_tokens": MILLION, "cache_read_tokens": 600_000}, 1.0),
        (Prices(input=1, output=10, cache_read=0), {"input_tokens": MILLION, "cache_read_tokens": MILLION}, 0.0),
        (Prices(input=1, output=10, cache_write=1.25), {"input_tokens": MILLION, "cache_write_tokens": 400_000}, 1.1),
        (
            Prices(input=1, output=10, cache_read=0.1, cache_write=1.25),
            {"input_tokens": MILLION, "cache_read_tokens": 500_000, "cache_write_tokens": 400_000},
            0.1 + 0.05 + 0.5,
        ),
        (Prices(input=1, output=10, reasoning=20), {"output_tokens": MILLION, "reasoning_tokens": 500_000}, 15.0),
        (Prices(input=1, output=10), {"output_tokens": MILLION, "reasoning_tokens": 500_000}, 10.0),
        (Prices(input=1, output=10, input_audio=5), {"input_tokens": MILLION, "input_audio_tokens": 500_000}, 3.0),
        (Prices(input=1, output=10, output_audio=50), {"output_tokens": MILLION, "output_audio_tokens": 500_000}, 30.0),
        (Prices(input=1, output=10, input_image=3), {"input_tokens": MILLION, "input_image_tokens": MILLION}, 3.0),
        (Prices(input=1, output=10, output_image=30), {"output_tokens": MILLION, "output_image_tokens": MILLION}, 30.0),
        (Prices(input=1, output=10, request=0.005), {"input_tokens": 1}, 0.005001),
        (Prices(), {"input_tokens": MILLION, "output_tokens": MILLION}, 0.0),
    ],
)
def test_what_tokens_cost(prices: Prices, usage: dict[str, int], dollars: float) -> None:
    assert cost(prices, **usage) == pytest.approx(dollars)


def test_writes_that_are_kept_for_an_hour_and_searches() -> None:
    prices = Prices(input=1, output=1, cache_write=1.25, cache_write_1h=2, web_search=0.01)
    raw = (
        '{"cache_creation":{"ephemeral_5m_input_tokens":300000,"ephemeral_1h_input_tokens":100000},'
        '"server_tool_use":{"web_search_requests":3}}'
    )
    usage = {"input_tokens": MILLION, "cache_write_tokens": 400_000, "raw_json": raw}
    assert cost(prices, **usage) == pytest.approx(0.6 + 0.3 * 1.25 + 0.1 * 2 + 0.03)
    only_hours = Prices(input=1, output=1, cache_write_1h=2)
    assert cost(only_hours, **usage) == pytest.approx(0.9 + 0.1 * 2)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "[]",
        "{",
        '"web_search_requests"',
        '{"server_tool_use":null,"cache_creation":null,"speed":null,"web_search_requests":1}',
        '{"server_tool_use":{"web_search_requests":null},"cache_creation":{"ephemeral_1h_input_tokens":null}}',
        '{"server_tool_use":{"web_search_requests":-4}}',
        '{"server_tool_use":{"web_search_requests":1e99}}',
        '{"server_tool_use":{"web_search_requests":"many"}}',
        '{"server_tool_use":["web_search_requests"]}',
        '{"cache_creation":{"ephemeral_1h_input_tokens":-1}}',
        '{"speed":7}',
        "[" * 100_000 + '"speed"',
    ],
)
def test_raw_usage_that_is_broken_counts_for_nothing(raw: str) -> None:
    usage = Usage(input_tokens=10, cache_write_tokens=10, raw_json=raw)
    assert (read_raw(raw).hour_writes, read_raw(raw).searches, speed(usage)) == (0, 0, "")
    assert cost(Prices(input=1, output=1, cache_write_1h=2, web_search=1), input_tokens=10, raw_json=raw) == 0.00001


def test_long_inputs_cost_more_for_all_tokens() -> None:
    longer = [LongContextPrices(above_input_tokens=start, prices=Prices(input=start, output=1)) for start in (100, 200)]
    prices = Prices(input=1, output=1, long_context=longer)
    for tokens, price in ((100, 1), (101, 100), (200, 100), (201, 200), (10**6, 200)):
        assert cost(prices, input_tokens=tokens) == pytest.approx(tokens * price / MILLION)


COUNTS = st.integers(0, 2**60)
RATES = st.floats(0, 1e6)


@given(
    st.builds(Prices, **dict.fromkeys(("input", "output", "cache_read", "cache_write", "input_audio", "reasoning"), RATES)),
    st.builds(
        Usage,
        input_tokens=COUNTS,
        output_tokens=COUNTS,
        cache_read_tokens=COUNTS,
        cache_write_tokens=COUNTS,
        input_audio_tokens=COUNTS,
        input_image_tokens=COUNTS,
        reasoning_tokens=COUNTS,
        output_audio_tokens=COUNTS,
    ),
)
def test_no_usage_costs_less_than_nothing_or_more_than_its_dearest_token(prices: Prices, usage: Usage) -> None:
    found = Charge(prices).amount(usage)
    dearest = max(getattr(prices, name) for name in ("input", "output", "cache_read", "cache_write", "input_audio"))
    most = (usage.input_tokens + usage.output_tokens) * max(dearest, prices.reasoning) / MILLION
    slack = 1e-9 * most + 1e-9
    assert math.isfinite(found)
    assert 0.0 <= found <= most + slack


def test_no_noise_of_binary_fractions() -> None:
    assert repr(cost(Prices(input=0.1, output=0.2), input_tokens=3, output_tokens=0)) == "3e-07"
