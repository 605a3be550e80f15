"""The dialect's record, as the registry lists it."""

from __future__ import annotations

from gateway_dialects.gemini.client.count import decode_count, encode_count
from gateway_dialects.gemini.client.details import DIALECT
from gateway_dialects.gemini.client.errors import decode_error
from gateway_dialects.gemini.client.media import needs_bytes
from gateway_dialects.gemini.client.metering import find_usage
from gateway_dialects.gemini.client.models import decode_list_models, encode_list_models
from gateway_dialects.gemini.client.request import encode_chat, headers
from gateway_dialects.gemini.client.response import decode_chat
from gateway_dialects.gemini.client.stream import GeminiStreamDecoder
from gateway_dialects.gemini.client.usage import decode_usage
from gateway_dialects.kit.dialect import Dialect

GEMINI = Dialect(
    name=DIALECT,
    encode_chat=encode_chat,
    decode_chat=decode_chat,
    decode_error=decode_error,
    stream_decoder=GeminiStreamDecoder,
    encode_list_models=encode_list_models,
    decode_list_models=decode_list_models,
    headers=headers,
    find_usage=find_usage,
    read_usage=decode_usage,
    encode_count=encode_count,
    decode_count=decode_count,
    needs_bytes=needs_bytes,
)
