"""OpenAI's legacy text completions. CLIENT asks the few models that complete text; SERVER makes a chat of each prompt."""

import time
from functools import partial

from gateway_dialects.completions.decode_response import CompletionsStreamDecoder, decode_chat
from gateway_dialects.completions.encode_request import encode_chat
from gateway_dialects.completions.parse_request import parse_texts
from gateway_dialects.completions.render_response import TextRenderer, render_texts
from gateway_dialects.completions.words import DIALECT, ESSENTIAL_OPTIONS
from gateway_dialects.kit.dialect import Dialect, chat_operation, list_operation, stream_operation
from gateway_dialects.kit.server import RequestHead, Served, ServedChat
from gateway_dialects.kit.tool_forms import ToolForms
from gateway_dialects.openai.decode_errors import decode_error
from gateway_dialects.openai.decode_response import decode_list_models, find_usage, read_usage
from gateway_dialects.openai.encode_request import encode_list_models, headers
from gateway_dialects.openai.rate_limits import RATE_LIMITS
from gateway_dialects.openai.render_response import OPENAI, Style, render_error

CLIENT = Dialect(
    name=DIALECT,
    tool_forms=ToolForms((DIALECT,)),
    chat=chat_operation(encode_chat, decode_chat, decode_error),
    stream=stream_operation(encode_chat, CompletionsStreamDecoder, decode_error),
    list_models=list_operation(encode_list_models, decode_list_models, decode_error),
    headers=headers,
    find_usage=find_usage,
    read_usage=read_usage,
    rate_limits=RATE_LIMITS,
    essential_options=ESSENTIAL_OPTIONS,
    for_its_clients=True,
)


def serve(head: RequestHead, body: bytes, style: Style = OPENAI, id_prefix: str = "cmpl-") -> ServedChat:
    """See Served.parse_chat. style, id_prefix: of a variant of this API."""
    parsed = parse_texts(body, head.path_param("deployment"))
    fallback_id, now = id_prefix + head.request_id, int(time.time())
    render_all = partial(render_texts, asked=parsed, fallback_id=fallback_id, now=now, style=style)
    writer = partial(TextRenderer, parsed, fallback_id=fallback_id, now=now, style=style)
    return ServedChat(
        parsed.chats[0],
        lambda answer: render_all((answer,)),
        writer if parsed.stream else None,
        further=parsed.chats[1:],
        render_all=render_all if parsed.chats[1:] else None,
    )


SERVER = Served(DIALECT, lambda error, request_id: render_error(error), serve)
