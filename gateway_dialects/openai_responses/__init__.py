"""OpenAI's Responses API."""

from gateway_dialects.kit.dialect import Dialect, chat_operation, list_operation, stream_operation
from gateway_dialects.kit.server import Served
from gateway_dialects.openai.decode_errors import decode_error
from gateway_dialects.openai.decode_response import decode_list_models
from gateway_dialects.openai.encode_request import encode_list_models, headers
from gateway_dialects.openai.rate_limits import RATE_LIMITS
from gateway_dialects.openai.render_response import render_error
from gateway_dialects.openai_responses.decode_response import decode_chat, decode_usage, find_usage
from gateway_dialects.openai_responses.decode_stream import ResponsesStreamDecoder
from gateway_dialects.openai_responses.encode_input import needs_bytes, refuses, takes_back
from gateway_dialects.openai_responses.encode_request import encode_chat
from gateway_dialects.openai_responses.for_others import for_others
from gateway_dialects.openai_responses.words import DIALECT, REFERENCE_FIELDS, STORED_THERE, TOOL_FORMS

CLIENT = Dialect(
    name=DIALECT,
    tool_forms=TOOL_FORMS,
    chat=chat_operation(encode_chat, decode_chat, decode_error),
    stream=stream_operation(encode_chat, ResponsesStreamDecoder, decode_error),
    list_models=list_operation(encode_list_models, decode_list_models, decode_error),
    headers=headers,
    find_usage=find_usage,
    read_usage=decode_usage,
    rate_limits=RATE_LIMITS,
    essential_options=dict.fromkeys(REFERENCE_FIELDS, STORED_THERE),
    several_candidates=False,
    needs_bytes=needs_bytes,
    for_others=for_others,
    refuses=refuses,
    takes_back=takes_back,
    results_anywhere=True,
    for_its_clients=True,
    automatic_cache=True,
)

SERVER = Served(DIALECT, lambda error, request_id: render_error(error))
"""Its requests refer to stored responses, which the facade reads before it parses: see http_facade.apis.openai_responses."""
