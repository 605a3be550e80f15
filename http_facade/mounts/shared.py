"""Paths that several faces have in common: the client's headers tell which one asks."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.routing import BaseRoute, Route

from http_facade.core import Core
from http_facade.exchange import Exchange
from http_facade.model_lists import ModelLists
from http_facade.mounts import anthropic, gemini, openai
from http_facade.served import Served


class SharedModels:
    """GET /v1/models and /v1/models/{model}, which OpenAI, Anthropic and Google have alike."""

    def __init__(self, core: Core) -> None:
        self._openai = openai.model_lists(core)
        self._others = (
            (anthropic.is_client, anthropic.MANNERS, anthropic.model_lists(core)),
            (gemini.is_client, gemini.MANNERS, gemini.model_lists(core)),
        )

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


def routes(core: Core) -> Iterator[BaseRoute]:
    models, methods = SharedModels(core), gemini.Methods(core)
    yield Route("/v1/models", Served(openai.MANNERS, {"GET": models.all}))
    yield Route("/v1/models/{model:path}", Served(openai.MANNERS, {"GET": models.one, "POST": methods}))
