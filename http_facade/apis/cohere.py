"""Cohere's chat, and its models for its own clients."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.routing import BaseRoute, Route

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatResponse
from gateway_dialects.cohere.parse_request import parse_chat
from gateway_dialects.cohere.render_response import render_chat, render_error, render_model, render_models
from gateway_dialects.cohere.render_stream import ChunkRenderer, render_error_event
from http_facade.chats import Asked, Chats, Streamed
from http_facade.core import Core
from http_facade.exchange import Exchange, Manners
from http_facade.model_lists import ModelLists
from http_facade.served import Served

MANNERS = Manners(render_error)


def read_chat(exchange: Exchange, body: bytes) -> Asked:
    parsed, fallback_id = parse_chat(body), exchange.request_id

    def whole(answer: ChatResponse) -> bytes:
        return render_chat(answer, fallback_id)

    def failed(failure: GatewayError) -> bytes:
        return render_error_event(failure, fallback_id)

    if not parsed.stream:
        return Asked(parsed.chat, whole)
    return Asked(parsed.chat, whole, Streamed(ChunkRenderer(fallback_id=fallback_id), failed))


def routes(core: Core) -> Iterator[BaseRoute]:
    yield Route("/v2/chat", Served(MANNERS, {"POST": Chats(core, read_chat)}))


def model_lists(core: Core) -> ModelLists:
    """At OpenAI's paths, for clients that are recognised as Cohere's."""
    return ModelLists(core, render_models, render_model)


def is_client(exchange: Exchange) -> bool:
    """Whether one of Cohere's SDKs asks: its generator writes the SDK's name into a header."""
    name = exchange.header(b"x-fern-sdk-name")
    return name is not None and name.startswith("cohere")
