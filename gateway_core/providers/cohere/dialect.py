"""The dialect's record, as the registry lists it."""

from __future__ import annotations

from gateway_core.providers.cohere.errors import decode_error
from gateway_core.providers.cohere.media import needs_bytes
from gateway_core.providers.cohere.metering import find_usage
from gateway_core.providers.cohere.models import decode_list_models, encode_list_models
from gateway_core.providers.cohere.request import encode_chat, headers
from gateway_core.providers.cohere.response import decode_chat
from gateway_core.providers.cohere.stream import CohereStreamDecoder
from gateway_core.providers.cohere.usage import decode_usage
from gateway_core.providers.dialect import Dialect

COHERE = Dialect(
    name="cohere",
    encode_chat=encode_chat,
    decode_chat=decode_chat,
    decode_error=decode_error,
    stream_decoder=CohereStreamDecoder,
    encode_list_models=encode_list_models,
    decode_list_models=decode_list_models,
    headers=headers,
    find_usage=find_usage,
    read_usage=decode_usage,
    several_candidates=False,
    needs_bytes=needs_bytes,
)
