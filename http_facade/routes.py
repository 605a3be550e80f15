"""Which path is answered by what: Starlette's router over our endpoints."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from starlette.routing import Mount, Route, Router
from starlette.types import Receive, Scope, Send

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.kit.json import encode_json
from http_facade.apis import (
    anthropic,
    azure,
    cohere,
    completions,
    gemini,
    mistral,
    openai,
    openai_responses,
    openrouter,
    shared,
)
from http_facade.core import Core
from http_facade.exchange import EXCHANGE, Exchange
from http_facade.proxy import METHODS, PREFIX, Proxy
from http_facade.served import Served

SERVED = (
    "/v1/chat/completions, /v1/responses, /v1/completions, /v1/models (all under /api/v1, as OpenRouter's, too),"
    " /v1/messages, /v1beta/models/MODEL:generateContent and :streamGenerateContent, /v2/chat, /v1/fim/completions,"
    f" /openai/deployments/DEPLOYMENT/chat/completions; each provider's own API under {PREFIX}PROVIDER/PATH"
)
IS_CONTEXT = re.compile(r"(?!(?:v\d.*|api|chat|models|openai|proxy|responses)$)[A-Za-z0-9][A-Za-z0-9_.-]{0,62}").fullmatch
"""Below the gateway's own first segments nothing is a context: whoever writes /v1/v1/messages is told where to ask."""
Readiness = Callable[[], Awaitable[bool]]


class Health:
    """GET /healthz: the process answers. GET /readyz: it can serve, that is, its core can."""

    def __init__(self, readiness: Readiness | None) -> None:
        self._readiness = readiness

    async def __call__(self, exchange: Exchange) -> None:
        ready = self._readiness is None or await self._readiness()
        await exchange.respond(200 if ready else 503, encode_json({"status": "ok" if ready else "not ready"}), {})


class InContext:
    """The same paths once more below a context's name. The core knows which contexts there are."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path_params"]["context"]
        if not IS_CONTEXT(name):
            await refuse_path(scope, receive, send)
        scope[EXCHANGE].context = name
        await self._router(scope, receive, send)


def build_router(core: Core, readiness: Readiness | None) -> Router:
    """The busiest routes come first: the router tries them in order."""
    health = [
        Route("/healthz", Served(openai.MANNERS, {"GET": Health(None)})),
        Route("/readyz", Served(openai.MANNERS, {"GET": Health(readiness)})),
    ]
    faces = (shared, anthropic, openrouter, azure, cohere, mistral, completions, gemini, openai_responses)
    found = [route for face in faces for route in face.routes(core)]
    proxy = Route(PREFIX + "{place:path}", Served(openai.MANNERS, dict.fromkeys(METHODS, Proxy(core))))
    served = [*found, *shared.unversioned_routes(core), proxy]
    in_context = Mount("/{context}", InContext(Router(served, redirect_slashes=False, default=refuse_path)))
    return Router([*served, *health, in_context], redirect_slashes=False, default=refuse_path)


async def refuse_path(scope: Scope, receive: Receive, send: Send) -> None:
    exchange: Exchange = scope[EXCHANGE]
    for face in (anthropic, gemini, mistral, cohere, openrouter):
        if face.is_client(exchange):
            exchange.manners = face.MANNERS
    raise GatewayError(
        Reason.INVALID_REQUEST,
        f"There is nothing at {scope['path']}. Served here: {SERVED}.",
        code="unknown_url",
        status=404,
    )
