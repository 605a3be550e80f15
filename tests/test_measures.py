"""The measures of the house: how many modules and lines there are, how long each may be, that no fact is written twice."""

from __future__ import annotations

import ast
import importlib
import itertools
import re
from collections.abc import Iterator, Mapping

import pytest

from tests.imports import read_tree
from tests.test_floors import CONTRACT, HOUSE, PACKAGES, ROOT

MOST_MODULES = 285
MOST_LINES = 43_310
LONGEST_MODULE = 400
LONGEST_FUNCTION = 49
SCHEMA_KEYWORDS = frozenset(
    {"$ref", "$defs", "$schema", "$id", "$comment", "$anchor", "$dynamicRef", "$dynamicAnchor", "$vocabulary"}
)
"""JSON Schema's own (https://json-schema.org/draft/2020-12/json-schema-core)."""
SMALLEST_TABLE = 3
"""Entries. Smaller ones are alike by chance."""

FAULTS = frozenset(
    {
        *("AttributeError", "BaseException", "Exception", "IndexError", "KeyError", "LookupError", "NameError"),
        *("RuntimeError", "TypeError"),
    }
)

MODEL_NAMES = re.compile(
    r"(?<![a-z])(claude|gpt|gemini|gemma|grok|kimi|glm|command|c4ai|deepseek|mistral|mixtral|magistral|ministral|codestral"
    r"|devstral|pixtral|llama|qwen|sonar|codex)-(?!api\b|v\d\b|correlation-id\b)[\w.]*|(?<![a-z])o\d(?![a-z])"
)
"""How the names of models begin: what a model takes is data, in gateway_core/models."""

WRITTEN = {**HOUSE.sources, **{name: text for name, text in CONTRACT.sources.items() if "_pb2" not in name}}


def functions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def dollar_keys(source: str) -> Iterator[str]:
    """Texts that begin with $ as a key would, but for JSON Schema's own."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=str(text)) if re.fullmatch(r"\$[A-Za-z_]+", text) and text not in SCHEMA_KEYWORDS:
                yield text


def tables_in(module: str) -> Iterator[tuple[str, Mapping[object, object]]]:
    """(name, table) of each table of plain values that the module writes out; one that is computed from another table cannot
    differ from it."""
    found = importlib.import_module(module)
    for node in ast.parse(WRITTEN[module]).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=written):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=written):
                pass
            case _:
                continue
        table = getattr(found, name)
        if is_written_out(written) and isinstance(table, Mapping) and len(table) >= SMALLEST_TABLE and is_plain(table):
            yield f"{module}.{name}", table


def is_written_out(value: ast.expr | None) -> bool:
    match value:
        case ast.Dict():
            return True
        case ast.Call(args=[argument]):
            return is_written_out(argument)
        case _:
            return False


def is_plain(table: Mapping[object, object]) -> bool:
    return all(isinstance(value, str | int | float | bool) for value in table.values())


def test_how_many_modules_and_lines_there_are() -> None:
    product = read_tree(ROOT, PACKAGES).sources
    assert len(product) <= MOST_MODULES
    assert sum(text.count("\n") for text in product.values()) <= MOST_LINES


@pytest.mark.parametrize("module", sorted(WRITTEN))
def test_no_module_and_no_function_is_long(module: str) -> None:
    source = WRITTEN[module]
    assert source.count("\n") <= LONGEST_MODULE
    assert [(node.name, length(node)) for node in functions(source) if length(node) > LONGEST_FUNCTION] == []


def test_no_key_begins_with_a_dollar() -> None:
    assert {name: found for name, source in WRITTEN.items() if (found := sorted(set(dollar_keys(source))))} == {}


def test_no_dialect_writes_for_another() -> None:
    words = re.compile(r"\b(CHAT_FORM|COMPATIBLE|SHAPE_ERRORS|broken_request|misshapen)\b")
    assert {name: found for name, source in WRITTEN.items() if (found := sorted(set(words.findall(source))))} == {}


def model_names(source: str) -> Iterator[str]:
    """In the source's own texts, docstrings aside."""
    for node in ast.walk(ast.parse(source)):
        for child in ast.iter_child_nodes(node):
            is_docstring = isinstance(node, ast.Expr) and isinstance(child, ast.Constant)
            if not is_docstring and isinstance(child, ast.Constant) and isinstance(child.value, str):
                yield from (found[0] for found in MODEL_NAMES.finditer(child.value))


def test_no_dialect_names_a_model() -> None:
    dialects = {name: source for name, source in WRITTEN.items() if name.startswith("gateway_dialects.")}
    assert {name: found for name, source in dialects.items() if (found := sorted(model_names(source)))} == {}


@pytest.mark.parametrize("text", ["gpt-5", "(ft:)?(o1|gpt-[5-9])", "gemma-", "claude-opus-4-6", "command-r"])
def test_a_model_s_name_is_found(text: str) -> None:
    assert list(model_names(f"PREFIX = {text!r}"))


@pytest.mark.parametrize("module", sorted(name for name in WRITTEN if name.startswith("gateway_dialects.")))
def test_no_dialect_catches_what_its_own_faults_raise(module: str) -> None:
    caught = [
        name.id
        for node in ast.walk(ast.parse(WRITTEN[module]))
        if isinstance(node, ast.ExceptHandler) and node.type is not None
        for name in ast.walk(node.type)
        if isinstance(name, ast.Name)
    ]
    assert not FAULTS & set(caught)


def test_no_table_is_a_copy_or_the_inverse_of_another() -> None:
    tables = [table for module in sorted(WRITTEN) for table in tables_in(module)]
    twins = [
        (first, second)
        for (first, one), (second, other) in itertools.combinations(tables, 2)
        if one.items() == other.items() or {(value, key) for key, value in one.items()} == set(other.items())
    ]
    assert twins == []
