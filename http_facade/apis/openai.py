"""OpenAI's chat completions and models. Their paths are those of other faces too."""

from __future__ import annotations

import time

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatResponse
from gateway_dialects.openai.parse_request import ParsedChat, parse_chat
from gateway_dialects.openai.render_errors import render_error, render_error_event
from gateway_dialects.openai.render_models import render_model, render_models
from gateway_dialects.openai.render_response import render_chat
from gateway_dialects.openai.render_stream import ChunkRenderer
from http_facade.chats import Asked, Streamed
from http_facade.core import Core
from http_facade.exchange import Exchange, Manners
from http_facade.model_lists import ModelLists


def render_failure(failure: GatewayError, request_id: str) -> bytes:
    return render_error(failure)


MANNERS = Manners(render_failure)


def read_chat(exchange: Exchange, body: bytes) -> Asked:
    return asked_of(exchange, parse_chat(body))


def asked_of(exchange: Exchange, parsed: ParsedChat) -> Asked:
    fallback_id, now = f"chatcmpl-{exchange.request_id}", int(time.time())

    def whole(answer: ChatResponse) -> bytes:
        return render_chat(answer, fallback_id, now)

    if not parsed.stream:
        return Asked(parsed.chat, whole)
    renderer = ChunkRenderer(include_usage=parsed.include_usage, fallback_id=fallback_id, now=now)
    return Asked(parsed.chat, whole, Streamed(renderer, render_error_event))


def model_lists(core: Core) -> ModelLists:
    return ModelLists(core, render_models, render_model)
