"""Endpoints as the router wants them, and the manners of the face that each belongs to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from starlette.types import Receive, Scope, Send

from dragoman.reasons import GatewayError, Reason
from http_facade.exchange import EXCHANGE, Exchange, Manners

Endpoint = Callable[[Exchange], Awaitable[None]]
"""Answers one request. Raises GatewayError or grpc.aio.AioRpcError before the answer has begun, ClientGone at any time."""

Claim = tuple[Callable[[Exchange], bool], Manners]
"""(whether a client of this face asks, how it wants to be spoken to)."""


class Served:
    """The endpoints of one path by method, as an ASGI application. Refuses other methods, in the manners of the face."""

    def __init__(self, manners: Manners, endpoints: Mapping[str, Endpoint], others: Sequence[Claim] = ()) -> None:
        """HEAD is answered like GET. others: faces that have the path too; the first whose client it is speaks to it."""
        self._manners = manners
        self._others = others
        self._endpoints = {**endpoints, **({"HEAD": endpoints["GET"]} if "GET" in endpoints else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope[EXCHANGE]
        exchange.manners = self._manners_for(exchange) if self._others else self._manners
        endpoint = self._endpoints.get(scope["method"])
        if endpoint is None:
            raise not_allowed(scope, self._endpoints)
        await endpoint(exchange)

    def _manners_for(self, exchange: Exchange) -> Manners:
        return next((manners for is_client, manners in self._others if is_client(exchange)), self._manners)


def not_allowed(scope: Scope, methods: Iterable[str]) -> GatewayError:
    allowed = ", ".join(methods)
    message = f"{scope['method']} is not allowed on {scope['path']}; use {allowed}."
    return GatewayError(Reason.INVALID_REQUEST, message, code="method_not_allowed", headers={"allow": allowed}, status=405)
