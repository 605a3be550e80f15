"""What a model costs: whose list counts, what the operator says, how long an answer is kept, and lists that are broken."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from dragoman.v1.models_pb2 import Prices
from gateway_core.models.price_book import UNKNOWN, PriceBook
from tests.gateway_core.execution.scripted import Clock

BASE: dict[str, Any] = {"input": 1.0, "output": 2.0}
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()


def row(called: str, price: float = 1.0, **fields: Any) -> dict[str, Any]:
    return {"id": called, "equals": [called], "prices": [{"rates": {"input": price, "output": price}}], **fields}


def lists(**rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: {"urls": f"https://{name}\\.com", "rows": its} for name, its in rows.items()}


def file_of(its: object) -> Callable[[], bytes]:
    return lambda: json.dumps({"source": "test", "lists": its}).encode()


def book(its: object, own: dict[str, Prices] | None = None, clock: Clock | None = None, **urls: str) -> PriceBook:
    found = {name: (url,) for name, url in urls.items()} or {"p": ("https://a.com/v1",)}
    if clock is None:
        clock = Clock()
        clock.now = NOON
    return PriceBook(found, own, read=file_of(its), clock=clock)


def price(found: PriceBook, provider: str = "p", model: str = "m") -> float | None:
    prices = found.quote(provider, model).prices
    return prices.input if prices else None


def test_the_list_that_serves_a_providers_url() -> None:
    found = book(lists(a=[row("m", 1)], b=[row("m", 2)]), p="https://b.com/v1", q="https://a.com", r="https://other.com")
    assert [price(found, name) for name in ("p", "q", "r", "nobody")] == [2.0, 1.0, None, None]


def test_the_first_url_that_has_a_list_counts() -> None:
    found = PriceBook(
        {"p": ("http://10.0.0.5", "https://b.com"), "q": ("https://a.com", "https://b.com")},
        read=file_of(lists(a=[row("m", 1)], b=[row("m", 2)])),
    )
    assert (price(found, "p"), price(found, "q")) == (2.0, 1.0)


def test_names_in_capitals_and_with_compact_dates() -> None:
    found = book(lists(a=[row("m-2025-12-11", 3)]))
    assert price(found, model="M-20251211") == 3.0
    assert price(found, model="m-20251212") is None


def test_a_borrowed_list_counts_for_what_is_lacking_and_without_its_tiers() -> None:
    tiers = {"flex": [{"rates": {"input": 0.5}}]}
    its = lists(a=[row("m", 1, tiers=tiers)], b=[row("m", 2, tiers=tiers), row("n", 3, tiers=tiers)])
    its["a"]["borrows"] = ["b"]
    found = book(its)
    assert (price(found), price(found, model="n")) == (1.0, 3.0)
    assert (set(found.quote("p", "m").tiers), set(found.quote("p", "n").tiers)) == ({"flex"}, set())


def test_a_tier_that_costs_the_same_is_none() -> None:
    tiers = {"same": [{"rates": {"input": 1.0}}], "later": [{"rates": {"input": 9}, "since": "2030-01-01"}]}
    quote = book(lists(a=[row("m", 1, tiers=tiers)])).quote("p", "m")
    assert not quote.tiers
    assert quote.ends == datetime(2030, 1, 1, tzinfo=UTC).timestamp()


def test_a_model_that_no_list_knows_has_no_price() -> None:
    found = book(lists(a=[row("other")]))
    assert found.quote("p", "m") is UNKNOWN


def test_a_model_with_half_a_price_has_none_but_its_name_and_context() -> None:
    quote = book(lists(a=[row("m", name="M", context=7, prices=[{"rates": {"input": 1}}])])).quote("p", "m")
    assert (quote.prices, quote.charge, quote.name, quote.context) == (None, None, "M", 7)


def test_the_operators_word_comes_first() -> None:
    own = {"p/m": Prices(input=7, output=8), "p/*": Prices(input=0, output=0), "q/m": Prices(input=6, output=6)}
    found = book(lists(a=[row("m", name="M", context=7), row("n")]), own)
    assert [price(found, model=name) for name in ("m", "n", "new")] == [7.0, 0.0, 0.0]
    assert (found.quote("p", "m").name, found.quote("p", "m").context) == ("M", 7)
    assert price(found, "q") == 6.0
    assert price(found, "q", "n") is None


def test_prices_change_at_their_hour_whichever_way_the_clock_goes() -> None:
    hours = [{"rates": BASE}, {"rates": {"input": 5, "output": 5}, "hours": ["13:00:00", "14:00:00"]}]
    clock = Clock()
    found = book(lists(a=[row("m", prices=hours)]), clock=clock)
    seen = []
    for hour in (12.0, 12.99, 13.0, 13.5, 14.0, 13.9, 12.0, 37.5):
        clock.now = NOON + (hour - 12) * 3600
        seen.append(price(found))
    assert seen == [1.0, 1.0, 5.0, 5.0, 1.0, 5.0, 1.0, 5.0]


def test_what_is_looked_up_is_kept_within_a_bound() -> None:
    found = PriceBook({"p": ("https://a.com",)}, read=file_of(lists(a=[row("m")])), cache_size=3)
    first = found.quote("p", "m")
    assert found.quote("p", "m") is first
    for number in range(3):
        found.quote("p", f"m{number}")
    assert found.quote("p", "m") is not first


def test_the_file_is_read_once_and_only_when_it_is_needed() -> None:
    read: list[int] = []

    def data() -> bytes:
        read.append(1)
        return file_of(lists(a=[row("m")]))()

    found = PriceBook({"p": ("https://a.com",)}, read=data)
    assert not read
    found.quote("p", "m")
    found.quote("p", "n")
    assert read == [1]


def broken() -> bytes:
    raise OSError("gone")


@pytest.mark.parametrize("read", [broken, lambda: b"", lambda: b"{}", lambda: b'{"source":"\xff'])
def test_a_broken_file_costs_a_line_in_the_log(read: Callable[[], bytes], caplog: pytest.LogCaptureFixture) -> None:
    found = PriceBook({"p": ("https://a.com",)}, {"p/own": Prices(input=1, output=1)}, read=read)
    with caplog.at_level(logging.ERROR):
        assert [price(found, model=name) for name in ("m", "n", "own")] == [None, None, 1.0]
    assert [record.message for record in caplog.records if "cannot be read" in record.message] == [caplog.messages[0]]


def test_a_broken_list_leaves_the_others(caplog: pytest.LogCaptureFixture) -> None:
    bad = row("m", prices=[{"rates": {"input": -1, "output": 1}}])
    found = book(lists(a=[bad], b=[row("m", 2)]), p="https://a.com", q="https://b.com")
    assert (price(found, "p"), price(found, "q")) == (None, 2.0)
    assert [message for message in caplog.messages if "the price list of a" in message]


def test_names_that_clients_may_invent() -> None:
    found = PriceBook({"openrouter": ("https://openrouter.ai/api/v1",)})
    for name in ("", "/", "\0", "ä" * 1000, "-" * 100_000, "a-20251399" * 1000):
        assert found.quote("openrouter", name).charge is None
