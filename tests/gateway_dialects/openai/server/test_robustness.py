"""Whatever a client sends, nothing but GatewayError comes out of the parser, and out of the encoder behind it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_core.providers.vendors import OPENAI_COMPATIBLE as VENDORS
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.openai.encode_request import encode_chat
from gateway_dialects.openai.parse_request import parse_chat
from tests.gateway_dialects.openai.client.shapes import VALUES

PROPERTY = settings(
    max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
NAMES = [
    "role",
    "content",
    "name",
    "refusal",
    "tool_calls",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "opaque",
    "annotations",
    "extra_content",
    "provider_specific_fields",
    "thinking_blocks",
    "cache_control",
    "type",
    "text",
    "id",
    "data",
    "format",
    "index",
    "dialect",
    "google",
    "thought_signature",
    "url_citation",
    "url",
    "start_index",
    "end_index",
    "function",
    "custom",
    "arguments",
    "input",
    "thinking",
    "signature",
    "summary",
    "ttl",
    "audio",
    "image_url",
    "file",
    "tool_call_id",
    "json_schema",
    "allowed_tools",
    "tools",
    "mode",
]
KINDS = [
    "text",
    "thinking",
    "redacted_thinking",
    "reasoning.encrypted",
    "google-gemini-v1",
    "url_citation",
    "file_citation",
    "ephemeral",
    "function",
    "custom",
    "image_url",
    "file",
    "refusal",
    "input_audio",
    "allowed_tools",
    "json_schema",
    "c1",
]
ANY_JSON = st.recursive(
    VALUES | st.sampled_from(KINDS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)
CALLS = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from(["c1", "c2"]), "function": st.just({"name": "f", "arguments": "{}"})},
        optional=dict.fromkeys(("extra_content", "provider_specific_fields", "cache_control", "odd"), ANY_JSON),
    ),
    max_size=2,
)
GIVEN_BACK = ("reasoning_details", "opaque", "annotations", "extra_content", "provider_specific_fields", "thinking_blocks")
SAID = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": st.sampled_from(["Hi", None, ""]) | ANY_JSON},
    optional={"tool_calls": CALLS, "cache_control": ANY_JSON, **dict.fromkeys(GIVEN_BACK, ANY_JSON)},
)
MESSAGE = SAID | st.dictionaries(st.sampled_from(NAMES), ANY_JSON, max_size=4) | ANY_JSON
PARAMETERS = (
    "tools",
    "tool_choice",
    "response_format",
    "stop",
    "reasoning",
    "stream_options",
    "logit_bias",
    "modalities",
    "n",
)
BODY = st.fixed_dictionaries(
    {"model": st.just("m"), "messages": st.lists(MESSAGE, min_size=1, max_size=2)},
    optional=dict.fromkeys(PARAMETERS, ANY_JSON),
)
ENDPOINTS = [Endpoint(row.name, "openai", row.url, quirks=row.quirks) for row in VENDORS]


USER = {"role": "user", "content": "Hi"}
CALL = {"id": "c1", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"google": {"thought_signature": "s"}}}
CHAT = {
    "model": "m",
    "messages": [
        {"role": "assistant", "content": [{"type": "text", "text": "Hi"}], "tool_calls": [CALL], "reasoning": "Hm."},
        {"role": "tool", "tool_call_id": "c1", "content": "3"},
    ],
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {"type": "json_object"},
    "reasoning": {"effort": "low"},
    "stop": "x",
}


def encode(request: ChatRequest) -> None:
    """For every vendor."""
    for endpoint in ENDPOINTS:
        try:
            upstream, _ = encode_chat(request, "m", endpoint, True)
        except GatewayError as error:
            assert error.reason in (Reason.INVALID_REQUEST, Reason.UNSUPPORTED)
        else:
            assert upstream.body.startswith(b"{")


@PROPERTY
@given(BODY)
def test_a_request(body: dict[str, Any]) -> None:
    try:
        request = parse_chat(json.dumps(body).encode()).chat
    except GatewayError as error:
        assert error.reason is Reason.INVALID_REQUEST
        return
    encode(request)


@PROPERTY
@given(ANY_JSON, ANY_JSON)
def test_details_of_grpc_callers(details: Any, form: Any) -> None:
    """Details and forms of every message in the request."""
    request = parse_chat(json.dumps(CHAT).encode()).chat
    holders: list[Any] = [*request.tools, request.tool_choice, request.response_format, request.reasoning, *request.messages]
    holders += [part for message in request.messages for part in message.parts]
    for holder in holders:
        holder.provider_details_json["openai"] = json.dumps(details)
        holder.provider_details_json["openai.form"] = json.dumps(form)
    encode(request)
    for name in ("openai", "openai.form", "anthropic"):
        other = parse_chat(json.dumps(CHAT).encode()).chat
        other.provider_options_json[name] = json.dumps(details)
        encode(other)


@pytest.mark.parametrize("depth", range(900, 1000, 3))
def test_nesting(depth: int) -> None:
    """What can just be decoded can be too deep to be encoded."""
    request = parse_chat(json.dumps({"model": "m", "messages": [USER]}).encode()).chat
    request.extra_body_json = '{"a":' * depth + "1" + "}" * depth
    encode(request)
