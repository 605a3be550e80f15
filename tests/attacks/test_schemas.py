"""No schema costs more than its length: what repeats in it is made longer, for every profile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway_dialects.kit.schema import MOST_PLACES, fit_schema
from gateway_dialects.kit.schema_references import fault_of, is_recursive
from tests.attacks.work import growth, lines_of
from tests.gateway_dialects.kit.test_schema_laws import PROFILES

Json = dict[str, Any]
BESIDE = {"description": "d"}
MOST_LINES = 1_000_000
"""Of our own that run for one schema of a few kilobytes."""


def document(definitions: Json, **more: Any) -> Json:
    return {"type": "object", "properties": {"x": {"$ref": "#/$defs/d0", **BESIDE}}, "$defs": definitions, **more}


def chain(count: int) -> Json:
    inner = {f"d{index}": {"$ref": f"#/$defs/d{index + 1}"} for index in range(count)}
    return document({**inner, f"d{count}": {"type": "string"}})


def parts(count: int) -> Json:
    return document({"d0": {"allOf": [{"description": f"{index}"} for index in range(count)]}})


def nested_parts(count: int) -> Json:
    schema: Json = {"type": "string"}
    for index in range(count):
        schema = {"allOf": [schema, {"description": f"{index}"}]}
    return document({"d0": schema})


def options(count: int) -> Json:
    return document({"d0": {"type": "string"}}, anyOf=[{"properties": {f"p{index}": {}}} for index in range(count)])


def references(count: int) -> Json:
    inner = {f"p{index}": {"$ref": "#/$defs/d0"} for index in range(count)}
    return {"type": "object", "properties": inner, "$defs": {"d0": {"type": "string"}}}


def doubling(count: int) -> Json:
    """Definitions that refer twice to the next."""
    inner: Json = {
        f"d{index}": {"properties": {name: {"$ref": f"#/$defs/d{index + 1}", **BESIDE} for name in "ab"}}
        for index in range(count)
    }
    return document({**inner, f"d{count}": {"type": "string"}})


def tangle(count: int) -> Json:
    """Each definition refers to every one."""
    everyone = [{"$ref": f"#/$defs/d{index}", **BESIDE} for index in range(count)]
    return document({f"d{index}": {"anyOf": everyone} for index in range(count)})


def within(count: int) -> Json:
    """References to schemas inside one another."""
    schema: Json = {"type": "string"}
    for _ in range(count):
        schema = {"type": "object", "properties": {"x": schema}}
    pointers = ["#" + "/properties/x" * depth for depth in range(1, count)]
    return {**schema, "$defs": {f"d{index}": {"$ref": pointer, **BESIDE} for index, pointer in enumerate(pointers)}}


@pytest.mark.parametrize("build", [chain, parts, nested_parts, options, references])
@pytest.mark.parametrize("name", PROFILES)
def test_work_grows_with_the_schema(name: str, build: Callable[[int], Json]) -> None:
    assert growth(lambda size: lambda: fit_schema(build(size), PROFILES[name])) == []


@pytest.mark.parametrize("build", [chain, nested_parts, references, doubling])
def test_looking_for_faults_grows_with_the_schema(build: Callable[[int], Json]) -> None:
    def looking(size: int) -> Callable[[], object]:
        schema = build(size)
        return lambda: (fault_of(schema), is_recursive(schema))

    assert growth(looking) == []


@pytest.mark.parametrize("build", [lambda: doubling(18), lambda: tangle(30), lambda: within(60)])
@pytest.mark.parametrize("name", ["anthropic, tools", "anthropic, held", "gemini", "gemini, older", "openai, read"])
def test_references_have_a_budget(name: str, build: Callable[[], Json]) -> None:
    schema = build()
    fitted = fit_schema(schema, PROFILES[name])
    assert fitted.visited < 3 * MOST_PLACES
    assert lines_of(lambda: (fit_schema(schema, PROFILES[name]), fault_of(schema))).total() < MOST_LINES


def test_long_definitions_are_not_copied_again_and_again() -> None:
    inner = {f"p{index}": {"$ref": "#/$defs/d0", **BESIDE} for index in range(1_000)}
    schema = {"type": "object", "properties": inner, "$defs": {"d0": {"type": "string", "enum": ["x" * 50_000]}}}
    for profile in PROFILES.values():
        assert len(str(fit_schema(schema, profile).schema)) < 2_000_000
