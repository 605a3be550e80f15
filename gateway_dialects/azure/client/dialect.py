"""The dialect's record, as the registry lists it."""

from __future__ import annotations

from gateway_dialects.azure.client.errors import decode_error
from gateway_dialects.azure.client.request import encode_chat, encode_list_models, headers_of
from gateway_dialects.kit.dialect import Dialect
from gateway_dialects.openai.client.messages import needs_bytes
from gateway_dialects.openai.client.metering import find_usage, read_usage
from gateway_dialects.openai.client.response import decode_chat, decode_list_models
from gateway_dialects.openai.client.stream import OpenAIStreamDecoder

AZURE = Dialect(
    name="azure",
    encode_chat=encode_chat,
    decode_chat=decode_chat,
    decode_error=decode_error,
    stream_decoder=OpenAIStreamDecoder,
    encode_list_models=encode_list_models,
    decode_list_models=decode_list_models,
    headers=headers_of,
    find_usage=find_usage,
    read_usage=read_usage,
    needs_bytes=needs_bytes,
)
