"""JSON Schema in the words of Gemini's own Schema object, for models that take nothing else.

Source: https://ai.google.dev/api/caching#Schema: a part of OpenAPI 3.0 with types in capitals, no references and no
union types; enums are texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway_dialects.kit.json import Json, encode_json

KEPT = (
    "description",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "pattern",
    "propertyOrdering",
)
FORMATS = frozenset({"date-time", "float", "double", "int32", "int64"})
WITHOUT_EFFECT = frozenset(
    {
        "$comment",
        "$defs",
        "$id",
        "$schema",
        "additionalProperties",
        "default",
        "definitions",
        "deprecated",
        "example",
        "examples",
        "format",
        "readOnly",
        "title",
        "writeOnly",
    }
)
"""Keywords that may be left out without a word: the answer stays what it was meant to be."""
HANDLED = frozenset(
    {*KEPT, "$ref", "allOf", "anyOf", "const", "enum", "items", "nullable", "oneOf", "properties", "required", "type"}
)


class SchemaConverter:
    """Converts one schema and remembers which constraints it had to leave out."""

    def __init__(self, root: Json) -> None:
        self.lost: set[str] = set()
        self._root = root
        self._inside: list[str] = []

    def convert(self) -> Json:
        return self._schema(self._root)

    def _schema(self, schema: Any) -> Json:
        if not isinstance(schema, dict):
            return {}
        if isinstance(reference := schema.get("$ref"), str):
            return self._referred(reference, schema)
        if isinstance(schema.get("allOf"), list):
            return self._schema(merged(schema))
        self.lost.update(name for name in schema if name not in HANDLED and name not in WITHOUT_EFFECT)
        converted: Json = {name: schema[name] for name in KEPT if schema.get(name) is not None}
        if schema.get("format") in FORMATS:
            converted["format"] = schema["format"]
        self._type(converted, schema)
        self._values(converted, schema)
        self._members(converted, schema)
        self._alternatives(converted, schema)
        return converted

    def _referred(self, reference: str, schema: Json) -> Json:
        """What a reference points to, in its place. Where it points to what it stands in, the recursion ends."""
        target = pointed(self._root, reference)
        if reference in self._inside or target is None:
            self.lost.add("$ref")
            return {"type": "OBJECT"}
        self._inside.append(reference)
        beside = {name: value for name, value in schema.items() if name != "$ref"}
        converted = self._schema({**target, **beside})
        self._inside.pop()
        return converted

    def _type(self, converted: Json, schema: Json) -> None:
        kinds = schema.get("type")
        named = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str)]
        real = [kind.upper() for kind in named if kind.lower() != "null"]
        if schema.get("nullable") is True or len(real) < len(named):
            converted["nullable"] = True
        if len(real) == 1:
            converted["type"] = real[0]
        elif real:
            converted["anyOf"] = [{"type": kind} for kind in real]

    def _values(self, converted: Json, schema: Json) -> None:
        """Enums must be texts; those of numbers stay numbers, and are named in the description."""
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if not isinstance(values, list):
            return
        if None in values:
            converted["nullable"] = True
        if "type" not in converted and (kind := kind_of(values)):
            converted["type"] = kind
        texts = [value if isinstance(value, str) else encode_json(value).decode() for value in values if value is not None]
        if converted.get("type", "STRING") == "STRING":
            converted.update(type="STRING", format="enum", enum=texts)
        elif texts:
            hint = "One of: " + ", ".join(texts)
            converted["description"] = f"{converted['description']} {hint}" if converted.get("description") else hint

    def _members(self, converted: Json, schema: Json) -> None:
        properties = schema.get("properties")
        if isinstance(properties, dict) and properties:
            converted["properties"] = {name: self._schema(inner) for name, inner in properties.items()}
            required = schema.get("required")
            if isinstance(required, list) and (known := [name for name in required if name in properties]):
                converted["required"] = known
        if "items" in schema:
            converted["items"] = self._schema(schema["items"])
        elif converted.get("type") == "ARRAY":
            converted["items"] = {"type": "STRING"}

    def _alternatives(self, converted: Json, schema: Json) -> None:
        for word in ("anyOf", "oneOf"):
            options = schema.get(word)
            if not isinstance(options, list):
                continue
            real = [option for option in options if not (isinstance(option, dict) and option.get("type") == "null")]
            if len(real) < len(options):
                converted["nullable"] = True
            inner = [self._schema(option) for option in real]
            if len(inner) == 1:
                converted.update({name: value for name, value in inner[0].items() if name not in converted})
            elif inner:
                converted["anyOf"] = inner


def kind_of(values: list[Any]) -> str:
    """The type of values that are all numbers or all truth values; empty for any other."""
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {int, float}:
        return "INTEGER" if kinds == {int} else "NUMBER"
    return "BOOLEAN" if kinds == {bool} else ""


def merged(schema: Json) -> Json:
    """A schema with what its allOf demands drawn into it."""
    whole = {name: value for name, value in schema.items() if name != "allOf"}
    for part in schema["allOf"]:
        for name, value in part.items() if isinstance(part, dict) else ():
            known = whole.get(name)
            if isinstance(known, dict) and isinstance(value, dict):
                whole[name] = {**known, **value}
            elif isinstance(known, list) and isinstance(value, list):
                whole[name] = [*known, *(item for item in value if item not in known)]
            else:
                whole.setdefault(name, value)
    return whole


def pointed(root: Json, reference: str) -> Json | None:
    """What a reference into the same document points to (RFC 6901)."""
    found: Any = root
    for piece in reference.removeprefix("#").split("/")[1:]:
        name = piece.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if reference.startswith("#") and isinstance(found, dict) else None
