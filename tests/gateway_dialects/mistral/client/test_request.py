"""Settings of clients of other forms, in Mistral's words."""

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import (
    RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
    TOOL_CHOICE_MODE_AUTO,
    TOOL_CHOICE_MODE_REQUIRED,
    ChatRequest,
    CustomTool,
    FunctionTool,
    ReasoningSettings,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from dragoman.v1.content_pb2 import ROLE_USER, Message, Opaque, Part
from gateway_dialects.kit.dialect import Endpoint, Secret
from gateway_dialects.mistral import CLIENT as MISTRAL
from gateway_dialects.openai.parse_request import parse_chat

ENDPOINT = Endpoint("le-chat", "mistral", "https://api.mistral.ai/v1", (Secret("k"),))
HI = [Message(role=ROLE_USER, parts=[Part(text="Hi")])]
WEATHER = Tool(function=FunctionTool(name="get_weather", parameters_json='{"type":"object"}'))
TIME = Tool(function=FunctionTool(name="get_time"))


def sent(stream: bool = False, **fields: Any) -> tuple[dict[str, Any], list[str]]:
    """What the body holds beside the conversation, and what was left out."""
    upstream, warnings = MISTRAL.encode_chat(ChatRequest(messages=HI, **fields), "m", ENDPOINT, stream)
    assert all(warning.provider == "le-chat" and warning.field in warning.message for warning in warnings)
    body = json.loads(upstream.body)
    return {name: body[name] for name in body.keys() - {"model", "messages"}}, [warning.field for warning in warnings]


def test_where_it_goes() -> None:
    upstream, _ = MISTRAL.encode_chat(ChatRequest(messages=HI), "mistral-large-latest", ENDPOINT, True)

    assert upstream.url == "https://api.mistral.ai/v1/chat/completions"
    assert upstream.headers == {"content-type": "application/json", "authorization": "Bearer k"}
    assert json.loads(upstream.body) == {
        "model": "mistral-large-latest",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
    }


@pytest.mark.parametrize(
    ("fields", "body", "left_out"),
    [
        ({"seed": 0}, {"random_seed": 0}, []),
        ({"max_output_tokens": 5}, {"max_tokens": 5}, []),
        ({"max_output_tokens": 5, "max_tokens": 9}, {"max_tokens": 5}, []),
        ({"max_tokens": 9}, {"max_tokens": 9}, []),
        ({"candidate_count": 2}, {"n": 2}, []),
        ({"stop": ["a", "b"]}, {"stop": ["a", "b"]}, []),
        ({"top_k": 4, "logprobs": True, "top_logprobs": 2}, {"top_k": 4, "logprobs": True, "top_logprobs": 2}, []),
        ({"parallel_tool_calls": False, "temperature": 0.7}, {"parallel_tool_calls": False, "temperature": 0.7}, []),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}, []),
        ({"service_tier": "flex"}, {}, ["service_tier"]),
        ({"modalities": ["text"]}, {}, []),
        ({"modalities": ["text", "audio"]}, {}, ["modalities"]),
        ({"user": "u", "verbosity": "low", "logit_bias": {"9": 1}}, {}, ["logit_bias", "verbosity", "user"]),
        ({"reasoning": ReasoningSettings(effort="none")}, {"reasoning_effort": "none"}, []),
        ({"reasoning": ReasoningSettings(effort="high")}, {"reasoning_effort": "high"}, []),
        ({"reasoning": ReasoningSettings(enabled=False)}, {"reasoning_effort": "none"}, []),
        ({"reasoning": ReasoningSettings(enabled=True)}, {"reasoning_effort": "high"}, []),
        ({"reasoning": ReasoningSettings(max_tokens=9, exclude=True)}, {}, ["reasoning.max_tokens", "reasoning.exclude"]),
    ],
)
def test_settings(fields: dict[str, Any], body: dict[str, Any], left_out: list[str]) -> None:
    assert sent(**fields) == (body, left_out)


@pytest.mark.parametrize(
    ("choice", "names", "word"),
    [
        (ToolChoice(mode=TOOL_CHOICE_MODE_REQUIRED), ["get_weather", "get_time"], "any"),
        (ToolChoice(mode=TOOL_CHOICE_MODE_AUTO), ["get_weather", "get_time"], "auto"),
        (ToolChoice(mode=TOOL_CHOICE_MODE_REQUIRED, allowed_tool_names=["get_time"]), ["get_time"], "any"),
    ],
)
def test_the_choice_of_tools(choice: ToolChoice, names: list[str], word: str) -> None:
    body, left_out = sent(tools=[WEATHER, TIME], tool_choice=choice)

    assert [tool["function"]["name"] for tool in body["tools"]] == names
    assert body["tool_choice"] == word
    assert left_out == []


def test_a_tool_without_parameters_has_a_schema_all_the_same() -> None:
    assert sent(tools=[TIME])[0]["tools"] == [
        {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}
    ]


def test_a_schema_without_a_name_gets_one() -> None:
    form = ResponseFormat(type=RESPONSE_FORMAT_TYPE_JSON_SCHEMA, schema_json='{"type":"object"}')

    assert sent(response_format=form)[0]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "object"}},
    }


def test_options_reach_mistral_where_it_knows_them() -> None:
    extra = {"safe_prompt": True, "prompt_mode": "reasoning", "store": True, "model": "other"}
    options = {"mistral": '{"new":1,"messages":[]}', "anthropic": '{"top":1}', "anthropic.form": '{"x":1}'}
    options["mistral.form"] = '{"one_stop":true}'
    body, left_out = sent(stop=["a"], provider_options_json=options, extra_body_json=json.dumps(extra))

    assert body == {"safe_prompt": True, "prompt_mode": "reasoning", "new": 1, "stop": "a"}
    assert sorted(left_out) == ["model", "store", "top"]


def test_a_client_of_openais_form_may_say_what_mistral_means() -> None:
    asked = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "random_seed": 3,
        "prediction": {"type": "content", "content": [{"type": "text", "text": "Per"}, {"type": "text", "text": "haps."}]},
        "tools": [{"type": "function", "cache_control": {"type": "ephemeral"}, "function": {"name": "f", "parameters": {}}}],
        "tool_choice": "any",
    }
    upstream, warnings = MISTRAL.encode_chat(parse_chat(json.dumps(asked).encode()).chat, "m", ENDPOINT, False)
    body = json.loads(upstream.body)

    assert (body["random_seed"], body["tool_choice"]) == (3, "any")
    assert body["prediction"] == {"type": "content", "content": "Perhaps."}
    assert body["tools"] == [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    assert list(warnings) == []


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"tools": [Tool(custom=CustomTool(name="c"))]}, "tools[0]", Reason.UNSUPPORTED),
        ({"tools": [Tool(opaque=Opaque(dialect="gemini", json="{}"))]}, "tools[0]", Reason.UNSUPPORTED),
        ({"tools": [Tool()]}, "tools[0]", Reason.INVALID_REQUEST),
        (
            {"tools": [Tool(function=FunctionTool(name="f", parameters_json="{}{}"))]},
            "tools[0].function.parameters",
            Reason.INVALID_REQUEST,
        ),
        ({"tool_choice": ToolChoice(mode=9)}, "tool_choice.mode", Reason.INVALID_REQUEST),  # type: ignore[arg-type]
        ({"provider_options_json": {"mistral": "[]"}}, "provider_options_json.mistral", Reason.INVALID_REQUEST),
        ({"extra_body_json": "[]"}, "extra_body_json", Reason.INVALID_REQUEST),
        ({"extra_body_json": '{"prediction":{"content":[1]}}'}, "prediction.content[0]", Reason.INVALID_REQUEST),
        ({"extra_body_json": '{"prediction":{"content":[{}]}}'}, "prediction.content[0].text", Reason.INVALID_REQUEST),
    ],
)
def test_what_cannot_be_sent(fields: dict[str, Any], field: str, reason: Reason) -> None:
    with pytest.raises(GatewayError) as caught:
        sent(**fields)
    assert (caught.value.field, caught.value.reason) == (field, reason)


def test_a_gap_to_fill() -> None:
    gap = Opaque(dialect="mistral", json='{"type": "fim", "prompt": "def f(", "suffix": "return x"}')
    request = ChatRequest(messages=[Message(role=ROLE_USER, parts=[Part(opaque=gap)])], max_tokens=9, seed=3)
    request.messages[0].provider_details_json["mistral.form"] = '{"content": "list"}'

    upstream, warnings = MISTRAL.encode_chat(request, "codestral-latest", ENDPOINT, True)

    assert upstream.url == "https://api.mistral.ai/v1/fim/completions"
    assert json.loads(upstream.body) == {
        "model": "codestral-latest",
        "prompt": "def f(",
        "suffix": "return x",
        "max_tokens": 9,
        "random_seed": 3,
        "stream": True,
    }
    assert warnings == []
