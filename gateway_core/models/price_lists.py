"""Price lists that come with the product: their format, the row of a model in them, and its prices at a moment.

scripts/prices writes the file from the package genai-prices (https://github.com/pydantic/genai-prices, MIT), which has
the prices that providers publish. A list belongs to a provider's URL; of its rows, the first that matches counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, TypeAlias

import msgspec

from dragoman.v1.models_pb2 import Prices

Unit: TypeAlias = Literal[
    "input",
    "output",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "input_audio",
    "output_audio",
    "input_image",
    "output_image",
    "reasoning",
    "request",
    "web_search",
]
"""The fields of the contract's Prices: US dollars for a million tokens, or for one request or search."""
MAX_PRICE = 1e6
Amount: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=MAX_PRICE)]
Count: TypeAlias = Annotated[int, msgspec.Meta(gt=0, lt=2**53)]
COMPACT_DATE = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")
"""A date in a name without dashes: gpt-5.2-20251211 is gpt-5.2-2025-12-11."""


class Stepped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A price that depends on how long the input is; it counts for all tokens of the request."""

    base: Amount
    above: list[tuple[Count, Amount]]
    """(input tokens that must be exceeded, price), ascending."""

    def __post_init__(self) -> None:
        starts = [start for start, _ in self.above]
        if not starts or starts != sorted(set(starts)):
            raise ValueError("the steps of a price must ascend")


class Dated(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Prices, and when they count."""

    rates: dict[Unit, Amount | Stepped]
    since: date | None = None
    """The first day, UTC."""
    hours: tuple[time, time] | None = None
    """Every day from the one to the other, UTC; over midnight where the second is the earlier."""


class Clause(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One condition on a model's name, which is in lower case."""

    equals: str = ""
    starts_with: str = ""
    ends_with: str = ""
    contains: str = ""
    regex: str = ""
    all: list[Clause] = []
    any: list[Clause] = []

    def __post_init__(self) -> None:
        given = (self.equals, self.starts_with, self.ends_with, self.contains, self.regex, self.all, self.any)
        if sum(map(bool, given)) != 1:
            raise ValueError("a clause must hold one condition")
        try:
            re.compile(self.regex)
        except re.error as error:
            raise ValueError(f"the regex {self.regex!r} is broken: {error}") from None

    def matches(self, name: str) -> bool:
        if self.equals:
            return name == self.equals
        if self.starts_with:
            return name.startswith(self.starts_with)
        if self.ends_with:
            return name.endswith(self.ends_with)
        if self.contains:
            return self.contains in name
        if self.regex:
            return re.search(self.regex, name) is not None
        if self.all:
            return all(clause.matches(name) for clause in self.all)
        return any(clause.matches(name) for clause in self.any)


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A model."""

    id: str
    name: str = ""
    """For people."""
    context: Count | None = None
    """The most input tokens."""
    equals: list[str] = []
    """Names of it, in lower case."""
    match: list[Clause] = []
    """Other ways to recognise it."""
    prices: list[Dated] = []
    """The last one that counts now, or else the first."""
    tiers: dict[str, list[Dated]] = {}
    """By the service tier of an answer, or speed:NAME: what differs there. Of those that count now, the first that
    has a price."""

    def __post_init__(self) -> None:
        if not (self.equals or self.match):
            raise ValueError(f"nothing matches the row {self.id!r}")


class PriceList(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one provider charges."""

    urls: str
    """A regex that matches where its URLs begin."""
    rows: msgspec.Raw
    """Read once they are needed."""
    borrows: list[str] = []
    """Lists that count for the models that this one lacks."""

    def __post_init__(self) -> None:
        try:
            re.compile(self.urls)
        except re.error as error:
            raise ValueError(f"the regex {self.urls!r} is broken: {error}") from None

    def read_rows(self) -> list[Row]:
        """Raises msgspec.DecodeError, which names what is wrong and where."""
        return msgspec.json.decode(self.rows, type=list[Row])

    def serves(self, url: str) -> bool:
        return re.match(self.urls, url) is not None


class PriceData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All lists."""

    source: str
    """Where they come from, with the version."""
    lists: Mapping[str, PriceList]

    def __post_init__(self) -> None:
        for name, one in self.lists.items():
            if missing := [other for other in one.borrows if other not in self.lists]:
                raise ValueError(f"the list {name!r} borrows from {missing[0]!r}, which there is not")


def bundled_bytes() -> bytes:
    from importlib.resources import files

    return files("gateway_core.models").joinpath("prices.json").read_bytes()


def read_price_data(data: bytes) -> PriceData:
    """Raises msgspec.DecodeError, which names what is wrong and where. The rows are not looked at yet."""
    return msgspec.json.decode(data, type=PriceData)


class PriceTable:
    """Rows by name. Plain names are looked up, and only the conditions of earlier rows are tried one by one."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._exact: dict[str, int] = {}
        self._clauses: list[tuple[int, Clause]] = []
        for index, row in enumerate(rows):
            for name in row.equals:
                self._exact.setdefault(name, index)
            self._clauses.extend((index, clause) for clause in row.match)

    def find(self, name: str) -> Row | None:
        """The first row that matches; name in lower case."""
        found = self._exact.get(name, len(self._rows))
        for index, clause in self._clauses:
            if index >= found:
                break
            if clause.matches(name):
                found = index
                break
        return self._rows[found] if found < len(self._rows) else None


def with_dashed_dates(name: str) -> str:
    """The name with its dates written as the lists write them; what is no date stays."""

    def dashed(found: re.Match[str]) -> str:
        year, month, day = map(int, found.groups())
        try:
            return f"-{date(year, month, day):%Y-%m-%d}"
        except ValueError:
            return found[0]

    return COMPACT_DATE.sub(dashed, name)


Rates = Mapping[Unit, float | Stepped]


def applies(dated: Dated, now: datetime) -> bool:
    if dated.since is not None and now.date() < dated.since:
        return False
    if dated.hours is None:
        return True
    begin, end = dated.hours
    at = now.time()
    return begin <= at < end if begin <= end else at >= begin or at < end


def rates_at(row: Row, tier: str, now: datetime) -> Rates:
    """The prices of a service tier; empty for the default one."""
    standard = next((dated for dated in reversed(row.prices) if applies(dated, now)), row.prices[0] if row.prices else None)
    rates = dict(standard.rates) if standard else {}
    special = [dated.rates for dated in row.tiers.get(tier, ()) if applies(dated, now)]
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
