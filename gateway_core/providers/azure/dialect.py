"""The dialect's record, as the registry lists it."""

from __future__ import annotations

from gateway_core.providers.azure.errors import decode_error
from gateway_core.providers.azure.request import encode_chat, encode_list_models, headers_of
from gateway_core.providers.dialect import Dialect
from gateway_core.providers.openai.messages import needs_bytes
from gateway_core.providers.openai.metering import find_usage, read_usage
from gateway_core.providers.openai.response import decode_chat, decode_list_models
from gateway_core.providers.openai.stream import OpenAIStreamDecoder

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
