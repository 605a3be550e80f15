"""What may be asked for: names of the operator's own ([models]), what models cost ([prices]), and media ([media])."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import get_args

from dragoman.v1.models_pb2 import Prices
from gateway_core.models.price_lists import MAX_PRICE, Unit
from gateway_core.settings.byok import read_flag
from gateway_core.settings.capabilities import is_override
from gateway_core.settings.file import SettingsError, Table, near

ENABLE_VISION = "ENABLE_VISION"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """A name of the operator's own: a route with ordered targets, or an alias of another name."""

    name: str
    targets: tuple[str, ...] = ()
    alias: str = ""
    place: str = field(default="", compare=False)
    """Where it is configured, for messages."""


@dataclass(frozen=True, slots=True)
class MediaSettings:
    vision: bool = True
    """Whether requests may hold pictures, moving ones included."""
    max_bytes: int = 20 * 1024 * 1024
    """The most that is fetched from one URL."""
    timeout: float = 10.0
    """Seconds that one URL may take, redirects included."""


def read_models(models: Table) -> Iterator[ModelSettings]:
    for name, table in models.tables():
        if is_override(table):
            continue
        model = ModelSettings(name, table.texts("targets"), table.text("alias"), table.place)
        table.finish()
        if bool(model.targets) == bool(model.alias):
            raise SettingsError(
                f'{table.place} needs either targets = ["provider/model", ...], tried in this order,'
                ' or alias = "another name", or what a model takes: reasoning = false.'
            )
        yield model


def read_prices(prices: Table, providers: Collection[str]) -> Mapping[str, Prices]:
    """By provider/model; the model * matches all. providers: the known names."""
    return {name: _read_prices_of(name, table, providers) for name, table in prices.tables()}


def _read_prices_of(name: str, table: Table, providers: Collection[str]) -> Prices:
    provider, _, model = name.partition("/")
    if not (provider and model):
        raise SettingsError(f'{table.place} must be called provider/model, or provider/*: [prices."openai/gpt-4o"].')
    if provider not in providers:
        raise SettingsError(f"{table.place}: there is no provider {provider}.{near(provider, providers)}")
    prices = Prices()
    for unit in get_args(Unit):
        if (price := table.amount(unit, MAX_PRICE)) is not None:
            setattr(prices, unit, price)
    table.finish()
    if not ("input" in table and "output" in table):
        raise SettingsError(f"{table.place} needs input and output: US dollars for a million tokens.")
    return prices


def read_media(table: Table | None, environ: Mapping[str, str]) -> MediaSettings:
    """ENABLE_VISION wins over the file. Raises SettingsError."""
    settings = MediaSettings()
    if table is not None:
        settings = MediaSettings(
            vision=table.flag("vision", settings.vision),
            max_bytes=table.whole("max_bytes", settings.max_bytes, least=1),
            timeout=table.seconds("timeout", settings.timeout),
        )
        table.finish()
    if environ.get(ENABLE_VISION, "").strip():
        settings = MediaSettings(read_flag(ENABLE_VISION, environ), settings.max_bytes, settings.timeout)
    return settings
