"""Turns the price lists of genai-prices into the file that comes with the product. Development only."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import genai_prices
import msgspec
from genai_prices import types
from genai_prices.data import providers

from gateway_core.models.price_lists import Clause, Dated, Row, Stepped, Unit, read_price_data

FILE = Path(__file__).parents[1] / "gateway_core" / "models" / "prices.json"
UNITS: Mapping[str, tuple[Unit, int]] = {
    # Their price, ours, and how many of our units theirs is for.
    "input_mtok": ("input", 1),
    "output_mtok": ("output", 1),
    "cache_read_mtok": ("cache_read", 1),
    "cache_write_mtok": ("cache_write", 1),
    "cache_write_1h_mtok": ("cache_write_1h", 1),
    "input_audio_mtok": ("input_audio", 1),
    "output_audio_mtok": ("output_audio", 1),
    "input_image_mtok": ("input_image", 1),
    "output_image_mtok": ("output_image", 1),
    "output_reasoning_mtok": ("reasoning", 1),
    "requests_kcount": ("request", 1000),
    "web_searches_kcount": ("web_search", 1000),
}
"""What is not here is never part of a chat's usage: hours, pages, characters."""
TIERS = {"service_tier": "", "speed": "speed:"}
"""What of the circumstances an answer tells, and how its values begin in our file. Batches and other APIs are not ours."""


def lists() -> Iterator[tuple[str, str]]:
    """Each list's name and JSON, one line for each model."""
    taken: set[str] = set()
    for provider in providers:
        if provider.api_pattern in taken:
            continue
        taken.add(provider.api_pattern)
        borrows = list(provider.fallback_model_providers or ())
        head = {"urls": provider.api_pattern, **({"borrows": borrows} if borrows else {})}
        rows = ",\n".join(encoded(row_of(model)) for model in provider.models)
        yield provider.id, f'{encoded(head)[:-1]},"rows":[\n{rows}\n]}}'


def row_of(model: types.ModelInfo) -> Row:
    equals, others = names_of(model.match)
    given = model.prices if isinstance(model.prices, list) else [types.ConditionalPrice(prices=model.prices)]
    return Row(
        id=model.id,
        name=model.name or "",
        context=model.context_window or None,
        equals=equals,
        match=others,
        prices=[dated(one.prices, one.constraint) for one in given],
        tiers=tiers_of(model),
    )


def names_of(match: Any) -> tuple[list[str], list[Clause]]:
    """Plain names apart from the rest."""
    alternatives = match.or_ if isinstance(match, types.ClauseOr) else [match]
    equals = [one.equals.lower() for one in alternatives if isinstance(one, types.ClauseEquals)]
    return equals, [clause(one) for one in alternatives if not isinstance(one, types.ClauseEquals)]


def clause(match: Any) -> Clause:
    match match:
        case types.ClauseEquals():
            return Clause(equals=match.equals.lower())
        case types.ClauseStartsWith():
            return Clause(starts_with=match.starts_with.lower())
        case types.ClauseEndsWith():
            return Clause(ends_with=match.ends_with.lower())
        case types.ClauseContains():
            return Clause(contains=match.contains.lower())
        case types.ClauseRegex():
            return Clause(regex=match.regex)
        case types.ClauseAnd():
            return Clause(all=[clause(one) for one in match.and_])
        case types.ClauseOr():
            return Clause(any=[clause(one) for one in match.or_])
    raise ValueError(f"a clause that is new: {match!r}")


def tiers_of(model: types.ModelInfo) -> dict[str, list[Dated]]:
    tiers: dict[str, list[Dated]] = {}
    for variant in model.price_variants or ():
        (name, value), *more = variant.when.items()
        if name in TIERS and not more and any(variant.prices.__dict__.values()):
            tiers.setdefault(TIERS[name] + value, []).append(dated(variant.prices, variant.constraint))
    return tiers


def dated(prices: types.ModelPrice, constraint: Any) -> Dated:
    rates = {
        UNITS[theirs][0]: rate(price, UNITS[theirs][1])
        for theirs, price in prices.__dict__.items()
        if theirs in UNITS and price is not None
    }
    match constraint:
        case None:
            return Dated(rates)
        case types.StartDateConstraint():
            return Dated(rates, since=constraint.start_date)
        case types.TimeOfDateConstraint():
            return Dated(rates, hours=(in_utc(constraint.start_time), in_utc(constraint.end_time)))
    raise ValueError(f"a constraint that is new: {constraint!r}")


def in_utc(moment: datetime.time) -> datetime.time:
    if moment.utcoffset() not in (None, datetime.timedelta(0)):
        raise ValueError(f"an hour that is not UTC: {moment!r}")
    return moment.replace(tzinfo=None)


def rate(price: Decimal | types.TieredPrices, units: int) -> float | Stepped:
    if isinstance(price, types.TieredPrices):
        steps = [(tier.start, float(tier.price / units)) for tier in price.tiers]
        return Stepped(float(price.base / units), steps) if steps else float(price.base / units)
    return float(price / units)


def encoded(value: object) -> str:
    return msgspec.json.encode(value).decode()


def price_data() -> bytes:
    """The whole file, which is valid."""
    source = f"genai-prices {genai_prices.__version__} (MIT), https://github.com/pydantic/genai-prices"
    body = ",\n".join(f"{encoded(name)}:{text}" for name, text in lists())
    data = f'{{"source":{encoded(source)},\n"lists":{{\n{body}\n}}}}\n'.encode()
    for one in read_price_data(data).lists.values():
        one.read_rows()
    return data


def main() -> int:
    data = price_data()
    FILE.write_bytes(data)
    print(f"{FILE}: {len(data) // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
