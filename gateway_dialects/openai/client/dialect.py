"""The dialect's record, as the registry lists it."""

from __future__ import annotations

from gateway_dialects.kit.dialect import Dialect, Endpoint, UpstreamRequest
from gateway_dialects.openai.client.errors import decode_error
from gateway_dialects.openai.client.messages import needs_bytes
from gateway_dialects.openai.client.metering import find_usage, read_usage
from gateway_dialects.openai.client.request import encode_chat, headers
from gateway_dialects.openai.client.response import decode_chat, decode_list_models
from gateway_dialects.openai.client.stream import OpenAIStreamDecoder


def encode_list_models(endpoint: Endpoint) -> UpstreamRequest:
    """See Dialect.encode_list_models."""
    return UpstreamRequest("GET", endpoint.url + endpoint.quirks.models_path, headers(endpoint))


OPENAI = Dialect(
    name="openai",
    encode_chat=encode_chat,
    decode_chat=decode_chat,
    decode_error=decode_error,
    stream_decoder=OpenAIStreamDecoder,
    encode_list_models=encode_list_models,
    decode_list_models=decode_list_models,
    headers=headers,
    find_usage=find_usage,
    read_usage=read_usage,
    needs_bytes=needs_bytes,
)
