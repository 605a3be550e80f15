"""Cohere's chat API (v2/chat)."""

from __future__ import annotations

from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE
from gateway_dialects.cohere.decode_errors import decode_error
from gateway_dialects.cohere.decode_response import decode_chat, decode_list_models, decode_usage, find_usage
from gateway_dialects.cohere.decode_stream import CohereStreamDecoder
from gateway_dialects.cohere.encode_messages import needs_bytes, refuses
from gateway_dialects.cohere.encode_request import encode_chat, encode_list_models, headers
from gateway_dialects.cohere.for_others import for_others
from gateway_dialects.cohere.parse_request import parse_chat
from gateway_dialects.cohere.render_response import render_chat, render_error, render_model, render_models
from gateway_dialects.cohere.render_stream import ChunkRenderer
from gateway_dialects.cohere.words import DIALECT, TOOL_FORMS, TOOL_NAMES
from gateway_dialects.kit.dialect import Dialect, chat_operation, list_operation, stream_operation
from gateway_dialects.kit.server import RequestHead, Served, ServedChat

CLIENT = Dialect(
    name=DIALECT,
    chat=chat_operation(encode_chat, decode_chat, decode_error),
    stream=stream_operation(encode_chat, CohereStreamDecoder, decode_error),
    list_models=list_operation(encode_list_models, decode_list_models, decode_error),
    headers=headers,
    find_usage=find_usage,
    read_usage=decode_usage,
    tool_forms=TOOL_FORMS,
    tool_names=TOOL_NAMES,
    several_candidates=False,
    needs_bytes=needs_bytes,
    for_others=for_others,
    refuses=refuses,
    not_in_results=frozenset({MEDIA_KIND_IMAGE}),
    automatic_cache=True,
)


def serve(head: RequestHead, body: bytes) -> ServedChat:
    """See Served.parse_chat."""
    parsed, fallback_id = parse_chat(body), head.request_id

    def writer() -> ChunkRenderer:
        return ChunkRenderer(fallback_id=fallback_id)

    return ServedChat(parsed.chat, lambda answer: render_chat(answer, fallback_id), writer if parsed.stream else None)


SERVER = Served(DIALECT, render_error, serve, render_models, render_model)
