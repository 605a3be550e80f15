"""Gemini's Schema objects as JSON Schema."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.reasons import GatewayError
from gateway_dialects.gemini.schema import json_schema_of


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "STRING"}, {"type": "string"}),
        ({"type": "string", "format": "enum", "enum": ["a"]}, {"type": "string", "enum": ["a"]}),
        ({"type": "STRING", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"any_of": [{"type": "STRING"}], "nullable": True}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"items": {"type": "NUMBER"}, "min_items": "2"}, {"items": {"type": "number"}, "minItems": 2}),
        ({"type": "TYPE_UNSPECIFIED", "description": "d"}, {"description": "d"}),
        ({"type": "OBJECT", "example": {}, "property_ordering": ["a"], "title": None}, {"type": "object"}),
        ({"ref": "#/$defs/a", "defs": {"a": {"type": "STRING"}}}, {"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}),
        ({"type": "object", "additionalProperties": False}, {"type": "object", "additionalProperties": False}),
        ({"additional_properties": {"type": "STRING"}}, {"additionalProperties": {"type": "string"}}),
    ],
)  # fmt: skip
def test_words(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert json_schema_of(schema, "parameters") == expected


def test_properties_keep_their_names() -> None:
    schema = {"type": "OBJECT", "properties": {"snake_case": {"type": "STRING"}, "nullable": {"type": "BOOLEAN"}}}
    assert json_schema_of(schema, "parameters")["properties"] == {
        "snake_case": {"type": "string"},
        "nullable": {"type": "boolean"},
    }


def test_json_schema_stays_what_it_is() -> None:
    schema = {"$defs": {"n": {"type": ["string", "null"]}}, "oneOf": [{"const": 1}, {"$ref": "#/$defs/n"}], "minimum": 0.5}
    assert json_schema_of(schema, "parameters") == schema


def test_a_schema_that_is_nested_too_deeply_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(150):
        schema = {"items": schema}
    with pytest.raises(GatewayError) as caught:
        json_schema_of(schema, "parameters")
    assert caught.value.field == "parameters"
