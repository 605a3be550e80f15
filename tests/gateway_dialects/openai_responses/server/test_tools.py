"""Tools, the choice among them and the form of the answer. That every form comes back as it was is in the laws."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import ResponseFormatType, ToolChoiceMode
from tests.gateway_dialects.openai_responses.server.reading import chat, details, form, options_of, refused

FUNCTION = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}


def test_a_function_that_does_not_say_whether_it_is_strict() -> None:
    """Here it would be, elsewhere not: the same dialect gets no value."""
    (tool,) = chat(tools=[FUNCTION]).tools
    assert (tool.function.name, tool.function.description, tool.function.parameters_json) == ("f", "d", '{"type":"object"}')
    assert not tool.function.HasField("strict")
    assert form(tool) == {"strict_unset": True}
    (tool,) = chat(tools=[{**FUNCTION, "strict": False, "defer_loading": True}]).tools
    assert tool.function.strict is False
    assert details(tool) == {"defer_loading": True}


def test_a_grammar_is_held_as_chat_completions_write_it() -> None:
    grammar = {"type": "grammar", "syntax": "regex", "definition": "x"}
    tools = chat(
        tools=[
            {"type": "custom", "name": "c", "format": grammar},
            {"type": "custom", "name": "d", "format": {"type": "text"}},
        ]
    ).tools
    assert json.loads(tools[0].custom.format_json) == {"type": "grammar", "grammar": {"syntax": "regex", "definition": "x"}}
    assert json.loads(tools[1].custom.format_json) == {"type": "text"}


def test_built_in_tools_are_carried() -> None:
    (tool,) = chat(tools=[{"type": "web_search", "search_context_size": "low"}]).tools
    assert tool.opaque.dialect == "openai-responses"
    assert json.loads(tool.opaque.json) == {"type": "web_search", "search_context_size": "low"}


@pytest.mark.parametrize(
    ("value", "mode", "name", "allowed"),
    [
        ("auto", ToolChoiceMode.TOOL_CHOICE_MODE_AUTO, "", []),
        ("none", ToolChoiceMode.TOOL_CHOICE_MODE_NONE, "", []),
        ("required", ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED, "", []),
        ({"type": "function", "name": "f"}, ToolChoiceMode.TOOL_CHOICE_MODE_TOOL, "f", []),
        ({"type": "custom", "name": "c"}, ToolChoiceMode.TOOL_CHOICE_MODE_TOOL, "c", []),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
            ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED,
            "",
            ["f"],
        ),
    ],
)
def test_tool_choices(value: Any, mode: ToolChoiceMode.ValueType, name: str, allowed: list[str]) -> None:
    choice = chat(tool_choice=value).tool_choice
    assert (choice.mode, choice.tool_name, list(choice.allowed_tool_names)) == (mode, name, allowed)


def test_a_choice_of_a_built_in_tool_is_carried() -> None:
    value = {"type": "mcp", "server_label": "docs"}
    choice = chat(tool_choice=value).tool_choice
    assert (choice.mode, choice.tool_name) == (ToolChoiceMode.TOOL_CHOICE_MODE_TOOL, "docs")
    assert "tool_choice" not in options_of(tool_choice=value)


def test_the_form_of_the_text() -> None:
    schema = {"type": "json_schema", "name": "n", "description": "d", "schema": {"type": "object"}, "strict": True}
    found = chat(text={"format": schema, "verbosity": "low"})
    assert found.verbosity == "low"
    assert found.response_format.type == ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_SCHEMA
    assert (found.response_format.name, found.response_format.description) == ("n", "d")
    assert (found.response_format.schema_json, found.response_format.strict) == ('{"type":"object"}', True)


def test_a_form_that_only_this_dialect_knows_is_carried() -> None:
    text = {"format": {"type": "grammar", "x": 1}, "other": 2}
    assert options_of(text=text)["text"] == text
    assert not chat(text=text).HasField("response_format")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": {}}, "tools"),
        ({"tools": ["x"]}, "tools[0]"),
        ({"tools": [{}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{**FUNCTION, "parameters": "x"}]}, "tools[0].parameters"),
        ({"tools": [{**FUNCTION, "strict": "yes"}]}, "tools[0].strict"),
        ({"tools": [{"type": "custom", "name": "c", "format": 1}]}, "tools[0].format"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"tool_choice": 1}, "tool_choice"),
        ({"tool_choice": {}}, "tool_choice.type"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice.mode"),
        ({"tool_choice": {"type": "allowed_tools", "mode": "x"}}, "tool_choice.mode"),
        ({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": 1}}, "tool_choice.tools"),
        ({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{}]}}, "tool_choice.tools[0].type"),
        ({"text": {"format": "json"}}, "text.format"),
        ({"text": {"format": {}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.name"),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
        ({"text": {"format": {"type": "json_schema", "name": "n", "schema": 1}}}, "text.format.schema"),
    ],
)
def test_wrong_fields_are_named(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields)[0] == param
