"""What is sent takes all that was allowed, and takes more only with a word of it: every profile, any schema, any value."""

from __future__ import annotations

import copy
from collections import Counter
from random import Random
from typing import Any

import pytest

from gateway_core.models import schemas
from gateway_dialects.anthropic.words import STRUCTURED_SCHEMAS, TOOL_SCHEMAS
from gateway_dialects.gemini.encode_request import JSON_SCHEMA
from gateway_dialects.gemini.schema import OPENAPI, spelled
from gateway_dialects.kit.schema import fit_schema
from tests.gateway_dialects.kit.judge import TYPES as TYPE_TESTS
from tests.gateway_dialects.kit.judge import Json, allows

PROFILES = {
    "anthropic, tools": TOOL_SCHEMAS,
    "anthropic, held": STRUCTURED_SCHEMAS,
    "gemini": JSON_SCHEMA,
    "gemini, older": OPENAPI,
    "openai, read": schemas.OPENAI_READ,
    "openai, strict": schemas.STRICT,
    "groq, strict": schemas.GROQ_STRICT,
    "cerebras, tools": schemas.CEREBRAS_READ,
    "cerebras, held": schemas.CEREBRAS_HELD,
    "xai": schemas.XAI_READ,
    "mistral": schemas.MISTRAL_HELD,
    "cohere": schemas.COHERE_HELD,
}
SCHEMAS = 1_000
NAMES = ("a", "b", "c")
TYPES = ("string", "integer", "number", "boolean", "null", "array", "object")
SIMPLE = (None, True, 0, 1, 2, 7, 1.5, "", "x", "xy", "ab@c", "2020-01-02", "u:")
CONSTRAINTS = {
    "enum": ([0, 1], ["x", "xy"], ["x", None], [1, "x"], [["x"], "x"]),
    "const": (*SIMPLE, {"a": 1}),
    "minLength": (1, 2),
    "maxLength": (0, 1),
    "pattern": ("x", "^x", "(?=x)", "y$"),
    "format": ("email", "date", "uri"),
    "minimum": (1, 2),
    "exclusiveMaximum": (1, 2),
    "multipleOf": (2,),
    "minItems": (1, 2),
    "maxItems": (0, 1),
    "required": (["a"], ["b"], ["a", "b"]),
    "default": ("x",),
}
FOR = {
    "enum": ("string",),
    "minLength": ("string",),
    "pattern": ("string",),
    "format": ("string",),
    "minimum": ("integer", "number"),
    "multipleOf": ("integer",),
    "maxItems": ("array",),
}
"""Types that keywords are mostly written for."""
COMBINED = ("anyOf", "oneOf", "allOf")
VALUES = ("enum", "const", "default", "required", "type")
SINGLE = ("items", "additionalProperties", "not", "if", "then", "else")


class Writer:
    """Writes schemas of few keywords, so that there are values that they allow."""

    def __init__(self, dice: Random, oddity: float) -> None:
        """oddity: how often something is written that some vendor does not take."""
        self._dice, self._oddity = dice, oddity

    def _is_odd(self, often: float) -> bool:
        return self._dice.random() < often * self._oddity

    def _some(self, depth: int, counts: tuple[int, ...] = (1, 2, 2, 3)) -> list[Json]:
        first, *others = [self.schema(depth) for _ in range(self._dice.choice(counts))]
        # Alternatives that overlap.
        return [first, *(copy.deepcopy(first) if self._is_odd(0.3) else other for other in others)]

    def schema(self, depth: int, *, references: bool = True) -> Json:
        dice = self._dice
        found: Json = {}
        if depth and references and dice.random() < 0.2:
            found["$ref"] = dice.choice(("#/$defs/a", "#/$defs/b"))
            if not self._is_odd(1):
                return found
        if depth and not self._is_odd(1) and dice.random() < 0.2:
            return {"anyOf": self._some(depth - 1)}
        if not self._is_odd(0.3):
            found["type"] = dice.choice(TYPES) if dice.random() < 0.8 else dice.sample(TYPES, 2)
        kind = found.get("type")
        fitting = list(CONSTRAINTS) if self._is_odd(1) else [name for name, kinds in FOR.items() if kind in kinds]
        for name in dice.sample(fitting, min(len(fitting), dice.choice((0, 0, 1, 1, 2)))):
            found[name] = copy.deepcopy(dice.choice(CONSTRAINTS[name]))
        if kind == "object" or (depth and self._is_odd(0.5)):
            self._properties(found, depth)
        if kind == "array":
            found["items"] = self.schema(max(0, depth - 1))
        if depth and self._is_odd(0.4):
            found[dice.choice(COMBINED)] = self._some(depth - 1)
        if depth and self._is_odd(0.3):
            found[dice.choice(SINGLE)] = self.schema(depth - 1)
        return found

    def _properties(self, found: Json, depth: int) -> None:
        names = self._dice.sample(NAMES, self._dice.choice((1, 2)))
        found["properties"] = {name: self.schema(max(0, depth - 1)) for name in names}
        if not self._is_odd(0.5):
            found["required"] = names
        if not self._is_odd(0.5):
            found["additionalProperties"] = False

    def root(self) -> Json:
        root = self.schema(3) if self._is_odd(0.7) else {}
        root["type"] = "object"
        if "properties" not in root:
            self._properties(root, 3)
        # Definitions without references, so that the judge comes to an end.
        root["$defs"] = {name: self.schema(0, references=False) for name in ("a", "b")}
        return root


def any_value(dice: Random, depth: int) -> Any:
    choice = dice.random()
    if depth and choice < 0.2:
        return [any_value(dice, depth - 1) for _ in range(dice.choice((0, 1, 2)))]
    if depth and choice < 0.4:
        return {name: any_value(dice, depth - 1) for name in dice.sample(NAMES, dice.choice((0, 1, 2)))}
    return dice.choice(SIMPLE)


def value_for(dice: Random, schema: Any, root: Json) -> Any:
    """Likely to be allowed, and not sure to be."""
    if not isinstance(schema, dict) or dice.random() < 0.1:
        return any_value(dice, 2)
    if "$ref" in schema:
        return value_for(dice, root["$defs"][schema["$ref"][-1]], root)
    for name in COMBINED:
        if name in schema:
            schema = {**schema, **dice.choice(schema[name])}
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else dice.choice(schema["enum"])
    kinds = schema.get("type", "object" if "properties" in schema else TYPES)
    kind = kinds if isinstance(kinds, str) else dice.choice(kinds)
    if kind == "object":
        properties = schema.get("properties", {})
        names = [name for name in properties if name in schema.get("required", ()) or dice.random() < 0.7]
        found = {name: value_for(dice, properties[name], root) for name in names}
        if dice.random() < 0.3:
            found.setdefault(dice.choice(NAMES), any_value(dice, 1))
        return found
    if kind == "array":
        return [value_for(dice, schema.get("items"), root) for _ in range(dice.choice((0, 1, 2)))]
    return dice.choice([value for value in SIMPLE if TYPE_TESTS[kind](value)])


def with_objects(schema: Any, further: bool | None) -> Any:
    """The schema with every object closed that is open (False), or with none that is closed (None)."""
    if isinstance(schema, list):
        return [with_objects(one, further) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: value if name in VALUES else with_objects(value, further) for name, value in schema.items()}
    if further is None and found.get("additionalProperties") is False:
        del found["additionalProperties"]
    elif further is False and ("properties" in schema or "object" in (schema.get("type") or ())):
        found.setdefault("additionalProperties", False)
    return found


@pytest.mark.parametrize("name", PROFILES)
def test_no_more_without_a_word_and_never_less(name: str) -> None:
    profile = PROFILES[name]
    dice = Random(8)
    seen: Counter[str] = Counter()
    for number in range(SCHEMAS):
        root = Writer(dice, (0.0, 0.1, 0.3, 1.0)[number % 4]).root()
        fitted = fit_schema(root, profile)
        if fitted.schema is None:
            assert profile.holds, root
            continue
        sent, lost = fitted.schema, fitted.lost
        if profile is not OPENAPI:
            again = fit_schema(sent, profile)
            assert again.schema is sent, (root, sent, again.lost)
        else:
            sent = spelled(sent, fitted)
        least = with_objects(root, False) if profile.closed_objects else root
        # Gemini writes no properties but those that a Schema object names.
        most = with_objects(root, None) if profile is OPENAPI else root
        for _ in range(10):
            value = value_for(dice, root, root)
            if not isinstance(value, dict):
                continue
            taken, allowed = allows(sent, value), allows(most, value)
            seen[f"{allowed}, {taken}, {bool(lost)}"] += 1
            if "items of every type" not in lost and allows(least, value):
                assert taken, (root, sent, value)
            if taken and not lost:
                assert allowed, (root, sent, value)
    # There were values of each kind, so that the laws were put to the test.
    assert min(seen["True, True, False"], seen["False, False, False"]) > 40, seen
