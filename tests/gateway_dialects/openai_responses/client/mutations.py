"""Answers that are almost right: one of their values is another than is documented."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**63,
    10**30,
    -0.5,
    "",
    "text",
    "é\0",
    [],
    [None],
    [[]],
    {},
    {"type": "x"},
    [{"type": "output_text"}],
    [{"text": 1}],
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value within a JSON value."""
    if path:
        yield path
    if isinstance(value, dict):
        for name in value:
            yield from places(value[name], (*path, name))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from places(value[index], (*path, index))


def mutated(value: Any, chance: random.Random) -> Any:
    """A copy in which one value is another, or is missing."""
    found = copy.deepcopy(value)
    *way, last = chance.choice(list(places(found)))
    holder = found
    for step in way:
        holder = holder[step]
    if chance.random() < 0.2:
        del holder[last]
    else:
        holder[last] = copy.deepcopy(chance.choice(ODD))
    return found
