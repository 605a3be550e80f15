import copy
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, FunctionTool, Tool, ToolChoice, ToolChoiceMode
from dragoman.v1.content_pb2 import Opaque
from tests.gateway_dialects.cohere.client.asking import TOOL, asked, question, sent

CLOCK: dict[str, Any] = {"type": "function", "function": {"name": "clock", "description": "Tells the time"}}
CLOCK_SENT = {"type": "function", "function": {**CLOCK["function"], "parameters": {"type": "object", "properties": {}}}}


def strict(tool: dict[str, Any], value: bool = True) -> dict[str, Any]:
    return {**tool, "function": {**tool["function"], "strict": value}}


def test_a_tool_without_parameters_takes_an_object() -> None:
    assert asked(tools=[TOOL, CLOCK]) == ({"messages": [{"role": "user", "content": "Hi"}], "tools": [TOOL, CLOCK_SENT]}, [])


def test_parameters_without_a_type_are_an_object() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"properties": {"a": {"type": "string"}}}}}

    assert asked(tools=[tool])[0]["tools"][0]["function"]["parameters"] == {
        "type": "object",
        "properties": {"a": {"type": "string"}},
    }


@pytest.mark.parametrize(("choice", "word"), [("auto", None), ("none", "NONE"), ("required", "REQUIRED")])
def test_choices(choice: str, word: str | None) -> None:
    body, warned = asked(tools=[TOOL, CLOCK], tool_choice=choice)

    assert body.get("tool_choice") == word
    assert len(body["tools"]) == 2
    assert warned == []


def test_a_named_tool_is_the_only_one_and_required() -> None:
    body, _ = asked(tools=[TOOL, CLOCK], tool_choice={"type": "function", "function": {"name": "clock"}})

    assert body["tools"] == [CLOCK_SENT]
    assert body["tool_choice"] == "REQUIRED"


def test_allowed_tools_are_the_only_ones() -> None:
    allowed = {"mode": "auto", "tools": [{"type": "function", "function": {"name": "weather"}}]}
    body, _ = asked(tools=[TOOL, CLOCK], tool_choice={"type": "allowed_tools", "allowed_tools": allowed})

    assert body["tools"] == [TOOL]
    assert "tool_choice" not in body


def test_a_named_tool_that_is_not_there() -> None:
    with pytest.raises(GatewayError) as caught:
        asked(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "clock"}})
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "tool_choice")


def test_a_choice_without_tools() -> None:
    assert asked(tool_choice="required")[1] == ["tool_choice"]
    assert asked(tool_choice="none")[1] == []
    assert "tool_choice" not in asked(tool_choice="none")[0]


def test_strictness_is_for_all_tools_or_none() -> None:
    tool = copy.deepcopy(TOOL)
    tool["function"]["parameters"]["required"] = ["city"]  # type: ignore[index]
    every, some, none = [strict(tool), strict(CLOCK)], [strict(tool), CLOCK], [strict(tool, False), CLOCK]

    assert asked(tools=every)[0]["strict_tools"] is True
    assert "strict" not in asked(tools=every)[0]["tools"][0]["function"]
    assert "strict_tools" not in asked(tools=some)[0]
    assert [asked(tools=tools)[1] for tools in (every, some, none)] == [[], ["tools.function.strict"], []]
    # "You must specify at least one required parameter."
    assert asked(tools=[strict(TOOL), strict(CLOCK)])[1] == ["tools[0].function.strict", "tools.function.strict"]


@pytest.mark.parametrize(
    ("tool", "reason"),
    [
        (Tool(opaque=Opaque(dialect="openai", json='{"type":"web_search"}')), Reason.UNSUPPORTED),
        (Tool(), Reason.INVALID_REQUEST),
        (Tool(opaque=Opaque(dialect="cohere", json="[]")), Reason.INVALID_REQUEST),
    ],
)
def test_tools_that_this_provider_does_not_take(tool: Tool, reason: Reason) -> None:
    request = question()
    request.tools.append(tool)
    with pytest.raises(GatewayError) as caught:
        sent(request)
    assert (caught.value.reason, caught.value.field.removesuffix(".opaque.json")) == (reason, "tools[0]")


@pytest.mark.parametrize("text", ["[]", "{", '{"type":"object"},"x":{}', "1"])
def test_parameters_that_are_no_object(text: str) -> None:
    request = question()
    request.tools.add().function.parameters_json = text
    with pytest.raises(GatewayError) as caught:
        sent(request)
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "tools[0].function.parameters")


def test_a_choice_of_the_future() -> None:
    request = ChatRequest(
        messages=question().messages, tools=[Tool(function=FunctionTool(name="f"))], tool_choice=ToolChoice()
    )
    request.tool_choice.mode = 77  # type: ignore[assignment]
    assert request.tool_choice.mode not in ToolChoiceMode.values()
    with pytest.raises(GatewayError) as caught:
        sent(request)
    assert caught.value.field == "tool_choice.mode"
