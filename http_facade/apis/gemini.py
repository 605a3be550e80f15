"""Gemini's generateContent and models, in all of its API's versions."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.routing import BaseRoute, Route

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from gateway_dialects.gemini.server.chunks import KEEP_ALIVE, ChunkRenderer
from gateway_dialects.gemini.server.errors import render_error
from gateway_dialects.gemini.server.models import render_model, render_models
from gateway_dialects.gemini.server.parse import parse_chat, parse_count, parse_method
from gateway_dialects.gemini.server.render import render_chat
from gateway_dialects.gemini.server.tokens import render_count
from http_facade.chats import Asked, Chats, Streamed
from http_facade.core import Core
from http_facade.exchange import EVENT_STREAM, JSON, Exchange, Manners
from http_facade.model_lists import ModelLists
from http_facade.served import Served, not_allowed
from http_facade.token_counts import TokenCounts

VERSIONS = ("/v1beta", "/v1alpha")
METHODS = ("generateContent", "streamGenerateContent", "countTokens")


def render_failure(failure: GatewayError, request_id: str) -> bytes:
    return render_error(failure)


MANNERS = Manners(render_failure)


class Methods:
    """POST /models/MODEL:METHOD."""

    def __init__(self, core: Core) -> None:
        self._chats = Chats(core, read_generate)
        self._counts = TokenCounts(core, read_count, render_count)

    async def __call__(self, exchange: Exchange) -> None:
        _, method = called(exchange)
        if not method:
            raise not_allowed(exchange.scope, ("GET", "HEAD"))
        exchange.manners = MANNERS
        if method not in METHODS:
            raise unknown_method(exchange.scope["path"])
        await (self._counts if method == "countTokens" else self._chats)(exchange)


def called(exchange: Exchange) -> tuple[str, str]:
    """The model and the method in the path."""
    params = exchange.scope["path_params"]
    return (params["model"], params["method"]) if "method" in params else parse_method(params["model"])


def read_count(exchange: Exchange, body: bytes) -> ChatRequest:
    return parse_count(body, called(exchange)[0])


def read_generate(exchange: Exchange, body: bytes) -> Asked:
    model, method = called(exchange)
    chat, fallback_id = parse_chat(body, model), exchange.request_id

    def whole(answer: ChatResponse) -> bytes:
        return render_chat(answer, fallback_id)

    if method == "generateContent":
        return Asked(chat, whole)
    sse = exchange.query().get("alt") == "sse"
    renderer = ChunkRenderer(fallback_id=fallback_id, sse=sse)
    content_type = EVENT_STREAM if sse else JSON
    return Asked(chat, whole, Streamed(renderer, renderer.fail, alive=KEEP_ALIVE, content_type=content_type))


def unknown_method(path: str) -> GatewayError:
    message = f"There is nothing at {path}. A model takes {', '.join(f':{method}' for method in METHODS)}."
    return GatewayError(Reason.INVALID_REQUEST, message, code="unknown_url", status=404)


def model_lists(core: Core) -> ModelLists:
    return ModelLists(core, render_models, render_model)


def is_client(exchange: Exchange) -> bool:
    """Whether one of Google's SDKs asks: they send its own key header, or tell their version."""
    return exchange.header(b"x-goog-api-key") is not None or exchange.header(b"x-goog-api-client") is not None


def routes(core: Core) -> Iterator[BaseRoute]:
    methods, lists = Methods(core), model_lists(core)
    for version in VERSIONS:
        yield Route(version + "/models", Served(MANNERS, {"GET": lists.all}))
        yield Route(version + "/models/{model:path}", Served(MANNERS, {"GET": lists.one, "POST": methods}))
    for version in (*VERSIONS, "/v1"):
        # @ai-sdk/google takes a model's name with a slash for the whole of the resource's path.
        yield Route(version + "/{model:path}:{method}", Served(MANNERS, {"POST": methods}))
