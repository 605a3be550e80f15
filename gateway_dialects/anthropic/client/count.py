"""How many tokens a request has. Source: https://platform.claude.com/docs/en/api/messages-count-tokens and a recording."""

from __future__ import annotations

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_dialects.anthropic.client.remarks import Remarks
from gateway_dialects.anthropic.client.request import base_url, encode_body, headers
from gateway_dialects.kit.dialect import Endpoint, UpstreamRequest
from gateway_dialects.kit.json import decode_body, encode_json, malformed
from gateway_dialects.kit.legacy import SHAPE_ERRORS

COUNTED = (
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "billing_policy",
    "cache_control",
    "compaction",
    "context_management",
    "mcp_servers",
    "speed",
)
"""The fields of a request that the count takes; it refuses max_tokens and all that shapes the answer only."""


def encode_count(request: ChatRequest, model: str, endpoint: Endpoint) -> UpstreamRequest:
    """See Dialect.encode_count."""
    remarks = Remarks()
    try:
        body = encode_body(request, model, remarks)
        content = encode_json({name: body[name] for name in COUNTED if name in body})
    except SHAPE_ERRORS as error:
        raise invalid("", f"a JSON field of the request (options or details) is broken: {error}") from error
    return UpstreamRequest("POST", f"{base_url(endpoint)}/messages/count_tokens", headers(endpoint, remarks.betas), content)


def decode_count(body: bytes) -> int:
    """See Dialect.decode_count."""
    tokens = decode_body(body, "the provider's count of tokens").get("input_tokens")
    if type(tokens) is not int or not 0 <= tokens < 2**60:
        raise malformed("the provider's count of tokens has no input_tokens")
    return tokens
