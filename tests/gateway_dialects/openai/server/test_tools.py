"""Tools, the choice among them, and the form of the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import (
    HOSTED_TOOL_WEB_SEARCH,
    CustomTool,
    FunctionTool,
    ResponseFormat,
    ResponseFormatType,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from dragoman.v1.content_pb2 import Opaque
from tests.gateway_dialects.openai.server.reading import chat, details, refused

SCHEMA = {"type": "object", "properties": {"b": {"$ref": "#/$defs/x"}, "a": {}}, "required": ["b"], "$defs": {"x": {}}}
SCHEMA_TEXT = (
    '{"type":"object","properties":{"b":{"$ref":"#/$defs/x"},"a":{}},"required":["b"],"$defs":{"x":{}}}'  # In its order.
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "function", "function": {"name": "f"}}, Tool(function=FunctionTool(name="f"))),
        ({"function": {"name": "f"}}, Tool(function=FunctionTool(name="f"))),
        (
            {"type": "function", "function": {"name": "f", "description": "", "parameters": SCHEMA, "strict": False}},
            Tool(function=FunctionTool(name="f", description="", parameters_json=SCHEMA_TEXT, strict=False)),
        ),
        (
            {"type": "function", "function": {"name": "f", "description": None, "parameters": None, "strict": None}},
            Tool(function=FunctionTool(name="f")),
        ),
        (
            {"type": "function", "function": {"name": "f", "new": 1}, "more": 2},
            Tool(function=FunctionTool(name="f"), provider_details_json=details({"function": {"new": 1}, "more": 2})),
        ),
        ({"type": "custom", "custom": {"name": "g"}}, Tool(custom=CustomTool(name="g"))),
        (
            {"type": "custom", "custom": {"name": "g", "description": "d", "format": {"type": "text"}, "new": 1}},
            Tool(
                custom=CustomTool(name="g", description="d", format_json='{"type":"text"}'),
                provider_details_json=details({"custom": {"new": 1}}),
            ),
        ),
        (
            {"type": "web_search", "filters": [1]},
            Tool(
                opaque=Opaque(dialect="openai", json='{"type":"web_search","filters":[1]}', text="web_search"),
                hosted=HOSTED_TOOL_WEB_SEARCH,
            ),
        ),
    ],
)
def test_tools(given: dict[str, Any], expected: Tool) -> None:
    assert list(chat(tools=[given]).tools) == [expected]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("auto", ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_AUTO)),
        ("none", ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_NONE)),
        ("required", ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED)),
        ("any", ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED)),
        (
            {"type": "function", "function": {"name": "f"}},
            ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_TOOL, tool_name="f"),
        ),
        (
            {"type": "custom", "custom": {"name": "g"}},
            ToolChoice(
                mode=ToolChoiceMode.TOOL_CHOICE_MODE_TOOL,
                tool_name="g",
                provider_details_json=details(form={"type": "custom"}),
            ),
        ),
    ],
)
def test_tool_choice(given: Any, expected: ToolChoice) -> None:
    assert chat(tool_choice=given).tool_choice == expected


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("auto", ToolChoiceMode.TOOL_CHOICE_MODE_AUTO), ("required", ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED)],
)
def test_allowed_tools(mode: str, expected: ToolChoiceMode.ValueType) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "g"}}]
    assert chat(tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}).tool_choice == (
        ToolChoice(
            mode=expected,
            allowed_tool_names=["f", "g"],
            provider_details_json={"openai.form": json.dumps({"written": {"tools": tools}}, separators=(",", ":"))},
        )
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "text"}, ResponseFormat(type=ResponseFormatType.RESPONSE_FORMAT_TYPE_TEXT)),
        ({"type": "json_object"}, ResponseFormat(type=ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_OBJECT)),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "description": "d", "schema": SCHEMA, "strict": True}},
            ResponseFormat(
                type=ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
                name="n",
                description="d",
                schema_json=SCHEMA_TEXT,
                strict=True,
            ),
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "new": 1}, "other": 2},
            ResponseFormat(
                type=ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
                name="n",
                provider_details_json=details({"other": 2, "json_schema": {"new": 1}}),
            ),
        ),
    ],
)
def test_response_format(given: dict[str, Any], expected: ResponseFormat) -> None:
    assert chat(response_format=given).response_format == expected


def test_a_response_format_of_the_future_is_carried() -> None:
    grammar = {"type": "grammar", "grammar": "root ::= x"}
    request = chat(response_format=grammar)
    assert not request.HasField("response_format")
    assert json.loads(request.extra_body_json) == {"response_format": grammar}


FUNCTION = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [FUNCTION, {"type": 7}]}, "tools[1].type"),
        ({"tools": [{"type": "function", "function": "f"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {"name": 7}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": "f", "description": 7}}]}, "tools[0].function.description"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]}, "tools[0].function.parameters"),
        ({"tools": [{"type": "function", "function": {"name": "f", "strict": 1}}]}, "tools[0].function.strict"),
        ({"tools": [{"type": "custom", "custom": []}]}, "tools[0].custom"),
        ({"tools": [{"type": "custom", "custom": {"name": 7}}]}, "tools[0].custom.name"),
        ({"tools": [{"type": "custom", "custom": {"name": "g", "description": 7}}]}, "tools[0].custom.description"),
        ({"tools": [{"type": "custom", "custom": {"name": "g", "format": "text"}}]}, "tools[0].custom.format"),
        ({"tool_choice": 7}, "tool_choice"),
        ({"tool_choice": ["auto"]}, "tool_choice"),
        ({"tool_choice": {"type": 7}}, "tool_choice.type"),
        ({"tool_choice": {"type": "function", "function": "f"}}, "tool_choice.function"),
        ({"tool_choice": {"type": "function", "function": {"name": 7}}}, "tool_choice.function.name"),
        ({"tool_choice": {"type": "custom", "custom": {"name": 7}}}, "tool_choice.custom.name"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": []}}, "tool_choice.allowed_tools"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": 7}}}, "tool_choice.allowed_tools.mode"),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": {}}}},
            "tool_choice.allowed_tools.tools",
        ),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [FUNCTION, 7]}}},
            "tool_choice.allowed_tools.tools[1]",
        ),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": 7}}]},
                }
            },
            "tool_choice.allowed_tools.tools[0].function.name",
        ),
        ({"response_format": "json_object"}, "response_format"),
        ({"response_format": {"type": 7}}, "response_format.type"),
        ({"response_format": {"type": "json_schema", "json_schema": []}}, "response_format.json_schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": 7}}}, "response_format.json_schema.name"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"description": 7}}},
            "response_format.json_schema.description",
        ),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": 7}}}, "response_format.json_schema.schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {"strict": 7}}}, "response_format.json_schema.strict"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_type_names_the_field(fields: dict[str, Any], param: str) -> None:
    failure = refused(**fields)
    assert (failure.field, failure.code) == (param, "invalid_type")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{}]}, "tools[0].type"),
        ({"tools": [FUNCTION, {"type": "function"}]}, "tools[1].function"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "custom"}]}, "tools[0].custom"),
        ({"tools": [{"type": "custom", "custom": {}}]}, "tools[0].custom.name"),
        ({"tool_choice": {}}, "tool_choice.type"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"tool_choice": {"type": "function", "function": {}}}, "tool_choice.function.name"),
        ({"tool_choice": {"type": "custom"}}, "tool_choice.custom"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice.allowed_tools"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, "tool_choice.allowed_tools.mode"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto"}}}, "tool_choice.allowed_tools.tools"),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{}]}}},
            "tool_choice.allowed_tools.tools[0].type",
        ),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "custom"}]}}},
            "tool_choice.allowed_tools.tools[0].custom",
        ),
        ({"response_format": {}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_missing_is_named(fields: dict[str, Any], param: str) -> None:
    failure = refused(**fields)
    assert (failure.field, failure.code) == (param, "missing_required_parameter")


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        ("sometimes", "tool_choice"),
        ({"type": "hosted"}, "tool_choice.type"),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "none", "tools": []}}, "tool_choice.allowed_tools.mode"),
    ],
)
def test_a_choice_that_is_not_known(choice: Any, param: str) -> None:
    failure = refused(tool_choice=choice)
    assert (failure.field, failure.code) == (param, "invalid_value")
