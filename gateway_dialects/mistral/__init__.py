"""Mistral's chat completions API: OpenAI's in outline, with content lists, call ids and refusals of its own."""

import time
from functools import partial
from typing import Any

from gateway_dialects.kit.dialect import Dialect, chat_operation, list_operation, stream_operation
from gateway_dialects.kit.server import ParsedChat, RequestHead, Served, ServedChat
from gateway_dialects.kit.tool_forms import ToolForms
from gateway_dialects.mistral.decode_response import MistralStreamDecoder, decode_chat, read_usage
from gateway_dialects.mistral.encode_messages import for_others, refuses
from gateway_dialects.mistral.encode_request import encode_chat
from gateway_dialects.mistral.parse_request import parse_chat
from gateway_dialects.mistral.render_response import render_chat, render_error, render_model, render_models
from gateway_dialects.mistral.render_stream import ChunkRenderer
from gateway_dialects.mistral.words import DIALECT
from gateway_dialects.openai.decode_errors import decode_error
from gateway_dialects.openai.decode_response import decode_list_models, find_usage
from gateway_dialects.openai.encode_request import encode_list_models, headers
from gateway_dialects.openai.rate_limits import RATE_LIMITS
from gateway_dialects.openai.words import DIALECT as OPENAI

CLIENT = Dialect(
    name=DIALECT,
    tool_forms=ToolForms((DIALECT, OPENAI)),
    chat=chat_operation(encode_chat, decode_chat, decode_error),
    stream=stream_operation(encode_chat, MistralStreamDecoder, decode_error),
    list_models=list_operation(encode_list_models, decode_list_models, decode_error),
    headers=headers,
    find_usage=find_usage,
    read_usage=read_usage,
    rate_limits=RATE_LIMITS,
    # cache_hit of the recordings: cached_tokens, unasked.
    automatic_cache=True,
    reads=frozenset({OPENAI}),
    refuses=refuses,
    for_others=for_others,
)


def serve(parsed: ParsedChat, head: RequestHead) -> ServedChat:
    """A parsed request of this language, and how its answer is written."""
    terms: Any = {"fallback_id": head.request_id, "now": int(time.time())}
    writer = partial(ChunkRenderer, **terms) if parsed.stream else None
    return ServedChat(parsed.chat, partial(render_chat, **terms), writer)


SERVER = Served(
    DIALECT,
    lambda error, request_id: render_error(error),
    lambda head, body: serve(parse_chat(body), head),
    render_models,
    render_model,
)
