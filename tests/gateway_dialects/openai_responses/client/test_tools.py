"""Tools and the choice among them: flat, and not strict unless the client says so."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import ChatRequest, CustomTool, FunctionTool, Tool, ToolChoice, ToolChoiceMode
from dragoman.v1.content_pb2 import Opaque
from tests.gateway_dialects.openai_responses.client.asking import USER, asked, form, own, refused

SHELL = Tool(custom=CustomTool(name="shell", format_json='{"type":"grammar","grammar":{"syntax":"regex","definition":"x"}}'))
NOTHING = {"type": "object", "properties": {}}


def tool_of(tool: Tool) -> Any:
    body, warned = asked(ChatRequest(messages=[USER], tools=[tool]))
    assert warned == []
    return body["tools"][0]


@pytest.mark.parametrize(
    ("tool", "sent"),
    [
        (
            Tool(function=FunctionTool(name="f", description="d", parameters_json='{"type": "object"}')),
            {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": False},
        ),
        (
            Tool(function=FunctionTool(name="f", strict=True)),
            {"type": "function", "name": "f", "parameters": NOTHING, "strict": True},
        ),
        (
            Tool(
                function=FunctionTool(name="f"), provider_details_json=own({"defer_loading": True}) | form(strict_unset=True)
            ),
            {"type": "function", "name": "f", "defer_loading": True},
        ),
        (SHELL, {"type": "custom", "name": "shell", "format": {"type": "grammar", "syntax": "regex", "definition": "x"}}),
        (
            Tool(custom=CustomTool(name="n", description="d", format_json='{"type":"text"}')),
            {"type": "custom", "name": "n", "description": "d", "format": {"type": "text"}},
        ),
        (Tool(opaque=Opaque(dialect="openai-responses", json='{"type":"web_search"}')), {"type": "web_search"}),
        (Tool(opaque=Opaque(dialect="openai", json='{"type":"web_search"}')), {"type": "web_search"}),
    ],
)
def test_tools(tool: Tool, sent: dict[str, Any]) -> None:
    assert tool_of(tool) == sent


def test_a_schema_is_sent_as_it_was_written() -> None:
    assert tool_of(Tool(function=FunctionTool(name="f", parameters_json='{"b":1,"a":2}')))["parameters"] == {"b": 1, "a": 2}
    broken = Tool(function=FunctionTool(name="f", parameters_json='{"a":1}, "x":{'))
    where = "tools[0].function.parameters"
    assert refused(ChatRequest(messages=[USER], tools=[broken])) == (Reason.INVALID_REQUEST, where)


def test_tools_of_other_dialects_are_refused() -> None:
    tools = [SHELL, Tool(opaque=Opaque(dialect="anthropic", json="{}"))]
    assert refused(ChatRequest(messages=[USER], tools=tools)) == (Reason.UNSUPPORTED, "tools[1]")
    assert refused(ChatRequest(messages=[USER], tools=[Tool()])) == (Reason.INVALID_REQUEST, "tools[0]")


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_AUTO), "auto"),
        (ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_NONE), "none"),
        (ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED), "required"),
        (ToolChoice(), None),
        (ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_TOOL, tool_name="f"), {"type": "function", "name": "f"}),
        (ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_TOOL, tool_name="shell"), {"type": "custom", "name": "shell"}),
        (
            ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED, allowed_tool_names=["f", "shell"]),
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "shell"}],
            },
        ),
    ],
)
def test_tool_choices(choice: ToolChoice, sent: Any) -> None:
    body, _ = asked(ChatRequest(messages=[USER], tools=[SHELL], tool_choice=choice))
    assert body.get("tool_choice") == sent


def test_an_unknown_choice() -> None:
    choice = ToolChoice(mode=9)  # type: ignore[arg-type]
    assert refused(ChatRequest(messages=[USER], tool_choice=choice)) == (Reason.INVALID_REQUEST, "tool_choice.mode")
