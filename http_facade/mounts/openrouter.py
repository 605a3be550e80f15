"""OpenRouter's paths: chats, text completions and models.

Its /generation is not served: it tells of answers of the past, which nobody keeps for every process to see.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from starlette.routing import BaseRoute, Route

from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.models_pb2 import ListModelsRequest
from http_facade.answer_headers import warning_headers
from http_facade.chats import Asked, Chats, Streamed
from http_facade.core import Core
from http_facade.exchange import Exchange, Manners
from http_facade.faces.failure import Failure
from http_facade.faces.openrouter.answer import render_answer
from http_facade.faces.openrouter.chunks import ALIVE, OpenRouterRenderer
from http_facade.faces.openrouter.errors import render_error
from http_facade.faces.openrouter.models import parse_query, render_count, render_data, render_model, render_models
from http_facade.faces.openrouter.parse import parse_chat
from http_facade.model_lists import ModelLists
from http_facade.mounts import completions
from http_facade.served import Served

PREFIX = "/api/v1"


def render_failure(failure: Failure, request_id: str) -> bytes:
    return render_error(failure)


MANNERS = Manners(render_failure)


def read_chat(exchange: Exchange, body: bytes) -> Asked:
    parsed, now = parse_chat(body), int(time.time())
    fallback_id = f"gen-{now}-{exchange.request_id}"

    def whole(answer: ChatResponse) -> bytes:
        return render_answer(answer, fallback_id, now)

    if not parsed.stream:
        return Asked(parsed.chat, whole)
    renderer = OpenRouterRenderer(fallback_id=fallback_id, now=now)
    return Asked(parsed.chat, whole, Streamed(renderer, renderer.failed, alive=ALIVE))


class Models:
    """GET /models: a page of those that fit the query. GET /models/{model} is for OpenAI's clients."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.one = ModelLists(core, render_count, render_model).one

    async def all(self, exchange: Exchange) -> None:
        query = exchange.query()
        wanted = parse_query(query)
        answer = await self._core.list_models(ListModelsRequest(provider=query.get("provider", "")), exchange)
        await exchange.respond(200, render_models(answer, wanted), warning_headers(answer.warnings))


def is_client(exchange: Exchange) -> bool:
    """Whether it was meant for OpenRouter: its clients say nothing of themselves, but no one else has such paths."""
    path: str = exchange.scope["path"]
    return path.startswith(PREFIX + "/")


def routes(core: Core) -> Iterator[BaseRoute]:
    lists, own = Models(core), ModelLists(core, render_count, render_data)
    yield Route(PREFIX + "/chat/completions", Served(MANNERS, {"POST": Chats(core, read_chat)}))
    yield Route(PREFIX + "/completions", Served(MANNERS, {"POST": completions.Completions(core, completions.read)}))
    yield Route(PREFIX + "/models", Served(MANNERS, {"GET": lists.all}))
    yield Route(PREFIX + "/models/count", Served(MANNERS, {"GET": own.all}))
    yield Route(PREFIX + "/models/user", Served(MANNERS, {"GET": lists.all}))
    yield Route(PREFIX + "/models/{model:path}", Served(MANNERS, {"GET": lists.one}))
    yield Route(PREFIX + "/model/{model:path}", Served(MANNERS, {"GET": own.one}))
