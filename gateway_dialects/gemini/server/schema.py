"""Gemini's own Schema object as JSON Schema, which every other provider takes.

Source: https://ai.google.dev/api/caching#Schema: a part of OpenAPI 3.0 with types in capitals. What is JSON Schema already
stays what it was.
"""

from __future__ import annotations

from typing import Any

from gateway_dialects.gemini.server.proto_json import camel, plain
from gateway_dialects.kit.json import Json

BOUNDS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})
"""int64 in the proto, so that clients may write them as strings."""
LEFT_OUT = frozenset({"nullable", "propertyOrdering", "example"})
NAMES = {"defs": "$defs", "ref": "$ref"}
OF_SCHEMAS = frozenset({"properties", "$defs", "defs", "definitions", "patternProperties"})
"""Keywords that hold schemas by name."""
LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
SINGLE = frozenset({"items", "additionalProperties", "not"})
NO_TYPE = "type_unspecified"


def json_schema_of(schema: Any) -> Any:
    """The same schema in JSON Schema's words."""
    if not isinstance(schema, dict):
        return schema
    converted: Json = {}
    for name, value in schema.items():
        keyword = camel(name)
        if value is not None and keyword not in LEFT_OUT:
            converted[NAMES.get(keyword, keyword)] = converted_value(keyword, value)
    if converted.get("type") == NO_TYPE:
        del converted["type"]
    if converted.get("format") == "enum":
        del converted["format"]
    return with_null(converted) if schema.get("nullable") is True else converted


def converted_value(keyword: str, value: Any) -> Any:
    if keyword == "type":
        return value.lower() if isinstance(value, str) else value
    if keyword in BOUNDS:
        return plain(value)
    if keyword in OF_SCHEMAS and isinstance(value, dict):
        return {name: json_schema_of(inner) for name, inner in value.items()}
    if keyword in LISTS and isinstance(value, list):
        return [json_schema_of(inner) for inner in value]
    return json_schema_of(value) if keyword in SINGLE else value


def with_null(schema: Json) -> Json:
    """A schema that also takes null."""
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
        if isinstance(schema.get("enum"), list):
            schema["enum"] = [*schema["enum"], None]
    elif isinstance(schema.get("anyOf"), list):
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    return schema
