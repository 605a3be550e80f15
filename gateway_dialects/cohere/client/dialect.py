"""The dialect's record, as the registry lists it."""

from __future__ import annotations

from gateway_dialects.cohere.client.errors import decode_error
from gateway_dialects.cohere.client.media import needs_bytes
from gateway_dialects.cohere.client.metering import find_usage
from gateway_dialects.cohere.client.models import decode_list_models, encode_list_models
from gateway_dialects.cohere.client.request import encode_chat, headers
from gateway_dialects.cohere.client.response import decode_chat
from gateway_dialects.cohere.client.stream import CohereStreamDecoder
from gateway_dialects.cohere.client.usage import decode_usage
from gateway_dialects.kit.dialect import Dialect

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
