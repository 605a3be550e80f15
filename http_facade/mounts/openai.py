"""OpenAI's chat completions and models, at its own paths and at OpenRouter's."""

from __future__ import annotations

import time
from collections.abc import Iterator

from starlette.routing import BaseRoute, Route

from dragoman.v1.chat_pb2 import ChatResponse
from http_facade.chats import Asked, Chats, Streamed
from http_facade.core import Core
from http_facade.exchange import Exchange, Manners
from http_facade.faces.failure import Failure
from http_facade.faces.openai.chunks import ChunkRenderer
from http_facade.faces.openai.errors import render_error, render_error_event
from http_facade.faces.openai.models import render_model, render_models
from http_facade.faces.openai.parse import parse_chat
from http_facade.faces.openai.render import render_chat
from http_facade.model_lists import ModelLists
from http_facade.served import Served

OPENROUTER = "/api/v1"


def render_failure(failure: Failure, request_id: str) -> bytes:
    return render_error(failure)


MANNERS = Manners(render_failure)


def read_chat(exchange: Exchange, body: bytes) -> Asked:
    parsed = parse_chat(body)
    fallback_id, now = f"chatcmpl-{exchange.request_id}", int(time.time())

    def whole(answer: ChatResponse) -> bytes:
        return render_chat(answer, fallback_id, now)

    if not parsed.stream:
        return Asked(parsed.chat, whole)
    renderer = ChunkRenderer(include_usage=parsed.include_usage, fallback_id=fallback_id, now=now)
    return Asked(parsed.chat, whole, Streamed(renderer, render_error_event))


def model_lists(core: Core) -> ModelLists:
    return ModelLists(core, render_models, render_model)


def routes(core: Core) -> Iterator[BaseRoute]:
    chats, lists = Chats(core, read_chat), model_lists(core)
    for prefix in ("/v1", OPENROUTER):
        yield Route(prefix + "/chat/completions", Served(MANNERS, {"POST": chats}))
    yield Route(OPENROUTER + "/models", Served(MANNERS, {"GET": lists.all}))
    yield Route(OPENROUTER + "/models/{model:path}", Served(MANNERS, {"GET": lists.one}))
