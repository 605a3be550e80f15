"""The facade as one ASGI application: the router, errors in the format of the request's API, and the access log."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import grpc
from starlette.types import ASGIApp, Receive, Scope, Send

from dragoman.metadata import is_request_id
from dragoman.reasons import GatewayError, Reason
from http_facade.api import Api
from http_facade.apis import APIS
from http_facade.call_metadata import KeyPlaces, labels
from http_facade.chat import note_route
from http_facade.connect import failure_of
from http_facade.core import Core, Limits
from http_facade.endpoints import Readiness
from http_facade.exchange import Exchange, fault
from http_facade.router import Router
from http_facade.watch import ClientGone

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub


class AccessLog(Protocol):
    """Takes one line's fields."""

    def write(self, fields: Mapping[str, object]) -> None: ...


class Facade:
    """Serves HTTP. One for a process."""

    def __init__(self, router: Router, default_api: Api, limits: Limits, access_log: AccessLog | None) -> None:
        """default_api: whose error format is used until a request's own API is known."""
        self._router = router
        self._default_api = default_api
        self._limits = limits
        self._access_log = access_log
        self._mark = os.urandom(12).hex()
        self._numbers = itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        began = time.perf_counter()
        exchange = Exchange(scope, receive, send, self._default_api, self._limits.body_bytes)
        exchange.request_id = given_request_id(exchange) or self._new_request_id()
        try:
            await self._answer(exchange)
        except ClientGone:
            exchange.status = 499
        finally:
            if self._access_log is not None:
                self._access_log.write(line_of(exchange, began))

    def _new_request_id(self) -> str:
        """Unique among processes by its first half, within this one by its second."""
        return f"{self._mark}{next(self._numbers):08x}"

    async def _answer(self, exchange: Exchange) -> None:
        """Every way in which a request can fail ends here, in the error format of its API."""
        try:
            check_headers(exchange, self._limits.header_bytes)
            await self._router(exchange)
        except GatewayError as failure:
            await fail(exchange, failure)
        except grpc.aio.AioRpcError as error:
            await fail(exchange, failure_of(error))
        except ClientGone:
            raise
        except Exception:
            await fail(exchange, fault(exchange))

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lifespan is answered; websockets are closed."""
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        await send({"type": "websocket.close", "code": 1000})


def create_app(
    stub: GatewayServiceAsyncStub,
    *,
    limits: Limits | None = None,
    access_log: AccessLog | None = None,
    readiness: Readiness | None = None,
    key_places: KeyPlaces | None = None,
    apis: Sequence[Api] = APIS,
) -> ASGIApp:
    """The facade on a stub of the core, whatever channel it goes through. readiness: asked by GET /readyz. key_places: by
    context, the only place of the gateway key."""
    limits = limits or Limits()
    router = Router(Core(stub, limits, key_places), readiness, apis)
    return Facade(router, apis[0], limits, access_log)


def given_request_id(exchange: Exchange) -> str | None:
    """The client's own x-request-id where it is well-formed, so that its logs and ours agree."""
    given = exchange.header(b"x-request-id")
    return given if given is not None and is_request_id(given) else None


def check_headers(exchange: Exchange, limit: int) -> None:
    size = sum(map(len, itertools.chain.from_iterable(exchange.scope["headers"])))
    if size > limit:
        raise GatewayError(
            Reason.REQUEST_TOO_LARGE,
            f"The request's headers are {size} bytes in all; this gateway takes {limit}.",
            code="request_headers_too_large",
            headers={"connection": "close"},
            status=431,
        )


async def fail(exchange: Exchange, failure: GatewayError) -> None:
    exchange.details["error"] = failure.reason
    if failure.trace is not None:
        note_route(exchange, failure.trace)
    if exchange.status:
        # The answer has begun: what can still be written was written in-band, and the connection must not look complete.
        return
    headers = dict(failure.headers)
    if failure.retry_after_s is not None:
        headers["retry-after"] = str(max(1, round(failure.retry_after_s)))
        headers["retry-after-ms"] = str(round(failure.retry_after_s * 1000))
    await exchange.respond(failure.http_status, exchange.api.server.render_error(failure, exchange.request_id), headers)


def line_of(exchange: Exchange, began: float) -> dict[str, object]:
    scope = exchange.scope
    return {
        "method": scope["method"],
        "path": scope["path"],
        "status": exchange.status,
        "ms": round((time.perf_counter() - began) * 1000, 1),
        "request_id": exchange.request_id,
        "api": exchange.api.name,
        **labels(exchange),
        **exchange.details,
    }
