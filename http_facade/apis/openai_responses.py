"""OpenAI's Responses API: creating, getting, deleting and continuing stored responses."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import grpc

from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.routing_pb2 import Warning
from dragoman.v1.tokens_pb2 import CountTokensRequest
from gateway_dialects.kit.fields import parse_object
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.kit.server import ServedChat
from gateway_dialects.openai_responses import SERVER
from gateway_dialects.openai_responses import stored as storing
from gateway_dialects.openai_responses.parse_request import ParsedCreate, parse_create, previous_response_id, references_in
from gateway_dialects.openai_responses.render_response import render_token_count, response_object
from gateway_dialects.openai_responses.render_stream import ChunkRenderer
from http_facade.api import Api, Factory
from http_facade.apis.stored_responses import StoredResponses
from http_facade.chat import prepare, relay
from http_facade.connect import failure_of
from http_facade.core import Core
from http_facade.exchange import Exchange, answer_headers

PREFIXES = ("/v1", "/openai/v1", "/api/v1", "/openai", "")
"""OpenAI's, Azure's newer one, OpenRouter's, Azure's older one, and that of clients which leave the version out."""


@dataclass(frozen=True, slots=True)
class Created:
    """A request to create a response, with all that it refers to."""

    parsed: ParsedCreate
    items: list[Json]
    """Its own input, as it is stored."""
    unknown: Sequence[str]
    """The ids of items that it refers to and that are not stored here. Its provider may know them."""
    elsewhere: str
    """Stored.elsewhere."""

    def stored(self, response: Json, provider: str) -> storing.Stored:
        return storing.Stored(response, self.items, self.elsewhere, provider if storing.is_unfinished(response) else "")


class Responses:
    """The endpoints, each of which answers one request."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._stored = StoredResponses(core)

    async def _read(self, exchange: Exchange) -> Created:
        """A request, and what it refers to. Raises GatewayError, and grpc.aio.AioRpcError where the core cannot read it."""
        fields = await exchange.parsed(lambda _, body: parse_object(body))
        earlier = await self._earlier(previous_response_id(fields), exchange)
        given = fields.get("input")
        references = references_in([item for item in given if isinstance(item, dict)] if isinstance(given, list) else [])
        refuse_doubles(references, earlier)
        known = await self._stored.items(references, exchange)
        conversation = [item for stored in earlier for item in stored.conversation()]
        parsed = await exchange.parsed(lambda *_: parse_create(fields, earlier=conversation, known=known))
        prepare(parsed.chat, exchange)
        unknown = [item_id for item_id in references if item_id not in known]
        return Created(parsed, storing.resolved(parsed.items, known), unknown, storing.elsewhere_in(fields))

    async def _earlier(self, response_id: str, exchange: Exchange) -> list[storing.Stored]:
        if not response_id:
            return []
        try:
            chain, missing = await self._stored.chain(response_id, exchange)
        except GatewayError as failure:
            if failure.http_status == 404:
                raise lost(f"Previous response with id '{response_id}' not found.") from None
            if failure.http_status in (400, 413):
                failure.field = "previous_response_id"
            raise
        if missing:
            raise lost(f"Response '{response_id}' continues '{missing}', which is no longer stored.")
        for stored in chain:
            refuse_elsewhere(stored)
        return [await self._finished(stored, exchange) if stored.provider else stored for stored in chain]

    async def _finished(self, stored: storing.Stored, exchange: Exchange) -> storing.Stored:
        fresh = await self._stored.refreshed(stored, exchange)
        if fresh.provider:
            message = f"Response '{stored.response_id}' is {fresh.response['status']}: continue it when it is complete."
            raise invalid("previous_response_id", message)
        return fresh

    async def create(self, exchange: Exchange) -> None:
        created = await self._read(exchange)
        # Not of the request's id, which a client may give to several.
        fallback_id, now = f"resp_{secrets.token_hex(24)}", int(time.time())
        answer = self._stream if created.parsed.stream else self._answer
        try:
            await answer(created, fallback_id, now, exchange)
        except grpc.aio.AioRpcError as error:
            raise explained(failure_of(error), created) from None

    async def _answer(self, created: Created, fallback_id: str, now: int, exchange: Exchange) -> None:
        answer = await self._core.chat(created.parsed.chat, exchange)
        exchange.route, exchange.answers = answer.route, (answer,)
        response = response_object(answer, created.parsed.echo, fallback_id, now)
        warnings = [*answer.warnings, *await self._store(created, response, exchange, answer.route.provider)]
        await exchange.respond(200, encode_json(response), answer_headers(answer.route, warnings))

    async def _stream(self, created: Created, fallback_id: str, now: int, exchange: Exchange) -> None:
        renderer = ChunkRenderer(echo=created.parsed.echo, fallback_id=fallback_id, now=now, holds_end=True)

        async def end() -> bytes:
            await self._store(created, renderer.response, exchange)
            return renderer.end()

        served = ServedChat(created.parsed.chat, lambda answer: b"", lambda: renderer)
        await relay(self._core, self._core.stream(served.chat, exchange), served, exchange, end)

    async def _store(self, created: Created, response: Json, exchange: Exchange, provider: str = "") -> list[Warning]:
        """An answer that cannot be stored is given nevertheless, with store false. provider: who answered."""
        if not created.parsed.store:
            return []
        failure = await self._stored.put(created.stored(response, provider), created.parsed.previous_response_id, exchange)
        if failure is None:
            return []
        response["store"] = False
        exchange.details["not_stored"] = failure.reason
        return [Warning(field="store", message=f"the response was not stored: {failure.message}")]

    async def get(self, exchange: Exchange) -> None:
        if exchange.query().get("stream", "false").lower() not in ("false", "0"):
            raise invalid("stream", "A response cannot be streamed later, not even one that is made in the background.")
        found = await self._stored.current(exchange.path_param("response_id"), exchange)
        await exchange.respond(200, encode_json(found.response), {})

    async def delete(self, exchange: Exchange) -> None:
        response_id = exchange.path_param("response_id")
        await self._stored.delete(response_id, exchange)
        await exchange.respond(200, storing.render_deleted(response_id), {})

    async def cancel(self, exchange: Exchange) -> None:
        """Only a response that its provider makes in the background can be cancelled."""
        found = await self._stored.one(exchange.path_param("response_id"), exchange)
        if not found.provider:
            raise invalid("", "Cannot cancel a synchronous response.")
        fresh = await self._stored.refreshed(found, exchange, cancel=True)
        await exchange.respond(200, encode_json(fresh.response), {})

    async def list_input_items(self, exchange: Exchange) -> None:
        limit, order, after = read_page(exchange)
        chain, _ = await self._stored.chain(exchange.path_param("response_id"), exchange)
        await exchange.respond(
            200, storing.render_page(storing.whole_input(chain), limit=limit, order=order, after=after), {}
        )

    async def count_tokens(self, exchange: Exchange) -> None:
        """x-dragoman-estimated: true means that no provider counted."""
        created = await self._read(exchange)
        for item_id in created.unknown:
            raise lost_item(item_id, {})
        request = CountTokensRequest(chat=created.parsed.chat)
        answer = await self._core.ask(self._core.stub.CountTokens, request, exchange)
        headers = {"x-dragoman-estimated": "true"} if answer.estimated else {}
        await exchange.respond(200, render_token_count(answer.input_tokens), headers)


def refuse_elsewhere(stored: storing.Stored) -> None:
    if stored.elsewhere:
        message = (
            f"Response '{stored.response_id}' was created with '{stored.elsewhere}', which only its provider stores: send"
            " the conversation instead of continuing it."
        )
        raise invalid("previous_response_id", message)


def lost(message: str) -> GatewayError:
    code = "previous_response_not_found"
    return GatewayError(Reason.RECORD_NOT_FOUND, message, field="previous_response_id", code=code)


def refuse_doubles(references: list[str], earlier: list[storing.Stored]) -> None:
    there = {item_id for stored in earlier for item_id, _ in stored.identified()}
    for item_id in references:
        if item_id in there:
            message = f"Duplicate item found with id {item_id}. Remove duplicate items from your input and try again."
            raise invalid("input", message)


def explained(failure: GatewayError, created: Created) -> GatewayError:
    """A reference that the target cannot follow is content that it does not understand; to the client it is not there."""
    if failure.reason != "UNSUPPORTED" or not failure.field.startswith("messages[") or not created.unknown:
        return failure
    return lost_item(created.unknown[0], failure.headers)


def lost_item(item_id: str, headers: Mapping[str, str]) -> GatewayError:
    message = f"Item with id '{item_id}' not found: no response that is stored here holds it. Send the item itself."
    return GatewayError(Reason.RECORD_NOT_FOUND, message, field="input", code="item_not_found", headers=headers)


def read_page(exchange: Exchange) -> tuple[int, str, str]:
    """(limit, order, after) of a list. Raises GatewayError 400."""
    query = exchange.query()
    limit, order = query.get("limit", str(storing.LISTED)), query.get("order", "desc")
    if not (limit.isascii() and limit.isdecimal() and len(limit) < 9 and 1 <= int(limit) <= storing.LISTED_AT_MOST):
        raise invalid("limit", f"Invalid value for 'limit': {limit!r}. Use 1 to {storing.LISTED_AT_MOST}.")
    if order not in ("asc", "desc"):
        raise invalid("order", f"Invalid value for 'order': {order!r}. Use 'asc' or 'desc'.")
    return int(limit), order, query.get("after", "")


def endpoint(answer: Callable[[Responses, Exchange], Awaitable[None]]) -> Factory:
    return lambda core, api: partial(answer, Responses(core))


ENDPOINTS: Mapping[str, Mapping[str, Factory]] = {
    "": {"POST": endpoint(Responses.create)},
    "/input_tokens": {"POST": endpoint(Responses.count_tokens)},
    "/{response_id}": {"GET": endpoint(Responses.get), "DELETE": endpoint(Responses.delete)},
    "/{response_id}/cancel": {"POST": endpoint(Responses.cancel)},
    "/{response_id}/input_items": {"GET": endpoint(Responses.list_input_items)},
}

API = Api(
    name="openai-responses",
    title="OpenAI Responses",
    server=SERVER,
    more={f"{prefix}/responses{path}": endpoints for prefix in PREFIXES for path, endpoints in ENDPOINTS.items()},
)
