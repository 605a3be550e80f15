"""The dialect's record, as the registry lists it. Errors and the model list are those of OpenAI's chat completions."""

from __future__ import annotations

from gateway_dialects.kit.dialect import Dialect
from gateway_dialects.openai.client.dialect import encode_list_models
from gateway_dialects.openai.client.errors import decode_error
from gateway_dialects.openai.client.request import headers
from gateway_dialects.openai.client.response import decode_list_models
from gateway_dialects.openai_responses.client.content import needs_bytes
from gateway_dialects.openai_responses.client.details import DIALECT
from gateway_dialects.openai_responses.client.metering import find_usage
from gateway_dialects.openai_responses.client.request import encode_chat
from gateway_dialects.openai_responses.client.response import decode_chat
from gateway_dialects.openai_responses.client.stream import ResponsesStreamDecoder
from gateway_dialects.openai_responses.client.usage import decode_usage

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
