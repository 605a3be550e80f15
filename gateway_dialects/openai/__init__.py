"""OpenAI's chat completions API, as OpenAI and the vendors compatible with it serve it."""

import time
from functools import partial
from typing import Any

from gateway_dialects.kit.dialect import Dialect, chat_operation, list_operation, stream_operation
from gateway_dialects.kit.server import RequestHead, Served, ServedChat
from gateway_dialects.kit.tool_forms import ToolForms
from gateway_dialects.openai.decode_errors import decode_error
from gateway_dialects.openai.decode_response import decode_chat, decode_list_models, find_usage, read_usage
from gateway_dialects.openai.decode_stream import OpenAIStreamDecoder
from gateway_dialects.openai.encode_messages import needs_bytes, refuses
from gateway_dialects.openai.encode_request import encode_chat, encode_list_models, headers
from gateway_dialects.openai.parse_request import ParsedChat, parse_chat
from gateway_dialects.openai.pictures import takes_back
from gateway_dialects.openai.rate_limits import RATE_LIMITS
from gateway_dialects.openai.render_models import render_model, render_models
from gateway_dialects.openai.render_response import LEGACY, render_chat, render_error
from gateway_dialects.openai.render_stream import ChunkRenderer
from gateway_dialects.openai.words import DIALECT

CLIENT = Dialect(
    name="openai",
    chat=chat_operation(encode_chat, decode_chat, decode_error),
    stream=stream_operation(encode_chat, OpenAIStreamDecoder, decode_error),
    list_models=list_operation(encode_list_models, decode_list_models, decode_error),
    headers=headers,
    find_usage=find_usage,
    read_usage=read_usage,
    rate_limits=RATE_LIMITS,
    tool_forms=ToolForms((DIALECT,)),
    needs_bytes=needs_bytes,
    refuses=refuses,
    takes_back=takes_back,
)


def serve(parsed: ParsedChat, head: RequestHead) -> ServedChat:
    """A parsed request of this language, and how its answer is written."""
    terms: Any = {"fallback_id": f"chatcmpl-{head.request_id}", "now": int(time.time())}
    if parsed.legacy_functions:
        terms["style"] = LEGACY
    writer = partial(ChunkRenderer, include_usage=parsed.include_usage, **terms)
    return ServedChat(parsed.chat, partial(render_chat, **terms), writer if parsed.stream else None)


SERVER = Served(
    "openai",
    lambda error, request_id: render_error(error),
    lambda head, body: serve(parse_chat(body, head.path_param("deployment")), head),
    render_models,
    render_model,
)
