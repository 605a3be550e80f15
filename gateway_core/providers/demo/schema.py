"""A small instance of a JSON Schema, always the same one.

Knows what tools and response formats use: types, enum, const, anyOf, oneOf, allOf, $ref, properties, items, prefixItems,
bounds and formats; not pattern, if/then, not or uniqueItems.
"""

import math
from typing import Any
from urllib.parse import unquote

from gateway_core.providers.demo.script import Unreadable

Schema = dict[str, Any]

FORMATS = {
    "date-time": "2024-01-01T00:00:00Z",
    "date": "2024-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "demo@example.com",
    "idn-email": "demo@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uri-reference": "https://example.com/",
    "iri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
MOST_NODES = 10_000
MOST_ITEMS = 100
MOST_CHARACTERS = 10_000


class Endless(Exception):
    """A place that cannot be filled: it refers to something that holds itself, or the instance grows without end."""


def instance_of(schema: object) -> Any:
    """An instance; an empty object when the schema allows none that is finite. Raises Unreadable for what is no schema."""
    try:
        return Builder(schema).build(schema, ("#",))
    except (Endless, RecursionError):
        return {}
    except (TypeError, ValueError, AttributeError, LookupError):
        raise Unreadable("the JSON schema is not valid") from None


class Builder:
    def __init__(self, root: object) -> None:
        self._root = root
        self._nodes = 0

    def build(self, schema: object, refs: tuple[str, ...]) -> Any:
        """`refs` are the references being followed, to notice when one leads back to itself."""
        self._nodes += 1
        if self._nodes > MOST_NODES or len(refs) > MOST_ITEMS:
            raise Endless
        if not isinstance(schema, dict):
            return "text"
        if "$ref" in schema:
            return self._follow(schema, refs)
        if "allOf" in schema:
            return self.build(merged(without(schema, "allOf"), *self._resolved(schema["allOf"])), refs)
        for word in ("anyOf", "oneOf"):
            if schema.get(word):
                return self._first(without(schema, word), schema[word], refs)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        return self._of_type(schema, refs)

    def _follow(self, schema: Schema, refs: tuple[str, ...]) -> Any:
        ref = str(schema["$ref"])
        if ref in refs:
            raise Endless
        return self.build(merged(self._lookup(ref), without(schema, "$ref")), (*refs, ref))

    def _lookup(self, ref: str) -> Schema:
        found: Any = self._root
        for piece in unquote(ref).removeprefix("#").split("/")[1:]:
            key = piece.replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(key)] if isinstance(found, list) else found[key]
            except (KeyError, IndexError, TypeError, ValueError):
                return {}
        return found if isinstance(found, dict) else {}

    def _resolved(self, schemas: list[Any]) -> list[Schema]:
        dicts = [schema for schema in schemas if isinstance(schema, dict)]
        return [merged(self._lookup(str(s["$ref"])), without(s, "$ref")) if "$ref" in s else s for s in dicts]

    def _first(self, base: Schema, options: list[Any], refs: tuple[str, ...]) -> Any:
        for option in options:
            try:
                return self.build(merged(base, option) if isinstance(option, dict) else option, refs)
            except Endless:
                continue
        raise Endless

    def _of_type(self, schema: Schema, refs: tuple[str, ...]) -> Any:
        match type_of(schema):
            case "object":
                return self._object(schema, refs)
            case "array":
                return self._array(schema, refs)
            case "integer":
                return math.ceil(number(schema, 1))
            case "number":
                return number(schema, 1.5)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return string(schema)

    def _object(self, schema: Schema, refs: tuple[str, ...]) -> Schema:
        properties = schema.get("properties") or {}
        required = schema.get("required")
        found: Schema = {}
        for name in properties if required is None else required:
            try:
                found[name] = self.build(properties.get(name), refs)
            except Endless:
                if required is not None:
                    raise
        if not properties and isinstance(values := schema.get("additionalProperties"), dict):
            for number in range(max(1, schema.get("minProperties", 1))):
                found[f"key{number or ''}"] = self.build(values, refs)
        return found

    def _array(self, schema: Schema, refs: tuple[str, ...]) -> list[Any]:
        least = min(schema.get("minItems", 0), MOST_ITEMS)
        items = [self.build(item, refs) for item in schema.get("prefixItems", ())]
        if not isinstance(schema.get("items"), dict):
            return items
        try:
            while len(items) < max(least, 1) and len(items) < schema.get("maxItems", MOST_ITEMS):
                items.append(self.build(schema["items"], refs))
        except Endless:
            if least:
                raise
        return items


def without(schema: Schema, word: str) -> Schema:
    return {name: value for name, value in schema.items() if name != word}


def merged(base: Schema, *others: Schema) -> Schema:
    """All of the schemas at once, as far as properties and required go; of other words the last one."""
    result = dict(base)
    for other in others:
        for name, value in other.items():
            if name == "properties":
                result[name] = {**(result.get(name) or {}), **value}
            elif name == "required":
                result[name] = [*dict.fromkeys([*(result.get(name) or ()), *value])]
            else:
                result[name] = value
    return result


def type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if kind:
        return str(kind)
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def number(schema: Schema, usual: float) -> float:
    """The usual number, moved into the bounds."""
    step = schema.get("multipleOf")
    gap = step or (1 if type_of(schema) == "integer" else 0.5)
    least = schema.get("minimum", -math.inf)
    if "exclusiveMinimum" in schema:
        least = max(least, schema["exclusiveMinimum"] + gap)
    most = schema.get("maximum", math.inf)
    if "exclusiveMaximum" in schema:
        most = min(most, schema["exclusiveMaximum"] - gap)
    found: float = min(max(usual, least), most)
    if step:
        found = math.ceil(found / step) * step
        found = found if found <= most else found - step
    return found


def string(schema: Schema) -> str:
    text = FORMATS.get(schema.get("format", ""), "text")
    text = text.ljust(min(schema.get("minLength", 0), MOST_CHARACTERS), "x")
    return text[: schema.get("maxLength", len(text))]
