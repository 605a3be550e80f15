"""The endpoints of the OpenAI face: parse, call the core, render."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import grpc

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.models_pb2 import ListModelsRequest, ListModelsResponse
from dragoman.v1.routing_pb2 import RouteTrace, Warning
from dragoman.v1.stream_pb2 import StreamRequest, StreamResponse
from http_facade.calls import KeepAlive, Watch, Watches
from http_facade.connect import failure_of, route_headers
from http_facade.exchange import EVENT_STREAM, Exchange
from http_facade.faces.failure import Failure
from http_facade.faces.openai.chunks import ChunkRenderer
from http_facade.faces.openai.errors import render_error_event
from http_facade.faces.openai.models import render_model, render_models
from http_facade.faces.openai.parse import ParsedChat, parse_chat
from http_facade.faces.openai.render import render_chat

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

LONGEST_WARNINGS_HEADER = 2000


@dataclass(frozen=True, slots=True)
class Limits:
    """What the facade allows a request. Sizes in bytes, times in seconds."""

    body_bytes: int = 50_000_000
    header_bytes: int = 65_536
    timeout_s: float | None = 600.0
    """How long an answer is waited for; None: the core alone decides."""
    keep_alive_s: float = 15.0
    """Silence after which a stream gets a comment; 0: never."""


Endpoint = Callable[[Exchange], Awaitable[None]]
"""Answers one request. Raises Failure or grpc.aio.AioRpcError before the answer has begun, ClientGone at any time."""


class ChatCompletions:
    """POST /v1/chat/completions."""

    def __init__(self, stub: GatewayServiceAsyncStub, limits: Limits) -> None:
        self._stub = stub
        self._limits = limits
        self._watches = Watches()

    async def __call__(self, exchange: Exchange) -> None:
        parsed = parse_chat(await exchange.body(self._limits.body_bytes))
        if exchange.header(b"x-dragoman-strict") in ("true", "1"):
            parsed.chat.strict = True
        if parsed.stream:
            await self._stream(parsed, exchange)
        else:
            await self._whole(parsed.chat, exchange)

    async def _whole(self, chat: ChatRequest, exchange: Exchange) -> None:
        call = self._stub.Chat(chat, timeout=self._limits.timeout_s, metadata=call_metadata(exchange))
        with Watch(exchange, call, self._watches):
            answer = await call
        note(exchange, answer.route)
        if answer.HasField("usage"):
            exchange.details["tokens"] = f"{answer.usage.input_tokens}+{answer.usage.output_tokens}"
        body = render_chat(answer, f"chatcmpl-{exchange.request_id}", int(time.time()))
        await exchange.respond(200, body, answer_headers(answer.route, answer.warnings))

    async def _stream(self, parsed: ParsedChat, exchange: Exchange) -> None:
        """Until the first batch is here nothing has been answered, so an early failure keeps its HTTP status."""
        call = self._stub.Stream(
            StreamRequest(chat=parsed.chat), timeout=self._limits.timeout_s, metadata=call_metadata(exchange)
        )
        try:
            with Watch(exchange, call, self._watches):
                first = await call.read()
                if not isinstance(first, StreamResponse) or not first.events:
                    raise Failure(502, "STREAM_INTERRUPTED", "the core ended the stream before it began")
                await self._relay(parsed, first, call, exchange)
        finally:
            call.cancel()

    async def _relay(
        self,
        parsed: ParsedChat,
        batch: StreamResponse,
        call: grpc.aio.UnaryStreamCall[StreamRequest, StreamResponse],
        exchange: Exchange,
    ) -> None:
        started = batch.events[0].started
        note(exchange, started.route)
        renderer = ChunkRenderer(
            include_usage=parsed.include_usage, fallback_id=f"chatcmpl-{exchange.request_id}", now=int(time.time())
        )
        headers = {**answer_headers(started.route, started.warnings), "cache-control": "no-cache", "x-accel-buffering": "no"}
        await exchange.start(200, EVENT_STREAM, headers, None)
        keep_alive = KeepAlive(self._limits.keep_alive_s, lambda comment: exchange.write(comment, more=True))
        try:
            following: object = batch
            while isinstance(following, StreamResponse):
                await exchange.write(renderer.render(following), more=True)
                keep_alive.touch()
                following = await call.read()
        except grpc.aio.AioRpcError as error:
            failure = failure_of(error)
            exchange.details["error"] = failure.reason
            await exchange.write(render_error_event(failure), more=True)
        finally:
            keep_alive.stop()
        await exchange.write(b"", more=False)


class Models:
    """GET /v1/models, ?provider= filters; GET /v1/models/{model}, whose id may hold slashes, escaped or not."""

    def __init__(self, stub: GatewayServiceAsyncStub, limits: Limits) -> None:
        self._stub = stub
        self._limits = limits
        self._watches = Watches()

    async def __call__(self, exchange: Exchange) -> None:
        answer = await self._ask(exchange, ListModelsRequest(provider=exchange.query().get("provider", "")))
        await exchange.respond(200, render_models(answer), warning_headers(answer.warnings))

    async def one(self, exchange: Exchange) -> None:
        answer = await self._ask(exchange, ListModelsRequest(model=exchange.scope["path_params"]["model"]))
        await exchange.respond(200, render_model(answer.models[0]), {})

    async def _ask(self, exchange: Exchange, wanted: ListModelsRequest) -> ListModelsResponse:
        call = self._stub.ListModels(wanted, timeout=self._limits.timeout_s, metadata=call_metadata(exchange))
        with Watch(exchange, call, self._watches):
            return await call


def call_metadata(exchange: Exchange) -> tuple[tuple[str, str], ...]:
    """What the core needs of the HTTP request: its id and the client's key."""
    key = exchange.header(b"authorization")
    if key is None:
        return (("x-request-id", exchange.request_id),)
    if not (key.isascii() and key.isprintable()):
        # gRPC carries printable ASCII only. No gateway key has other characters, and in this form it is none either.
        key = quote(key)
    return (("x-request-id", exchange.request_id), ("authorization", key))


def note(exchange: Exchange, route: RouteTrace) -> None:
    """Tell the access log who answered."""
    exchange.details.update(model=f"{route.provider}/{route.model}", attempts=len(route.attempts))


def answer_headers(route: RouteTrace, warnings: Iterable[Warning]) -> dict[str, str]:
    return {**route_headers(route), **warning_headers(warnings)}


def warning_headers(warnings: Iterable[Warning]) -> Mapping[str, str]:
    """x-dragoman-warnings: what was asked for and could not be done, one after another."""
    texts = [told(warning) for warning in warnings]
    return {"x-dragoman-warnings": "; ".join(texts)[:LONGEST_WARNINGS_HEADER]} if texts else {}


def told(warning: Warning) -> str:
    return f"{warning.provider}: {warning.message}" if warning.provider else warning.message
