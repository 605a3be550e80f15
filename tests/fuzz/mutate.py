"""Input that is almost right: JSON in which values, names and places differ, streams whose events do, bytes that are cut."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

ODD: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 7, 2**31, 2**63, 2**64, 10**30, -0.5, 1e308, 5e-324),
    *("", " ", "text", "é\0", "\ud800", "<think>", "a/b", "0", "null", "{}", '{"a": 1}', "data:,", "x" * 300),
    *([], [None], [[]], [""], {}, {"type": "x"}, {"type": "text"}, [{"type": "text"}], {"text": 1}, {"error": {}}),
    {"error": {"message": "m", "type": "t", "code": 7}},
    [{"type": "thinking", "thinking": [{"type": "reference", "reference_ids": [1]}], "closed": True}],
)
DEPTH = 200
Path = tuple[Any, ...]


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Of every value within a JSON value, its own included."""
    yield path
    if isinstance(value, dict):
        for name in value:
            yield from paths(value[name], (*path, name))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from paths(value[index], (*path, index))


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def put(value: Any, path: Path, given: Any) -> Any:
    """The value with another one in this place."""
    if not path:
        return given
    at(value, path[:-1])[path[-1]] = given
    return value


def mutated(value: Any, chance: Random, donors: Sequence[Any]) -> Any:
    """A copy with a few changes. donors: whose parts may be put into it."""
    found = copy.deepcopy(value)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        with contextlib.suppress(RecursionError):
            found = chance.choice(CHANGES)(found, chance, donors)
    return found


def replaced(value: Any, chance: Random, donors: Sequence[Any]) -> Any:
    return put(value, chance.choice(list(paths(value))), copy.deepcopy(chance.choice(ODD)))


def grafted(value: Any, chance: Random, donors: Sequence[Any]) -> Any:
    donor = chance.choice([value, *donors])
    part = copy.deepcopy(at(donor, chance.choice(list(paths(donor)))))
    return put(value, chance.choice(list(paths(value))), part)


def removed(value: Any, chance: Random, donors: Sequence[Any]) -> Any:
    *way, last = chance.choice(list(paths(value))) or (None,)
    if last is not None:
        del at(value, tuple(way))[last]
    return value


def repeated(value: Any, chance: Random, donors: Sequence[Any]) -> Any:
    """An item of a list comes again, or the list is in another order."""
    lists = [path for path in paths(value) if isinstance(at(value, path), list) and at(value, path)]
    if lists:
        found = at(value, chance.choice(lists))
        found.insert(chance.randrange(len(found) + 1), copy.deepcopy(chance.choice(found)))
        if chance.random() < 0.5:
            chance.shuffle(found)
    return value


def renamed(value: Any, chance: Random, donors: Sequence[Any]) -> Any:
    """A field has the name of another one."""
    objects = [found for path in paths(value) if isinstance(found := at(value, path), dict) and found]
    if objects:
        found, name = chance.choice(objects), chance.choice(list(chance.choice(objects)))
        found[name] = found.pop(chance.choice(list(found)))
    return value


def recast(value: Any, chance: Random, donors: Sequence[Any]) -> Any:
    """A text becomes another one that is found there: another type, role, id or reason."""
    texts = [path for path in paths(value) if isinstance(at(value, path), str)]
    return put(value, chance.choice(texts), at(value, chance.choice(texts))) if texts else value


def deepened(value: Any, chance: Random, donors: Sequence[Any]) -> Any:
    path = chance.choice(list(paths(value)))
    part = at(value, path)
    for _ in range(chance.choice((1, 2, DEPTH))):
        part = [part] if chance.random() < 0.5 else {"type": part}
    return put(value, path, part)


CHANGES: Sequence[Callable[[Any, Random, Sequence[Any]], Any]] = (
    *(replaced, replaced, replaced, grafted, grafted, removed, removed, repeated, renamed, recast, recast, deepened),
)


def cut(data: bytes, chance: Random) -> bytes:
    """Bytes changed, removed, repeated, or an early end."""
    for _ in range(chance.choice((1, 1, 2, 5))):
        place, size = chance.randrange(len(data) + 1), chance.choice((1, 1, 2, 8, 64))
        data = chance.choice(
            (
                data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :],
                data[:place] + data[place + size :],
                data[:place] + data[max(0, place - size) :],
                data[:place],
            )
        )
    return data


def mutated_json(value: Any, chance: Random, donors: Sequence[Any]) -> bytes:
    text = json.dumps(mutated(value, chance, donors)).encode()
    return cut(text, chance) if chance.random() < 0.1 else text


def mutated_stream(stream: bytes, chance: Random, donors: Sequence[bytes]) -> bytes:
    """donors: streams whose events may be put into it."""
    events = stream.split(b"\n\n")
    for _ in range(chance.choice((1, 1, 2, 4))):
        place = chance.randrange(len(events))
        match chance.randrange(8):
            case 0:
                del events[place]
            case 1:
                events.insert(chance.randrange(len(events) + 1), events[place])
            case 2:
                other = chance.choice(donors).split(b"\n\n")
                events.insert(place, chance.choice(other))
            case 3:
                events[place] = cut(events[place], chance)
            case _:
                events[place] = mutated_event(events[place], chance)
        events = events or [b""]
    data = b"\n\n".join(events)
    return cut(data, chance) if chance.random() < 0.05 else data


def mutated_event(event: bytes, chance: Random) -> bytes:
    lines = event.split(b"\n")
    for index, line in enumerate(lines):
        if line.startswith(b"data: {"):
            try:
                value = json.loads(line[6:])
            except ValueError:
                continue
            lines[index] = b"data: " + json.dumps(mutated(value, chance, ())).encode()
    return b"\n".join(lines)
