"""What models cost, where the operator knows better: [prices."provider/model"] tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import get_args

from dragoman.v1.models_pb2 import Prices
from gateway_core.models.price_data import LARGEST_PRICE, Unit
from gateway_core.settings.file import SettingsError, Table, near


def read_prices(prices: Table, providers: Collection[str]) -> Mapping[str, Prices]:
    """By provider/model; the model * stands for all. providers: the names that there may be."""
    return {name: _read_one(name, table, providers) for name, table in prices.tables()}


def _read_one(name: str, table: Table, providers: Collection[str]) -> Prices:
    provider, _, model = name.partition("/")
    if not (provider and model):
        raise SettingsError(f'{table.place} must be called provider/model, or provider/*: [prices."openai/gpt-4o"].')
    if provider not in providers:
        raise SettingsError(f"{table.place}: there is no provider {provider}.{near(provider, providers)}")
    prices = Prices()
    for unit in get_args(Unit):
        if (price := table.amount(unit, LARGEST_PRICE)) is not None:
            setattr(prices, unit, price)
    table.finish()
    if not ("input" in table and "output" in table):
        raise SettingsError(f"{table.place} needs input and output: US dollars for a million tokens.")
    return prices
