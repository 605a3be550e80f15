"""JSON Schemas that this dialect's structured outputs and strict tools take.

Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs (JSON Schema limitations): every object
is closed, there is no recursion, and bounds of numbers, strings and arrays are refused. As Anthropic's SDKs do, a bound
moves into the description, where the model still reads it.
"""

from typing import Any

from gateway_dialects.kit.json import Json, json_text

BOUNDS = frozenset(
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"),
        *("maxItems", "uniqueItems", "minProperties", "maxProperties"),
    }
)
BY_NAME = frozenset({"properties", "$defs", "definitions"})
IN_LIST = frozenset({"anyOf", "allOf", "oneOf", "prefixItems"})
REFUSED = frozenset({"patternProperties", "propertyNames", "if", "then", "else", "not", "dependentSchemas"})
DEEPEST = 60


class DoesNotFit(Exception):
    """The schema has something that this dialect cannot express."""


def fitted(schema: Any) -> Json | None:
    """The schema as this dialect takes it; None where its meaning would change."""
    if not isinstance(schema, dict) or is_recursive(schema):
        return None
    try:
        return fit(schema, 0)
    except DoesNotFit:
        return None


def fit(schema: Json, depth: int) -> Json:
    if depth > DEEPEST or not REFUSED.isdisjoint(schema):
        raise DoesNotFit
    found: Json = {}
    bounds: Json = {}
    for name, value in schema.items():
        if name in BOUNDS or (name == "minItems" and value not in (0, 1)):
            bounds[name] = value
        else:
            found[name] = fit_value(name, value, depth)
    if bounds:
        note = json_text(bounds)
        found["description"] = f"{found['description']}\n\n{note}" if found.get("description") else note
    if is_object(schema):
        if schema.get("additionalProperties", False) is not False:
            raise DoesNotFit
        found["additionalProperties"] = False
    return found


def is_object(schema: Json) -> bool:
    kind = schema.get("type")
    return kind == "object" or "properties" in schema or (isinstance(kind, list) and "object" in kind)


def fit_value(name: str, value: Any, depth: int) -> Any:
    if name in BY_NAME and isinstance(value, dict):
        return {key: fit_value("items", inner, depth) for key, inner in value.items()}
    if name in IN_LIST and isinstance(value, list):
        return [fit_value("items", inner, depth) for inner in value]
    return fit(value, depth + 1) if name == "items" and isinstance(value, dict) else value


def is_recursive(schema: Json) -> bool:
    """Whether a definition refers to itself, through others too. A reference to anything but a definition may well do so."""
    definitions = {
        f"#/{place}/{name}": inner
        for place in ("$defs", "definitions")
        if isinstance(schema.get(place), dict)
        for name, inner in schema[place].items()
    }
    targets = {name: references(inner) for name, inner in definitions.items()}
    root = references({name: value for name, value in schema.items() if name not in ("$defs", "definitions")})
    if not all(found <= definitions.keys() for found in (root, *targets.values())):
        return True
    return any(name in reached(name, targets) for name in targets)


def reached(name: str, targets: dict[str, set[str]]) -> set[str]:
    """What a definition refers to, directly or not."""
    found: set[str] = set()
    waiting = list(targets[name])
    while waiting:
        target = waiting.pop()
        if target not in found:
            found.add(target)
            waiting.extend(targets.get(target, ()))
    return found


def references(value: Any) -> set[str]:
    found: set[str] = set()
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if isinstance(target := item.get("$ref"), str):
                found.add(target)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return found
