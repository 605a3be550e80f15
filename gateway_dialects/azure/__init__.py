"""OpenAI's chat completions API as Azure serves it: Azure OpenAI's deployments, its v1 surface, and AI Foundry's models.

The requests and answers are those of the openai dialect; what differs is where a model is found, how the key travels, and
what Azure's content filter adds.
"""

from dataclasses import replace

from gateway_dialects.azure.decode_errors import decode_error
from gateway_dialects.azure.encode_request import encode_chat, encode_list_models, headers_of
from gateway_dialects.kit.dialect import chat_operation, list_operation, stream_operation
from gateway_dialects.openai import CLIENT as OPENAI
from gateway_dialects.openai.decode_response import decode_chat, decode_list_models
from gateway_dialects.openai.decode_stream import OpenAIStreamDecoder

CLIENT = replace(
    OPENAI,
    name="azure",
    reads=frozenset({OPENAI.name}),
    chat=chat_operation(encode_chat, decode_chat, decode_error),
    stream=stream_operation(encode_chat, OpenAIStreamDecoder, decode_error),
    list_models=list_operation(encode_list_models, decode_list_models, decode_error),
    headers=headers_of,
    automatic_cache=True,
)
