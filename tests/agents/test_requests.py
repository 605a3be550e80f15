"""What coding agents send, as small requests of our own (fixtures/*/agent_*): no dialect refuses one or loses a tool."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.properties.faces import FACES, Face
from tests.properties.targets import EVERY_DIALECT, Target
from tests.recordings import Exchange, read_all

REQUESTS = [
    (face, found) for face in FACES for found in read_all() if found.name.startswith(f"fixtures-{face.fixtures}/agent_")
]


def names_in(value: Any) -> Iterator[str]:
    """All strings at `name`."""
    match value:
        case dict():
            yield from (str(inner) for key, inner in value.items() if key == "name")
            yield from (name for inner in value.values() for name in names_in(inner))
        case list():
            yield from (name for inner in value for name in names_in(inner))


def bare(name: str) -> str:
    return name.rpartition("__")[2]


@pytest.mark.parametrize("target", EVERY_DIALECT, ids=lambda target: target.name)
@pytest.mark.parametrize(("face", "exchange"), REQUESTS, ids=lambda value: value.name)
def test_an_agent_is_served(face: Face, exchange: Exchange, target: Target) -> None:
    request = face.parse(json.dumps(exchange.request["body"]).encode())

    body, warnings, _ = target.encode(request)

    offered = {bare(name) for name in names_in(body)}
    wanted = {tool.function.name or tool.custom.name for tool in request.tools}
    assert {bare(name) for name in wanted if name} <= offered
    assert all(warning.field and warning.message for warning in warnings)
