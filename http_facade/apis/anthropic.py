"""Anthropic's messages and models."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.routing import BaseRoute, Route

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from gateway_dialects.anthropic.server.chunks import PING, ChunkRenderer
from gateway_dialects.anthropic.server.count import render_count
from gateway_dialects.anthropic.server.errors import render_error, render_error_event
from gateway_dialects.anthropic.server.models import render_model, render_models
from gateway_dialects.anthropic.server.parse import parse_chat, parse_count
from gateway_dialects.anthropic.server.render import render_chat
from gateway_dialects.kit.estimate import estimate_input_tokens
from http_facade.chats import Asked, Chats, Streamed
from http_facade.core import Core
from http_facade.exchange import Exchange, Manners
from http_facade.model_lists import ModelLists
from http_facade.served import Served
from http_facade.token_counts import TokenCounts

MANNERS = Manners(render_error, request_id_header=b"request-id")


def read_messages(exchange: Exchange, body: bytes) -> Asked:
    parsed = parse_chat(body, exchange.header(b"anthropic-beta") or "")
    fallback_id, input_tokens = f"msg_{exchange.request_id}", estimate_input_tokens(parsed.chat)

    def whole(answer: ChatResponse) -> bytes:
        return render_chat(answer, fallback_id, input_tokens)

    def failed(failure: GatewayError) -> bytes:
        return render_error_event(failure, exchange.request_id)

    if not parsed.stream:
        return Asked(parsed.chat, whole)
    renderer = ChunkRenderer(fallback_id=fallback_id, input_tokens=input_tokens)
    return Asked(parsed.chat, whole, Streamed(renderer, failed, alive=PING))


def read_count(exchange: Exchange, body: bytes) -> ChatRequest:
    return parse_count(body, exchange.header(b"anthropic-beta") or "")


def routes(core: Core) -> Iterator[BaseRoute]:
    counts = TokenCounts(core, read_count, render_count)
    yield Route("/v1/messages/count_tokens", Served(MANNERS, {"POST": counts}))
    yield Route("/v1/messages", Served(MANNERS, {"POST": Chats(core, read_messages)}))


def model_lists(core: Core) -> ModelLists:
    """At OpenAI's paths, for clients that are recognised as Anthropic's."""
    return ModelLists(core, render_models, render_model)


def is_client(exchange: Exchange) -> bool:
    """Whether an Anthropic SDK asks: all of them send the version that they speak."""
    return exchange.header(b"anthropic-version") is not None
