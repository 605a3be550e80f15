"""The dialect's record, as the registry lists it."""

from __future__ import annotations

from gateway_dialects.anthropic.client.count import decode_count, encode_count
from gateway_dialects.anthropic.client.errors import decode_error
from gateway_dialects.anthropic.client.media import needs_bytes
from gateway_dialects.anthropic.client.metering import find_usage
from gateway_dialects.anthropic.client.request import base_url, encode_chat, headers
from gateway_dialects.anthropic.client.response import decode_chat, decode_list_models
from gateway_dialects.anthropic.client.stream import AnthropicStreamDecoder
from gateway_dialects.anthropic.client.usage import decode_usage
from gateway_dialects.kit.dialect import Dialect, Endpoint, UpstreamRequest


def encode_list_models(endpoint: Endpoint) -> UpstreamRequest:
    """See Dialect.encode_list_models. A thousand is the most that one page holds."""
    return UpstreamRequest("GET", base_url(endpoint) + "/models?limit=1000", headers(endpoint))


ANTHROPIC = Dialect(
    name="anthropic",
    encode_chat=encode_chat,
    decode_chat=decode_chat,
    decode_error=decode_error,
    stream_decoder=AnthropicStreamDecoder,
    encode_list_models=encode_list_models,
    decode_list_models=decode_list_models,
    headers=headers,
    find_usage=find_usage,
    read_usage=decode_usage,
    encode_count=encode_count,
    decode_count=decode_count,
    several_candidates=False,
    needs_bytes=needs_bytes,
)
