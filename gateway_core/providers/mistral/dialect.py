"""The dialect's record, as the registry lists it."""

from __future__ import annotations

from gateway_core.providers.dialect import Dialect
from gateway_core.providers.mistral.details import DIALECT
from gateway_core.providers.mistral.metering import read_usage
from gateway_core.providers.mistral.request import encode_chat
from gateway_core.providers.mistral.response import decode_chat
from gateway_core.providers.mistral.stream import MistralStreamDecoder
from gateway_core.providers.openai.dialect import encode_list_models
from gateway_core.providers.openai.errors import decode_error
from gateway_core.providers.openai.metering import find_usage
from gateway_core.providers.openai.request import headers
from gateway_core.providers.openai.response import decode_list_models

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
