"""The tools, the choice among them, the answer's form and the thinking that a request asks for."""

from __future__ import annotations

import json

import pytest

from dragoman.v1.chat_pb2 import (
    FunctionTool,
    ReasoningSettings,
    ResponseFormat,
    ResponseFormatType,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from dragoman.v1.content_pb2 import CacheHint
from gateway_dialects.kit.json import written_details_of
from tests.gateway_dialects.anthropic.server.reading import Json, chat, details, refused

SCHEMA: Json = {"type": "object", "properties": {"b": {"type": "string"}, "a": {}}}


def test_tools_that_the_client_runs() -> None:
    tools = chat(
        tools=[
            {
                "name": "look",
                "description": "Looks.",
                "input_schema": SCHEMA,
                "strict": True,
                "cache_control": {"type": "ephemeral"},
            },
            {"type": "custom", "name": "now", "input_schema": {}, "strict": False, "input_examples": [{}]},
        ]
    ).tools
    assert list(tools) == [
        Tool(
            function=FunctionTool(
                name="look",
                description="Looks.",
                parameters_json='{"type":"object","properties":{"b":{"type":"string"},"a":{}}}',
                strict=True,
            ),
            cache_hint=CacheHint(),
        ),
        Tool(
            function=FunctionTool(name="now", parameters_json="{}", strict=False),
            provider_details_json=details({"input_examples": [{}]}),
        ),
    ]


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search_20260318", "name": "web_search", "max_uses": 5},
        {"type": "bash_20250124", "name": "bash"},
        {"type": "computer_toolset_20260801", "configs": {}},
        {"type": "mcp_toolset", "mcp_server_name": "m"},
        {"type": "of_the_future"},
    ],
)
def test_tools_of_anthropics_own_are_carried_as_they_are(tool: Json) -> None:
    found = chat(tools=[tool]).tools[0].opaque
    assert (found.dialect, json.loads(found.json)) == ("anthropic", tool)


AUTO, NONE = ToolChoiceMode.TOOL_CHOICE_MODE_AUTO, ToolChoiceMode.TOOL_CHOICE_MODE_NONE
REQUIRED, NAMED = ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED, ToolChoiceMode.TOOL_CHOICE_MODE_TOOL


@pytest.mark.parametrize(
    ("choice", "expected", "parallel"),
    [
        ({"type": "auto"}, ToolChoice(mode=AUTO), None),
        ({"type": "any"}, ToolChoice(mode=REQUIRED), None),
        ({"type": "none"}, ToolChoice(mode=NONE), None),
        ({"type": "tool", "name": "f"}, ToolChoice(mode=NAMED, tool_name="f"), None),
        ({"type": "auto", "disable_parallel_tool_use": True}, ToolChoice(mode=AUTO), False),
        ({"type": "any", "disable_parallel_tool_use": False}, ToolChoice(mode=REQUIRED), True),
        ({"type": "auto", "x": 1}, ToolChoice(mode=AUTO, provider_details_json=details({"x": 1})), None),
    ],
)
def test_the_choice(choice: Json, expected: ToolChoice, parallel: bool | None) -> None:
    request = chat(tool_choice=choice)
    assert request.tool_choice == expected
    assert (request.parallel_tool_calls if request.HasField("parallel_tool_calls") else None) is parallel


ADAPTIVE: Json = {"type": "adaptive"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 1999}}, {"effort": "low", "max_tokens": 1999}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, {"effort": "medium", "max_tokens": 2000}),
        ({"thinking": {"type": "enabled", "budget_tokens": 8000}}, {"effort": "high", "max_tokens": 8000}),
        ({"thinking": {"type": "enabled", "budget_tokens": 24_000}}, {"effort": "xhigh", "max_tokens": 24_000}),
        ({"thinking": ADAPTIVE}, {"enabled": True}),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, {"enabled": True, "exclude": True}),
        ({"thinking": {"type": "disabled"}}, {"enabled": False}),
        ({"thinking": {"type": "between_tools"}}, {"enabled": False}),
        ({"thinking": {"type": "of_the_future"}}, {}),
        ({"output_config": {"effort": "max"}}, {"effort": "max"}),
        ({"thinking": ADAPTIVE, "output_config": {"effort": "low"}}, {"effort": "low"}),
        ({"output_config": {"effort": "low"}, "thinking": ADAPTIVE}, {"effort": "low"}),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}, {"enabled": False}),
        ({"output_config": {"effort": "low"}, "thinking": {"type": "disabled"}}, {"enabled": False}),
    ],
)
def test_thinking_for_others_and_as_it_was_for_anthropic(fields: Json, expected: Json) -> None:
    reasoning = chat(**fields).reasoning
    assert list(reasoning.provider_details_json) == ["anthropic.form"]
    assert written_details_of(reasoning, "anthropic") == {
        **({"thinking": fields["thinking"]} if "thinking" in fields else {}),
        **({"effort": fields["output_config"]["effort"]} if "output_config" in fields else {}),
    }
    reasoning.ClearField("provider_details_json")
    assert reasoning == ReasoningSettings(**expected)


def test_what_the_contract_does_not_name_of_thinking() -> None:
    reasoning = chat(thinking={**ADAPTIVE, "x": 1}).reasoning
    assert reasoning.provider_details_json["anthropic"] == '{"thinking":{"x":1}}'
    assert written_details_of(reasoning, "anthropic") == {"thinking": {**ADAPTIVE, "x": 1}}


def test_no_thinking_says_nothing() -> None:
    assert not chat().HasField("reasoning")


CLOSED: Json = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    "fields",
    [
        {"output_config": {"format": {"type": "json_schema", "schema": CLOSED}}},
        {"output_format": {"type": "json_schema", "schema": CLOSED}},
    ],
)
def test_the_answers_form(fields: Json) -> None:
    assert chat(**fields).response_format == ResponseFormat(
        type=ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
        name="answer",
        schema_json=json.dumps(CLOSED, separators=(",", ":")),
        strict=True,
        provider_details_json={"anthropic.form": '{"native":true}'},
    )


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {**CLOSED, "required": []},
        {**CLOSED, "additionalProperties": True},
        {**CLOSED, "properties": {"a": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {}}]}}},
        {**CLOSED, "properties": 5},
        {**CLOSED, "required": 5},
    ],
)
def test_a_schema_that_leaves_something_open_is_not_strict_elsewhere(schema: Json) -> None:
    """OpenAI refuses a strict schema with an optional property, which Anthropic takes."""
    form = chat(output_config={"format": {"type": "json_schema", "schema": schema}}).response_format
    assert json.loads(form.schema_json) == schema
    assert not form.HasField("strict")


def test_forms_and_settings_of_the_future_are_carried() -> None:
    request = chat(output_config={"format": {"type": "regex", "x": 1}, "task_budget": {"total": 5}})
    assert not request.HasField("response_format")
    expected = {"output_config": {"task_budget": {"total": 5}, "format": {"type": "regex", "x": 1}}}
    assert dict(request.provider_options_json) == details(expected)
    assert dict(chat(output_format={"type": "regex"}).provider_options_json) == details({"output_format": {"type": "regex"}})


WRONG: list[tuple[Json, str]] = [
    ({"tools": {}}, "tools"),
    ({"tools": [5]}, "tools.0"),
    ({"tools": [{"input_schema": {}}]}, "tools.0.name"),
    ({"tools": [{"name": 5, "input_schema": {}}]}, "tools.0.name"),
    ({"tools": [{"name": "f"}]}, "tools.0.input_schema"),
    ({"tools": [{"name": "f", "input_schema": []}]}, "tools.0.input_schema"),
    ({"tools": [{"name": "f", "input_schema": {}, "description": 5}]}, "tools.0.description"),
    ({"tools": [{"name": "f", "input_schema": {}, "strict": "yes"}]}, "tools.0.strict"),
    ({"tool_choice": "auto"}, "tool_choice"),
    ({"tool_choice": {}}, "tool_choice.type"),
    ({"tool_choice": {"type": "required"}}, "tool_choice.type"),
    ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
    ({"tool_choice": {"type": "auto", "disable_parallel_tool_use": 1}}, "tool_choice.disable_parallel_tool_use"),
    ({"thinking": True}, "thinking"),
    ({"thinking": {}}, "thinking.type"),
    ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
    ({"thinking": {"type": "enabled", "budget_tokens": "5"}}, "thinking.budget_tokens"),
    ({"output_config": []}, "output_config"),
    ({"output_config": {"effort": 5}}, "output_config.effort"),
    ({"output_config": {"format": "json"}}, "output_config.format"),
    ({"output_config": {"format": {}}}, "output_config.format.type"),
    ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
    ({"output_config": {"format": {"type": "json_schema", "schema": "{}"}}}, "output_config.format.schema"),
    ({"output_format": {"type": "json_schema", "schema": 5}}, "output_format.schema"),
]


@pytest.mark.parametrize(("fields", "param"), WRONG)
def test_a_wrong_value_is_named(fields: Json, param: str) -> None:
    assert refused(**fields).field == param
