"""OpenAI's chat completions API as Azure serves it: Azure OpenAI's deployments, its v1 surface, and AI Foundry's models.

The requests and answers are those of the openai dialect; what differs is where a model is found, how the key travels, and
what Azure's content filter adds.
"""

from __future__ import annotations

from gateway_dialects.azure.decode_errors import decode_error
from gateway_dialects.azure.encode_request import encode_chat, encode_list_models, headers_of
from gateway_dialects.kit.dialect import Dialect, chat_operation, list_operation, stream_operation
from gateway_dialects.openai.decode_response import decode_chat, decode_list_models, find_usage, read_usage
from gateway_dialects.openai.decode_stream import OpenAIStreamDecoder
from gateway_dialects.openai.encode_messages import needs_bytes

CLIENT = Dialect(
    name="azure",
    chat=chat_operation(encode_chat, decode_chat, decode_error),
    stream=stream_operation(encode_chat, OpenAIStreamDecoder, decode_error),
    list_models=list_operation(encode_list_models, decode_list_models, decode_error),
    headers=headers_of,
    find_usage=find_usage,
    read_usage=read_usage,
    needs_bytes=needs_bytes,
    automatic_cache=True,
)
