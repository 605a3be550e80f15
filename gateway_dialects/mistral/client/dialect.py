"""The dialect's record, as the registry lists it."""

from __future__ import annotations

from gateway_dialects.kit.dialect import Dialect
from gateway_dialects.mistral.client.details import DIALECT
from gateway_dialects.mistral.client.metering import read_usage
from gateway_dialects.mistral.client.request import encode_chat
from gateway_dialects.mistral.client.response import decode_chat
from gateway_dialects.mistral.client.stream import MistralStreamDecoder
from gateway_dialects.openai.client.dialect import encode_list_models
from gateway_dialects.openai.client.errors import decode_error
from gateway_dialects.openai.client.metering import find_usage
from gateway_dialects.openai.client.request import headers
from gateway_dialects.openai.client.response import decode_list_models

MISTRAL = Dialect(
    name=DIALECT,
    encode_chat=encode_chat,
    decode_chat=decode_chat,
    decode_error=decode_error,
    stream_decoder=MistralStreamDecoder,
    encode_list_models=encode_list_models,
    decode_list_models=decode_list_models,
    headers=headers,
    find_usage=find_usage,
    read_usage=read_usage,
)
