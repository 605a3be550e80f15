"""JSON Schema in the words of Gemini's older Schema object."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway_dialects.gemini.schema import ANYTHING, gemini_schema_of
from gateway_dialects.kit.diagnostics import Diagnostics

Json = dict[str, Any]
TREE = {
    "$defs": {"node": {"type": "object", "properties": {"value": {"type": "number"}, "next": {"$ref": "#/$defs/node"}}}},
    "$ref": "#/$defs/node",
}


def converted(schema: Any) -> tuple[dict[str, Any], set[str]]:
    diagnostics = Diagnostics()
    found = gemini_schema_of(json.dumps(schema), "tools[0]", diagnostics)
    told = [warning.message.partition(" answers to ")[2].partition(";")[0] for warning in diagnostics.warnings]
    return found, {name for text in told for name in text.split(", ")}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["string", "null"]}, {"type": "STRING", "nullable": True}),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "STRING", "nullable": True}),
        (
            {"oneOf": [{"type": "string"}, {"type": "number"}], "title": "t"},
            {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]},
        ),
        ({"const": "a"}, {"type": "STRING", "format": "enum", "enum": ["a"]}),
        ({"enum": ["a", "b", None]}, {"type": "STRING", "format": "enum", "enum": ["a", "b"], "nullable": True}),
        ({"type": "string", "format": "date-time"}, {"type": "STRING", "format": "date-time"}),
        (
            {"type": "array", "items": {"type": "integer"}, "minItems": 1},
            {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": 1},
        ),
        ({"type": "object", "additionalProperties": False, "$schema": "s", "default": {}}, {"type": "OBJECT"}),
        (
            {"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"required": ["a"]}]},
            {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["a"]},
        ),
        ({"type": "string", "nullable": True}, {"type": "STRING", "nullable": True}),
    ],
)
def test_words(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert converted(schema) == (expected, set())


def test_references_are_drawn_in_and_recursion_ends() -> None:
    inner = {"type": "OBJECT", "properties": {"value": {"type": "NUMBER"}, "next": {"type": "OBJECT"}}}
    assert converted(TREE) == (inner, {"$ref"})


def test_a_property_may_be_called_like_a_keyword() -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}, "default": {"type": "string"}}}
    assert converted(schema)[0]["properties"] == {"title": {"type": "STRING"}, "default": {"type": "STRING"}}


@pytest.mark.parametrize("reference", ["https://example.com/schema", "#/$defs/missing", "other"])
def test_a_reference_that_leads_nowhere_is_told(reference: str) -> None:
    assert converted({"type": "object", "properties": {"a": {"$ref": reference}}})[1] == {"$ref"}


@pytest.mark.parametrize(
    ("schema", "expected", "lost"),
    [
        (
            {"type": "integer", "exclusiveMinimum": 0, "multipleOf": 2},
            {"type": "INTEGER", "description": '{"exclusiveMinimum":0,"multipleOf":2}'},
            {"exclusiveMinimum", "multipleOf"},
        ),
        ({"const": 5}, {"type": "INTEGER", "description": "One of: 5"}, {"enum"}),
        ({"enum": [0.5, 1], "description": "How?"}, {"type": "NUMBER", "description": "How? One of: 0.5, 1"}, {"enum"}),
        ({"const": True}, {"type": "BOOLEAN", "description": "One of: true"}, {"enum"}),
        ({"type": "integer", "enum": [1, 2]}, {"type": "INTEGER", "description": "One of: 1, 2"}, {"enum"}),
        ({"enum": ["a", 1]}, {"description": 'One of: "a", 1'}, {"enum"}),
        ({"type": "string", "format": "email"}, {"type": "STRING", "description": '{"format":"email"}'}, {"format"}),
        ({"type": "array"}, {"type": "ARRAY", "items": {"anyOf": ANYTHING}}, {"items of every type"}),
        ({"type": "null"}, {"nullable": True}, {"type"}),
        ({"anyOf": [{"type": "null"}]}, {"nullable": True}, {"anyOf"}),
        ({"type": ["string", "integer"], "anyOf": [{}, {}]}, {"anyOf": [{}, {}]}, {"type"}),
        ({"type": "object", "required": ["a"]}, {"type": "OBJECT"}, {"required"}),
        ({"type": "object", "additionalProperties": {}}, {"type": "OBJECT"}, {"additionalProperties"}),
    ],
)
def test_constraints_that_are_lost_are_told(schema: Json, expected: Json, lost: set[str]) -> None:
    assert converted(schema) == (expected, lost)


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": 7},
        {"enum": 7},
        {"type": 7},
        {"anyOf": [7]},
        {"items": 7},
        {"$ref": 7},
        {"format": []},
        {"properties": {"a": {}}, "required": [[]]},
        {"allOf": [7, {"allOf": [{}]}]},
    ],
)
def test_a_broken_schema_is_no_crash(schema: dict[str, Any]) -> None:
    assert isinstance(converted(schema)[0], dict)


def nested(depth: int) -> dict[str, Any]:
    return {"type": "array", "items": nested(depth - 1)} if depth else {"type": "string"}


def doubled(count: int) -> dict[str, Any]:
    """A schema whose references double at every step."""
    twice = {f"s{i}": {"anyOf": [{"$ref": f"#/$defs/s{i + 1}"}] * 2} for i in range(count)}
    return {"$defs": {**twice, f"s{count}": {"type": "string"}}, "$ref": "#/$defs/s0"}


@pytest.mark.parametrize(("schema", "lost"), [(nested(150), "what is nested deepest"), (doubled(40), "$ref")])
def test_a_schema_without_end_has_one(schema: dict[str, Any], lost: str) -> None:
    found, told = converted(schema)
    assert lost in told
    assert len(json.dumps(found)) < 400_000
