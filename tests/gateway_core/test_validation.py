from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, FunctionTool, ResponseFormat, Tool, ToolChoice
from dragoman.v1.content_pb2 import Message, Opaque, Part, Role, ToolCall, ToolResult
from gateway_core.validation import LONGEST_MODEL_NAME, MOST_FALLBACKS, check_chat, malformed_field


def request_with(change: Callable[[ChatRequest], object] = lambda _: None) -> ChatRequest:
    request = ChatRequest(model="demo/echo", messages=[Message(role=Role.ROLE_USER, parts=[Part(text="Hi")])])
    change(request)
    return request


F = Tool(function=FunctionTool(name="f"))
FINE: dict[str, Callable[[ChatRequest], object]] = {
    "nothing more": lambda _: None,
    "the longest name": lambda request: setattr(request, "model", "m" * LONGEST_MODEL_NAME),
    "an empty message": lambda request: request.messages.add(role=Role.ROLE_ASSISTANT),
    "a role of tomorrow": lambda request: request.messages.add(role=Role.ValueType(99)),
    "models to fall back on": lambda request: request.fallback_models.extend(["m"] * MOST_FALLBACKS),
    "one candidate": lambda request: setattr(request, "candidate_count", 1),
    "many candidates": lambda request: setattr(request, "candidate_count", 128),
    "no token": lambda request: request.MergeFrom(ChatRequest(max_tokens=0, max_output_tokens=0)),
    "a tool that only its provider knows the name of": lambda request: request.MergeFrom(
        ChatRequest(tools=[F, Tool(opaque=Opaque(dialect="anthropic", json="{}"))], tool_choice=ToolChoice(tool_name="bash"))
    ),
    "knobs for the provider to judge": lambda request: request.MergeFrom(ChatRequest(temperature=9.0, top_k=-1)),
}


@pytest.mark.parametrize("change", FINE.values(), ids=FINE.keys())
def test_what_is_left_to_providers(change: Callable[[ChatRequest], object]) -> None:
    check_chat(request_with(change))


def node(reference: object) -> str:
    circle = {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}
    return json.dumps({"properties": {"x": {"$ref": reference}}, "$defs": circle})


REFUSED: dict[str, tuple[str, Callable[[ChatRequest], object]]] = {
    "no model": ("model", lambda request: request.ClearField("model")),
    "a name too long": ("model", lambda request: setattr(request, "model", "m" * (LONGEST_MODEL_NAME + 1))),
    "a reference of a schema that leads nowhere": (
        "tools[0].function.parameters.properties.x.$ref",
        lambda request: request.tools.add(function=FunctionTool(name="f", parameters_json=node("#/$defs/c"))),
    ),
    "one that leads to itself": (
        "response_format.json_schema.schema.properties.x.$ref",
        lambda request: request.response_format.MergeFrom(ResponseFormat(schema_json=node("#/$defs/a"))),
    ),
    "one that is no text": (
        "response_format.json_schema.schema.properties.x.$ref",
        lambda request: request.response_format.MergeFrom(ResponseFormat(schema_json=node(5))),
    ),
    "too many models to fall back on": (
        "models",
        lambda request: request.fallback_models.extend(["m"] * (MOST_FALLBACKS + 1)),
    ),
    "a model to fall back on without a name": ("models", lambda request: request.fallback_models.append("")),
    "no messages": ("messages", lambda request: request.ClearField("messages")),
    "no role": ("messages[1].role", lambda request: request.messages.add(parts=[Part(text="Hi")])),
    "no candidate": ("n", lambda request: setattr(request, "candidate_count", 0)),
    "minus one candidate": ("n", lambda request: setattr(request, "candidate_count", -1)),
    "a choice of a tool that is not there": (
        "tool_choice",
        lambda request: request.MergeFrom(ChatRequest(tools=[F], tool_choice=ToolChoice(tool_name="g"))),
    ),
    "a choice among tools of which one is not there": (
        "tool_choice",
        lambda request: request.MergeFrom(ChatRequest(tools=[F], tool_choice=ToolChoice(allowed_tool_names=["f", "g"]))),
    ),
    "too many candidates": ("n", lambda request: setattr(request, "candidate_count", 129)),
    "less than no token": ("max_tokens", lambda request: setattr(request, "max_tokens", -1)),
    "less than no output token": ("max_completion_tokens", lambda request: setattr(request, "max_output_tokens", -1)),
}


@pytest.mark.parametrize(("field", "change"), REFUSED.values(), ids=REFUSED.keys())
def test_what_no_provider_takes(field: str, change: Callable[[ChatRequest], object]) -> None:
    with pytest.raises(GatewayError) as caught:
        check_chat(request_with(change))
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, field)
    assert caught.value.message


def with_details(request: ChatRequest, text: str) -> None:
    request.messages[0].provider_details_json["openai"] = text


def with_inner_part(request: ChatRequest, text: str) -> None:
    inner = Part(text="x", provider_details_json={"a": "{}", "gemini": text})
    request.messages.add(role=Role.ROLE_TOOL, parts=[Part(text="y"), Part(tool_result=ToolResult(parts=[inner]))])


PLACES: dict[str, Callable[[ChatRequest, str], object]] = {
    "provider_options_json.openai": lambda request, text: request.provider_options_json.update({"openai": text}),
    "messages[0].provider_details_json.openai": with_details,
    "messages[1].parts[1].tool_result.parts[0].provider_details_json.gemini": with_inner_part,
    "messages[0].parts[1].opaque.json": lambda request, text: request.messages[0].parts.add(opaque=Opaque(json=text)),
    "tools[0].function.parameters_json": lambda request, text: request.tools.append(
        Tool(function=FunctionTool(parameters_json=text))
    ),
    "response_format.schema_json": lambda request, text: request.response_format.CopyFrom(ResponseFormat(schema_json=text)),
}


@pytest.mark.parametrize("text", ["{", "{}{}", "", "nul", "[" * 100_000, '{"a": tru}'])
@pytest.mark.parametrize(("field", "change"), PLACES.items())
def test_broken_json_is_found(field: str, change: Callable[[ChatRequest, str], object], text: str) -> None:
    request = request_with()
    change(request, text)
    found = malformed_field(request)
    # A text that is empty is one that is not given, but not in a map.
    assert found == ("" if not text and "provider_" not in field else field)


def test_json_that_is_no_object_is_found_where_one_belongs() -> None:
    request = request_with(lambda request: with_details(request, "[]"))
    assert malformed_field(request) == "messages[0].provider_details_json.openai"
    request = request_with(lambda request: request.tools.add(function=FunctionTool(parameters_json="true")))
    assert malformed_field(request) == ""


def test_what_a_model_wrote_need_not_be_json() -> None:
    call = Part(tool_call=ToolCall(id="c", name="f", arguments_json='{"a": '))
    assert malformed_field(request_with(lambda request: request.messages.add(role=Role.ROLE_ASSISTANT, parts=[call]))) == ""


def test_a_good_request_has_nothing_broken() -> None:
    request = request_with(lambda request: request.logit_bias.update({"50256": -100.0}))
    request.stop.append("{")
    request.provider_options_json["openai"] = '{"a": [1, {"b": null}]}'
    assert malformed_field(request) == ""
