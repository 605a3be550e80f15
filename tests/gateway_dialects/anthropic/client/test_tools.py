"""Tools and the choice among them."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, FunctionTool, Tool, ToolChoice, ToolChoiceMode
from dragoman.v1.content_pb2 import Opaque
from gateway_dialects.anthropic.encode_request import encode_chat
from tests.gateway_dialects.anthropic.client.asking import (
    ADAPTIVE_MODEL,
    BUDGET_MODEL,
    ENDPOINT,
    LATE_MODEL,
    OLD_MODEL,
    Json,
    ask,
    chat_request,
    function,
    send,
)

NAMED = {"type": "function", "function": {"name": "look"}}
SCHEMA: Json = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}


def test_a_tool_with_everything_and_tools_with_little() -> None:
    sent = ask(
        tools=[
            function("look", description="Looks.", parameters=SCHEMA),
            function("now"),
            function("bare", parameters={"properties": {"x": {}}}),
            function("empty", parameters={}),
        ]
    )
    assert sent.body["tools"] == [
        {"name": "look", "description": "Looks.", "input_schema": SCHEMA},
        {"name": "now", "input_schema": {"type": "object", "properties": {}}},
        {"name": "bare", "input_schema": {"type": "object", "properties": {"x": {}}}},
        {"name": "empty", "input_schema": {"type": "object"}},
    ]
    assert "tool_choice" not in sent.body
    assert sent.warned == []


def test_schemas_keep_the_order_of_their_keys_so_that_prompt_caches_hit() -> None:
    parameters = {"required": ["b"], "type": "object", "properties": {"b": {}, "a": {"z": 1, "y": 2.50}}}
    upstream, _ = encode_chat(chat_request(tools=[function(parameters=parameters)]), "claude-opus-5", ENDPOINT, False)
    assert b'{"required":["b"],"type":"object","properties":{"b":{},"a":{"z":1,"y":2.5}}}' in upstream.body


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", {"type": "auto"}),
        ("required", {"type": "any"}),
        ("any", {"type": "any"}),
        ("none", {"type": "none"}),
        (NAMED, {"type": "tool", "name": "look"}),
    ],
)
@pytest.mark.parametrize("alone", [None, True, False])
def test_the_choice_in_anthropics_terms(choice: Any, sent: Json, alone: bool | None) -> None:
    fields: Json = {} if alone is None else {"parallel_tool_calls": not alone}
    expected = {**sent, "disable_parallel_tool_use": True} if alone and choice != "none" else sent
    assert ask(tools=[function()], tool_choice=choice, **fields).body["tool_choice"] == expected


def test_a_ban_on_parallel_calls_needs_a_choice_and_tools_to_stand_on() -> None:
    sent = ask(tools=[function()], parallel_tool_calls=False)
    assert sent.body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert "tool_choice" not in ask(tools=[function()], parallel_tool_calls=True).body
    assert ask(parallel_tool_calls=False).body.keys() == {"model", "max_tokens", "messages"}
    assert ask(tools=[], tool_choice="auto").body.keys() == {"model", "max_tokens", "messages"}


def test_a_tool_cannot_be_forced_where_there_are_none() -> None:
    sent = ask(tool_choice="required")
    assert "tool_choice" not in sent.body
    assert sent.warned == ["tool_choice"]


def test_only_allowed_tools_are_offered() -> None:
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "b"}}]}
    tools = [function("a"), function("b")]
    sent = ask(tools=tools, tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    assert [tool["name"] for tool in sent.body["tools"]] == ["b"]
    assert sent.body["tool_choice"] == {"type": "any"}


@pytest.mark.parametrize("model", [BUDGET_MODEL, ADAPTIVE_MODEL, OLD_MODEL, "claude-haiku-5-5", "claude-fable-5"])
def test_models_that_can_be_forced(model: str) -> None:
    sent = ask(model=model, tools=[function()], tool_choice=NAMED)
    assert sent.body["tool_choice"] == {"type": "tool", "name": "look"}
    assert sent.warned == []


@pytest.mark.parametrize("model", [LATE_MODEL, "claude-sonnet-5-5", "claude-fable-5-1", "claude-mythos-5-2"])
@pytest.mark.parametrize("choice", ["required", NAMED])
def test_models_that_refuse_to_be_forced_choose_themselves_and_it_is_reported(model: str, choice: Any) -> None:
    sent = ask(model=model, tools=[function()], tool_choice=choice, parallel_tool_calls=False)
    assert sent.body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert sent.warned == ["tool_choice"]


def test_a_strict_tool_where_the_model_has_them() -> None:
    tool = function(parameters=SCHEMA, strict=True)
    assert ask(tools=[tool]).body["tools"] == [{"name": "look", "input_schema": SCHEMA, "strict": True}]
    old = ask(model=OLD_MODEL, tools=[tool])
    assert old.body["tools"] == [{"name": "look", "input_schema": SCHEMA}]
    assert old.warned == ["tools[0].function.strict"]
    assert ask(tools=[function(strict=True)]).body["tools"][0]["input_schema"] == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }


def test_a_strict_tools_schema_is_made_to_fit_or_the_strictness_given_up() -> None:
    bound = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
    fitted = {
        "type": "object",
        "properties": {"n": {"type": "integer", "description": '{"minimum":1}'}},
        "additionalProperties": False,
    }
    sent = ask(tools=[function(parameters=bound, strict=True)])
    assert sent.body["tools"] == [{"name": "look", "input_schema": fitted, "strict": True}]
    open_schema = {"type": "object", "additionalProperties": {"type": "string"}}
    sent = ask(tools=[function(), function("b", parameters=open_schema, strict=True)])
    assert sent.body["tools"][1] == {"name": "b", "input_schema": open_schema}
    assert sent.warned == ["tools[1].function.strict"]


def test_tools_that_others_run_are_left_out_and_named() -> None:
    sent = ask(tools=[function(), {"type": "web_search"}])
    assert [tool["name"] for tool in sent.body["tools"]] == ["look"]
    assert sent.warned == ["tools[1]"]


def test_tools_with_free_form_input_become_functions() -> None:
    (tool,) = ask(tools=[{"type": "custom", "custom": {"name": "sql", "description": "Asks"}}]).body["tools"]
    assert (tool["name"], tool["description"]) == ("sql", "Asks")
    assert tool["input_schema"]["required"] == ["input"]


def test_anthropics_own_tools_go_as_they_are() -> None:
    search = Tool(opaque=Opaque(dialect="anthropic", json='{"type":"web_search_20260318","name":"web_search","max_uses":2}'))
    sent = send(ChatRequest(tools=[search]))
    assert sent.body["tools"] == [{"type": "web_search_20260318", "name": "web_search", "max_uses": 2}]


def test_what_a_grpc_caller_can_break() -> None:
    def fails(*tools: Tool) -> tuple[Reason, str]:
        with pytest.raises(GatewayError) as caught:
            send(ChatRequest(tools=tools))
        return caught.value.reason, caught.value.field

    wrong = Reason.INVALID_REQUEST
    assert fails(Tool()) == (wrong, "tools[0]")
    for text in ("{", "[]", '{"a":1} {"b":2}'):
        function_tool = FunctionTool(name="f", parameters_json=text)
        assert fails(Tool(function=function_tool)) == (wrong, "tools[0].function.parameters")
    assert fails(Tool(opaque=Opaque(dialect="anthropic", json="{"))) == (wrong, "tools[0].opaque.json")
    assert fails(Tool(opaque=Opaque(dialect="gemini", json="{}"))) == (Reason.UNSUPPORTED, "tools[0]")


def test_a_choice_of_no_mode_says_nothing_and_of_an_unknown_one_is_refused() -> None:
    tools = [Tool(function=FunctionTool(name="f"))]
    unset = ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_UNSPECIFIED)
    assert "tool_choice" not in send(ChatRequest(tools=tools, tool_choice=unset)).body
    with pytest.raises(GatewayError) as caught:
        send(ChatRequest(tools=tools, tool_choice=ToolChoice(mode=77)))  # type: ignore[arg-type]
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "tool_choice.mode")
