"""The dialect's record, as the registry lists it. Errors and the model list are those of OpenAI's chat completions."""

from __future__ import annotations

from gateway_core.providers.dialect import Dialect
from gateway_core.providers.openai.dialect import encode_list_models
from gateway_core.providers.openai.errors import decode_error
from gateway_core.providers.openai.request import headers
from gateway_core.providers.openai.response import decode_list_models
from gateway_core.providers.openai_responses.content import needs_bytes
from gateway_core.providers.openai_responses.details import DIALECT
from gateway_core.providers.openai_responses.metering import find_usage
from gateway_core.providers.openai_responses.request import encode_chat
from gateway_core.providers.openai_responses.response import decode_chat
from gateway_core.providers.openai_responses.stream import ResponsesStreamDecoder
from gateway_core.providers.openai_responses.usage import decode_usage

OPENAI_RESPONSES = Dialect(
    name=DIALECT,
    encode_chat=encode_chat,
    decode_chat=decode_chat,
    decode_error=decode_error,
    stream_decoder=ResponsesStreamDecoder,
    encode_list_models=encode_list_models,
    decode_list_models=decode_list_models,
    headers=headers,
    find_usage=find_usage,
    read_usage=decode_usage,
    reference_fields=("conversation", "prompt"),
    several_candidates=False,
    needs_bytes=needs_bytes,
)
