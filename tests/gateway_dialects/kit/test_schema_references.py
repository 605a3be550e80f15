"""Where references of a schema lead."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_dialects.kit.schema_references import fault_of, is_recursive, target_of

Json = dict[str, Any]
CIRCLE = {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
FAR = "https://example.com/other"


@pytest.mark.parametrize(
    ("schema", "place", "why"),
    [
        ({"$ref": 5}, ".$ref", "is not a text"),
        ({"$ref": "#"}, ".$ref", "leads back to itself"),
        ({"properties": {"x": {"$ref": "#"}}}, "", ""),
        ({"$ref": "#/$defs/no", "$defs": {}}, ".$ref", "leads nowhere"),
        ({"items": {"$ref": "other"}}, ".items.$ref", "leads nowhere"),
        ({"anyOf": [{}, {"$ref": FAR}]}, ".anyOf[1].$ref", "leads nowhere"),
        ({"$ref": "#/title", "title": "t"}, ".$ref", "leads to what is no schema"),
        (CIRCLE, ".$defs.a.$ref", "leads back to itself"),
        ({"$defs": {"a": {"$ref": "#/$defs/a"}}}, ".$defs.a.$ref", "leads back to itself"),
        ({"$ref": "#/properties/a/anyOf/1", "properties": {"a": {"anyOf": [{}, {}]}}}, "", ""),
        ({"$ref": "#/properties/a/anyOf/2", "properties": {"a": {"anyOf": [{}, {}]}}}, ".$ref", "leads nowhere"),
        ({"$ref": "#/$defs/a%20b~1c", "$defs": {"a b/c": True}}, "", ""),
        ({"$ref": "#here", "$defs": {"a": {"$anchor": "here"}}}, "", ""),
        ({"$ref": FAR, "$defs": {"a": {"$id": FAR}}}, "", ""),
        ({"items": {"$ref": "http://json-schema.org/draft-07/schema#"}}, "", ""),
        ({"properties": {"$ref": {"type": "string"}}, "const": {"$ref": 5}, "default": {"$ref": "no"}}, "", ""),
    ],
)
def test_a_fault_is_named_with_its_place(schema: Json, place: str, why: str) -> None:
    fault = fault_of(schema)
    assert (fault is None) == (not why)
    if fault is not None:
        assert fault[0] == place
        assert fault[1].startswith(why)


def test_a_reference_is_followed_only_to_objects() -> None:
    assert target_of({"$defs": {"a": True}}, "#/$defs/a") is None
    assert target_of({"$defs": {"a": {"x": 1}}}, "#/$defs/a") == {"x": 1}


@pytest.mark.parametrize(
    ("schema", "recursive"),
    [
        ({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {}}}, False),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"not": {"$ref": "#/$defs/a"}}}}, True),
        ({"properties": {"a": {"items": {"$ref": "#/properties/a"}}}}, True),
        ({"properties": {"a": {}, "b": {"$ref": "#/properties/a"}}}, False),
        ({"items": {"$ref": "#"}}, True),
        ({"items": {"$ref": FAR}}, True),
    ],
)
def test_recursion_is_found(schema: Json, recursive: bool) -> None:
    assert is_recursive(schema) == recursive
