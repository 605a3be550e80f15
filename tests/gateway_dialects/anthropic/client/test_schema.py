"""Schemas that structured outputs take, and those whose meaning would change."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_dialects.anthropic.words import STRUCTURED_SCHEMAS as STRUCTURED
from gateway_dialects.kit.schema import fit_schema

Json = dict[str, Any]


def fitted(schema: Any) -> Json | None:
    return fit_schema(schema, STRUCTURED).schema


def closed(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def test_a_schema_that_fits_is_the_same() -> None:
    schema = closed(a={"type": "string", "enum": ["x"]}, b={"anyOf": [{"type": "null"}, {"$ref": "#/$defs/c"}]})
    schema["$defs"] = {"c": closed()}
    assert fitted(schema) == schema


def test_every_object_is_closed_wherever_it_is() -> None:
    loose = {"type": "object", "properties": {}}
    schema = {
        "type": ["object", "null"],
        "properties": {"a": {"type": "array", "items": loose}, "b": {"anyOf": [loose, {"type": "null"}]}},
        "$defs": {"c": loose},
    }
    found = fitted(schema)
    assert found is not None
    assert found["additionalProperties"] is False
    assert found["properties"]["a"]["items"] == found["$defs"]["c"] == found["properties"]["b"]["anyOf"][0] == closed()


def test_bounds_move_into_the_description() -> None:
    schema = {"type": "string", "minLength": 1, "maxLength": 5, "description": "Name.", "pattern": "a+"}
    assert fitted(closed(a=schema)) == closed(
        a={"type": "string", "description": 'Name.\n\n{"minLength":1,"maxLength":5}', "pattern": "a+"}
    )
    assert fitted(closed(a={"type": "array", "minItems": 3})) == closed(a={"type": "array", "description": '{"minItems":3}'})
    assert fitted(closed(a={"type": "array", "minItems": 1})) == closed(a={"type": "array", "minItems": 1})


def test_a_property_that_is_called_like_a_bound_is_none() -> None:
    schema = closed(minimum={"type": "integer"}, maxLength={"type": "integer"})
    assert fitted(schema) == schema


def deep(levels: int) -> Json:
    schema: Json = {"type": "string"}
    for _ in range(levels):
        schema = closed(a=schema)
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "additionalProperties": True},
        {"type": "object", "additionalProperties": {"type": "string"}},
        closed(a={"type": "object", "patternProperties": {"x": {}}}),
        closed(a={"not": {"type": "string"}}),
        closed(a={"if": {}, "then": {}}),
        closed(a={"$ref": "#"}),
        closed(a={"$ref": "https://example.com/schema"}),
        {**closed(a={"$ref": "#/$defs/b"}), "$defs": {"b": closed(c={"$ref": "#/$defs/b"})}},
        {
            **closed(a={"$ref": "#/$defs/b"}),
            "$defs": {"b": closed(x={"$ref": "#/$defs/c"}), "c": closed(y={"$ref": "#/$defs/b"})},
        },
        deep(STRUCTURED.deepest + 1),
        [],
        None,
        True,
    ],
)
def test_what_cannot_be_expressed_does_not_fit(schema: Any) -> None:
    assert fitted(schema) is None


@pytest.mark.parametrize("value", [None, 5, "x", [], [5], {"a": 5}, {"$ref": 5}])
@pytest.mark.parametrize("name", ["properties", "$defs", "items", "anyOf", "additionalProperties", "description", "type"])
def test_odd_values_break_nothing(name: str, value: Any) -> None:
    fitted({"type": "object", name: value})
    fitted(closed(a={"type": "object", name: value}))
