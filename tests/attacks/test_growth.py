"""No work grows faster than the text that asks for it: every list of requests, answers and streams is made longer, for every
served API and every dialect."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_core.providers.registry import DIALECTS
from tests.attacks.work import growth
from tests.laws.reading import read_stream
from tests.properties.faces import FACES, Face
from tests.properties.targets import EVERY_DIALECT, Target
from tests.properties.test_faces import ANSWERS, REQUESTS, STREAMS, dialect_of, exchange_named
from tests.recordings import Exchange

Path = tuple[str | int, ...]
IDS = frozenset({"id", "call_id", "tool_call_id", "tool_use_id", "name"})


def lists_in(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where there are lists that are not empty."""
    match value:
        case dict():
            for name, inner in value.items():
                yield from lists_in(inner, (*path, name))
        case list() if value:
            yield path
            for index, inner in enumerate(value):
                yield from lists_in(inner, (*path, index))


def shape(path: Path) -> str:
    return ".".join("*" if isinstance(step, int) else step for step in path)


def renamed(value: Any, number: int) -> Any:
    """With ids of its own."""
    match value:
        case dict():
            return {
                name: f"{inner}_{number}" if name in IDS and isinstance(inner, str) else renamed(inner, number)
                for name, inner in value.items()
            }
        case list():
            return [renamed(inner, number) for inner in value]
    return value


def longer(body: Any, path: Path, size: int, *, distinct: bool) -> Any:
    """The list is repeated so often."""
    grown = copy.deepcopy(body)
    place = grown
    for step in path[:-1]:
        place = place[step]
    found = place[path[-1]] if path else place
    repeated = [item for number in range(size) for item in (renamed(found, number) if distinct else found)]
    if not path:
        return repeated
    place[path[-1]] = repeated
    return grown


def places(exchanges: Sequence[tuple[str, Exchange, Any]]) -> Iterator[tuple[Exchange, Path]]:
    """One for each kind of list of each API."""
    seen = set()
    for api, exchange, body in exchanges:
        for path in lists_in(body):
            if (api, shape(path)) not in seen:
                seen.add((api, shape(path)))
                yield exchange, path


ASKED = [
    (face, exchange, path)
    for face in FACES
    for exchange, path in places([(face.name, found, found.request["body"]) for other, found in REQUESTS if other is face])
]
ANSWERED = list(places([(dialect_of(found), found, found.body) for found in ANSWERS]))


def parsed(face: Face, body: Any) -> ChatRequest | None:
    try:
        return face.parse(json.dumps(body).encode())
    except GatewayError:
        return None


def named(value: object) -> str:
    match value:
        case Face():
            return value.name
        case Exchange():
            return exchange_named(value)
        case tuple():
            return shape(value)
    return str(value)


@pytest.mark.parametrize("distinct", [False, True], ids=["alike", "distinct"])
@pytest.mark.parametrize(("face", "exchange", "path"), ASKED, ids=named)
def test_a_long_request(face: Face, exchange: Exchange, path: Path, distinct: bool) -> None:
    body = exchange.request["body"]

    def parsing(size: int) -> Callable[[], object]:
        text = longer(body, path, size, distinct=distinct)
        return lambda: parsed(face, text)

    assert growth(parsing) == []

    def encoding(target: Target) -> Callable[[int], Callable[[], object]]:
        def encode(size: int) -> Callable[[], object]:
            request = parsed(face, longer(body, path, size, distinct=distinct))
            return lambda: request and encoded(target, request)

        return encode

    found = {target.name: growth(encoding(target)) for target in EVERY_DIALECT}
    assert {name: lines for name, lines in found.items() if lines} == {}


def encoded(target: Target, request: ChatRequest) -> object:
    try:
        return target.encode(request)
    except GatewayError as refused:
        return refused


@pytest.mark.parametrize("distinct", [False, True], ids=["alike", "distinct"])
@pytest.mark.parametrize(("exchange", "path"), ANSWERED, ids=named)
def test_a_long_answer(exchange: Exchange, path: Path, distinct: bool) -> None:
    dialect = DIALECTS[dialect_of(exchange)]

    def decode(body: bytes) -> Any:
        try:
            return dialect.chat.decode(body, "p")
        except GatewayError:
            return None

    def decoding(size: int) -> Callable[[], object]:
        body = json.dumps(longer(exchange.body, path, size, distinct=distinct)).encode()
        return lambda: decode(body)

    assert growth(decoding) == []

    def rendering(face: Face) -> Callable[[int], Callable[[], object]]:
        def render(size: int) -> Callable[[], object]:
            answer = decode(json.dumps(longer(exchange.body, path, size, distinct=distinct)).encode())
            return lambda: answer and face.render(answer)

        return render

    found = {face.name: growth(rendering(face)) for face in FACES}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("exchange", STREAMS, ids=exchange_named)
def test_a_long_stream(exchange: Exchange) -> None:
    dialect = DIALECTS[dialect_of(exchange)]
    events = exchange.stream.decode().split("\n\n")

    def read(size: int) -> Any:
        # Every event but the last ones, which end it.
        middle = [event for event in events[1:-4] for _ in range(size)]
        text = "\n\n".join([*events[:1], *middle, *events[-4:]])
        try:
            return read_stream(dialect, [text.encode()])
        except GatewayError:
            return None

    def reading(size: int) -> Callable[[], object]:
        return lambda: read(size)

    assert growth(reading) == []

    def writing(face: Face) -> Callable[[int], Callable[[], object]]:
        def write(size: int) -> Callable[[], object]:
            batches = read(size)
            return lambda: batches and face.write(batches)

        return write

    found = {face.name: growth(writing(face)) for face in FACES}
    assert {name: lines for name, lines in found.items() if lines} == {}
