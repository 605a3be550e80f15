"""One HTTP request and its answer, on bare ASGI: the hot path leaves out what Starlette's Request and Response do more. And
the headers that say who answered."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from dragoman.aside import LARGE, aside
from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.routing_pb2 import RouteTrace, Warning
from dragoman.v1.stream_pb2 import Finished
from gateway_dialects.kit.server import JSON
from http_facade.content_codings import codings_of, decompressed

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from http_facade.api import Api

T = TypeVar("T")
HEADER_BYTES = bytes.maketrans(bytes((*range(0x20), 0x7F)), b" " * 0x21)
"""Spaces for control characters (RFC 9110, section 5.5): a model's name can bring them."""
LONGEST_WARNINGS_HEADER = 2000
INDEX = re.compile(r"\[\d+\]")
ROUTE = b"x-dragoman-route"
"""Asks for the route in a header of the same name."""
WANTED = (b"true", b"1", b"enabled")
LONGEST_ROUTE_HEADER = 4000
NO_PARAMS: Mapping[str, str] = MappingProxyType({})

log = logging.getLogger("dragoman.http")


class Stop:
    """The server's stop, as its requests see it."""

    __slots__ = ("begun", "over", "reading")

    def __init__(self) -> None:
        self.begun = False
        """Nothing new begins: a request that has not arrived is refused, for its client can ask elsewhere."""
        self.over = False
        """Nor does anything go on."""
        self.reading: set[asyncio.Task[Any] | None] = set()
        """Tasks that wait for a body."""

    def begin(self) -> None:
        self.begun = True
        for task in tuple(self.reading):
            if task is not None:
                task.cancel()

    def end(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        """Cut off what still runs."""
        self.over = True
        for task in tuple(tasks):
            task.cancel()

    def failure(self) -> GatewayError:
        """Of the request whose task was cancelled."""
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            task.uncancel()
        return GatewayError(Reason.SHUTTING_DOWN, "The gateway is stopping: ask again, there may be another one.")


class Exchange:
    """Reads the request's body, and answers once. It is the RequestHead of the dialects' parsers."""

    __slots__ = (
        *(
            "_body",
            "_body_left",
            "_body_limit",
            "_receive",
            "_send",
            "added",
            "answers",
            "api",
            "caller",
            "client",
            "context",
            "details",
            "headers",
            "keys",
        ),
        *("path", "path_params", "request_id", "route", "scope", "status", "stop", "tags", "uploaded"),
    )

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, api: Api, body_limit: int, stop: Stop | None = None
    ) -> None:
        """api: whose error format is used until the request's own API is known. body_limit: in bytes."""
        self.stop = stop or Stop()
        self.scope = scope
        self._receive = receive
        self._send = send
        self._body: bytes | None = None
        self._body_limit = self._body_left = body_limit
        self.api = api
        self.request_id = ""
        self.context = ""
        """The operator's context whose paths the request names; empty for the gateway's own."""
        self.path: str = scope["path"]
        """Below the context."""
        self.path_params: Mapping[str, str] = NO_PARAMS
        self.headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        """By lower-case name; the first of those that were sent twice."""
        self.keys: Sequence[tuple[str, str]] = ()
        """All that may be a gateway key, as metadata of the core's calls."""
        self.added: Sequence[tuple[bytes, bytes]] = ()
        """Headers of the answer, whatever it will be."""
        self.status = 0
        """Of the answer; 0 before it began."""
        self.client = ""
        """The client's address."""
        self.caller = ""
        """The name of its key. Empty: it has no valid one, or the core did not say."""
        self.details: dict[str, object] = {}
        """Fields of the access log beside the request line and those of route and answers; None is not known."""
        self.route: RouteTrace | None = None
        """Who answered, or was asked."""
        self.answers: Sequence[ChatResponse | Finished] = ()
        """The whole answers to the request, or the end of a streamed one."""
        self.uploaded: asyncio.Event | None = None
        """Of a body that is read while the answer may already be written: set when it has been read."""
        self.tags: Iterable[tuple[str, str]] = ()
        """Metadata of the core's calls: see Api.tags."""

    def path_param(self, name: str) -> str:
        """A named piece of the path; empty where the path has none of this name."""
        return self.path_params.get(name, "")

    def header(self, name: bytes) -> str | None:
        """The header of this lower-case name."""
        return self.headers[name].decode("latin-1") if name in self.headers else None

    async def body(self) -> bytes:
        """The whole body, decompressed. Raises GatewayError: 413 for one that is too large, sent or decompressed, 415 for a
        coding that is not taken."""
        if self._body is None:
            encoding = self.headers.get(b"content-encoding")
            codings = codings_of(encoding) if encoding else []
            self.check_length()
            body = await self._whole()
            # Off the event loop: a small body may become as large as the limit.
            self._body = await asyncio.to_thread(decompressed, body, codings, self._body_limit) if codings else body
        return self._body

    async def _whole(self) -> bytes:
        if self.stop.begun:
            raise self.stop.failure()
        task, reading = asyncio.current_task(), self.stop.reading
        reading.add(task)
        try:
            body, more = await self.body_piece()
            if more:
                pieces = [body]
                while more:
                    body, more = await self.body_piece()
                    pieces.append(body)
                body = b"".join(pieces)
        finally:
            reading.discard(task)
        return body

    async def parsed(self, parse: Callable[[Exchange, bytes], T]) -> T:
        """What a parser makes of the body. Raises GatewayError for one that is nested too deeply: what can just be decoded
        may be too deep to be encoded as a part of something."""
        body = await self.body()
        try:
            return parse(self, body) if len(body) < LARGE else await aside(parse, self, body)
        except RecursionError:
            raise invalid("", "The request body is nested too deeply.", "invalid_json") from None

    def check_length(self) -> None:
        """Raises GatewayError where the client announces a body that is too large."""
        length = self.headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._body_left:
            raise self._too_large()

    async def body_piece(self) -> tuple[bytes, bool]:
        """(the next bytes of the body as they were sent, whether more follow). Raises GatewayError beyond the limit."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise GatewayError(Reason.CANCELLED, "The client went away while sending the request.")
        body: bytes = message.get("body", b"")
        self._body_left -= len(body)
        if self._body_left < 0:
            raise self._too_large()
        return body, message.get("more_body", False)

    def _too_large(self) -> GatewayError:
        limit = self._body_limit
        message = f"The request body is larger than {limit} bytes, the limit of this gateway ([server] max_body_bytes)."
        return GatewayError(Reason.REQUEST_TOO_LARGE, message, code="request_too_large")

    async def disconnected(self) -> None:
        """Returns when the client has disconnected. Waits for an upload; otherwise the body must have been read."""
        if self.uploaded is not None:
            await self.uploaded.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def start(self, status: int, content_type: bytes, headers: Mapping[str, str], length: int | None) -> None:
        raw: list[tuple[bytes, bytes]] = [(b"content-type", content_type), (b"x-request-id", self.request_id.encode())]
        own_header = self.api.server.request_id_header
        if own_header != b"x-request-id":
            raw.append((own_header, self.request_id.encode()))
        if length is not None:
            raw.append((b"content-length", b"%d" % length))
        raw += [(name.encode(), header_value(value)) for name, value in headers.items()]
        if ROUTE in self.headers and self.route is not None and self.headers[ROUTE] in WANTED:
            raw.append((ROUTE, header_value(route_text(self.route))))
        await self.begin(status, raw)

    async def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Start with these headers, and those of added."""
        self.status = status
        if self.added:
            headers = [*headers, *self.added]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, body: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def respond(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """The whole answer at once."""
        await self.start(status, JSON, headers, len(body))
        is_head = self.scope["method"] == "HEAD"
        await self.write(b"" if is_head else body, more=False)

    def query(self) -> Mapping[str, Any]:
        """The query's parameters; the last of a repeated one counts."""
        return dict(self._parameters())

    def query_values(self, name: str) -> Sequence[str]:
        """All that a parameter of the query has."""
        return [value for other, value in self._parameters() if other == name]

    def _parameters(self) -> Sequence[tuple[str, str]]:
        from urllib.parse import parse_qsl

        return parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True)


def fault(exchange: Exchange) -> GatewayError:
    """An exception of our own code, which is being handled: logged with its traceback, shown without it."""
    log.exception("request %s failed", exchange.request_id)
    return GatewayError(Reason.INTERNAL, f"The gateway failed. Report it with the request id {exchange.request_id}.")


def header_value(value: str) -> bytes:
    """What a header can carry: no control characters, and only those of the wire's alphabet."""
    return value.encode("latin-1", "replace").translate(HEADER_BYTES)


def answer_headers(route: RouteTrace, warnings: Sequence[Warning]) -> dict[str, str]:
    """Who answered, and what could not be done."""
    return route_headers(route) | warning_headers(warnings)


def route_headers(route: RouteTrace) -> dict[str, str]:
    """Who answered: x-model-used, x-fallback-from, x-dragoman-provider, x-dragoman-attempts; x-dragoman-call-id;
    and the provider's rate limits."""
    headers = {"x-dragoman-attempts": str(len(route.attempts))}
    if route.call_id:
        headers["x-dragoman-call-id"] = route.call_id
    if route.provider:
        headers["x-dragoman-provider"] = route.provider
        headers["x-model-used"] = f"{route.provider}/{route.model}"
    if route.fallback_from:
        headers["x-fallback-from"] = route.fallback_from
    headers.update(route.rate_limit_headers)
    return headers


def route_text(route: RouteTrace) -> str:
    """How a call was routed, as JSON on one line: which targets were considered, who was asked. Of many, the last are
    left out."""
    considered = [
        {name.name: value for name, value in target.ListFields() if name.name != "message" or target.excluded_by}
        for target in route.considered
    ]
    attempts = [
        {
            "provider": made.provider,
            "model": made.model,
            "status": made.status,
            "reason": made.reason,
            "ms": round(made.duration_ms),
        }
        for made in route.attempts
    ]
    found = {"requested": route.requested_model, "strategy": route.strategy or "ordered", "considered": considered}
    while True:
        text = json.dumps({**found, "attempts": attempts}, separators=(",", ":"))
        if len(text) <= LONGEST_ROUTE_HEADER or not (considered or attempts):
            return text
        (considered or attempts).pop()


def warning_headers(warnings: Sequence[Warning]) -> dict[str, str]:
    """x-dragoman-warnings: what was asked for and could not be done, divided by semicolons. Of warnings that differ in their
    indices alone the first is told, with the number of the others: an agent's history repeats them in every turn, and what
    stands behind them would be cut off."""
    if not warnings:
        return {}
    counts: dict[str, tuple[str, int]] = {}
    for warning in warnings:
        text = f"{warning.provider}: {warning.message}" if warning.provider else warning.message
        kind = INDEX.sub("[]", text)
        first, count = counts.get(kind, (text, 0))
        counts[kind] = (first, count + 1)
    texts = (f"{text} (and {count - 1} more)" if count > 1 else text for text, count in counts.values())
    return {"x-dragoman-warnings": "; ".join(texts)[:LONGEST_WARNINGS_HEADER]}
