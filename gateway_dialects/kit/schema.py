"""JSON Schema as a provider takes it.

What is sent never allows more than was said without a warning. Work is bounded: references are inlined up to MOST_PLACES
schemas in all, and past that what stood beside a reference is dropped with a warning.
"""

from dataclasses import dataclass, field
from typing import Any

from gateway_dialects.kit.json import Json, json_text
from gateway_dialects.kit.schema_parts import ANNOTATIONS, conjunction, is_recursive, target_of

MOST_PLACES = 2_000
"""The most schemas visited before references are no longer inlined."""
MOST_PARTS = 200
"""The most schemas of one allOf that are drawn into one: each copies what is there already."""
BY_NAME = frozenset({"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"})
IN_LIST = frozenset({"anyOf", "allOf", "oneOf", "prefixItems"})
SINGLE = frozenset({"items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else"})
COMBINATIONS = ("anyOf", "oneOf", "allOf")


@dataclass(frozen=True, slots=True)
class SchemaProfile:
    """The JSON Schema of one provider's API. The default takes everything."""

    described: frozenset[str] = frozenset()
    """Keywords that move into the description, where the model still reads them."""
    refused: frozenset[str] = frozenset()
    """Keywords without which the meaning would be another: a schema with one does not fit."""
    formats: frozenset[str] | None = None
    """The formats of strings that it knows. None: all."""
    least_items: int | None = None
    """The largest minItems that it takes. None: any."""
    one_of: bool = True
    """False: oneOf becomes anyOf."""
    all_of: bool = True
    """False: allOf is drawn into the schema around it."""
    reference_siblings: bool = True
    """False: nothing stands beside $ref."""
    closed_objects: bool = False
    """Whether every object must have additionalProperties: false."""
    recursion: bool = True
    top_combinations: bool = True
    """False: no anyOf, oneOf or allOf at the top."""
    deepest: int = 200


@dataclass(slots=True)
class Fitted:
    """schema: the very object that was given where it fits already; None where none could say the same. lost: what is no
    longer held. visited: schemas looked at."""

    schema: Json | None = None
    lost: list[str] = field(default_factory=list)
    visited: int = 0

    def lose(self, what: str) -> None:
        if what not in self.lost:
            self.lost.append(what)


class DoesNotFit(Exception):
    """The schema has something that the profile cannot express."""


def fit_schema(schema: Any, profile: SchemaProfile) -> Fitted:
    """schema: of any JSON type; what is no object does not fit."""
    found = Fitted()
    if not isinstance(schema, dict) or (not profile.recursion and is_recursive(schema)):
        return found
    fitter = Fitter(schema, profile, found)
    try:
        fitted = fitter.fit(schema, 0)
    except DoesNotFit:
        return found
    found.schema = schema if fitted == schema else fitted
    return found


class Fitter:
    """Fits one document."""

    def __init__(self, root: Json, profile: SchemaProfile, found: Fitted) -> None:
        self._root, self._profile, self._found = root, profile, found
        self._inside: list[str] = []

    def fit(self, schema: Json, depth: int) -> Json:
        self._found.visited += 1
        if depth > self._profile.deepest or not self._profile.refused.isdisjoint(schema):
            raise DoesNotFit
        if "allOf" in schema and (not self._profile.all_of or self._is_top(depth)):
            schema = self._without_all_of(schema, depth)
        reference = schema.get("$ref")
        if isinstance(reference, str) and not self._profile.reference_siblings and siblings(schema):
            return self._inlined(schema, reference, depth)
        if self._is_top(depth):
            schema = self._without_alternatives(schema)
        return self._closed(self._keywords(schema, depth))

    def _is_top(self, depth: int) -> bool:
        return depth == 0 and not self._profile.top_combinations

    def _without_all_of(self, schema: Json, depth: int) -> Json:
        whole: Json | None = {name: value for name, value in schema.items() if name != "allOf"}
        parts = schema["allOf"] if isinstance(schema["allOf"], list) else []
        if len(parts) > MOST_PARTS:
            whole = None
            parts = []
        for part in parts:
            whole = conjunction(whole, part) if whole is not None and isinstance(part, dict) else None
        if whole is not None and "allOf" not in whole:
            return whole
        if whole is not None and depth < self._profile.deepest:
            return self._without_all_of(whole, depth + 1)
        if not self._is_top(depth):
            raise DoesNotFit
        return self._noted(schema, ("allOf",))

    def _inlined(self, schema: Json, reference: str, depth: int) -> Json:
        """What a reference points to, with what stands beside it."""
        beside = {name: value for name, value in schema.items() if name in siblings(schema)}
        target = target_of(self._root, reference)
        whole = conjunction(beside, target) if target is not None else None
        if whole is None or reference in self._inside or self._found.visited > MOST_PLACES:
            if beside.keys() - ANNOTATIONS:
                self._found.lose("what stands beside $ref")
            return {name: value for name, value in schema.items() if name not in beside}
        self._inside.append(reference)
        fitted = self.fit({**{name: schema[name] for name in schema if name in ("$defs", "definitions")}, **whole}, depth)
        self._inside.pop()
        return fitted

    def _without_alternatives(self, schema: Json) -> Json:
        """An object whose alternatives stand in its description, their properties among its own."""
        names = tuple(name for name in COMBINATIONS if name in schema)
        if not names:
            return schema
        noted = self._noted(schema, names)
        properties: dict[str, dict[str, Any]] = {}
        for name in names:
            for option in schema[name] if isinstance(schema[name], list) else ():
                add_properties(properties, option)
        own = schema.get("properties")
        own = own if isinstance(own, dict) else {}
        added = {name: options for name, options in properties.items() if name not in own}
        if added and "additionalProperties" not in schema:
            union = {name: one_of_them(list(options.values())) for name, options in added.items()}
            noted["properties"] = {**own, **union}
        return noted

    def _noted(self, schema: Json, names: tuple[str, ...]) -> Json:
        """The schema with keywords of it in its description."""
        for name in names:
            self._found.lose(name)
        found = {name: value for name, value in schema.items() if name not in names}
        note = json_text({name: schema[name] for name in names})
        before = found.get("description")
        found["description"] = f"{before}\n\n{note}" if isinstance(before, str) and before else note
        return found

    def _keywords(self, schema: Json, depth: int) -> Json:
        noted = tuple(name for name, value in schema.items() if self._is_noted(name, value))
        if noted:
            schema = self._noted(schema, noted)
        if "oneOf" in schema and not self._profile.one_of:
            schema = self._with_any_of(schema)
        return {name: self._value(name, value, depth + 1) for name, value in schema.items()}

    def _is_noted(self, name: str, value: Any) -> bool:
        profile = self._profile
        if name == "minItems" and profile.least_items is not None:
            return not (type(value) is int and 0 <= value <= profile.least_items)
        if name == "format" and profile.formats is not None:
            return not isinstance(value, str) or value not in profile.formats
        return name in profile.described

    def _with_any_of(self, schema: Json) -> Json:
        if "anyOf" in schema:
            raise DoesNotFit
        if not are_disjoint(schema["oneOf"]):
            self._found.lose("oneOf (anyOf was sent)")
        return {"anyOf" if name == "oneOf" else name: value for name, value in schema.items()}

    def _value(self, name: str, value: Any, depth: int) -> Any:
        if name in BY_NAME and isinstance(value, dict):
            return {key: self._inner(inner, depth) for key, inner in value.items()}
        if name in IN_LIST and isinstance(value, list):
            return [self._inner(inner, depth) for inner in value]
        return self._inner(value, depth) if name in SINGLE else value

    def _inner(self, schema: Any, depth: int) -> Any:
        return self.fit(schema, depth) if isinstance(schema, dict) else schema

    def _closed(self, schema: Json) -> Json:
        if not self._profile.closed_objects or not is_object(schema):
            return schema
        if schema.get("additionalProperties", False) is not False:
            raise DoesNotFit
        return {**schema, "additionalProperties": False}


def siblings(schema: Json) -> set[str]:
    """Keywords beside $ref but those that begin with a dollar sign, and definitions."""
    return {name for name in schema if not name.startswith("$") and name != "definitions"}


def one_of_them(options: list[Any]) -> Any:
    return options[0] if len(options) == 1 else {"anyOf": options}


def add_properties(properties: dict[str, dict[str, Any]], option: Any) -> None:
    inner = option.get("properties") if isinstance(option, dict) else None
    for name, schema in inner.items() if isinstance(inner, dict) else ():
        properties.setdefault(name, {})[json_text(schema)] = schema


def are_disjoint(options: Any) -> bool:
    """Whether no value can match two of the alternatives, as each is of another type."""
    listed = options if isinstance(options, list) else []
    kinds = [option.get("type") if isinstance(option, dict) else None for option in listed]
    named = [kind for kind in kinds if isinstance(kind, str)]
    return len(named) == len(kinds) == len(set(named)) and not {"integer", "number"} <= set(named)


def is_object(schema: Json) -> bool:
    kind = schema.get("type")
    return kind == "object" or "properties" in schema or (isinstance(kind, list) and "object" in kind)
