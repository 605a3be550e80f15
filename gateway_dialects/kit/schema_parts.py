"""References inside one JSON Schema document (RFC 6901 fragments), and the conjunction of schemas."""

from collections.abc import Mapping
from typing import Any

from gateway_dialects.kit.json import Json

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


def target_of(root: Json, reference: str) -> Json | None:
    """What a reference into the same document points to; None where it points to no schema."""
    found: Any = root
    for piece in reference.removeprefix("#").split("/")[1:]:
        name = piece.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if reference.startswith("#") and isinstance(found, dict) else None


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
