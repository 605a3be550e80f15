"""The dialect's record, as the registry lists it."""

from __future__ import annotations

from gateway_core.providers.dialect import Dialect
from gateway_core.providers.gemini.count import decode_count, encode_count
from gateway_core.providers.gemini.details import DIALECT
from gateway_core.providers.gemini.errors import decode_error
from gateway_core.providers.gemini.media import needs_bytes
from gateway_core.providers.gemini.metering import find_usage
from gateway_core.providers.gemini.models import decode_list_models, encode_list_models
from gateway_core.providers.gemini.request import encode_chat, headers
from gateway_core.providers.gemini.response import decode_chat
from gateway_core.providers.gemini.stream import GeminiStreamDecoder
from gateway_core.providers.gemini.usage import decode_usage

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
