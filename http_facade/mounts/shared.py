"""Paths that several faces have in common: the client's headers tell which one asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from starlette.routing import BaseRoute, Route

from http_facade.chats import Asked, Chats
from http_facade.core import Core
from http_facade.exchange import Exchange, Manners
from http_facade.model_lists import ModelLists
from http_facade.mounts import anthropic, cohere, gemini, mistral, openai
from http_facade.served import Served


class SharedModels:
    """GET /v1/models and /v1/models/{model}, which most providers have alike."""

    def __init__(self, core: Core) -> None:
        self._openai = openai.model_lists(core)
        faces = (anthropic, gemini, mistral, cohere)
        self._others: list[tuple[Callable[[Exchange], bool], Manners, ModelLists]] = [
            (face.is_client, face.MANNERS, face.model_lists(core)) for face in faces
        ]

    async def all(self, exchange: Exchange) -> None:
        await self._lists(exchange).all(exchange)

    async def one(self, exchange: Exchange) -> None:
        await self._lists(exchange).one(exchange)

    def _lists(self, exchange: Exchange) -> ModelLists:
        for is_client, manners, lists in self._others:
            if is_client(exchange):
                exchange.manners = manners
                return lists
        return self._openai


def read_chat(exchange: Exchange, body: bytes) -> Asked:
    """A chat completion in OpenAI's words or in Mistral's."""
    if mistral.is_client(exchange) or mistral.is_own(body):
        exchange.manners = mistral.MANNERS
        return mistral.read_chat(exchange, body)
    return openai.read_chat(exchange, body)


def routes(core: Core) -> Iterator[BaseRoute]:
    return routes_under("/v1", core)


def unversioned_routes(core: Core) -> Iterator[BaseRoute]:
    """The same without a version, which LiteLLM and Azure's inference SDK leave out."""
    return routes_under("", core)


def routes_under(version: str, core: Core) -> Iterator[BaseRoute]:
    models, methods = SharedModels(core), gemini.Methods(core)
    yield Route(version + "/chat/completions", Served(openai.MANNERS, {"POST": Chats(core, read_chat)}))
    yield Route(version + "/models", Served(openai.MANNERS, {"GET": models.all}))
    yield Route(version + "/models/{model:path}", Served(openai.MANNERS, {"GET": models.one, "POST": methods}))
