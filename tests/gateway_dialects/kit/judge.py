"""A small judge of JSON Schema, for the keywords that tests write: whether a value is allowed.

Source: https://json-schema.org/draft/2020-12/json-schema-validation.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from gateway_dialects.kit.schema_references import target_of

Json = dict[str, Any]
Rule = Callable[[Any, Any, Json, Json], bool]
"""(the keyword's value, the value to judge, the schema, the document) -> whether the keyword allows it."""
FORMATS = {"date": r"\d{4}-\d\d-\d\d", "email": r".+@.+", "uri": r"\w+:.*"}
TYPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def allows(schema: Any, value: Any, root: Json | None = None) -> bool:
    if isinstance(schema, bool):
        return schema
    root = schema if root is None else root
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds] if kinds else []
    if schema.get("nullable") and value is None:
        return True
    if kinds and not any(TYPES[kind.lower()](value) for kind in kinds):
        return False
    return all(RULES[name](limit, value, schema, root) for name, limit in schema.items() if name in RULES)


def of_object(limit: Any, value: Any, schema: Json, root: Json) -> bool:
    """properties and additionalProperties."""
    if not isinstance(value, dict):
        return True
    named = schema.get("properties", {})
    further = schema.get("additionalProperties", True)
    return all(allows(named.get(name, further), inner, root) for name, inner in value.items())


def of_condition(limit: Any, value: Any, schema: Json, root: Json) -> bool:
    branch = "then" if allows(limit, value, root) else "else"
    return allows(schema.get(branch, True), value, root)


def each(limit: Any, value: Any, schema: Json, root: Json) -> bool:
    return not isinstance(value, list) or all(allows(limit, one, root) for one in value)


def sized(kind: type, test: Callable[[int, int], bool]) -> Rule:
    return lambda limit, value, schema, root: not isinstance(value, kind) or test(len(value), limit)  # type: ignore[arg-type]


def measured(test: Callable[[Any, Any], bool]) -> Rule:
    return lambda limit, value, schema, root: not TYPES["number"](value) or test(value, limit)


def matched(test: Callable[[str, str], object]) -> Rule:
    return lambda limit, value, schema, root: not isinstance(value, str) or test(limit, value) is not None


RULES: Mapping[str, Rule] = {
    "$ref": lambda limit, value, schema, root: allows(target_of(root, limit) or {}, value, root),
    "enum": lambda limit, value, schema, root: any(same(one, value) for one in limit),
    "const": lambda limit, value, schema, root: same(limit, value),
    "anyOf": lambda limit, value, schema, root: any(allows(one, value, root) for one in limit),
    "oneOf": lambda limit, value, schema, root: sum(allows(one, value, root) for one in limit) == 1,
    "allOf": lambda limit, value, schema, root: all(allows(one, value, root) for one in limit),
    "not": lambda limit, value, schema, root: not allows(limit, value, root),
    "if": of_condition,
    "properties": of_object,
    "additionalProperties": of_object,
    "required": lambda limit, value, schema, root: not isinstance(value, dict) or all(name in value for name in limit),
    "items": each,
    "minItems": sized(list, operator.ge),
    "maxItems": sized(list, operator.le),
    "minLength": sized(str, operator.ge),
    "maxLength": sized(str, operator.le),
    "minimum": measured(operator.ge),
    "exclusiveMaximum": measured(operator.lt),
    "multipleOf": measured(lambda value, limit: value % limit == 0),
    "pattern": matched(re.search),
    "format": matched(lambda limit, value: re.fullmatch(FORMATS.get(limit, ".*"), value)),
}
