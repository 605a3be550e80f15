"""Our prices are those of the package they come from: the file is up to date with it, and it computes the same costs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest
from genai_prices import types
from genai_prices.data import providers
from genai_prices.data_snapshot import get_snapshot

from dragoman.v1.usage_pb2 import Usage
from gateway_core.accounts.settlement import charge_usage
from gateway_core.models.price_book import PriceBook
from gateway_core.models.price_lists import bundled_bytes
from gateway_core.settings.providers import KNOWN
from scripts.price_data import price_data

URLS = [
    *(vendor.url.replace("{ACCOUNT_ID}", "a1").replace("{RESOURCE}", "r1") for vendor in KNOWN.values()),
    *("https://api.novita.ai/v3/openai", "https://api.avian.io/v1", "https://bedrock-runtime.us-east-1.amazonaws.com"),
]
MOMENTS = [
    # Prices of some models depend on the hour; others change at a day.
    datetime(2026, 9, 30, 12, tzinfo=UTC),
    datetime(2026, 11, 21, 3, 30, tzinfo=UTC),
    datetime(2026, 11, 21, 20, tzinfo=UTC),
    datetime(2027, 3, 1, 8, tzinfo=UTC),
]
CONTEXTS: list[dict[str, str]] = [
    *({"service_tier": tier} for tier in ("flex", "priority", "fast", "default")),
    {"speed": "fast"},
    {},
]


def raw(hour_writes: int, searches: int, **more: str) -> str:
    cache, server = f'{{"ephemeral_1h_input_tokens":{hour_writes}}}', f'{{"web_search_requests":{searches}}}'
    rest = "".join(f',"{name}":"{value}"' for name, value in more.items())
    return f'{{"cache_creation":{cache},"server_tool_use":{server}{rest}}}'


def theirs(usage: Usage, hour_writes: int, searches: int) -> types.Usage:
    """Our usage in their words. What is both cached and not text is none: we are not told of it."""
    return types.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=hour_writes,
        input_audio_tokens=usage.input_audio_tokens,
        output_audio_tokens=usage.output_audio_tokens,
        input_image_tokens=usage.input_image_tokens,
        output_image_tokens=usage.output_image_tokens,
        output_reasoning_tokens=usage.reasoning_tokens,
        cache_audio_read_tokens=0,
        cache_image_read_tokens=0,
        web_searches=searches,
    )


USAGES: list[tuple[Usage, int, int]] = [
    (Usage(input_tokens=1000, output_tokens=200, reasoning_tokens=150), 0, 0),
    (Usage(input_tokens=5000, output_tokens=7, cache_read_tokens=3000, cache_write_tokens=1500), 500, 2),
    (
        Usage(
            input_tokens=900,
            output_tokens=800,
            cache_read_tokens=100,
            cache_write_tokens=50,
            input_audio_tokens=200,
            input_image_tokens=300,
            output_audio_tokens=400,
            output_image_tokens=100,
            reasoning_tokens=99,
        ),
        0,
        1,
    ),
    *((Usage(input_tokens=tokens, output_tokens=10, cache_read_tokens=3), 0, 0) for tokens in (200_000, 200_001, 300_000)),
]


def names(model: types.ModelInfo) -> Iterator[str]:
    """One name for each way to recognise a model."""
    alternatives = model.match.or_ if isinstance(model.match, types.ClauseOr) else [model.match]
    for one in alternatives:
        match one:
            case (
                types.ClauseEquals(equals=name)
                | types.ClauseStartsWith(starts_with=name)
                | types.ClauseContains(contains=name)
            ):
                yield name
            case types.ClauseEndsWith(ends_with=name):
                yield f"x{name}"


def list_of(url: str) -> types.Provider | None:
    try:
        return get_snapshot().find_provider(None, None, url)
    except LookupError:
        return None


def test_the_file_is_what_the_pinned_version_says() -> None:
    assert price_data() == bundled_bytes(), "run scripts/prices and commit what it writes"


def test_every_vendor_that_sells_has_a_list() -> None:
    without = {vendor.name for vendor in KNOWN.values() if list_of(vendor.url) is None}
    assert without == {"ollama", "ollama_cloud", "huggingface", "demo"}


@pytest.mark.parametrize("url", [url for url in URLS if list_of(url)])
def test_costs_are_the_same(url: str) -> None:
    provider = list_of(url)
    assert provider is not None
    compared = 0
    for now in MOMENTS:
        book = PriceBook({"p": (url,)}, clock=now.timestamp)
        for model in provider.models:
            if now == MOMENTS[0] or isinstance(model.prices, list) or model.price_variants:
                compared += sum(compare(book, provider, name, now) for name in names(model))
    assert compared > 5


def compare(book: PriceBook, provider: types.Provider, name: str, now: datetime) -> int:
    quote = book.quote("p", name)
    found = provider.find_model(name, all_providers=providers)
    assert found is not None
    assert (quote.name, quote.context) == (found.name or "", found.context_window or None)
    prices = found.get_prices(now).__dict__
    if prices.get("input_mtok") is None or prices.get("output_mtok") is None:
        assert quote.charge is None
        return 0
    for usage, hour_writes, searches in USAGES:
        for context in CONTEXTS if found.price_variants else [{}]:
            expected = found.calc_price(
                theirs(usage, hour_writes, searches), provider, genai_request_timestamp=now, price_context=context
            )
            usage.raw_json = raw(hour_writes, searches, **({"speed": context["speed"]} if "speed" in context else {}))
            usage.ClearField("cost")
            charge_usage(usage, quote, context.get("service_tier", ""))
            cost = usage.cost.total_usd
            assert cost == pytest.approx(float(expected.total_price), rel=1e-9, abs=1e-12), (
                provider.id,
                name,
                context,
                usage,
            )
    return 1


def test_bare_arithmetic() -> None:
    """One figure by hand, so that both cannot be wrong together."""
    quote = PriceBook({"openai": ("https://api.openai.com/v1",)}).quote("openai", "gpt-4o")
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000, cache_read_tokens=400_000)
    assert quote.charge is not None
    assert quote.charge.amount(usage) == float(Decimal("2.5") * Decimal("0.6") + Decimal("1.25") * Decimal("0.4") + 10)
    assert genai_prices.__version__ in bundled_bytes()[:80].decode()
