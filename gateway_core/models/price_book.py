"""Pricing: what every model costs now, by the operator's own prices, then by those that come with the product.

A price is looked up once for each model of a provider and cached until it changes; a chat pays for two dictionary lookups.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

import msgspec

from dragoman.v1.models_pb2 import Prices
from dragoman.v1.usage_pb2 import Usage
from gateway_core.models import price_lists

CACHE_SIZE = 4096
"""Models; clients choose their names, so there must be a bound."""
ALL_MODELS = "*"
"""The model of an operator's price that counts for all models of a provider."""
WallClock = Callable[[], float]
"""Seconds since 1970."""
ALWAYS = (-math.inf, math.inf)

_log = logging.getLogger("dragoman.prices")

MILLION = 1_000_000
UNITS = 1e12
"""Of a dollar: what is less than one is the noise of binary fractions."""


class Charge:
    """What each kind of token costs beside what it would cost as a plain one: subsets are in the totals already, and one
    without a price of its own is charged like the rest."""

    __slots__ = (
        *("input", "output", "request", "web_search", "hidden", "above"),
        *("cache_read", "cache_write", "cache_write_1h", "input_audio", "input_image", "special_input"),
        *("output_audio", "output_image", "reasoning", "special_output"),
    )

    def __init__(self, prices: Prices) -> None:
        given: dict[str, float] = {field.name: value for field, value in prices.ListFields()}
        self.input, self.output = prices.input, prices.output
        self.request, self.web_search = prices.request, prices.web_search
        self.cache_read = given.get("cache_read", prices.input) - prices.input
        self.cache_write = given.get("cache_write", prices.input) - prices.input
        self.cache_write_1h = given.get("cache_write_1h", prices.input + self.cache_write) - prices.input - self.cache_write
        self.input_audio = given.get("input_audio", prices.input) - prices.input
        self.input_image = given.get("input_image", prices.input) - prices.input
        self.output_audio = given.get("output_audio", prices.output) - prices.output
        self.output_image = given.get("output_image", prices.output) - prices.output
        self.reasoning = given.get("reasoning", prices.output) - prices.output
        self.special_input = bool(self.cache_write or self.cache_write_1h or self.input_audio or self.input_image)
        self.hidden = bool(self.cache_write_1h or self.web_search)
        self.special_output = bool(self.output_audio or self.output_image or self.reasoning)
        self.above = tuple((longer.above_input_tokens, Charge(longer.prices)) for longer in prices.long_context)

    def amount(self, usage: Usage) -> float:
        """US dollars. A subset that claims more than its total is cut to it: never below zero, never charged twice."""
        tokens = usage.input_tokens
        if self.above:
            for start, longer in reversed(self.above):
                if tokens > start:
                    return longer.amount(usage)
        total = tokens * self.input + usage.output_tokens * self.output
        if self.cache_read and (read := usage.cache_read_tokens):
            total += min(read, tokens) * self.cache_read
        extras = self._extras(usage) if self.hidden else NOTHING
        if self.special_input:
            total += self._special_input(usage, tokens, extras)
        if self.special_output:
            total += self._special_output(usage)
        total /= MILLION
        if self.request or self.web_search:
            total += self.request + extras.searches * self.web_search
        return int(total * UNITS + 0.5) / UNITS if total > 0.0 else 0.0

    def _extras(self, usage: Usage) -> RawUsage:
        raw = usage.raw_json
        if (self.web_search and SEARCHES in raw) or (self.cache_write_1h and HOUR_WRITES in raw):
            return read_raw(raw)
        return NOTHING

    def _special_input(self, usage: Usage, tokens: int, extras: RawUsage) -> float:
        left = tokens - min(usage.cache_read_tokens, tokens)
        written = min(usage.cache_write_tokens, left)
        total = written * self.cache_write + min(extras.hour_writes, written) * self.cache_write_1h
        left -= written
        sound = min(usage.input_audio_tokens, left)
        pictures = min(usage.input_image_tokens, left - sound)
        return total + sound * self.input_audio + pictures * self.input_image

    def _special_output(self, usage: Usage) -> float:
        left = usage.output_tokens
        sound = min(usage.output_audio_tokens, left)
        pictures = min(usage.output_image_tokens, left - sound)
        reasoning = min(usage.reasoning_tokens, left - sound - pictures)
        return sound * self.output_audio + pictures * self.output_image + reasoning * self.reasoning


Tally: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class CacheCreation(msgspec.Struct):
    ephemeral_1h_input_tokens: Tally | None = None


class ServerToolUse(msgspec.Struct):
    web_search_requests: Tally | None = None


class Iteration(msgspec.Struct):
    cache_creation: CacheCreation | None = None


class RawUsage(msgspec.Struct):
    """What providers charge for and the contract does not count."""

    cache_creation: CacheCreation | None = None
    server_tool_use: ServerToolUse | None = None
    speed: str | None = None
    iterations: list[Iteration] | None = None
    """Where there are any, what is billed is their sum."""

    @property
    def hour_writes(self) -> int:
        """Tokens written to a cache with a TTL of an hour."""
        written = [one.cache_creation for one in self.iterations] if self.iterations else [self.cache_creation]
        return sum(one.ephemeral_1h_input_tokens or 0 for one in written if one)

    @property
    def searches(self) -> int:
        """Searches of the web that the provider made."""
        return (self.server_tool_use and self.server_tool_use.web_search_requests) or 0


NOTHING = RawUsage()
SEARCHES = '"web_search_requests"'
HOUR_WRITES = '"ephemeral_1h_input_tokens"'


def read_raw(raw_json: str) -> RawUsage:
    """Never raises: what is not as expected counts for nothing."""
    try:
        return msgspec.json.decode(raw_json, type=RawUsage)
    except (msgspec.DecodeError, RecursionError):
        return NOTHING


def speed(usage: Usage) -> str:
    """The speed that a provider reports, where that has a price. Empty: none."""
    raw = usage.raw_json
    return read_raw(raw).speed or "" if '"speed"' in raw else ""


@dataclass(frozen=True, slots=True)
class Quote:
    """What is known about a model, from one moment to another."""

    prices: Prices | None = None
    """None: unknown."""
    charge: Charge | None = None
    tiers: Mapping[str, Charge] = field(default_factory=dict)
    """Of service tiers that cost something else."""
    name: str = ""
    context: int | None = None
    begins: float = ALWAYS[0]
    ends: float = ALWAYS[1]


UNKNOWN = Quote()


class PriceBook:
    """Never raises: what cannot be read is unknown, and the log has the reason."""

    def __init__(
        self,
        urls: Mapping[str, Sequence[str]],
        own: Mapping[str, Prices] | None = None,
        *,
        read: Callable[[], bytes] = price_lists.bundled_bytes,
        clock: WallClock = time.time,
        cache_size: int = CACHE_SIZE,
    ) -> None:
        """urls: where each provider is, by name; its price list is the first one that serves one of them. own: the
        operator's prices, by provider/model. read: gives the file of price lists, once it is needed."""
        self._urls = urls
        self._own = own or {}
        self._read = read
        self._clock = clock
        self._cache_size = cache_size
        self._data: price_lists.PriceData | None = None
        self._tables: dict[str, price_lists.PriceTable] = {}
        self._cache: dict[tuple[str, str], Quote] = {}

    def quote(self, provider: str, model: str) -> Quote:
        found = self._cache.get((provider, model))
        now = self._clock()
        if found is None or not found.begins <= now < found.ends:
            found = self._look_up(provider, model, now)
            if len(self._cache) >= self._cache_size:
                self._cache.clear()
            self._cache[provider, model] = found
        return found

    def _look_up(self, provider: str, model: str, now: float) -> Quote:
        row, its_own = self._row(provider, model)
        quote = quote_of(row, now, tiers=its_own) if row else UNKNOWN
        own = self._own.get(f"{provider}/{model}") or self._own.get(f"{provider}/{ALL_MODELS}")
        if own is None:
            return quote
        return Quote(own, Charge(own), name=quote.name, context=quote.context)

    def _row(self, provider: str, model: str) -> tuple[price_lists.Row | None, bool]:
        """The row of a model, and whether it is in the provider's own list."""
        lists = self._lists().lists
        named = next((name for url in self._urls.get(provider, ()) for name, one in lists.items() if one.serves(url)), None)
        if named is None:
            return None, False
        lower = model.lower()
        for name in dict.fromkeys((lower, price_lists.with_dashed_dates(lower))):
            for listed in (named, *lists[named].borrows):
                if row := self._table(listed).find(name):
                    return row, listed == named
        return None, False

    def _lists(self) -> price_lists.PriceData:
        if self._data is None:
            try:
                self._data = price_lists.read_price_data(self._read())
            except (OSError, msgspec.DecodeError) as error:
                _log.error("the price lists cannot be read: %s", error)
                self._data = price_lists.PriceData("", {})
        return self._data

    def _table(self, listed: str) -> price_lists.PriceTable:
        table = self._tables.get(listed)
        if table is None:
            try:
                table = price_lists.PriceTable(self._lists().lists[listed].read_rows())
            except msgspec.DecodeError as error:
                _log.error("the price list of %s cannot be read: %s", listed, error)
                table = price_lists.PriceTable(())
            self._tables[listed] = table
        return table


def quote_of(row: price_lists.Row, now: float, *, tiers: bool) -> Quote:
    """tiers: whether service tiers count; in a borrowed list they are another provider's."""
    moment = datetime.fromtimestamp(now, UTC)
    prices = price_lists.prices_of(price_lists.rates_at(row, "", moment))
    special: dict[str, Charge] = {}
    for tier in row.tiers if tiers else ():
        found = price_lists.prices_of(price_lists.rates_at(row, tier, moment))
        if found is not None and found != prices:
            special[tier] = Charge(found)
    ends = price_lists.next_change(row, moment)
    begins = now if ends < math.inf else ALWAYS[0]
    return Quote(prices, Charge(prices) if prices else None, special, row.name, row.context, begins, ends)
