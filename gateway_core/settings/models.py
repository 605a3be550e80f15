"""What may be asked for: names of the operator's own ([models]), what models cost ([prices]), and media ([media])."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from dragoman.v1.models_pb2 import Prices
from gateway_core.models.price_lists import MAX_PRICE, Unit
from gateway_core.settings.attempts import read_timers
from gateway_core.settings.byok import read_flag
from gateway_core.settings.capabilities import is_override
from gateway_core.settings.facts import read_facts
from gateway_core.settings.file import SettingsError, Table, near

ENABLE_VISION = "ENABLE_VISION"
ORDERED, WEIGHTED, MEASURED = BALANCES = ("ordered", "weighted", "measured")
"""Which target of a tier is asked first: the first one; each by its weight; each by how well it did."""
MOST_WEIGHT = 1000


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """What a route says of one of its targets."""

    weight: float = 1.0
    """Its share of the calls, in proportion to the others of its tier."""
    priority: int = 0
    """Its tier: targets of a higher number are asked after those of all lower ones."""
    prices: Prices | None = None
    """What it costs, for sorting and bounds. None: the known price."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Where they are others than the provider's."""
    timeouts: Mapping[str, float] = field(default_factory=dict)
    """See read_timers."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """A name of the operator's own: a route with targets, or an alias of another name."""

    name: str
    targets: tuple[str, ...] = ()
    alias: str = ""
    place: str = field(default="", compare=False)
    """Where it is configured, for messages."""
    balance: str = ORDERED
    tuned: Mapping[str, TargetSettings] = field(default_factory=dict)
    """By target, those that are more than a name."""
    timeouts: Mapping[str, float] = field(default_factory=dict)
    """Of all targets: see read_timers."""


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
        targets: list[str] = []
        tuned: dict[str, TargetSettings] = {}
        for entry in table.entries("targets"):
            targets.append(entry if isinstance(entry, str) else entry.text("model"))
            if isinstance(entry, Table):
                tuned[targets[-1]] = read_target(entry)
        balance = table.choice("balance", ORDERED, BALANCES)
        timeouts = read_timers(table.table("timeouts"))
        model = ModelSettings(name, tuple(targets), table.text("alias"), table.place, balance, tuned, timeouts)
        table.finish()
        if bool(model.targets) == bool(model.alias):
            raise SettingsError(
                f'{table.place} needs either targets = ["provider/model", ...], tried in this order,'
                ' or alias = "another name", or what a model takes: reasoning = false.'
            )
        yield model


def read_target(table: Table) -> TargetSettings:
    """A target of a route that is a table. Raises SettingsError."""
    if not table.text("model"):
        raise table.error("model", 'is missing: model = "provider/model".')
    weight = table.number("weight", 1.0, MOST_WEIGHT)
    if weight == 0:
        raise table.error("weight", "must be more than 0: leave the target out instead.")
    prices = _read_whole(table.table("prices")) if "prices" in table else None
    timeouts = read_timers(table.table("timeouts"))
    found = TargetSettings(weight, table.whole("priority", 0), prices, read_facts(table), timeouts)
    table.finish()
    return found


def read_prices(prices: Table, providers: Collection[str]) -> Mapping[str, Prices]:
    """By provider/model; the model * matches all. providers: the known names."""
    return {name: _read_prices_of(name, table, providers) for name, table in prices.tables()}


def _read_prices_of(name: str, table: Table, providers: Collection[str]) -> Prices:
    provider, _, model = name.partition("/")
    if not (provider and model):
        raise SettingsError(f'{table.place} must be called provider/model, or provider/*: [prices."openai/gpt-4o"].')
    if provider not in providers:
        raise SettingsError(f"{table.place}: there is no provider {provider}.{near(provider, providers)}")
    return _read_whole(table)


def _read_whole(table: Table) -> Prices:
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
