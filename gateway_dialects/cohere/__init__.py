"""Cohere's chat API (v2/chat)."""

from __future__ import annotations

from gateway_dialects.cohere.client.errors import decode_error
from gateway_dialects.cohere.client.media import needs_bytes
from gateway_dialects.cohere.client.metering import find_usage
from gateway_dialects.cohere.client.models import decode_list_models, encode_list_models
from gateway_dialects.cohere.client.request import encode_chat, headers
from gateway_dialects.cohere.client.response import decode_chat
from gateway_dialects.cohere.client.stream import CohereStreamDecoder
from gateway_dialects.cohere.client.usage import decode_usage
from gateway_dialects.cohere.server.chunks import ChunkRenderer
from gateway_dialects.cohere.server.errors import render_error
from gateway_dialects.cohere.server.models import render_model, render_models
from gateway_dialects.cohere.server.parse import parse_chat
from gateway_dialects.cohere.server.render import render_chat
from gateway_dialects.kit.dialect import Dialect, chat_operation, list_operation, stream_operation
from gateway_dialects.kit.server import RequestHead, Served, ServedChat

CLIENT = Dialect(
    name="cohere",
    chat=chat_operation(encode_chat, decode_chat, decode_error),
    stream=stream_operation(encode_chat, CohereStreamDecoder, decode_error),
    list_models=list_operation(encode_list_models, decode_list_models, decode_error),
    headers=headers,
    find_usage=find_usage,
    read_usage=decode_usage,
    several_candidates=False,
    needs_bytes=needs_bytes,
)


def serve(head: RequestHead, body: bytes) -> ServedChat:
    """See Served.parse_chat."""
    parsed, fallback_id = parse_chat(body), head.request_id

    def writer() -> ChunkRenderer:
        return ChunkRenderer(fallback_id=fallback_id)

    return ServedChat(parsed.chat, lambda answer: render_chat(answer, fallback_id), writer if parsed.stream else None)


SERVER = Served("cohere", render_error, serve, render_models, render_model)
