"""The keywords of one schema as a profile takes them, and what is lost with those that it does not."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway_dialects.kit.json import Json, json_text
from gateway_dialects.kit.schema_parts import are_disjoint, has_type, union_properties
from gateway_dialects.kit.schema_profile import COMBINATIONS, CONSTRAINTS, SchemaProfile

UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")
"""The same of whatever stands beside them."""
FOLLOWERS = {
    "properties": ("additionalProperties",),
    "patternProperties": ("additionalProperties",),
    "prefixItems": ("items", "additionalItems"),
    "if": ("then", "else"),
    "contains": ("minContains", "maxContains"),
}
"""Keywords that would mean something else without the one before them."""
WITH_TYPE = frozenset({"type", "anyOf", "$ref", "enum", "const"})


@dataclass(slots=True)
class Fitted:
    """schema: the very object that was given where it fits already; None where none could say the same. lost: what is no
    longer held. visited: schemas looked at."""

    schema: Json | None = None
    lost: list[str] = field(default_factory=list)
    visited: int = 0
    losses: int = 0
    """How often something was lost."""

    def lose(self, what: str) -> None:
        self.losses += 1
        if what not in self.lost:
            self.lost.append(what)


class DoesNotFit(Exception):
    """The schema has something that the profile cannot express."""


class KeywordFitter:
    """Fits a schema without what is inside it."""

    def __init__(self, profile: SchemaProfile) -> None:
        self._profile, self.found = profile, Fitted()

    def keywords(self, schema: Json) -> Json:
        profile = self._profile
        known = profile.known
        if "const" in schema and known is not None and "const" not in known and "enum" not in schema:
            schema = {
                "enum" if name == "const" else name: [value] if name == "const" else value for name, value in schema.items()
            }
        if "oneOf" in schema and not profile.one_of:
            schema = self._with_any_of(schema)
        if noted := [name for name, value in schema.items() if self._is_noted(name, value)]:
            schema = self.noted(schema, noted)
        if known is not None or not profile.dropped.isdisjoint(schema):
            taken = schema.keys() if known is None else known
            schema = {name: value for name, value in schema.items() if name in taken and name not in profile.dropped}
        return schema

    def completed(self, schema: Json) -> Json:
        """With what the profile wants to be said."""
        profile = self._profile
        if profile.complete and has_type(schema, "array") and "items" not in schema and "prefixItems" not in schema:
            schema = {**schema, "items": {}}
        if profile.complete and "required" in schema and "properties" not in schema:
            schema = {**schema, "properties": {}}
        if profile.closed_objects and (has_type(schema, "object") or "properties" in schema):
            schema = self._closed(schema)
        if profile.typed and WITH_TYPE.isdisjoint(schema):
            raise DoesNotFit
        properties, required = schema.get("properties"), schema.get("required")
        if profile.required and isinstance(properties, dict) and properties:
            named = required if isinstance(required, list) else []
            if not named if profile.required == "some" else any(name not in named for name in properties):
                raise DoesNotFit
        return schema

    def cut(self, what: str, rest: Json) -> Json:
        if self._profile.holds:
            raise DoesNotFit
        self.found.lose(what)
        return rest

    def noted(self, schema: Json, names: Iterable[str]) -> Json:
        """The schema with keywords of it, and those that would mean something else without them, in its description."""
        gone = list(names)
        gone += [name for first in gone for name in FOLLOWERS.get(first, ()) if name in schema and name not in gone]
        gone += [name for name in UNEVALUATED if name in schema and name not in gone]
        for name in gone:
            self.found.lose(name)
        found = {name: value for name, value in schema.items() if name not in gone}
        note = json_text({name: schema[name] for name in gone})
        before = found.get("description")
        found["description"] = f"{before}\n\n{note}" if isinstance(before, str) and before else note
        return found

    def _is_noted(self, name: str, value: Any) -> bool:
        profile = self._profile
        if name in profile.described or (profile.known is not None and name in CONSTRAINTS - profile.known):
            return True
        match name:
            case "minItems" if profile.least_items is not None:
                return not (type(value) is int and 0 <= value <= profile.least_items)
            case "format" if profile.formats is not None:
                return not isinstance(value, str) or value not in profile.formats
            case "pattern" if profile.not_in_patterns and isinstance(value, str):
                return re.search(profile.not_in_patterns, value) is not None
            case "patternProperties" if profile.not_in_patterns and isinstance(value, dict):
                return any(re.search(profile.not_in_patterns, key) for key in value)
            case "enum" | "const" if profile.simple_values:
                return any(
                    isinstance(one, dict | list)
                    for one in (value if name == "enum" and isinstance(value, list) else [value])
                )
        return False

    def _with_any_of(self, schema: Json) -> Json:
        if "anyOf" in schema:
            return self.cut("oneOf", self.noted(schema, ["oneOf"]))
        if not are_disjoint(schema["oneOf"]):
            self.found.lose("oneOf (anyOf was sent)")
        return {"anyOf" if name == "oneOf" else name: value for name, value in schema.items()}

    def _closed(self, schema: Json) -> Json:
        own = schema.get("properties", {})
        combined = tuple(name for name in COMBINATIONS if name in schema)
        if union_properties(schema, combined).keys() - (own.keys() if isinstance(own, dict) else ()):
            # Closed it would refuse what its alternatives name.
            if (
                len(combined) == 1
                and "properties" not in schema
                and all(has_type(one, "object") for one in schema[combined[0]])
            ):
                return {name: value for name, value in schema.items() if name != "type"}
        elif schema.get("additionalProperties", False) is False:
            return {**schema, "additionalProperties": False}
        if self._profile.holds:
            raise DoesNotFit
        return schema
