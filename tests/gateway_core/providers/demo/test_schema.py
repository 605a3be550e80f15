from __future__ import annotations

import datetime
import uuid
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from gateway_core.providers.demo.schema import instance_of
from gateway_core.providers.demo.script import Unreadable


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str
    number: Annotated[int, Field(gt=10, le=99)]


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=6, max_length=8)]
    email: str | None
    born: datetime.datetime
    day: datetime.date
    identity: uuid.UUID
    colour: Colour
    kind: Literal["person"]
    addresses: Annotated[list[Address], Field(min_length=2)]
    scores: dict[str, float]
    pair: tuple[int, str]
    either: int | str
    ratio: Annotated[float, Field(ge=0, lt=1)]
    steps: Annotated[int, Field(multiple_of=5, ge=12)]


class Node(BaseModel):
    value: int
    children: list[Node]
    parent: Node | None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    friend: Cat | Dog


@pytest.mark.parametrize("model", [Person, Node, Cat, Dog, list[Person], dict[str, Node], Cat | Dog | None])
def test_instances_are_valid_for_the_types_that_made_the_schema(model: Any) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    schema = adapter.json_schema()
    adapter.validate_python(instance_of(schema))
    assert instance_of(schema) == instance_of(schema)


@pytest.mark.parametrize(
    ("schema", "instance"),
    [
        ({}, "text"),
        (True, "text"),
        ({"type": "object"}, {}),
        ({"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "boolean"}}}, {"a": None, "b": True}),
        ({"type": "object", "properties": {"a": {}, "b": {}}, "required": ["b"]}, {"b": "text"}),
        ({"properties": {"a": {"const": 0}}}, {"a": 0}),
        ({"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2}, {"key": 1, "key1": 1}),
        ({"type": ["null", "integer"]}, 1),
        ({"enum": [3, 4]}, 3),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 1),
        ({"oneOf": [{"const": "x"}], "description": "y"}, "x"),
        ({"type": "array", "items": {"type": "number"}}, [1.5]),
        ({"type": "array", "items": {"type": "number"}, "maxItems": 0}, []),
        ({"type": "array"}, []),
        ({"type": "array", "prefixItems": [{"const": 1}, {"const": 2}]}, [1, 2]),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "number", "exclusiveMinimum": 7}, 7.5),
        ({"type": "string", "format": "ipv4"}, "192.0.2.1"),
        ({"allOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]}, {"properties": {"b": {"const": 2}}}]}, {"a": 1}),
        ({"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": {"const": "found"}}}, "found"),
        ({"$ref": "#/$defs/absent"}, "text"),
    ],
)
def test_small_schemas(schema: object, instance: object) -> None:
    assert instance_of(schema) == instance


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"allOf": [{"$ref": "#"}]},
        {"anyOf": [{"$ref": "#"}]},
        {"type": "array", "minItems": 1, "items": {"$ref": "#"}},
    ],
)
def test_a_schema_without_end_gives_an_empty_object(schema: object) -> None:
    assert instance_of(schema) == {}


def test_a_schema_that_explodes_is_given_up() -> None:
    levels = {f"l{n}": {"type": "array", "minItems": 9, "items": {"$ref": f"#/$defs/l{n + 1}"}} for n in range(50)}
    assert instance_of({"$ref": "#/$defs/l0", "$defs": levels}) == {}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": 3},
        {"required": 1, "type": "object"},
        {"anyOf": 1},
        {"minLength": "x"},
        {"enum": 5},
        {"properties": {"a": {}}, "required": [{}]},
    ],
)
def test_what_is_no_schema_is_refused(schema: object) -> None:
    with pytest.raises(Unreadable, match="not valid"):
        instance_of(schema)
