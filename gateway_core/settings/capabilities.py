"""What an operator knows of a model, [models."provider/model"] without targets and alias: it wins over the table."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, get_args

from gateway_core.models.table import Override
from gateway_core.settings.file import SettingsError, Table, near
from gateway_dialects.kit.capabilities import FIELDS, Structured

FLAGS = (
    *("reasoning", "adaptive", "always_reasons", "one_sampling", "greedy_alone", "newer_bound", "json_word"),
    *("json_with_tools", "tools", "parallel_tools", "strict_tools", "forced_tools", "forced_reasoning", "denied_tools"),
    *("signed_calls", "media_in_results", "system_messages", "reads_urls", "replays_reasoning"),
)
COUNTS = ("context", "most_output", "least_output", "default_output", "most_stops")
OTHERS = ("like", "efforts", "refused", "structured", "temperature")
NAMES = frozenset({*FLAGS, *COUNTS, *OTHERS})
MOST_TEMPERATURE = 2


def is_override(table: Table) -> bool:
    """Whether a table of [models] says what a model takes."""
    return not {"targets", "alias"} & set(table.names()) and bool(NAMES & set(table.names()))


def read_capabilities(models: Table, providers: Collection[str]) -> Mapping[str, Override]:
    """By provider/model. providers: the known names. Raises SettingsError naming file and line."""
    return {name: read_override(name, table, providers) for name, table in models.tables() if is_override(table)}


def read_override(name: str, table: Table, providers: Collection[str]) -> Override:
    provider, _, model = name.partition("/")
    if not (provider and model):
        raise SettingsError(f'{table.place} must be called provider/model: [models."openai/gpt-4o"].')
    if provider not in providers:
        raise SettingsError(f"{table.place}: there is no provider {provider}.{near(provider, providers)}")
    values: dict[str, Any] = {key: table.flag(key, False) for key in FLAGS if key in table}
    values |= {key: table.whole(key, 1, least=1) for key in COUNTS if key in table}
    values |= dict(others_in(table))
    override = Override(values, table.text("like"))
    table.finish()
    return override


def others_in(table: Table) -> Iterator[tuple[str, Any]]:
    """The fields that are neither flags nor counts."""
    if "structured" in table:
        yield "structured", table.choice("structured", "", (choice for choice in get_args(Structured) if choice))
    if "efforts" in table:
        yield "efforts", table.texts("efforts")
    if "refused" in table:
        yield "refused", frozenset(read_refused(table))
    if "temperature" in table:
        least, most = table.numbers("temperature", 2)
        if not 0 <= least <= most <= MOST_TEMPERATURE:
            raise table.error("temperature", f"must be the least and the most, 0 to {MOST_TEMPERATURE}: [0, 1].")
        yield "ranges", (("temperature", least, most),)


def read_refused(table: Table) -> tuple[str, ...]:
    names = table.texts("refused")
    for name in names:
        if name not in FIELDS:
            raise table.error("refused", f"names {name!r}, which is none of {', '.join(FIELDS)}.{near(name, FIELDS)}")
    return names
