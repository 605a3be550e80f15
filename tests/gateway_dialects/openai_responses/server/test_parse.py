"""A request's parameters. Its items and tools have tests of their own."""

from __future__ import annotations

import json
from typing import Any, get_type_hints

import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from dragoman.v1.chat_pb2 import ChatRequest, ReasoningSettings
from dragoman.v1.content_pb2 import Message, Part, Role
from gateway_dialects.openai_responses.parse_request import parse_create, previous_response_id, references_in
from tests.gateway_dialects.openai_responses.server.reading import chat, form, options_of, parsed, refused, served_of

HI = Message(role=Role.ROLE_USER, parts=[Part(text="Hi")])
NAMED: dict[str, tuple[Any, ChatRequest]] = {
    "max_output_tokens": (5, ChatRequest(max_output_tokens=5)),
    "parallel_tool_calls": (False, ChatRequest(parallel_tool_calls=False)),
    "reasoning": (
        {"effort": "low", "summary": "auto", "context": None},
        ChatRequest(reasoning=ReasoningSettings(effort="low", summary="auto")),
    ),
    "service_tier": ("flex", ChatRequest(service_tier="flex")),
    "temperature": (0.7, ChatRequest(temperature=0.7)),
    "top_logprobs": (0, ChatRequest(top_logprobs=0)),
    "top_p": (1, ChatRequest(top_p=1.0)),
    "user": ("u", ChatRequest(user="u")),
    # Of other providers, which may be asked through this API.
    "frequency_penalty": (0.5, ChatRequest(frequency_penalty=0.5)),
    "presence_penalty": (-1, ChatRequest(presence_penalty=-1.0)),
    "seed": (3, ChatRequest(seed=3)),
    "stop": ("x", ChatRequest(stop=["x"])),
    "top_k": (40, ChatRequest(top_k=40)),
}
"""Parameters that the contract names: an example, and what becomes of it."""
HONOURED: dict[str, Any] = {
    "metadata": {"team": "a"},
    "store": False,
    "stream_options": {"include_obfuscation": False},
    "truncation": "disabled",
}
"""What the gateway does itself: no provider that lacks it is a loss."""
CARRIED: dict[str, Any] = {
    "access_programs": {"cyber": "standard"},
    "background_options": {"x": 1},
    "context_management": [{"type": "compaction"}],
    "conversation": "conv_1",
    "image": {"x": 1},
    "max_tool_calls": 3,
    "moderation": {"model": "omni"},
    "prompt": {"id": "pmpt_1"},
    "prompt_cache_key": "k",
    "prompt_cache_options": {"ttl": "30m"},
    "prompt_cache_retention": "24h",
    "safety_identifier": "s",
    "nobody_has_heard_of_this": {"deep": [1, 2.5, "ü"]},
}
"""Parameters that this dialect alone understands."""
ELSEWHERE = {
    "model",
    "input",
    "instructions",
    "include",
    "previous_response_id",
    "text",
    "tools",
    "tool_choice",
    "background",
}


def test_every_parameter_of_the_api_is_known() -> None:
    """None of them reaches a provider unchecked because nobody has thought of it."""
    assert set(get_type_hints(ResponseCreateParamsBase)) <= {*NAMED, *HONOURED, *CARRIED, *ELSEWHERE}


@pytest.mark.parametrize("name", NAMED)
def test_what_the_contract_names(name: str) -> None:
    value, expected = NAMED[name]
    found = chat(**{name: value})
    found.ClearField("provider_options_json")
    whole = ChatRequest(model="m", messages=[HI])
    whole.MergeFrom(expected)
    assert found == whole


@pytest.mark.parametrize("name", HONOURED)
def test_what_the_gateway_does_itself(name: str) -> None:
    assert served_of(**{name: HONOURED[name]}) == {name: HONOURED[name]}
    assert options_of(**{name: HONOURED[name]}) == {}


@pytest.mark.parametrize("name", CARRIED)
def test_what_only_this_dialect_knows(name: str) -> None:
    assert options_of(**{name: CARRIED[name]}) == {name: CARRIED[name]}
    assert served_of(**{name: CARRIED[name]}) == {}


def test_null_says_nothing() -> None:
    names = [*NAMED, *HONOURED, *CARRIED, *(ELSEWHERE - {"model", "input"}), "stream"]
    assert parsed(**dict.fromkeys(names)) == parsed()


def test_defaults() -> None:
    found = parsed()
    assert (found.stream, found.store, found.previous_response_id, found.echo) == (False, True, "", {})
    assert found.items == [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]
    assert (options_of(), served_of()) == ({}, {})


def test_instructions_stand_first() -> None:
    first, second = chat(instructions="Be brief.").messages
    assert (first.role, first.parts[0].text) == (Role.ROLE_SYSTEM, "Be brief.")
    assert form(first) == {"instructions": True}
    assert second == HI
    assert list(chat(instructions="").messages) == [HI]


def test_inclusions() -> None:
    wanted = ["reasoning.encrypted_content", "message.output_text.logprobs", "file_search_call.results"]
    assert served_of(include=wanted) == {"include": wanted[:2]}
    assert options_of(include=wanted) == {"include": wanted[2:]}
    assert chat(include=wanted).logprobs is True
    assert not chat(include=[]).HasField("logprobs")


def test_truncation_that_cuts_is_another_matter() -> None:
    assert options_of(truncation="auto") == {"truncation": "auto"}


def test_background() -> None:
    assert options_of(background=True) == {"background": True}
    assert (options_of(background=False), served_of(background=False)) == ({}, {"background": False})


def test_the_response_repeats_the_request() -> None:
    fields = {"instructions": "I", "temperature": 0.5, "metadata": {"a": "b"}, "tools": [{"type": "x"}], "store": False}
    assert parsed(**fields, seed=1, include=[]).echo == fields


def test_earlier_turns_come_between_instructions_and_input() -> None:
    """The store's part: it gives the items of the responses that this one continues, and those that are referred to."""
    fields = {
        "model": "m",
        "instructions": "I",
        "previous_response_id": "resp_1",
        "input": [{"type": "item_reference", "id": "msg_1"}, {"id": "msg_2"}, {"role": "user", "content": "Now"}],
    }
    earlier = [
        {"role": "user", "content": "Then"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    ]
    known = {"msg_1": {"type": "function_call_output", "call_id": "c", "output": "1"}}
    found = parse_create(fields, earlier=earlier, known=known)
    roles = [Role.ROLE_SYSTEM, Role.ROLE_USER, Role.ROLE_ASSISTANT, Role.ROLE_TOOL, Role.ROLE_USER, Role.ROLE_USER]
    assert [message.role for message in found.chat.messages] == roles
    assert json.loads(found.chat.messages[4].parts[0].opaque.json) == {"id": "msg_2"}
    assert found.previous_response_id == previous_response_id(fields) == "resp_1"
    assert references_in(found.items) == ["msg_1", "msg_2"]
    assert len(found.items) == 3
    assert json.loads(found.chat.provider_options_json["openai-responses"]) == {}


def test_a_response_that_is_not_stored_here_may_be_known_to_the_provider() -> None:
    assert options_of(previous_response_id="resp_1") == {"previous_response_id": "resp_1"}


def test_what_the_provider_stores_needs_no_input() -> None:
    (message,) = parse_create({"model": "m", "prompt": {"id": "pmpt_1"}}).chat.messages
    assert (message.role, list(message.parts)) == (Role.ROLE_USER, [])


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"model": 1}, "model", "invalid_type"),
        ({"input": None}, "input", "missing_required_parameter"),
        ({"input": 1}, "input", "invalid_type"),
        ({"input": []}, "input", "empty_array"),
        ({"instructions": ["x"]}, "instructions", "invalid_type"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"store": 1}, "store", "invalid_type"),
        ({"background": "yes"}, "background", "invalid_type"),
        ({"previous_response_id": 1}, "previous_response_id", "invalid_type"),
        ({"include": "x"}, "include", "invalid_type"),
        ({"include": [1]}, "include[0]", "invalid_type"),
        ({"metadata": {"a": 1}}, "metadata.a", "invalid_type"),
        ({"metadata": []}, "metadata", "invalid_type"),
        ({"max_output_tokens": 1.5}, "max_output_tokens", "invalid_type"),
        ({"max_output_tokens": 2**63}, "max_output_tokens", "invalid_value"),
        ({"temperature": "hot"}, "temperature", "invalid_type"),
        ({"truncation": 1}, "truncation", "invalid_type"),
        ({"reasoning": "low"}, "reasoning", "invalid_type"),
        ({"reasoning": {"effort": 1}}, "reasoning.effort", "invalid_type"),
        ({"text": "x"}, "text", "invalid_type"),
        ({"text": {"verbosity": 1}}, "text.verbosity", "invalid_type"),
        ({"stop": [1]}, "stop[0]", "invalid_type"),
    ],
)
def test_wrong_fields_are_named(fields: dict[str, Any], param: str, code: str) -> None:
    assert refused(**fields) == (param, code)
