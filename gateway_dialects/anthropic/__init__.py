"""Anthropic's Messages API, which other vendors serve too. CLIENT asks providers, SERVER serves clients."""

from functools import partial

from gateway_dialects.anthropic.decode_errors import decode_error
from gateway_dialects.anthropic.decode_response import (
    decode_chat,
    decode_count,
    decode_list_models,
    decode_usage,
    find_usage,
)
from gateway_dialects.anthropic.decode_stream import AnthropicStreamDecoder
from gateway_dialects.anthropic.encode_content import needs_bytes, refuses
from gateway_dialects.anthropic.encode_request import encode_chat, encode_count, encode_list_models, headers
from gateway_dialects.anthropic.for_others import for_others
from gateway_dialects.anthropic.parse_request import parse_chat, parse_count
from gateway_dialects.anthropic.rate_limits import RATE_LIMITS
from gateway_dialects.anthropic.render_response import (
    render_chat,
    render_count,
    render_error,
    render_model,
    render_models,
    status_of,
)
from gateway_dialects.anthropic.render_stream import PING, ChunkRenderer
from gateway_dialects.anthropic.words import DIALECT, TOOL_FORMS, TOOL_NAMES
from gateway_dialects.kit.dialect import Dialect, chat_operation, count_operation, list_operation, stream_operation
from gateway_dialects.kit.estimate import estimate_input_tokens
from gateway_dialects.kit.server import RequestHead, Served, ServedChat

CLIENT = Dialect(
    name=DIALECT,
    chat=chat_operation(encode_chat, decode_chat, decode_error),
    stream=stream_operation(encode_chat, AnthropicStreamDecoder, decode_error),
    list_models=list_operation(encode_list_models, decode_list_models, decode_error),
    headers=headers,
    find_usage=find_usage,
    read_usage=decode_usage,
    rate_limits=RATE_LIMITS,
    count_tokens=count_operation(encode_count, decode_count, decode_error),
    tool_forms=TOOL_FORMS,
    tool_names=TOOL_NAMES,
    several_candidates=False,
    needs_bytes=needs_bytes,
    for_others=for_others,
    refuses=refuses,
    for_its_clients=True,
)


def serve(head: RequestHead, body: bytes) -> ServedChat:
    """See Served.parse_chat."""
    chat, stream = parse_chat(body, head.header(b"anthropic-beta") or "")
    fallback_id, tokens = f"msg_{head.request_id}", estimate_input_tokens(chat)
    writer = partial(ChunkRenderer, fallback_id=fallback_id, input_tokens=tokens, request_id=head.request_id)
    return ServedChat(
        chat, lambda answer: render_chat(answer, fallback_id, tokens), writer if stream else None, keep_alive=PING
    )


SERVER = Served(
    DIALECT,
    render_error,
    serve,
    render_models,
    render_model,
    lambda head, body: parse_count(body, head.header(b"anthropic-beta") or ""),
    render_count,
    status_of=status_of,
    request_id_header=b"request-id",
)
