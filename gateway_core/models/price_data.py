"""The price lists that come with the product: what they may hold, and how they are read.

scripts/prices writes the file from the package genai-prices (https://github.com/pydantic/genai-prices, MIT), which keeps
the prices that providers publish. A list belongs to a provider's URL; of its rows, the first that matches counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from typing import Annotated, Literal, TypeAlias

import msgspec

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
LARGEST_PRICE = 1e6
Amount: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=LARGEST_PRICE)]
Count: TypeAlias = Annotated[int, msgspec.Meta(gt=0, lt=2**53)]


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
    """By the service tier that an answer tells, or speed:NAME: what differs there. Of those that count now, the first that
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
        """Raises msgspec.DecodeError, which says what is wrong where."""
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
    """Raises msgspec.DecodeError, which says what is wrong where. The rows are not looked at yet."""
    return msgspec.json.decode(data, type=PriceData)
