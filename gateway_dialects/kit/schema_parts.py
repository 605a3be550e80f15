"""Schemas drawn together: the conjunction of two, and what a union says of the properties in it."""

from collections import Counter
from typing import Any

from gateway_dialects.kit.json import Json, json_text

ANNOTATIONS = frozenset({"$comment", "default", "deprecated", "description", "examples", "readOnly", "title", "writeOnly"})
GROUPS = (
    frozenset({"properties", "patternProperties", "additionalProperties"}),
    frozenset({"items", "prefixItems", "additionalItems"}),
    frozenset({"contains", "minContains", "maxContains"}),
    frozenset({"if", "then", "else"}),
)
"""Keywords whose meaning depends on those beside them: drawn together from two schemas they would say something else."""
NOT_MERGED = frozenset({"unevaluatedProperties", "unevaluatedItems", "$ref", "$dynamicRef"})


def conjunction(first: Json, second: Json) -> Json | None:
    """Both in one, annotations of the first before those of the second; None where one schema cannot say it."""
    if not NOT_MERGED.isdisjoint({*first, *second} - {"$ref"}) or ("$ref" in first and "$ref" in second):
        return None
    if any(not agrees(first, second, group) for group in GROUPS):
        return None
    found = dict(first)
    for name, value in second.items():
        if name not in found:
            found[name] = value
        elif name not in ANNOTATIONS and not same(found[name], value):
            joined = joined_value(name, found[name], value)
            if joined is None:
                return None
            found[name] = joined
    return found


def agrees(first: Json, second: Json, group: frozenset[str]) -> bool:
    """Whether two schemas say nothing of a group that the other's keywords would change."""
    ours, theirs = group & first.keys(), group & second.keys()
    if not ours or not theirs or ours | theirs == {"properties"}:
        return True
    return ours == theirs and all(same(first[name], second[name]) for name in ours)


def joined_value(name: str, first: Any, second: Any) -> Any:
    if name == "required" and isinstance(first, list) and isinstance(second, list):
        return [*first, *(item for item in second if item not in first)]
    if name == "properties" and isinstance(first, dict) and isinstance(second, dict):
        both = first.keys() & second.keys()
        return {**first, **second} if all(same(first[key], second[key]) for key in both) else None
    return None


def same(first: Any, second: Any) -> bool:
    """Equality of JSON: 1 is not true."""
    return bool(first == second) and repr(first) == repr(second)


def union_properties(schema: Json, names: tuple[str, ...]) -> Json:
    """What the alternatives under these keywords (anyOf, oneOf, allOf) say of properties: for each name a schema that takes
    all that one of them takes."""
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        options = schema[name] if isinstance(schema[name], list) else []
        named: Counter[str] = Counter()
        for option in options:
            for key, inner in properties_of(option).items():
                found.setdefault(key, {})[json_text(inner)] = inner
                named[key] += 1 if not is_closed(option) else 0
        # An alternative that says nothing of a property takes anything, unless it is closed.
        silent = sum(not is_closed(option) for option in options) if name != "allOf" else 0
        for key in named:
            if named[key] < silent:
                found[key]["{}"] = {}
    return {key: one_of_them(list(said.values())) for key, said in found.items()}


def properties_of(option: Any) -> Json:
    inner = option.get("properties") if isinstance(option, dict) else None
    return inner if isinstance(inner, dict) else {}


def is_closed(option: Any) -> bool:
    """Whether an alternative takes no properties but those that it names."""
    return isinstance(option, dict) and option.get("additionalProperties") is False and "patternProperties" not in option


def one_of_them(options: list[Any]) -> Any:
    return options[0] if len(options) == 1 else {"anyOf": options}


def are_disjoint(options: Any) -> bool:
    """Whether no value can match two of the alternatives, as each is of another type."""
    listed = options if isinstance(options, list) else []
    kinds = [option.get("type") if isinstance(option, dict) else None for option in listed]
    named = [kind for kind in kinds if isinstance(kind, str)]
    return len(named) == len(kinds) == len(set(named)) and not {"integer", "number"} <= set(named)


def has_type(schema: Json, name: str) -> bool:
    kind = schema.get("type")
    return kind == name or (isinstance(kind, list) and name in kind)
