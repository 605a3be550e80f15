"""A request's settings, headers and extra fields on their way to Anthropic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import (
    ChatRequest,
    FunctionTool,
    ReasoningSettings,
    ResponseFormat,
    ResponseFormatType,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from dragoman.v1.content_pb2 import CacheHint, Citation, Message, Opaque, Part, Role, ToolCall, ToolResult
from gateway_core.call import Deadline
from gateway_core.execution import attempt
from gateway_core.execution.attempt import Transports, Upstream
from gateway_core.execution.fitting import fit
from gateway_core.routing.resolver import Target
from gateway_core.transport.demo import DemoTransport
from gateway_dialects.anthropic import CLIENT as ANTHROPIC
from gateway_dialects.anthropic.encode_request import encode_chat
from gateway_dialects.kit.dialect import Endpoint, Secret
from tests.gateway_dialects.anthropic.client.asking import (
    ADAPTIVE_MODEL,
    BUDGET_MODEL,
    ENDPOINT,
    HI,
    LATE_MODEL,
    OLD_MODEL,
    Json,
    Sent,
    ask,
    chat_request,
    refused,
    send,
)


def test_the_least_that_is_sent() -> None:
    upstream, warnings = encode_chat(chat_request(), "claude-opus-5", ENDPOINT, False)
    assert (upstream.method, upstream.url) == ("POST", "https://up/v1/messages")
    assert json.loads(upstream.body) == {"model": "claude-opus-5", "max_tokens": 32_000, "messages": [HI]}
    assert dict(upstream.headers) == {"content-type": "application/json", "anthropic-version": "2023-06-01"}
    assert list(warnings) == []


def test_a_stream_says_so() -> None:
    assert send(ChatRequest(), stream=True).body["stream"] is True
    assert "stream" not in send(ChatRequest()).body


@pytest.mark.parametrize("url", ["https://api.anthropic.com", "https://api.anthropic.com/v1"])
def test_the_version_segment_is_added_where_the_operator_left_it_out(url: str) -> None:
    endpoint = Endpoint("p", "anthropic", url)
    upstream, _ = encode_chat(chat_request(), "m", endpoint, False)
    assert upstream.url == "https://api.anthropic.com/v1/messages"
    listing = ANTHROPIC.list_models.encode(None, "", endpoint).request
    assert (listing.method, listing.url) == ("GET", "https://api.anthropic.com/v1/models?limit=1000")
    assert listing.headers["anthropic-version"] == "2023-06-01"


def test_the_key_goes_into_one_header_and_nowhere_else() -> None:
    endpoint = Endpoint("p", "anthropic", "https://up", (Secret("k1"), Secret("k2")), {"X-Team": "blue"})
    upstream, _ = encode_chat(chat_request(), "m", endpoint, False)
    assert dict(upstream.headers) == {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "x-team": "blue",
        "x-api-key": "k1",
    }
    assert "k1" not in repr(upstream) + repr(endpoint) + upstream.url


def test_the_operator_can_choose_the_version_of_the_api() -> None:
    endpoint = Endpoint("p", "anthropic", "https://up", headers={"Anthropic-Version": "2026-10-21"})
    assert send(ChatRequest(), endpoint=endpoint).headers["anthropic-version"] == "2026-10-21"


def options(**fields: Any) -> ChatRequest:
    return ChatRequest(provider_options_json={"anthropic": json.dumps(fields)})


@pytest.mark.parametrize(
    ("given", "sent"), [(["a-1", "b-2"], "a-1,b-2"), ("a-1, b-2", "a-1,b-2"), (["a-1", " a-1 ", ""], "a-1"), ([], None)]
)
def test_betas_of_the_client_become_a_header(given: Any, sent: str | None) -> None:
    found = send(options(anthropic_beta=given))
    assert found.headers.get("anthropic-beta") == sent
    assert "anthropic_beta" not in found.body


def test_betas_of_the_operator_the_client_and_the_content_come_once_each() -> None:
    endpoint = Endpoint("p", "anthropic", "https://up", headers={"anthropic-beta": "a-1, b-2"})
    request = options(anthropic_beta=["b-2", "c-3"])
    part = Part()
    part.media.file_id = "file_1"
    request.messages.append(Message(role=Role.ROLE_USER, parts=[part]))
    assert send(request, endpoint=endpoint).headers["anthropic-beta"] == "a-1,b-2,files-api-2025-04-14,c-3"


@pytest.mark.parametrize("betas", [5, [5], {"a": 1}, ["a\r\nx-api-key: stolen"], ["ä"], "a\0"])
def test_betas_that_are_no_names_are_refused(betas: Any) -> None:
    with pytest.raises(GatewayError) as caught:
        send(options(anthropic_beta=betas))
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "anthropic_beta")


@pytest.mark.parametrize(
    ("fields", "most"),
    [
        ({}, 32_000),
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 5}, 5),
        ({"max_tokens": 9, "max_completion_tokens": 5}, 5),
    ],
)
def test_the_bound_that_anthropic_requires(fields: Json, most: int) -> None:
    assert ask(**fields).body["max_tokens"] == most
    assert ask(model=OLD_MODEL).body["max_tokens"] == 8192


@pytest.mark.parametrize(
    ("given", "sent", "told"), [(0, 0, []), (0.7, 0.7, []), (1, 1, []), (1.2, 1, ["temperature"]), (2, 1, ["temperature"])]
)
def test_temperature_ends_at_one(given: float, sent: float, told: list[str]) -> None:
    found = ask(temperature=given)
    assert found.body["temperature"] == sent
    assert found.warned == told


def test_numbers_leave_as_they_came() -> None:
    request = chat_request(temperature=0.7, top_p=0, top_k=2**53 + 1)
    upstream, _ = encode_chat(request, OLD_MODEL, ENDPOINT, False)
    assert b'"temperature":0.7,' in upstream.body
    body = json.loads(upstream.body)
    assert (body["top_p"], body["top_k"]) == (0, 2**53 + 1)


@pytest.mark.parametrize("model", [BUDGET_MODEL, "claude-opus-4-1", "claude-opus-4-6"])
def test_newer_models_take_temperature_or_top_p(model: str) -> None:
    found = ask(model=model, temperature=0.5, top_p=0.9)
    assert (found.body["temperature"], found.body.get("top_p")) == (0.5, None)
    assert found.warned == ["top_p"]
    assert ask(model=model, top_p=0.9).body["top_p"] == 0.9
    assert ask(model=OLD_MODEL, temperature=0.5, top_p=0.9).body["top_p"] == 0.9


@pytest.mark.parametrize("model", [ADAPTIVE_MODEL, LATE_MODEL, "claude-sonnet-5", "claude-haiku-5-5"])
def test_the_newest_models_take_no_sampling(model: str) -> None:
    found = ask(model=model, temperature=0.5, top_p=0.9, top_k=5)
    assert found.body.keys() == {"model", "max_tokens", "messages"}
    assert found.warned == ["temperature", "top_p", "top_k"]
    default = ask(model=model, temperature=1, top_p=1)
    assert default.body.keys() == {"model", "max_tokens", "messages"}
    assert default.warned == []


@pytest.mark.parametrize(
    ("stop", "sent", "told"),
    [
        ("END", ["END"], []),
        (["a", " b "], ["a", " b "], []),
        (["\n", "a", ""], ["a"], ["stop"]),
        ([" "], None, ["stop"]),
        ([], None, []),
    ],
)
def test_stop_texts_of_white_space_are_refused_upstream(stop: Any, sent: list[str] | None, told: list[str]) -> None:
    found = ask(stop=stop)
    assert found.body.get("stop_sequences") == sent
    assert found.warned == told


@pytest.mark.parametrize(
    ("given", "sent", "told"), [("auto", "auto", []), ("default", "standard_only", []), ("flex", None, ["service_tier"])]
)
def test_the_class_of_service(given: str, sent: str | None, told: list[str]) -> None:
    found = ask(service_tier=given)
    assert found.body.get("service_tier") == sent
    assert found.warned == told


def test_the_user_becomes_metadata() -> None:
    assert ask(user="u-1").body["metadata"] == {"user_id": "u-1"}


UNSUPPORTED: list[tuple[str, Any, Any]] = [
    ("seed", 0, None),
    ("frequency_penalty", 0.1, 0),
    ("presence_penalty", -1, 0),
    ("logit_bias", {"5": 1}, None),
    ("logprobs", True, False),
    ("top_logprobs", 2, 0),
    ("verbosity", "low", None),
    ("modalities", ["text", "audio"], ["text"]),
]


@pytest.mark.parametrize(("name", "value", "harmless"), UNSUPPORTED)
def test_what_anthropic_does_not_have_is_dropped_and_reported(name: str, value: Any, harmless: Any) -> None:
    found = ask(**{name: value})
    assert found.body.keys() == {"model", "max_tokens", "messages"}
    assert found.warned == [name]
    if harmless is not None:
        assert ask(**{name: harmless}).warned == []


def test_in_strict_mode_it_is_refused_and_named() -> None:
    request = chat_request(seed=1)
    request.strict = True
    upstream = Upstream(Target(ENDPOINT, "claude-opus-5"), Transports.only(DemoTransport()), Deadline())
    with pytest.raises(GatewayError) as caught:
        attempt.encode_chat(ANTHROPIC.chat, fit(request, upstream.target), upstream)
    assert (caught.value.reason, caught.value.field) == (Reason.UNSUPPORTED, "seed")


def test_several_candidates_are_for_a_provider_that_has_them() -> None:
    failure = refused(n=2)
    assert (failure.reason, failure.field, failure.tries_next_target) == (Reason.UNSUPPORTED, "n", True)
    assert ask(n=1).warned == []


def test_anthropics_own_fields_from_an_openai_client() -> None:
    context = {"edits": [{"type": "clear_tool_uses_20250919"}]}
    found = ask(
        context_management=context,
        anthropic_beta=["context-management-2025-06-27"],
        output_config={"effort": "low"},
        container="c-1",
        store=True,
        metadata={"a": "b"},
    )
    assert found.body["context_management"] == context
    assert found.body["output_config"] == {"effort": "low"}
    assert found.body["container"] == "c-1"
    assert found.headers["anthropic-beta"] == "context-management-2025-06-27"
    assert found.warned == ["store", "metadata"]


def test_options_do_not_override_what_the_route_decided() -> None:
    found = send(options(model="claude-dear", messages=[], stream=True, metadata={"k": "v"}, inference_geo="eu"))
    assert (found.body["model"], found.turns) == (BUDGET_MODEL, [HI])
    assert found.body.keys() == {"model", "max_tokens", "messages", "metadata", "inference_geo"}


def test_options_are_merged_with_what_the_contract_says() -> None:
    request = options(metadata={"k": "v"}, output_config={"task_budget": 5}, container=None)
    request.user = "u"
    request.reasoning.CopyFrom(ReasoningSettings(effort="low"))
    found = send(request, ADAPTIVE_MODEL)
    assert found.body["metadata"] == {"user_id": "u", "k": "v"}
    assert found.body["output_config"] == {"effort": "low", "task_budget": 5}
    assert "container" not in found.body


def test_options_of_other_dialects_are_reported() -> None:
    request = ChatRequest(
        provider_options_json={
            "openai": '{"store":true}',
            "gemini": '{"cachedContent":"c"}',
            "openai.form": '{"stop":"text"}',
        }
    )
    assert sorted(send(request).warned) == ["cachedContent", "store"]


def test_extra_fields_of_the_body_are_sent_where_anthropic_has_them() -> None:
    extra = {
        "container": "c-1",
        "anthropic_beta": ["b-1"],
        "output_config": {"effort": "low"},
        "store": True,
        "speed": None,
        "model": "claude-dear",
    }
    found = send(ChatRequest(extra_body_json=json.dumps(extra)))
    assert found.body.keys() == {"model", "max_tokens", "messages", "container", "output_config"}
    assert (found.body["model"], found.headers["anthropic-beta"]) == (BUDGET_MODEL, "b-1")
    assert found.warned == ["store", "model"]


def test_extra_thinking_gets_room_to_answer() -> None:
    thinking = {"type": "enabled", "budget_tokens": 20_000}
    found = send(ChatRequest(extra_body_json=json.dumps({"thinking": thinking}), max_tokens=10))
    assert (found.body["thinking"], found.body["max_tokens"]) == (thinking, 20_010)


@pytest.mark.parametrize("text", ["{", "[]", "5", "\ud7ff"])
def test_extra_fields_that_are_no_object_are_refused(text: str) -> None:
    with pytest.raises(GatewayError) as caught:
        send(ChatRequest(extra_body_json=text))
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "extra_body_json")


@pytest.mark.parametrize("model", [BUDGET_MODEL, ADAPTIVE_MODEL, LATE_MODEL, OLD_MODEL])
@pytest.mark.parametrize("value", [5, "x", [], [5], {}, {"type": ["any"]}, True, 10**40, -1.5, [[]]])
@pytest.mark.parametrize(
    "name", ["max_tokens", "temperature", "top_p", "top_k", "tools", "tool_choice", "thinking", "output_config", "system"]
)
def test_options_of_any_type_are_sent_or_refused(name: str, value: Any, model: str) -> None:
    """What a gRPC caller sets wrongly is its own fault, and is named."""
    schema = ResponseFormat(type=ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_SCHEMA, schema_json='{"type":"object"}')
    for request in (options(**{name: value}), ChatRequest(extra_body_json=json.dumps({name: value}))):
        request.response_format.CopyFrom(schema)
        try:
            send(request, model)
        except GatewayError as failure:
            assert (failure.reason, failure.field) == (Reason.INVALID_REQUEST, name)


@pytest.mark.parametrize("text", ["{", "[]", "5", "\ud7ff"])
def test_options_that_are_no_object_are_refused(text: str) -> None:
    with pytest.raises(GatewayError) as caught:
        send(ChatRequest(provider_options_json={"anthropic": text}))
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "provider_options_json.anthropic")


BROKEN = [
    "{",
    "[]",
    "5",
    '"x"',
    "null",
    '{"cache_control":5,"type":[],"text":5,"role":[],"content":5,"name":[],"thinking":5,"effort":[],"citations":5}',
    "[" * 5000,
]


@pytest.mark.parametrize("text", BROKEN)
@pytest.mark.parametrize("key", ["anthropic", "anthropic.form", "openai"])
def test_details_that_a_grpc_caller_breaks_raise_nothing_but_a_refusal(key: str, text: str) -> None:
    broken = {key: text}
    holders = [
        Message(role=role, parts=[Part(text="x", provider_details_json=part)], provider_details_json=message)
        for role in (Role.ROLE_USER, Role.ROLE_ASSISTANT, Role.ROLE_SYSTEM)
        for message, part in ((broken, {}), ({}, broken), (broken, broken))
    ]
    requests = [ChatRequest(messages=[holder]) for holder in holders]
    tool = Tool(function=FunctionTool(name="f"), provider_details_json=broken)
    choice = ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED, provider_details_json=broken)
    requests.append(ChatRequest(tools=[tool], tool_choice=choice))
    requests.append(ChatRequest(reasoning=ReasoningSettings(effort="low", provider_details_json=broken)))
    part = Part(text="x", citations=[Citation(uri="u", provider_details_json=broken)])
    requests.append(ChatRequest(messages=[Message(role=Role.ROLE_ASSISTANT, parts=[part])]))
    for request in requests:
        try:
            send(request)
        except GatewayError as failure:
            assert failure.reason is Reason.INVALID_REQUEST


@pytest.mark.parametrize(
    "text", ["{}", '{"type":5}', '{"type":["thinking"]}', '{"type":"text"}', '{"type":"text","text":5}']
)
def test_opaque_blocks_of_any_shape_are_sent(text: str) -> None:
    """They are the provider's to judge."""
    part = Part(opaque=Opaque(dialect="anthropic", json=text), cache_hint=CacheHint())
    user, assistant, tool = Role.ROLE_USER, Role.ROLE_ASSISTANT, Role.ROLE_TOOL
    call = Part(tool_call=ToolCall(id="a", name="f"))
    result = Part(tool_result=ToolResult(tool_call_id="a", parts=[part]))
    for messages in (
        [Message(role=user, parts=[part])],
        [Message(role=user, parts=[Part(text="x")]), Message(role=assistant, parts=[part])],
        [Message(role=assistant, parts=[part, call]), Message(role=tool, parts=[result])],
    ):
        sent = send(ChatRequest(messages=messages, reasoning=ReasoningSettings(effort="low")))
        assert {**json.loads(text), "cache_control": {"type": "ephemeral"}} in list(blocks_of(sent))


def blocks_of(sent: Sent) -> Iterator[Any]:
    for turn in sent.turns:
        for block in turn["content"] if isinstance(turn["content"], list) else ():
            yield block
            yield from block.get("content", []) if block.get("type") == "tool_result" else ()
