"""The facade as one ASGI application: the router, errors in the format of the request's API, and the access log."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import grpc
from starlette.types import ASGIApp, Receive, Scope, Send

from dragoman.client_address import FORWARDED_FOR, Network, TrustedProxies
from dragoman.metadata import APP_NAMES, ENVIRONMENT, LONGEST_TAG, PREFIXES, TASK_ID, is_request_id
from dragoman.reasons import GatewayError, Reason
from http_facade.admission import Admission
from http_facade.api import Api, Endpoint
from http_facade.apis import APIS
from http_facade.connect import failure_of
from http_facade.core import NAMED_HEADERS, ClientGone, Core, KeyPlaces, Limits
from http_facade.cors import Cors
from http_facade.endpoints import Readiness
from http_facade.exchange import Exchange, Stop, fault
from http_facade.pages import PageGuard
from http_facade.router import Router

if TYPE_CHECKING:
    from dragoman.v1.chat_pb2 import ChatResponse
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub
    from dragoman.v1.routing_pb2 import RouteTrace
    from dragoman.v1.stream_pb2 import Finished

FORWARDED_HEADER = FORWARDED_FOR.encode()


class AccessLog(Protocol):
    """Takes one line's fields."""

    def write(self, fields: Mapping[str, object]) -> None: ...


class Facade:
    """Serves HTTP. One for a process."""

    def __init__(
        self,
        router: Router,
        default_api: Api,
        limits: Limits,
        access_log: AccessLog | None,
        cors: Cors | None = None,
        trusted_proxies: Sequence[Network] = (),
        stop: Stop | None = None,
    ) -> None:
        """default_api: whose error format is used until a request's own API is known. cors: None allows no page.
        trusted_proxies: believed where they say who asks them. stop: of the server."""
        self._stop = stop or Stop()
        self._proxies = TrustedProxies(trusted_proxies) if trusted_proxies else None
        self._cors = cors
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
        exchange = Exchange(scope, receive, send, self._default_api, self._limits.body_bytes, self._stop)
        given = exchange.header(b"x-request-id")
        exchange.request_id = given if given and is_request_id(given) else self._new_request_id()
        exchange.client = self._client(exchange)
        try:
            await self._answer(exchange)
        except ClientGone:
            exchange.status = 499
        finally:
            if self._access_log is not None:
                self._access_log.write(line_of(exchange, began))

    def _client(self, exchange: Exchange) -> str:
        """Its address."""
        peer = exchange.scope.get("client")
        address: str = peer[0] if peer else ""
        if self._proxies is None:
            return address
        found = exchange.scope["headers"]
        forwarded = [value.decode("latin-1") for name, value in found if name == FORWARDED_HEADER]
        return self._proxies.client_of(address, forwarded)

    def _new_request_id(self) -> str:
        """Unique among processes by its first half, within this one by its second."""
        return f"{self._mark}{next(self._numbers):08x}"

    async def _answer(self, exchange: Exchange) -> None:
        """Every way in which a request can fail ends here, in the error format of its API."""
        try:
            check_headers(exchange, self._limits.header_bytes)
            answer: Endpoint = self._router if self._cors is None else self._cors.endpoint_of(exchange) or self._router
            await answer(exchange)
        except GatewayError as failure:
            await fail(exchange, failure)
        except grpc.aio.AioRpcError as error:
            await fail(exchange, failure_of(error))
        except ClientGone:
            raise
        except asyncio.CancelledError:
            if not self._stop.begun:
                raise
            await fail(exchange, self._stop.failure())
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
    origins: Sequence[str] = (),
    hosts: Sequence[str] = (),
    trusted_proxies: Sequence[Network] = (),
    stop: Stop | None = None,
    apis: Sequence[Api] = APIS,
) -> ASGIApp:
    """The facade on a stub of the core, whatever channel it goes through. readiness: asked by GET /readyz. key_places: by
    context, the only place of the gateway key. origins: of pages that may ask, see Cors. hosts: see PageGuard.
    trusted_proxies and stop: see Facade."""
    limits = limits or Limits()
    core = Core(stub, limits, key_places)
    cors = Cors(origins) if origins else None
    router = Router(core, Admission(core, PageGuard(hosts, cors)), readiness, apis)
    return Facade(router, apis[0], limits, access_log, cors, trusted_proxies, stop)


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
    exchange.route = failure.trace or exchange.route
    if exchange.status:
        # The answer has begun: what can still be written was written in-band, and the connection must not look complete.
        return
    headers = dict(failure.headers)
    if failure.retry_after_s is not None:
        headers["retry-after"] = str(max(1, round(failure.retry_after_s)))
        headers["retry-after-ms"] = str(round(failure.retry_after_s * 1000))
    if b"expect" in exchange.headers:
        # The server reads and discards the rest of a body: many a client that finds its connection closed while it still
        # writes never reads the answer. Only one that expects 100 Continue has nothing to write.
        headers["connection"] = "close"
    server = exchange.api.server
    await exchange.respond(server.status_of(failure), server.render_error(failure, exchange.request_id), headers)


def line_of(exchange: Exchange, began: float) -> dict[str, object]:
    scope = exchange.scope
    return {
        "method": scope["method"],
        "path": scope["path"],
        "status": exchange.status,
        "ms": round((time.perf_counter() - began) * 1000, 1),
        "request_id": exchange.request_id,
        "api": exchange.api.name,
        "client": exchange.client or None,
        "caller": exchange.caller or None,
        **labels(exchange),
        **exchange.details,
        **(route_fields(exchange.route) if exchange.route is not None else {}),
        **usage_fields(exchange.answers),
    }


def labels(exchange: Exchange) -> dict[str, object]:
    """The task, environment and application that the client names."""
    if NAMED_HEADERS.isdisjoint(exchange.headers):
        return {}

    def first(names: Iterable[str]) -> str:
        return next((value for name in names if (value := exchange.header(name.encode()))), "")

    task, environment = ([prefix + name for prefix in PREFIXES] for name in (TASK_ID, ENVIRONMENT))
    found = {"task_id": first(task), "environment": first(environment), "app": first(APP_NAMES)}
    return {name: value[:LONGEST_TAG] for name, value in found.items() if value}


def route_fields(route: RouteTrace) -> dict[str, object]:
    """Who answered, or what was asked for where nobody did."""
    fields: dict[str, object] = {"call_id": route.call_id} if route.call_id else {}
    if route.provider:
        fields["model"], fields["provider"] = f"{route.provider}/{route.model}", route.provider
    elif route.requested_model:
        fields["model"] = route.requested_model
    return {**fields, "attempts": len(route.attempts)}


def usage_fields(answers: Sequence[ChatResponse | Finished]) -> dict[str, object]:
    """Tokens, and the cost in US dollars where it is known of all."""
    usages = [answer.usage for answer in answers if answer.HasField("usage")]
    if not usages:
        return {}
    fields: dict[str, object] = {
        "input_tokens": sum(usage.input_tokens for usage in usages),
        "output_tokens": sum(usage.output_tokens for usage in usages),
    }
    if all(usage.HasField("cost") for usage in usages):
        fields["cost"] = sum(usage.cost.total_usd for usage in usages)
    return fields
