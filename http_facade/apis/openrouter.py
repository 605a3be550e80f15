"""OpenRouter's API: chats, text completions, what a chat took, and models."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import grpc

from dragoman.metadata import ORIGIN, SESSION, USER, USER_AGENT
from dragoman.reasons import GatewayError, Reason
from dragoman.v1.calls_pb2 import GetCallRequest
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.models_pb2 import ListModelsRequest
from gateway_dialects.completions import serve as serve_texts
from gateway_dialects.kit.json import options_of
from gateway_dialects.kit.server import RequestHead, ServedChat
from gateway_dialects.openrouter import SERVER, render_metadata
from gateway_dialects.openrouter.parse_request import VENDOR
from gateway_dialects.openrouter.render_response import ID_PREFIX, KEEP_ALIVE, STYLE
from http_facade.api import Api
from http_facade.chat import ChatEndpoint
from http_facade.connect import failure_of
from http_facade.core import Core
from http_facade.endpoints import ListModels, OneModel
from http_facade.exchange import Exchange, warning_headers

PREFIX = "/api/v1"
LONGEST_ID = 256
"""Of a generation, in an error's message."""


def parse_text_completion(head: RequestHead, body: bytes) -> ServedChat:
    """Text completions with ids of OpenRouter's form: that of the first prompt's call."""
    return replace(serve_texts(head, body, STYLE, ID_PREFIX), keep_alive=KEEP_ALIVE)


class Generation:
    """GET /generation: what a chat took. Its id is gen- and the id of the core's call."""

    def __init__(self, core: Core, api: Api) -> None:
        self._core = core

    async def __call__(self, exchange: Exchange) -> None:
        generation_id = render_metadata.wanted_id(exchange.query())
        if not generation_id.startswith(ID_PREFIX) or len(generation_id) > LONGEST_ID:
            raise not_found(generation_id)
        try:
            request = GetCallRequest(id=generation_id.removeprefix(ID_PREFIX))
            response = await self._core.ask(self._core.stub.GetCall, request, exchange)
        except grpc.aio.AioRpcError as error:
            failure = failure_of(error)
            raise not_found(generation_id) if failure.reason is Reason.RECORD_NOT_FOUND else failure from None
        await exchange.respond(200, render_metadata.render_generation(response.call), {})


def not_found(generation_id: str) -> GatewayError:
    message = f"Generation {generation_id[:LONGEST_ID]} not found."
    return GatewayError(Reason.RECORD_NOT_FOUND, message, code="generation_not_found")


class ModelsPage:
    """GET /models: a page of those that fit the query."""

    def __init__(self, core: Core, api: Api) -> None:
        self._core = core

    async def __call__(self, exchange: Exchange) -> None:
        query = exchange.query()
        page = render_metadata.parse_query(query)
        request = ListModelsRequest(provider=query.get("provider", ""))
        response = await self._core.ask(self._core.stub.ListModels, request, exchange)
        await exchange.respond(200, render_metadata.render_models(response, page), warning_headers(response.warnings))


def is_client(exchange: Exchange) -> bool:
    """Whether the path is one of OpenRouter's: its clients are recognised by nothing else, and no other API has these."""
    return exchange.path.startswith(PREFIX + "/")


def tags(exchange: Exchange, chat: ChatRequest) -> Iterator[tuple[str, str]]:
    """What GET /generation shows of the client. HTTP-Referer is sent with every call, as a name of the application."""
    for header, name in ((b"origin", ORIGIN), (b"user-agent", USER_AGENT)):
        if value := exchange.header(header):
            yield name, value
    if chat.user:
        yield USER, chat.user
    if session := session_of(chat):
        yield SESSION, session


def session_of(chat: ChatRequest) -> str:
    session = options_of(chat.provider_options_json, VENDOR).get("session_id")
    return session if isinstance(session, str) else ""


API = Api(
    name="openrouter",
    title="OpenRouter",
    server=SERVER,
    chat_paths=(PREFIX + "/chat/completions",),
    more={
        PREFIX + "/completions": {"POST": partial(ChatEndpoint, parse=parse_text_completion)},
        PREFIX + "/generation": {"GET": Generation},
        PREFIX + "/models": {"GET": ModelsPage},
        PREFIX + "/models/count": {"GET": partial(ListModels, render=render_metadata.render_count)},
        PREFIX + "/models/user": {"GET": ModelsPage},
        PREFIX + "/models/{model:path}": {"GET": OneModel},
        PREFIX + "/model/{model:path}": {"GET": partial(OneModel, render=render_metadata.render_data)},
    },
    detect=is_client,
    tags=tags,
)
