"""Asking Anthropic how many tokens a request has."""

from __future__ import annotations

import json

import pytest
from anthropic.types.beta.message_count_tokens_params import MessageCountTokensParams

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_core.models.table import ModelTable
from gateway_dialects.anthropic.decode_response import decode_count
from gateway_dialects.anthropic.encode_request import COUNTED_FIELDS, encode_count
from gateway_dialects.kit.dialect import Endpoint, Secret
from tests.gateway_dialects.anthropic.client.asking import HI, chat_request, function

ENDPOINT = Endpoint("claude", "anthropic", "https://up", (Secret("k"),), capabilities_of=ModelTable("claude", "anthropic"))


def test_what_is_asked_is_the_request_without_what_shapes_the_answer_only() -> None:
    request = chat_request(
        {"role": "system", "content": "S"},
        HI,
        tools=[function()],
        tool_choice="auto",
        reasoning_effort="low",
        max_tokens=5,
        temperature=1,
        stop="END",
        user="u",
        anthropic_beta=["b-1"],
    )
    upstream = encode_count(request, "claude-opus-4-6", ENDPOINT)
    assert (upstream.method, upstream.url) == ("POST", "https://up/v1/messages/count_tokens")
    assert (upstream.headers["x-api-key"], upstream.headers["anthropic-beta"]) == ("k", "b-1")
    assert json.loads(upstream.body) == {
        "model": "claude-opus-4-6",
        "messages": [HI],
        "system": [{"type": "text", "text": "S"}],
        "tools": [{"name": "look", "input_schema": {"type": "object", "properties": {}}}],
        "tool_choice": {"type": "auto"},
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "low"},
    }


def test_every_parameter_of_todays_sdk_is_asked_with() -> None:
    headers = {"betas", "user_profile_id", "workspace_id"}
    assert set(MessageCountTokensParams.__annotations__) - headers <= set(COUNTED_FIELDS)


def test_a_request_that_a_grpc_caller_broke() -> None:
    for request in (ChatRequest(), ChatRequest(provider_options_json={"anthropic": "["})):
        with pytest.raises(GatewayError) as caught:
            encode_count(request, "m", ENDPOINT)
        assert caught.value.reason is Reason.INVALID_REQUEST


def test_the_count() -> None:
    assert decode_count(b'{"input_tokens":16,"context_management":null}') == 16


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"input_tokens":-1}', b'{"input_tokens":1.5}', b'{"input_tokens":true}']
)
def test_an_answer_that_counts_nothing(body: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        decode_count(body)
    assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE


def test_a_count_that_no_field_holds() -> None:
    with pytest.raises(GatewayError):
        decode_count(json.dumps({"input_tokens": 2**63}).encode())
