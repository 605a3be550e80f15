"""JSON Schema as Gemini's Schema object, for models that take nothing else, and Schema objects as JSON Schema.

Source: https://ai.google.dev/api/caching#Schema: a part of OpenAPI 3.0 with types in capitals, no references and no
union types; enums are strings.
"""

from typing import Any

from dragoman.reasons import GatewayError, invalid
from gateway_dialects.gemini.words import camel, plain
from gateway_dialects.kit.diagnostics import Diagnostics
from gateway_dialects.kit.json import Json, json_text, list_at
from gateway_dialects.kit.schema_parts import target_of

DEEPEST = 100
"""The most schemas inside one another that are converted."""
MOST_SCHEMAS = 10_000
"""The most schemas in one, references resolved: those that refer to one another have no end."""
BOUNDS = ("minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength")
"""int64 in the proto, so that clients may write them as strings."""
SHARED = ("description", *BOUNDS, "minimum", "maximum", "pattern", "propertyOrdering")
"""Keywords that both languages have."""
FORMATS = frozenset({"date-time", "float", "double", "int32", "int64"})
CONVERTED = ("$ref", "allOf", "anyOf", "const", "enum", "items", "nullable", "oneOf", "properties", "required", "type")
ANNOTATIONS = ("$comment", "$id", "default", "deprecated", "example", "examples", "readOnly", "title", "writeOnly")
KNOWN = frozenset({*SHARED, *CONVERTED, *ANNOTATIONS, "$defs", "$schema", "additionalProperties", "definitions", "format"})
"""All others are dropped with a warning. Without one go those that leave the answer what it was meant to be."""
WITHOUT_MEANING = frozenset({"nullable", "propertyOrdering", "example"})
NAMES = {"defs": "$defs", "ref": "$ref"}
OF_SCHEMAS = frozenset({"properties", "$defs", "defs", "definitions", "patternProperties"})
"""Keywords that hold schemas by name."""
LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
SINGLE = frozenset({"items", "additionalProperties", "not"})
NO_TYPE = "type_unspecified"


def gemini_schema_of(schema: Any, place: str, diagnostics: Diagnostics) -> Json:
    """A Schema object. Constraints that it cannot hold become one warning. place: the request field of the schema."""
    converter = SchemaConverter(schema if isinstance(schema, dict) else {}, place)
    converted = converter.convert()
    if converter.lost:
        diagnostics.warn(place, f"this model's schemas know no {', '.join(sorted(converter.lost))}; left out")
    return converted


class SchemaConverter:
    """Converts one JSON Schema and collects the constraints that it drops."""

    def __init__(self, root: Json, place: str) -> None:
        self.lost: set[str] = set()
        self._root = root
        self._place = place
        self._inside: list[str] = []
        self._depth = self._count = 0

    def convert(self) -> Json:
        return self._schema(self._root)

    def _schema(self, schema: Any) -> Json:
        if not isinstance(schema, dict):
            return {}
        self._count += 1
        if self._depth > DEEPEST or self._count > MOST_SCHEMAS:
            raise too_deep(self._place)
        self._depth += 1
        converted = self._converted(schema)
        self._depth -= 1
        return converted

    def _converted(self, schema: Json) -> Json:
        if isinstance(reference := schema.get("$ref"), str):
            return self._referred(reference, schema)
        if isinstance(schema.get("allOf"), list):
            return self._schema(merged(schema))
        self.lost.update(schema.keys() - KNOWN)
        converted: Json = {name: schema[name] for name in SHARED if schema.get(name) is not None}
        form = schema.get("format")
        if isinstance(form, str) and form in FORMATS:
            converted["format"] = form
        self._type(converted, schema)
        self._values(converted, schema)
        self._members(converted, schema)
        self._alternatives(converted, schema)
        return converted

    def _referred(self, reference: str, schema: Json) -> Json:
        """What a reference points to, in its place. Where it points to what it is in, the recursion ends."""
        target = target_of(self._root, reference)
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
        named = strings(kinds if isinstance(kinds, list) else [kinds])
        real = [kind.upper() for kind in named if kind.lower() != "null"]
        if schema.get("nullable") is True or len(real) < len(named):
            converted["nullable"] = True
        if len(real) == 1:
            converted["type"] = real[0]
        elif real:
            converted["anyOf"] = [{"type": kind} for kind in real]

    def _values(self, converted: Json, schema: Json) -> None:
        """Enums must be strings; those of numbers stay numbers, and are named in the description."""
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if not isinstance(values, list):
            return
        if None in values:
            converted["nullable"] = True
        if "type" not in converted and (kind := kind_of(values)):
            converted["type"] = kind
        texts = [value if isinstance(value, str) else json_text(value) for value in values if value is not None]
        if converted.get("type", "STRING") == "STRING":
            converted.update(type="STRING", format="enum", enum=texts)
        elif texts:
            hint = "One of: " + ", ".join(texts)
            converted["description"] = f"{converted['description']} {hint}" if converted.get("description") else hint

    def _members(self, converted: Json, schema: Json) -> None:
        properties = schema.get("properties")
        if isinstance(properties, dict) and properties:
            converted["properties"] = {name: self._schema(inner) for name, inner in properties.items()}
            if known := [name for name in strings(list_at(schema, "required")) if name in properties]:
                converted["required"] = known
        if "items" in schema:
            converted["items"] = self._schema(schema["items"])
        elif converted.get("type") == "ARRAY":
            converted["items"] = {"type": "STRING"}

    def _alternatives(self, converted: Json, schema: Json) -> None:
        for name in ("anyOf", "oneOf"):
            options = list_at(schema, name)
            real = [option for option in options if not (isinstance(option, dict) and option.get("type") == "null")]
            if len(real) < len(options):
                converted["nullable"] = True
            inner = [self._schema(option) for option in real]
            if len(inner) == 1:
                converted.update({name: value for name, value in inner[0].items() if name not in converted})
            elif inner:
                converted["anyOf"] = inner


def strings(values: list[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]


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


def json_schema_of(schema: Any, place: str, depth: int = 0) -> Any:
    """JSON Schema. What is JSON Schema already stays what it was. place: the request field of the schema."""
    if not isinstance(schema, dict):
        return schema
    if depth > DEEPEST:
        raise too_deep(place)
    converted: Json = {}
    for name, value in schema.items():
        keyword = camel(name)
        if value is not None and keyword not in WITHOUT_MEANING:
            converted[NAMES.get(keyword, keyword)] = converted_value(keyword, value, place, depth + 1)
    if converted.get("type") == NO_TYPE:
        del converted["type"]
    if converted.get("format") == "enum":
        del converted["format"]
    return with_null(converted) if schema.get("nullable") is True else converted


def converted_value(keyword: str, value: Any, place: str, depth: int) -> Any:
    if keyword == "type":
        return value.lower() if isinstance(value, str) else value
    if keyword in BOUNDS:
        return plain(value)
    if keyword in OF_SCHEMAS and isinstance(value, dict):
        return {name: json_schema_of(inner, place, depth) for name, inner in value.items()}
    if keyword in LISTS and isinstance(value, list):
        return [json_schema_of(inner, place, depth) for inner in value]
    return json_schema_of(value, place, depth) if keyword in SINGLE else value


def with_null(schema: Json) -> Json:
    """A schema that also takes null."""
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
        if isinstance(schema.get("enum"), list):
            schema["enum"] = [*schema["enum"], None]
    elif isinstance(schema.get("anyOf"), list):
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    return schema


def too_deep(place: str) -> GatewayError:
    return invalid(place, f"{place}: the schema is nested too deeply, or its references are")
