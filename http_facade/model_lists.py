"""The endpoints of a face that list models."""

from __future__ import annotations

from collections.abc import Callable

from dragoman.v1.models_pb2 import ListModelsRequest, ListModelsResponse, Model
from http_facade.answer_headers import warning_headers
from http_facade.core import Core
from http_facade.exchange import Exchange


class ModelLists:
    """All models, ?provider= filters; or one, whose id may hold slashes, escaped or not."""

    def __init__(
        self, core: Core, render_all: Callable[[ListModelsResponse], bytes], render_one: Callable[[Model], bytes]
    ) -> None:
        self._core = core
        self._render_all = render_all
        self._render_one = render_one

    async def all(self, exchange: Exchange) -> None:
        wanted = ListModelsRequest(provider=exchange.query().get("provider", ""))
        answer = await self._core.list_models(wanted, exchange)
        await exchange.respond(200, self._render_all(answer), warning_headers(answer.warnings))

    async def one(self, exchange: Exchange) -> None:
        wanted = ListModelsRequest(model=exchange.scope["path_params"]["model"])
        answer = await self._core.list_models(wanted, exchange)
        await exchange.respond(200, self._render_one(answer.models[0]), {})
