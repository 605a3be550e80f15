"""What a request becomes on its way to a provider of the openai dialect. Identity over the face is proved by the laws; here
stand what gRPC callers can ask for, and what vendors differ in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import (
    ChatRequest,
    CustomTool,
    FunctionTool,
    ReasoningSettings,
    ResponseFormat,
    ResponseFormatType,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from dragoman.v1.content_pb2 import Message, Opaque, Part, Role
from gateway_dialects.kit.dialect import Endpoint, Quirks, Secret, UpstreamRequest
from gateway_dialects.openai.encode_request import encode_chat
from gateway_dialects.openai.parse_request import parse_chat

USER = Message(role=Role.ROLE_USER, parts=[Part(text="Hi")])


def encode(
    request: ChatRequest, quirks: Quirks | None = None, stream: bool = False
) -> tuple[UpstreamRequest, dict[str, Any], list[str]]:
    """The request, its body, and the fields that were left out."""
    if not request.messages:
        request.messages.append(USER)
    endpoint = Endpoint("p", "openai", "http://up/v1", quirks=quirks or Quirks())
    upstream, warnings = encode_chat(request, "m", endpoint, stream)
    assert all(warning.provider == "p" and warning.message for warning in warnings)
    return upstream, json.loads(upstream.body), [warning.field for warning in warnings]


def body_of(request: ChatRequest, quirks: Quirks | None = None, stream: bool = False) -> dict[str, Any]:
    return encode(request, quirks, stream)[1]


def refusal(request: ChatRequest) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        encode(request)
    return caught.value


def test_the_least_that_is_sent() -> None:
    upstream, body, left_out = encode(ChatRequest(model="route"))
    assert (upstream.method, upstream.url) == ("POST", "http://up/v1/chat/completions")
    assert body == {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    assert left_out == []


def test_the_key_goes_into_one_header_and_nowhere_else() -> None:
    endpoint = Endpoint("p", "openai", "http://up", (Secret("k1"), Secret("k2")), {"x-team": "blue"})
    upstream, _ = encode_chat(ChatRequest(messages=[USER]), "m", endpoint, False)
    assert dict(upstream.headers) == {"content-type": "application/json", "x-team": "blue", "authorization": "Bearer k1"}
    assert "k1" not in repr(upstream) + repr(endpoint) + upstream.url


def test_no_key_no_header() -> None:
    upstream, _ = encode_chat(ChatRequest(messages=[USER]), "m", Endpoint("p", "openai", "http://up"), False)
    assert "authorization" not in upstream.headers


def test_numbers_leave_as_they_came() -> None:
    body = encode(ChatRequest(temperature=0.7, top_p=0, seed=2**53 + 1, candidate_count=2, logit_bias={"5": -100}))[0].body
    assert b'"temperature":0.7' in body
    assert b'"seed":9007199254740993' in body
    assert json.loads(body)["top_p"] == 0
    assert json.loads(body)["logit_bias"] == {"5": -100}


def test_a_stream_always_asks_for_usage() -> None:
    body = body_of(ChatRequest(), stream=True)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    options = {"openai": '{"stream_options":{"include_obfuscation":false,"include_usage":false}}'}
    body = body_of(ChatRequest(provider_options_json=options), stream=True)
    assert body["stream_options"] == {"include_obfuscation": False, "include_usage": True}


def test_a_vendor_that_refuses_to_be_asked_for_usage() -> None:
    assert "stream_options" not in body_of(ChatRequest(), Quirks(stream_usage=False), stream=True)


@pytest.mark.parametrize("spelling", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize(
    "request_", [ChatRequest(max_tokens=5), ChatRequest(max_output_tokens=5), ChatRequest(max_tokens=9, max_output_tokens=5)]
)
def test_the_token_bound_in_the_vendors_spelling(spelling: str, request_: ChatRequest) -> None:
    body = body_of(request_, Quirks(max_tokens_field=spelling))
    assert {name: value for name, value in body.items() if "tokens" in name} == {spelling: 5}


def test_what_a_vendor_refuses_is_left_out_and_told() -> None:
    _, body, left_out = encode(ChatRequest(seed=1, user="u", top_p=0.5), Quirks(unsupported=("seed", "user", "top_k")))
    assert body.keys() == {"model", "messages", "top_p"}
    assert left_out == ["seed", "user"]


def test_options_of_this_dialect_are_added_and_of_others_told() -> None:
    options = {"openai": '{"store":true}', "anthropic": '{"thinking":{}}', "openai.form": "{}", "anthropic.form": '{"x":1}'}
    _, body, left_out = encode(ChatRequest(provider_options_json=options, extra_body_json='{"min_p":0.5,"store":false}'))
    assert (body["store"], body["min_p"]) == (True, 0.5)
    assert "x" not in body
    assert left_out == ["thinking"]


def test_options_do_not_override_the_contract() -> None:
    options = '{"model":"gpt-dear","messages":[],"stream":true,"temperature":2,"stop":["x"]}'
    for request in (ChatRequest(provider_options_json={"openai": options}), ChatRequest(extra_body_json=options)):
        request.temperature = 0.5
        body = body_of(request)
        assert (body["model"], body["temperature"], body["stop"]) == ("m", 0.5, ["x"])
        assert body["messages"]
        assert "stream" not in body


@pytest.mark.parametrize("dialect", ["openai", "gemini"])
@pytest.mark.parametrize("text", ["{", "[]", "7", '"x"', "null", "nope", '{"a":' * 5000])
def test_options_that_are_no_object(text: str, dialect: str) -> None:
    assert refusal(ChatRequest(provider_options_json={dialect: text})).reason is Reason.INVALID_REQUEST


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (Message(role=Role.ROLE_USER, provider_details_json={"openai": "{"}), ""),
        (Message(role=Role.ROLE_USER, provider_details_json={"openai": "[]"}), ""),
        (Message(role=Role.ROLE_USER, parts=[Part(opaque=Opaque(dialect="openai", json="{"))]), "messages[0].parts[0]"),
    ],
)
def test_broken_details(message: Message, field: str) -> None:
    found = refusal(ChatRequest(messages=[message]))
    assert (found.reason, found.field) == (Reason.INVALID_REQUEST, field)


@pytest.mark.parametrize("text", ["{", "{}}", '{"a":1},"model":{}', "nope", "{},{}", " "])
def test_json_cannot_break_out_of_its_place(text: str) -> None:
    function = FunctionTool(name="f", parameters_json=text)
    custom = CustomTool(name="c", format_json=text)
    form = ResponseFormat(type=ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_SCHEMA, schema_json=text)
    requests = {
        "tools[0].function.parameters": ChatRequest(tools=[Tool(function=function)]),
        "tools[0].custom.format": ChatRequest(tools=[Tool(custom=custom)]),
        "response_format.json_schema.schema": ChatRequest(response_format=form),
    }
    for field, request in requests.items():
        found = refusal(request)
        assert (found.reason, found.field) == (Reason.INVALID_REQUEST, field)


def test_schemas_keep_their_order_and_numbers() -> None:
    schema = '{"z":1.0,"a":{"maximum":1e2},"$ref":"#/z"}'
    upstream, _, _ = encode(ChatRequest(tools=[Tool(function=FunctionTool(name="f", parameters_json=schema))]))
    assert schema.encode() in upstream.body


def test_tools_of_every_kind() -> None:
    tools = [
        Tool(function=FunctionTool(name="f", description="", strict=False), provider_details_json={"openai": '{"cache":1}'}),
        Tool(custom=CustomTool(name="c")),
        Tool(opaque=Opaque(dialect="openai", json='{"type":"web_search"}')),
    ]
    assert body_of(ChatRequest(tools=tools))["tools"] == [
        {"type": "function", "cache": 1, "function": {"name": "f", "description": "", "strict": False}},
        {"type": "custom", "custom": {"name": "c"}},
        {"type": "web_search"},
    ]


def test_a_tool_of_another_dialect_is_refused() -> None:
    found = refusal(ChatRequest(tools=[Tool(opaque=Opaque(dialect="anthropic", json="{}"))]))
    assert (found.reason, found.field) == (Reason.UNSUPPORTED, "tools[0]")
    assert refusal(ChatRequest(tools=[Tool()])).field == "tools[0]"


@pytest.mark.parametrize(
    ("choice", "encoded"),
    [
        (ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_AUTO), "auto"),
        (ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_NONE), "none"),
        (ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED), "required"),
        (ToolChoice(), None),
        (
            ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_TOOL, tool_name="f"),
            {"type": "function", "function": {"name": "f"}},
        ),
        (
            ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED, allowed_tool_names=["f"]),
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
        ),
        (
            ToolChoice(allowed_tool_names=["f"]),
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
        ),
    ],
)
def test_tool_choices(choice: ToolChoice, encoded: object) -> None:
    assert body_of(ChatRequest(tool_choice=choice)).get("tool_choice") == encoded


def test_enum_values_of_a_newer_contract_are_refused() -> None:
    choice, form, message = ToolChoice(), ResponseFormat(), Message()
    choice.ParseFromString(b"\x08\x63")
    form.ParseFromString(b"\x08\x63")
    message.ParseFromString(b"\x08\x63")
    assert refusal(ChatRequest(tool_choice=choice)).field == "tool_choice.mode"
    assert refusal(ChatRequest(response_format=form)).field == "response_format.type"
    assert refusal(ChatRequest(messages=[message])).field == "messages[0].role"


@pytest.mark.parametrize(
    ("settings", "takes_object", "sent", "left_out"),
    [
        (ReasoningSettings(effort="high"), False, {"reasoning_effort": "high"}, []),
        (ReasoningSettings(effort="high"), True, {"reasoning_effort": "high"}, []),
        (ReasoningSettings(enabled=True), False, {"reasoning_effort": "medium"}, []),
        (ReasoningSettings(enabled=False), False, {"reasoning_effort": "none"}, []),
        (ReasoningSettings(max_tokens=9), False, {}, ["reasoning.max_tokens"]),
        (ReasoningSettings(max_tokens=9), True, {"reasoning": {"max_tokens": 9}}, []),
        (ReasoningSettings(effort="low", exclude=True), True, {"reasoning": {"effort": "low", "exclude": True}}, []),
        (ReasoningSettings(effort="low", exclude=True), False, {"reasoning_effort": "low"}, ["reasoning.exclude"]),
    ],
)
def test_reasoning(settings: ReasoningSettings, takes_object: bool, sent: dict[str, Any], left_out: list[str]) -> None:
    _, body, told = encode(ChatRequest(reasoning=settings), Quirks(reasoning_object=takes_object))
    assert {name: value for name, value in body.items() if name.startswith("reasoning")} == sent
    assert told == left_out


def test_the_id_of_a_user_that_is_too_long_is_hashed_and_told() -> None:
    long = "user_" + "x" * 60
    quirks = Quirks(longest_user=64)
    _, body, told = encode(ChatRequest(user=long), quirks)
    assert (len(body["user"]), told) == (64, ["user"])
    assert body["user"] == body_of(ChatRequest(user=long), quirks)["user"]
    assert body["user"] != body_of(ChatRequest(user=long + "y"), quirks)["user"]
    assert encode(ChatRequest(user=long[:64]), quirks)[1:] == ({**body, "user": long[:64]}, [])
    assert body_of(ChatRequest(user=long))["user"] == long


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "function", "function": {"name": "f", "own": 1}, "later": {"a": 2}},
        {"type": "custom", "custom": {"name": "f", "own": 1}, "later": 3},
        {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}], "own": 1},
            "later": 3,
        },
    ],
)
def test_what_a_client_says_beside_its_choice_is_carried(choice: dict[str, Any]) -> None:
    parsed = parse_chat(
        json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tool_choice": choice}).encode()
    )
    assert body_of(parsed.chat)["tool_choice"] == choice
