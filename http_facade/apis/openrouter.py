"""OpenRouter's paths: chats, text completions, what they took, and models."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from starlette.routing import BaseRoute, Route

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.models_pb2 import ListModelsRequest
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.completions.parse_request import ParsedTexts
from gateway_dialects.completions.render_response import TextRenderer, render_texts
from gateway_dialects.openai.render_errors import render_error_event
from gateway_dialects.openrouter.parse_request import parse_chat
from gateway_dialects.openrouter.render_metadata import (
    parse_query,
    render_count,
    render_data,
    render_generation,
    render_model,
    render_models,
    wanted_id,
)
from gateway_dialects.openrouter.render_response import OpenRouterRenderer, own_id, render_answer, render_error
from http_facade.answer_headers import warning_headers
from http_facade.apis import completions
from http_facade.apis.completions import Written
from http_facade.chats import Asked, Chats, Renderer
from http_facade.core import Core
from http_facade.exchange import Exchange, Manners
from http_facade.followed import Followed
from http_facade.generations import Generations
from http_facade.model_lists import ModelLists
from http_facade.served import Served

PREFIX = "/api/v1"


def render_failure(failure: GatewayError, request_id: str) -> bytes:
    return render_error(failure)


MANNERS = Manners(render_failure)


class Asking:
    """Reads chats, writes texts, and has each answer kept."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations

    def read_chat(self, exchange: Exchange, body: bytes) -> Asked:
        parsed, now = parse_chat(body), int(time.time())
        followed = Followed(self._generations, exchange, parsed.chat)
        fallback_id = followed.fallback_id

        def whole(answers: Sequence[ChatResponse]) -> bytes:
            return render_answer(answers[0], fallback_id, now)

        asked = Asked(parsed.chat, lambda answer: followed.whole((answer,), whole))
        if not parsed.stream:
            return asked
        renderer = OpenRouterRenderer(fallback_id=fallback_id, now=now)
        return replace(asked, streamed=followed.streamed(renderer, renderer.fail))

    def write_texts(self, exchange: Exchange, asked: ParsedTexts) -> Written:
        now = int(time.time())
        followed = Followed(self._generations, exchange, asked.chats[0], len(asked.chats))
        fallback_id = followed.fallback_id

        def whole(answers: Sequence[ChatResponse]) -> bytes:
            first = ChatResponse()
            first.CopyFrom(answers[0])
            first.id = own_id(first.id, fallback_id)
            return render_texts((first, *answers[1:]), asked, fallback_id, now)

        renderer = OwnIds(TextRenderer(asked, fallback_id=fallback_id, now=now), fallback_id)
        return Written(lambda answers: followed.whole(answers, whole), followed.streamed(renderer, render_error_event))


class OwnIds:
    """Texts whose id is of OpenRouter's form."""

    def __init__(self, renderer: Renderer, fallback_id: str) -> None:
        self._renderer = renderer
        self._fallback_id = fallback_id

    def render(self, batch: StreamResponse) -> bytes:
        if batch.events and batch.events[0].HasField("started"):
            # The events are not ours to change.
            told = StreamResponse()
            told.CopyFrom(batch)
            told.events[0].started.id = own_id(told.events[0].started.id, self._fallback_id)
            batch = told
        return self._renderer.render(batch)


class Kept:
    """GET /generation: what an answer took."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations

    async def get(self, exchange: Exchange) -> None:
        kept = await self._generations.one(wanted_id(exchange.query()), exchange)
        await exchange.respond(200, render_generation(kept), {})


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
    generations = Generations(core)
    asking = Asking(generations)
    texts = completions.Completions(core, completions.read, asking.write_texts)
    yield Route(PREFIX + "/chat/completions", Served(MANNERS, {"POST": Chats(core, asking.read_chat)}))
    yield Route(PREFIX + "/completions", Served(MANNERS, {"POST": texts}))
    yield Route(PREFIX + "/generation", Served(MANNERS, {"GET": Kept(generations).get}))
    yield Route(PREFIX + "/models", Served(MANNERS, {"GET": lists.all}))
    yield Route(PREFIX + "/models/count", Served(MANNERS, {"GET": own.all}))
    yield Route(PREFIX + "/models/user", Served(MANNERS, {"GET": lists.all}))
    yield Route(PREFIX + "/models/{model:path}", Served(MANNERS, {"GET": lists.one}))
    yield Route(PREFIX + "/model/{model:path}", Served(MANNERS, {"GET": own.one}))
