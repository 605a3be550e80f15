"""Endpoints of an API beside its chats: model lists, one model, token counts; and whether the process is alive and ready."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from dragoman.v1.models_pb2 import ListModelsRequest, ListModelsResponse, Model
from dragoman.v1.tokens_pb2 import CountTokensRequest
from gateway_dialects.kit.json import encode_json
from http_facade.core import Core
from http_facade.exchange import Exchange, warning_headers

if TYPE_CHECKING:
    from http_facade.api import Api

T = TypeVar("T")
Readiness = Callable[[], Awaitable[bool]]


class ListModels:
    """All models; ?provider= filters."""

    def __init__(self, core: Core, api: Api, render: Callable[[ListModelsResponse], bytes] | None = None) -> None:
        """render: the API's own unless it is given."""
        self._core = core
        self._render = required(render or api.server.render_models, api, "render_models")

    async def __call__(self, exchange: Exchange) -> None:
        request = ListModelsRequest(provider=exchange.query().get("provider", ""))
        response = await self._core.ask(self._core.stub.ListModels, request, exchange)
        await exchange.respond(200, self._render(response), warning_headers(response.warnings))


class OneModel:
    """The model in the path, whose id may hold slashes, escaped or not."""

    def __init__(self, core: Core, api: Api, render: Callable[[Model], bytes] | None = None) -> None:
        """render: the API's own unless it is given."""
        self._core = core
        self._render = required(render or api.server.render_model, api, "render_model")

    async def __call__(self, exchange: Exchange) -> None:
        request = ListModelsRequest(model=exchange.path_param("model"))
        response = await self._core.ask(self._core.stub.ListModels, request, exchange)
        await exchange.respond(200, self._render(response.models[0]), {})


class CountEndpoint:
    """Counts the input tokens of a chat without answering it. x-dragoman-estimated: true means that no provider counted."""

    def __init__(self, core: Core, api: Api) -> None:
        self._core = core
        self._parse = required(api.server.parse_count, api, "parse_count")
        self._render = required(api.server.render_count, api, "render_count")

    async def __call__(self, exchange: Exchange) -> None:
        request = CountTokensRequest(chat=await exchange.parsed(self._parse))
        response = await self._core.ask(self._core.stub.CountTokens, request, exchange)
        headers = {"x-dragoman-estimated": "true"} if response.estimated else {}
        await exchange.respond(200, self._render(response.input_tokens), headers)


class Health:
    """GET /healthz: the process answers. GET /readyz: it can serve, that is, its core can."""

    def __init__(self, readiness: Readiness | None) -> None:
        self._readiness = readiness

    async def __call__(self, exchange: Exchange) -> None:
        ready = self._readiness is None or await self._readiness()
        await exchange.respond(200 if ready else 503, encode_json({"status": "ok" if ready else "not ready"}), {})


def required(function: T | None, api: Api, name: str) -> T:
    """A function of SERVER that the paths of a record need."""
    if function is None:
        raise TypeError(f"the API {api.name} has paths for which its SERVER has no {name}")
    return function
