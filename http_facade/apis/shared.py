"""Paths that several faces have in common: the client's headers tell which one asks."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.routing import BaseRoute, Route

from gateway_dialects.kit.fields import parse_object
from gateway_dialects.mistral.server.parse import parse_fields as parse_mistral
from gateway_dialects.openai.parse_request import parse_fields as parse_openai
from http_facade.apis import anthropic, cohere, gemini, mistral, openai
from http_facade.chats import Asked, Chats
from http_facade.core import Core
from http_facade.exchange import Exchange
from http_facade.served import Served

CHAT_CLAIMS = ((mistral.is_client, mistral.MANNERS),)
MODEL_FACES = (anthropic, gemini, mistral, cohere)
"""Beside OpenAI's, which answers everybody else."""


class SharedModels:
    """GET /v1/models and /v1/models/{model}, which most providers have alike."""

    def __init__(self, core: Core) -> None:
        self._lists = {face.MANNERS: face.model_lists(core) for face in (openai, *MODEL_FACES)}

    async def all(self, exchange: Exchange) -> None:
        await self._lists[exchange.manners].all(exchange)

    async def one(self, exchange: Exchange) -> None:
        await self._lists[exchange.manners].one(exchange)


def read_chat(exchange: Exchange, body: bytes) -> Asked:
    """A chat completion in OpenAI's words or in Mistral's."""
    fields = parse_object(body)
    if exchange.manners is mistral.MANNERS or mistral.is_own(fields):
        exchange.manners = mistral.MANNERS
        return mistral.asked_of(exchange, parse_mistral(fields))
    return openai.asked_of(exchange, parse_openai(fields))


def routes(core: Core) -> Iterator[BaseRoute]:
    return routes_under("/v1", core)


def unversioned_routes(core: Core) -> Iterator[BaseRoute]:
    """The same without a version, which LiteLLM and Azure's inference SDK leave out."""
    return routes_under("", core)


def routes_under(version: str, core: Core) -> Iterator[BaseRoute]:
    chats, models, methods = Chats(core, read_chat), SharedModels(core), gemini.Methods(core)
    claims = [(face.is_client, face.MANNERS) for face in MODEL_FACES]
    yield Route(version + "/chat/completions", Served(openai.MANNERS, {"POST": chats}, CHAT_CLAIMS))
    yield Route(version + "/models", Served(openai.MANNERS, {"GET": models.all}, claims))
    one = Served(openai.MANNERS, {"GET": models.one, "POST": methods}, claims)
    yield Route(version + "/models/{model:path}", one)
