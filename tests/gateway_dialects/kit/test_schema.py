"""Schemas fitted to profiles: what becomes of each keyword, and how much work it is."""

from typing import Any

import pytest

from gateway_dialects.anthropic.words import STRUCTURED_SCHEMAS as STRUCTURED
from gateway_dialects.anthropic.words import TOOL_SCHEMAS as TOOL
from gateway_dialects.kit.schema import fit_schema
from gateway_dialects.kit.schema_parts import conjunction
from gateway_dialects.kit.schema_profile import SchemaProfile

Json = dict[str, Any]
ALONE = SchemaProfile(reference_siblings=False)


def within(inner: Json, **definitions: Json) -> Json:
    return {"type": "object", "properties": {"x": inner}, "additionalProperties": False, "$defs": definitions}


@pytest.mark.parametrize(
    ("inner", "sent", "lost"),
    [
        ({"type": "string", "format": "binary"}, {"type": "string", "description": '{"format":"binary"}'}, ["format"]),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}, []),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}, []),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, None, ["oneOf (anyOf was sent)"]),
        ({"allOf": [{"$ref": "#/$defs/a"}], "description": "d"}, {"type": "string", "description": "d"}, []),
        ({"allOf": [{"type": "string"}, {"enum": ["a"]}]}, {"type": "string", "enum": ["a"]}, []),
    ],
)
def test_keywords_of_structured_outputs(inner: Json, sent: Json | None, lost: list[str]) -> None:
    found = fit_schema(within(inner, a={"type": "string"}), STRUCTURED)
    assert found.schema is not None
    assert found.lost == lost
    assert sent is None or found.schema["properties"]["x"] == sent
    again = fit_schema(found.schema, STRUCTURED)
    assert again.schema is found.schema
    assert again.lost == []


def test_a_union_at_the_top_moves_into_the_description_and_its_properties_stay() -> None:
    options = [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"type": "integer"}, "b": {}}}]
    found = fit_schema({"type": "object", "anyOf": options}, TOOL)
    assert found.schema is not None
    assert found.lost == ["anyOf"]
    assert found.schema["properties"] == {"a": {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "b": {}}
    assert "anyOf" in found.schema["description"]


def test_a_property_that_one_alternative_does_not_name_takes_anything() -> None:
    options = [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "integer"}}}]
    found = fit_schema({"type": "object", "anyOf": options}, TOOL).schema
    assert found is not None
    assert found["properties"] == {"a": {"anyOf": [{"type": "string"}, {}]}, "b": {"anyOf": [{"type": "integer"}, {}]}}
    closed = [{**option, "additionalProperties": False} for option in options]
    found = fit_schema({"type": "object", "anyOf": closed}, TOOL).schema
    assert found is not None
    assert found["properties"] == {"a": {"type": "string"}, "b": {"type": "integer"}}


@pytest.mark.parametrize("name", ["not", "if", "oneOf"])
def test_what_is_denied_keeps_what_its_definitions_lose(name: str) -> None:
    # Without the pattern the definition takes more, so that the whole would take less.
    value: Any = [{"$ref": "#/$defs/a"}, {"type": "integer"}] if name == "oneOf" else {"$ref": "#/$defs/a"}
    found = fit_schema(
        within({name: value}, a={"type": "string", "pattern": "x"}), SchemaProfile(described=frozenset({"pattern"}))
    )
    assert found.schema is not None
    assert name not in found.schema["properties"]["x"]
    assert len(found.lost) == 2


def test_objects_are_not_closed_to_what_their_alternatives_name() -> None:
    options = [{"type": "object", "properties": {name: {}}, "additionalProperties": False} for name in "ab"]
    found = fit_schema(within({"type": "object", "anyOf": options}), STRUCTURED)
    assert found.schema is not None
    assert found.schema["properties"]["x"] == {"anyOf": options}
    assert found.lost == []
    assert fit_schema(within({"properties": {"c": {}}, "anyOf": options}), STRUCTURED).schema is None


def test_what_contradicts_a_reference_is_dropped_and_reported() -> None:
    found = fit_schema(within({"$ref": "#/$defs/a", "type": "integer"}, a={"type": "string"}), ALONE)
    assert found.schema == within({"$ref": "#/$defs/a"}, a={"type": "string"})
    assert found.lost == ["what stands beside $ref"]


def test_closed_objects_are_not_drawn_into_others() -> None:
    assert conjunction({"properties": {"a": {}}, "additionalProperties": False}, {"properties": {"b": {}}}) is None
    assert conjunction({"minimum": 1}, {"minimum": 2}) is None
    assert conjunction({"const": 1}, {"const": True}) is None
    assert conjunction({"required": ["a"]}, {"required": ["a", "b"]}) == {"required": ["a", "b"]}


@pytest.mark.parametrize("value", [None, 5, "x", [], [5], {"a": 5}, {"$ref": 5}])
@pytest.mark.parametrize("name", ["allOf", "oneOf", "anyOf", "format", "$ref", "properties", "minItems", "required"])
@pytest.mark.parametrize("profile", [ALONE, TOOL, STRUCTURED])
def test_odd_values_break_nothing(name: str, value: Any, profile: SchemaProfile) -> None:
    for schema in ({"type": "object", name: value}, {"allOf": [{name: value}, {name: 6}], "description": "d"}):
        fit_schema(within(schema), profile)
        fit_schema(schema, profile)
