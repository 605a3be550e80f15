"""Google's Gemini API (generateContent), as Google AI and Vertex AI serve it."""

from __future__ import annotations

from gateway_dialects.gemini.decode_answer import decode_chat, decode_count, decode_list_models, decode_usage, find_usage
from gateway_dialects.gemini.decode_errors import decode_error
from gateway_dialects.gemini.decode_stream import GeminiStreamDecoder
from gateway_dialects.gemini.encode_parts import needs_bytes
from gateway_dialects.gemini.encode_request import encode_chat, encode_count, encode_list_models, headers
from gateway_dialects.gemini.for_others import for_others
from gateway_dialects.gemini.parse_request import parse_chat, parse_count, parse_method
from gateway_dialects.gemini.render_answer import render_chat, render_count, render_error, render_model, render_models
from gateway_dialects.gemini.render_stream import KEEP_ALIVE, ChunkRenderer
from gateway_dialects.gemini.words import DIALECT, TOOL_FORMS, TOOL_NAMES
from gateway_dialects.kit.dialect import Dialect, chat_operation, count_operation, list_operation, stream_operation
from gateway_dialects.kit.server import EVENT_STREAM, JSON, RequestHead, Served, ServedChat

CLIENT = Dialect(
    name=DIALECT,
    signs_texts=True,
    chat=chat_operation(encode_chat, decode_chat, decode_error),
    stream=stream_operation(encode_chat, GeminiStreamDecoder, decode_error),
    list_models=list_operation(encode_list_models, decode_list_models, decode_error),
    headers=headers,
    find_usage=find_usage,
    read_usage=decode_usage,
    count_tokens=count_operation(encode_count, decode_count, decode_error),
    tool_forms=TOOL_FORMS,
    tool_names=TOOL_NAMES,
    needs_bytes=needs_bytes,
    for_others=for_others,
    takes_back=lambda part, endpoint: True,
    automatic_cache=True,
)


METHODS = ("generateContent", "streamGenerateContent", "countTokens")


def called(head: RequestHead) -> tuple[str, str]:
    """The model and the method in the path; no method where it names a model alone."""
    model, method = head.path_param("model"), head.path_param("method")
    return (model, method) if method else parse_method(model)


def serve(head: RequestHead, body: bytes) -> ServedChat:
    """See Served.parse_chat. alt=sse in the query asks for events instead of a JSON array."""
    model, method = called(head)
    chat, fallback_id, sse = parse_chat(body, model), head.request_id, head.query().get("alt") == "sse"

    def writer() -> ChunkRenderer:
        return ChunkRenderer(fallback_id=fallback_id, sse=sse)

    return ServedChat(
        chat,
        lambda answer: render_chat(answer, fallback_id),
        writer if method == "streamGenerateContent" else None,
        keep_alive=KEEP_ALIVE,
        content_type=EVENT_STREAM if sse else JSON,
        abort=render_error if sse else None,
    )


SERVER = Served(
    "gemini",
    lambda error, request_id: render_error(error),
    serve,
    render_models,
    render_model,
    lambda head, body: parse_count(body, called(head)[0]),
    render_count,
)
