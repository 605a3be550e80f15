"""Which path is answered by what: Starlette's router over our endpoints."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from http_facade.endpoints import ChatCompletions, Endpoint, Limits, Models
from http_facade.exchange import Exchange
from http_facade.faces.failure import Failure
from http_facade.faces.json_fields import encode_json

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

Readiness = Callable[[], Awaitable[bool]]

EXCHANGE = "dragoman.exchange"
"""Where the scope holds the Exchange on its way through the router."""
OPENAI_PREFIXES = ("/v1", "/api/v1")
"""OpenAI's own, and OpenRouter's."""


class Served:
    """An endpoint as the ASGI application that the router wants. Refuses methods the endpoint does not name."""

    def __init__(self, endpoint: Endpoint, *methods: str) -> None:
        self._endpoint = endpoint
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in self._methods:
            raise not_allowed(scope, self._methods)
        await self._endpoint(scope[EXCHANGE])


class Health:
    """GET /healthz: the process answers. GET /readyz: it can serve, that is, its core can."""

    def __init__(self, readiness: Readiness | None) -> None:
        self._readiness = readiness

    async def __call__(self, exchange: Exchange) -> None:
        ready = self._readiness is None or await self._readiness()
        await exchange.respond(200 if ready else 503, encode_json({"status": "ok" if ready else "not ready"}), {})


def build_router(stub: GatewayServiceAsyncStub, limits: Limits, readiness: Readiness | None) -> Router:
    """The busiest route comes first: the router tries them in order."""
    chat, models = ChatCompletions(stub, limits), Models(stub, limits)
    routes = [Route(prefix + "/chat/completions", Served(chat, "POST")) for prefix in OPENAI_PREFIXES]
    for prefix in OPENAI_PREFIXES:
        routes.append(Route(prefix + "/models", Served(models, "GET", "HEAD")))
        routes.append(Route(prefix + "/models/{model:path}", Served(models.one, "GET", "HEAD")))
    routes.append(Route("/healthz", Served(Health(None), "GET", "HEAD")))
    routes.append(Route("/readyz", Served(Health(readiness), "GET", "HEAD")))
    return Router(routes, redirect_slashes=False, default=refuse_path)


async def refuse_path(scope: Scope, receive: Receive, send: Send) -> None:
    raise Failure(
        404,
        "INVALID_REQUEST",
        f"There is nothing at {scope['path']}. Served here: /v1/chat/completions, /v1/models, and both under /api/v1.",
        code="unknown_url",
    )


def not_allowed(scope: Scope, methods: tuple[str, ...]) -> Failure:
    allowed = ", ".join(methods)
    message = f"{scope['method']} is not allowed on {scope['path']}; use {allowed}."
    return Failure(405, "INVALID_REQUEST", message, code="method_not_allowed", headers={"allow": allowed})
