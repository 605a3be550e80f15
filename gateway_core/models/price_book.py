"""Pricing: what every model costs now, by the operator's own prices, then by those that come with the product.

A price is looked up once for each model of a provider and cached until it changes; a chat pays for two dictionary lookups.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from dragoman.v1.models_pb2 import Prices
from gateway_core.models import price_lists
from gateway_core.models.charge import Charge

CACHE_SIZE = 4096
"""Models; clients choose their names, so there must be a bound."""
ALL_MODELS = "*"
"""The model of an operator's price that counts for all models of a provider."""
WallClock = Callable[[], float]
"""Seconds since 1970."""
ALWAYS = (-math.inf, math.inf)

_log = logging.getLogger("dragoman.prices")


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
