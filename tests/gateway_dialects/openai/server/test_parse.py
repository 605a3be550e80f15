"""A request's parameters. Its messages and tools have tests of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsBase

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest, ReasoningSettings
from dragoman.v1.content_pb2 import Message, Part, Role
from gateway_dialects.openai.parse_request import parse_chat
from tests.gateway_dialects.openai.server.reading import USER, chat, details, parsed, refused

HI = Message(role=Role.ROLE_USER, parts=[Part(text="Hi")])

NAMED: dict[str, tuple[Any, ChatRequest]] = {
    "frequency_penalty": (-0.7, ChatRequest(frequency_penalty=-0.7)),
    "logit_bias": ({"50256": -100, "9": 0.5}, ChatRequest(logit_bias={"50256": -100, "9": 0.5})),
    "logprobs": (False, ChatRequest(logprobs=False)),
    "max_completion_tokens": (0, ChatRequest(max_output_tokens=0)),
    "max_tokens": (2**63 - 1, ChatRequest(max_tokens=2**63 - 1)),
    "modalities": (["text", "audio"], ChatRequest(modalities=["text", "audio"])),
    "n": (2, ChatRequest(candidate_count=2)),
    "parallel_tool_calls": (False, ChatRequest(parallel_tool_calls=False)),
    "presence_penalty": (2, ChatRequest(presence_penalty=2.0)),
    "reasoning_effort": ("xhigh", ChatRequest(reasoning=ReasoningSettings(effort="xhigh"))),
    "seed": (-(2**63), ChatRequest(seed=-(2**63))),
    "service_tier": ("flex", ChatRequest(service_tier="flex")),
    "stop": (["a", "b"], ChatRequest(stop=["a", "b"])),
    "temperature": (0, ChatRequest(temperature=0.0)),
    "top_logprobs": (20, ChatRequest(top_logprobs=20)),
    "top_p": (0.1, ChatRequest(top_p=0.1)),
    "user": ("u", ChatRequest(user="u")),
    "verbosity": ("low", ChatRequest(verbosity="low")),
    # OpenRouter's, and other vendors' of this dialect.
    "top_k": (40, ChatRequest(top_k=40)),
}
"""Parameters that the contract names: an example, and what becomes of it."""
CARRIED: dict[str, Any] = {
    "audio": {"format": "mp3", "voice": "alloy"},
    "metadata": {"team": "blue"},
    "moderation": {"model": "omni", "policy": {"input": {"mode": "score"}}},
    "prediction": {"type": "content", "content": [{"type": "text", "text": "Perhaps."}]},
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "explicit", "ttl": "30m"},
    "prompt_cache_retention": "24h",
    "safety_identifier": "s",
    "store": False,
    "web_search_options": {"user_location": {"type": "approximate", "approximate": {"country": "NO"}}},
    "nobody_has_heard_of_this": {"deep": [1, 2.5, "ü", {"y": True}], "big": 123456789012345678901234567890},
    "empty": [],
    "$ref": "x",
}
"""Parameters that this dialect alone understands."""
ELSEWHERE = {"model", "messages", "tools", "functions", "function_call", "tool_choice", "response_format", "stream_options"}


def test_every_parameter_of_the_sdk_is_covered() -> None:
    assert set(CompletionCreateParamsBase.__annotations__) <= {*NAMED, *CARRIED, *ELSEWHERE}


def test_the_least_request() -> None:
    found = parsed()
    assert found.chat == ChatRequest(model="m", messages=[HI])
    assert (found.stream, found.include_usage) == (False, False)


@pytest.mark.parametrize("name", NAMED)
def test_parameters_of_the_contract(name: str) -> None:
    value, expected = NAMED[name]
    expected.MergeFrom(ChatRequest(model="m", messages=[HI]))
    assert chat(**{name: value}) == expected


@pytest.mark.parametrize("name", CARRIED)
def test_parameters_of_this_dialect_are_carried(name: str) -> None:
    request = chat(**{name: CARRIED[name]})
    assert json.loads(request.extra_body_json) == {name: CARRIED[name]}
    request.ClearField("extra_body_json")
    assert request == ChatRequest(model="m", messages=[HI])


@pytest.mark.parametrize("name", sorted({*NAMED, *CARRIED, *ELSEWHERE, "reasoning", "stream"} - {"model", "messages"}))
def test_null_says_nothing(name: str) -> None:
    assert parsed(**{name: None}) == parsed()


def test_one_stop_text_is_recorded_as_one() -> None:
    request = chat(stop="END")
    assert list(request.stop) == ["END"]
    assert request.provider_options_json == details(form={"one_stop": True})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"stream": True}, (True, False)),
        ({"stream": False, "stream_options": {"include_usage": True}}, (False, True)),
        ({"stream": True, "stream_options": {"include_usage": True}}, (True, True)),
        ({"stream": True, "stream_options": {"include_usage": False}}, (True, False)),
        ({"stream": True, "stream_options": {"include_usage": None}}, (True, False)),
        ({"stream": True, "stream_options": {}}, (True, False)),
    ],
)
def test_streaming(fields: dict[str, Any], expected: tuple[bool, bool]) -> None:
    found = parsed(**fields)
    assert (found.stream, found.include_usage) == expected
    assert found.chat == chat()


def test_other_stream_options_are_carried() -> None:
    options = {"include_usage": True, "include_obfuscation": False}
    extra = json.loads(chat(stream=True, stream_options=options).extra_body_json)
    assert extra == {"stream_options": {"include_obfuscation": False}}


def test_reasoning_as_an_object() -> None:
    given = {"effort": "high", "max_tokens": 100, "summary": "auto", "exclude": True, "enabled": False, "new": [1]}
    assert chat(reasoning=given).reasoning == ReasoningSettings(
        effort="high",
        max_tokens=100,
        summary="auto",
        exclude=True,
        enabled=False,
        provider_details_json=details({"new": [1]}, {"fields": "object"}),
    )


@pytest.mark.parametrize("first", ["reasoning", "reasoning_effort"])
def test_reasoning_in_both_forms(first: str) -> None:
    both = {"reasoning": {"effort": "low"}, "reasoning_effort": "low"}
    request = chat(**{first: both.pop(first)}, **both)
    assert request.reasoning == ReasoningSettings(effort="low", provider_details_json=details(form={"fields": "both"}))


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning": {"effort": "low"}, "reasoning_effort": "high"},
        {"reasoning_effort": "high", "reasoning": {"effort": "low"}},
    ],
)
def test_reasoning_that_contradicts_itself(fields: dict[str, Any]) -> None:
    assert refused(**fields).field == "reasoning_effort"


WRONG = {"a string": "x", "an integer": 7, "a number": 0.5, "a boolean": True, "an array": [1], "an object": {"a": 1}}
TAKES = {
    "string": {"a string"},
    "boolean": {"a boolean"},
    "integer": {"an integer"},
    "number": {"an integer", "a number"},
    "array": {"an array"},
    "object": {"an object"},
    "string or array": {"a string", "an array"},
    "string or object": {"a string", "an object"},
}
TYPES = {
    "model": "string",
    "messages": "array",
    "frequency_penalty": "number",
    "logit_bias": "object",
    "logprobs": "boolean",
    "max_completion_tokens": "integer",
    "max_tokens": "integer",
    "modalities": "array",
    "n": "integer",
    "parallel_tool_calls": "boolean",
    "presence_penalty": "number",
    "reasoning": "object",
    "reasoning_effort": "string",
    "response_format": "object",
    "seed": "integer",
    "service_tier": "string",
    "stream": "boolean",
    "stream_options": "object",
    "temperature": "number",
    "tool_choice": "string or object",
    "tools": "array",
    "top_k": "integer",
    "top_logprobs": "integer",
    "top_p": "number",
    "user": "string",
    "verbosity": "string",
}


@pytest.mark.parametrize(
    ("name", "found"), [(name, found) for name, kind in TYPES.items() for found in WRONG if found not in TAKES[kind]]
)
def test_a_wrong_type_names_the_parameter(name: str, found: str) -> None:
    failure = refused(**{name: WRONG[found]})
    assert (failure.field, failure.code) == (name, "invalid_type")
    article = "an" if TYPES[name][0] in "aeio" else "a"
    assert failure.message == f"Invalid type for '{name}': expected {article} {TYPES[name]}, but got {found}."


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"stop": 7}, "stop"),
        ({"stop": ["a", None]}, "stop[1]"),
        ({"modalities": ["text", 7]}, "modalities[1]"),
        ({"logit_bias": {"9": "high"}}, "logit_bias.9"),
        ({"logit_bias": {"9": True}}, "logit_bias.9"),
        ({"stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
        ({"reasoning": {"effort": 7}}, "reasoning.effort"),
        ({"reasoning": {"max_tokens": 0.5}}, "reasoning.max_tokens"),
        ({"reasoning": {"summary": True}}, "reasoning.summary"),
        ({"reasoning": {"exclude": "yes"}}, "reasoning.exclude"),
        ({"reasoning": {"enabled": 1}}, "reasoning.enabled"),
        ({"messages": ["Hi"]}, "messages[0]"),
        ({"messages": [USER, None]}, "messages[1]"),
        ({"tools": [None]}, "tools[0]"),
    ],
)
def test_a_wrong_type_inside_a_parameter(fields: dict[str, Any], param: str) -> None:
    failure = refused(**fields)
    assert (failure.field, failure.code) == (param, "invalid_type")


@pytest.mark.parametrize(
    ("name", "value"),
    [("seed", 2**63), ("seed", -(2**63) - 1), ("max_tokens", 10**30), ("n", 2**31), ("top_logprobs", -(2**31) - 1)],
)
def test_an_integer_that_no_field_holds(name: str, value: int) -> None:
    assert refused(**{name: value}).field == name


@pytest.mark.parametrize("name", ["temperature", "top_p", "frequency_penalty", "presence_penalty"])
def test_a_number_that_no_field_holds(name: str) -> None:
    assert refused(**{name: 10**400}).field == name


def test_a_bias_that_no_field_holds() -> None:
    assert refused(logit_bias={"9": -(10**400)}).field == "logit_bias.9"


@pytest.mark.parametrize("name", ["model", "messages"])
@pytest.mark.parametrize("absent", [False, True])
def test_what_every_request_needs(name: str, absent: bool) -> None:
    body = {"model": '"m"', "messages": '[{"role":"user","content":"Hi"}]'} | {name: "null"}
    if absent:
        del body[name]
    with pytest.raises(GatewayError) as caught:
        parse_chat(("{" + ",".join(f'"{key}":{value}' for key, value in body.items()) + "}").encode())
    assert (caught.value.field, caught.value.code) == (name, "missing_required_parameter")


def test_no_messages() -> None:
    failure = refused(messages=[])
    assert (failure.field, failure.code) == ("messages", "empty_array")


def test_the_last_of_a_repeated_parameter_counts() -> None:
    body = b'{"model":"a","messages":[{"role":"user","content":"Hi"}],"model":"b","n":1,"n":2}'
    assert parse_chat(body).chat == ChatRequest(model="b", messages=[HI], candidate_count=2)
