"""References inside one JSON Schema document: RFC 6901 fragments, and whether they lead anywhere.

Source: https://json-schema.org/draft/2020-12/json-schema-core (sections 8 and 9).
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from gateway_dialects.kit.json import Json

BY_NAME = frozenset({"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"})
"""Keywords that hold schemas by name."""
IN_LIST = frozenset({"anyOf", "allOf", "oneOf", "prefixItems"})
SINGLE = frozenset(
    {
        *("items", "additionalItems", "additionalProperties", "unevaluatedItems", "unevaluatedProperties"),
        *("not", "contains", "propertyNames", "if", "then", "else"),
    }
)
DEFINITIONS = ("$defs", "definitions")
NAMES = ("$id", "id", "$anchor", "$dynamicAnchor")
"""Keywords that give a schema a name that references may use."""
META_SCHEMAS = ("http://json-schema.org/", "https://json-schema.org/")
"""JSON Schema's own, which validators know without being given them."""
NOWHERE = object()
MOST_PLACES = 20_000
"""The most schemas looked at to find recursion; references to schemas inside one another lead to the same ones."""


def children_of(schema: Json) -> Iterator[tuple[str, Any]]:
    """(place, value) of each schema directly inside one; of any JSON type, as nobody has checked it."""
    for name, value in schema.items():
        if name in BY_NAME and isinstance(value, dict):
            yield from ((f"{name}.{key}", inner) for key, inner in value.items())
        elif name in IN_LIST and isinstance(value, list):
            yield from ((f"{name}[{index}]", inner) for index, inner in enumerate(value))
        elif name in SINGLE:
            yield name, value


def schemas_in(root: Json) -> Iterator[tuple[str, Json]]:
    """(place, schema) of each that is an object, the root first."""
    waiting: list[tuple[str, Json]] = [("", root)]
    while waiting:
        place, schema = waiting.pop()
        yield place, schema
        inner = [(f"{place}.{name}", value) for name, value in children_of(schema) if isinstance(value, dict)]
        waiting.extend(reversed(inner))


def value_at(root: Json, reference: str) -> Any:
    """What a fragment points to, of any JSON type; NOWHERE."""
    if not reference.startswith("#"):
        return NOWHERE
    found: Any = root
    first, *pieces = unquote(reference[1:]).split("/")
    if first:
        return NOWHERE
    for piece in pieces:
        name = piece.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(name, NOWHERE)
        elif isinstance(found, list) and name.isdecimal() and len(name) < 10 and int(name) < len(found):
            found = found[int(name)]
        else:
            return NOWHERE
    return found


def target_of(root: Json, reference: str) -> Json | None:
    """The schema that a reference points to; None where it points to none that is an object."""
    found = value_at(root, reference)
    return found if isinstance(found, dict) else None


def fault_of(root: Json) -> tuple[str, str] | None:
    """(place, what is wrong) of the first reference that is no text, leads nowhere, or leads back to itself without a schema
    between. None: all are good. Each schema is looked at once."""
    found = [(place, schema["$ref"]) for place, schema in schemas_in(root) if "$ref" in schema]
    if not found:
        return None
    names = {value for _, schema in schemas_in(root) for name in NAMES if isinstance(value := schema.get(name), str)}
    nested = any("$id" in schema for place, schema in schemas_in(root) if place)
    sound: set[str] = set()
    for place, reference in found:
        if not isinstance(reference, str):
            return f"{place}.$ref", "is not a text"
        if reference not in sound and (fault := fault_from(root, reference, names, sound, nested=nested)):
            return f"{place}.$ref", fault
    return None


def fault_from(root: Json, reference: str, names: set[str], sound: set[str], *, nested: bool) -> str:
    """What is wrong with a reference, followed as far as references lead directly to others. sound: those that are known to
    be good, to which it adds. nested: whether schemas inside have addresses of their own, to which others are relative."""
    passed: dict[str, None] = {}
    step = reference
    while step not in sound:
        if step in passed:
            return "leads back to itself"
        passed[step] = None
        target = value_at(root, step)
        if target is NOWHERE and not nested and not is_named(step, names):
            return f"leads nowhere: {step[:100]!r}"
        if target is not NOWHERE and not isinstance(target, (dict, bool)):
            return "leads to what is no schema"
        further = target.get("$ref") if isinstance(target, dict) else None
        if not isinstance(further, str):
            break
        step = further
    sound.update(passed)
    return ""


def is_named(reference: str, names: set[str]) -> bool:
    """Whether a reference uses the name that a schema has given itself, or that of a schema that everybody knows."""
    base, _, fragment = reference.partition("#")
    return base in names or base.startswith(META_SCHEMAS) if base else fragment in names


def is_recursive(root: Json) -> bool:
    """Whether a schema refers to one that it is in, through others too. What cannot be followed may well do so."""
    leads: dict[str, list[str]] = {}
    waiting, places = [""], 0
    while waiting:
        reference = waiting.pop()
        if reference in leads:
            continue
        target = root if not reference else target_of(root, reference)
        if target is None or (reference and target is root) or places > MOST_PLACES:
            return True
        found = [schema for _, schema in schemas_in({**target, **dict.fromkeys(DEFINITIONS)})]
        places += len(found)
        leads[reference] = list(dict.fromkeys(text for schema in found if isinstance(text := schema.get("$ref"), str)))
        waiting.extend(leads[reference])
    return has_cycle(leads)


def has_cycle(leads: dict[str, list[str]]) -> bool:
    """Of a graph: whether taking away, again and again, what leads nowhere leaves something."""
    backward: dict[str, list[str]] = {name: [] for name in leads}
    for name, targets in leads.items():
        for target in targets:
            backward[target].append(name)
    left = {name: len(targets) for name, targets in leads.items()}
    done = [name for name, count in left.items() if not count]
    for name in done:
        for before in backward[name]:
            left[before] -= 1
            if not left[before]:
                done.append(before)
    return len(done) < len(leads)
