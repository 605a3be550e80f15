"""JSON Schema as a provider takes it.

What is sent never allows more than was said without a warning, and refuses nothing that was allowed, but for properties of
open objects where a provider wants all objects closed. Work is bounded: references are inlined up to MOST_PLACES schemas and
MOST_INLINED characters in all, and past that what stood beside a reference is dropped with a warning.
"""

from dataclasses import replace
from typing import Any

from gateway_dialects.kit.json import Json, json_text
from gateway_dialects.kit.schema_keywords import UNEVALUATED, DoesNotFit, Fitted, KeywordFitter
from gateway_dialects.kit.schema_parts import ANNOTATIONS, conjunction, union_properties
from gateway_dialects.kit.schema_profile import COMBINATIONS, SchemaProfile
from gateway_dialects.kit.schema_references import BY_NAME, DEFINITIONS, IN_LIST, SINGLE, fault_of, is_recursive, target_of

MOST_PLACES = 2_000
"""The most schemas visited before references are no longer inlined."""
MOST_INLINED = 500_000
"""The same in characters: definitions may be long."""
MOST_PARTS = 200
"""The most schemas of one allOf that are drawn into one: each copies what is there already."""
NEGATIVE = ("not", "if", "oneOf", "contains")
"""Keywords under which a schema that takes more makes the whole take less."""


def fit_schema(schema: Any, profile: SchemaProfile) -> Fitted:
    """schema: of any JSON type; what is no object does not fit."""
    if not isinstance(schema, dict) or (not profile.recursion and is_recursive(schema)):
        return Fitted()
    fitter = Fitter(schema, profile)
    found = fitter.fitted()
    if found.lost and fitter.kept_references:
        found = Fitter(schema, profile, wary=True).fitted()
    if found.schema is not None and found.schema is not schema and fault_of(found.schema) and not fault_of(schema):
        # A reference led to what is no longer there.
        return fit_schema(schema, replace(profile, references=False))
    return found


class Fitter(KeywordFitter):
    """Fits one document. wary: whether references under NEGATIVE lead to schemas that take more than they did."""

    def __init__(self, root: Json, profile: SchemaProfile, *, wary: bool = False) -> None:
        super().__init__(profile)
        self._root, self._wary = root, wary
        self._inside: list[str] = []
        self._lengths: dict[str, int] = {}
        self._inlined_length = 0
        self.kept_references = False
        """Whether a keyword of NEGATIVE was kept with references under it."""

    def fitted(self) -> Fitted:
        try:
            fitted = self._fit(self._root, 0)
        except DoesNotFit:
            return self.found
        self.found.schema = self._root if fitted == self._root and json_text(fitted) == json_text(self._root) else fitted
        return self.found

    def _fit(self, schema: Json, depth: int) -> Json:
        profile = self._profile
        self.found.visited += 1
        if depth + len(self._inside) > profile.deepest:
            return self.cut("what is nested deepest", {})
        if "allOf" in schema and (not profile.all_of or (depth == 0 and "allOf" in profile.not_at_top)):
            schema = self._without_all_of(schema, depth)
        if not profile.refused.isdisjoint(schema):
            raise DoesNotFit
        if isinstance(reference := schema.get("$ref"), str):
            alone = profile.reference_siblings or not siblings(schema)
            if not profile.references or not alone or (depth == 0 and profile.object_at_top):
                return self._inlined(schema, reference, depth)
        if depth == 0:
            schema = self._top(schema)
        return self._with_children(self.completed(self.keywords(schema)), depth)

    def _without_all_of(self, schema: Json, depth: int) -> Json:
        whole: Json | None = schema
        while whole is not None and "allOf" in whole:
            parts, whole = whole["allOf"], {name: value for name, value in whole.items() if name != "allOf"}
            if not isinstance(parts, list) or len(parts) > MOST_PARTS:
                whole = None
            for part in parts if whole is not None else ():
                whole = conjunction(whole, part) if whole is not None and isinstance(part, dict) else None
        if whole is not None:
            return whole
        if depth == 0 and "allOf" in self._profile.not_at_top:
            return schema
        return self.cut("allOf", self.noted(schema, ["allOf"]))

    def _inlined(self, schema: Json, reference: str, depth: int) -> Json:
        """What a reference leads to, with what stands beside it."""
        beside = {name: value for name, value in schema.items() if name in siblings(schema)}
        target = target_of(self._root, reference)
        if target is not None and not self._can_inline(reference, target):
            return self._unfollowed(schema, beside, target, depth)
        whole = conjunction(beside, target) if target is not None else None
        if whole is None and (target is None or self._profile.references):
            return self._unfollowed(schema, beside, target or {}, depth)
        if whole is None:
            top = depth == 0 and self._profile.object_at_top
            whole = self.cut("$ref", beside) if top else self.cut("what stands beside $ref", target or {})
        self._inside.append(reference)
        kept = {name: schema[name] for name in schema if name in DEFINITIONS}
        fitted = self._fit({**kept, **whole}, depth)
        self._inside.pop()
        return fitted

    def _can_inline(self, reference: str, target: Json) -> bool:
        if reference in self._inside or self.found.visited > MOST_PLACES:
            return False
        if reference not in self._lengths:
            self._lengths[reference] = len(json_text(target))
        self._inlined_length += self._lengths[reference]
        return self._inlined_length <= MOST_INLINED

    def _unfollowed(self, schema: Json, beside: Json, target: Json, depth: int) -> Json:
        """What is said in place of a reference that cannot be inlined."""
        if self._profile.references and not (depth == 0 and self._profile.object_at_top):
            if beside.keys() - ANNOTATIONS:
                self.found.lose("what stands beside $ref")
            return self._with_children({name: value for name, value in schema.items() if name not in beside}, depth)
        kind = {"type": target["type"]} if "type" in target else {}
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return self.cut("$ref", self._fit({**kind, **rest}, depth))

    def _top(self, schema: Json) -> Json:
        profile = self._profile
        if profile.object_at_top:
            if schema.get("type") != "object":
                raise DoesNotFit
            schema = schema if "properties" in schema else {**schema, "properties": {}}
        names = [name for name in schema if name in profile.not_at_top]
        if not names:
            return schema
        found = self.noted(schema, names)
        own = found.get("properties", {})
        combined = tuple(name for name in names if name in COMBINATIONS)
        if isinstance(own, dict) and "additionalProperties" not in found and "unevaluatedProperties" not in found:
            added = {name: value for name, value in union_properties(schema, combined).items() if name not in own}
            found = {**found, "properties": {**own, **added}} if added else found
        return found

    def _with_children(self, schema: Json, depth: int) -> Json:
        found: Json = {}
        noted: list[str] = []
        first = self.found.losses
        for name, value in schema.items():
            before = self.found.losses
            fitted = self._value(name, value, depth + 1)
            if name in NEGATIVE and self._takes_more(value, before):
                if name == "oneOf" and "anyOf" not in schema:
                    name = "anyOf"
                    self.found.lose("oneOf (anyOf was sent)")
                else:
                    noted.append(name)
                    fitted = value
            found[name] = fitted
        if self.found.losses > first:
            noted += [name for name in UNEVALUATED if name in schema]
        return self.noted(found, noted) if noted else found

    def _takes_more(self, value: Any, before: int) -> bool:
        """Whether what stands under a keyword of NEGATIVE takes more than it did."""
        if self.found.losses > before:
            return True
        refers = '"$ref"' in json_text(value)
        self.kept_references |= refers and not self._wary
        return refers and self._wary

    def _value(self, name: str, value: Any, depth: int) -> Any:
        if name in BY_NAME and isinstance(value, dict):
            return {key: self._fit(inner, depth) if isinstance(inner, dict) else inner for key, inner in value.items()}
        if (name in IN_LIST or name in SINGLE) and isinstance(value, list):
            return [self._fit(inner, depth) if isinstance(inner, dict) else inner for inner in value]
        return self._fit(value, depth) if name in SINGLE and isinstance(value, dict) else value


def siblings(schema: Json) -> set[str]:
    """Keywords beside $ref but those that begin with a dollar sign, and definitions."""
    return {name for name in schema if not name.startswith("$") and name != "definitions"}
