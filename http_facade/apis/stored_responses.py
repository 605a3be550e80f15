"""Responses that the core stores for the client that made them."""

from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from typing import TypeVar
from urllib.parse import quote

import grpc

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.proxy_pb2 import ProxyHead, ProxyRequest, ProxyResponse
from dragoman.v1.records_pb2 import DeleteRecordRequest, GetRecordRequest, ListRecordsRequest, PutRecordRequest, Record
from gateway_dialects.kit.json import Json, decode_body
from gateway_dialects.openai_responses import CLIENT
from gateway_dialects.openai_responses.stored import LONGEST_ID, MOST_PARTS, Stored, unpack
from http_facade.connect import failure_of
from http_facade.core import Core
from http_facade.exchange import Exchange
from http_facade.proxy import head_of

AnswerT = TypeVar("AnswerT")
KIND = "response"


class StoredResponses:
    """Every method raises GatewayError."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # Unwatched: what a client asked for is also stored when it has gone away.
        self._ask = partial(core.ask, watched=False)

    async def put(self, stored: Stored, previous_response_id: str, exchange: Exchange) -> GatewayError | None:
        """Store a response. Returns why that failed; None: it did not."""
        record = Record(kind=KIND, id=stored.response_id, parent_id=previous_response_id, json=stored.pack())
        record.part_ids.extend(stored.part_ids())
        try:
            await self._ask(self._core.stub.PutRecord, PutRecordRequest(record=record), exchange)
        except grpc.aio.AioRpcError as error:
            return failure_of(error)
        return None

    async def one(self, response_id: str, exchange: Exchange) -> Stored:
        """404 when there is none."""
        return (await self._chain(response_id, exchange, whole=False))[0][0]

    async def chain(self, response_id: str, exchange: Exchange) -> tuple[Sequence[Stored], str]:
        """The response and what it continues, oldest first; and the id of one before them that was deleted, or nothing."""
        chain, missing = await self._chain(response_id, exchange, whole=True)
        return chain[::-1], missing

    async def current(self, response_id: str, exchange: Exchange) -> Stored:
        """The same, with what its provider has made of it in the background."""
        stored = await self.one(response_id, exchange)
        return await self.refreshed(stored, exchange) if stored.provider else stored

    async def refreshed(self, stored: Stored, exchange: Exchange, *, cancel: bool = False) -> Stored:
        """A response that its provider makes in the background, as it is now or when it was cancelled. It is stored again
        when it is complete."""
        path = f"responses/{quote(stored.response_id, safe='')}"
        wanted = ProxyRequest(provider=stored.provider, method="GET", path=path)
        if cancel:
            wanted.method, wanted.path = "POST", f"{path}/cancel"
        head, body = await about(stored.response_id, self._provider_answer(wanted, exchange))
        if head.status != 200:
            raise CLIENT.chat.decode_error(head.status, {field.name: field.value for field in head.headers}, body)
        fresh = stored.refreshed(decode_body(body))
        if not fresh.provider:
            await self.put(fresh, fresh.response.get("previous_response_id") or "", exchange)
        return fresh

    async def _provider_answer(self, wanted: ProxyRequest, exchange: Exchange) -> tuple[ProxyHead, bytes]:
        """What the provider answers."""
        call = self._core.proxy(wanted, exchange)
        try:
            with self._core.watch(call, exchange):
                head = await head_of(call)
                pieces = []
                while isinstance(message := await call.read(), ProxyResponse):
                    pieces.append(message.body)
                return head, b"".join(pieces)
        finally:
            call.cancel()

    async def delete(self, response_id: str, exchange: Exchange) -> None:
        check_id(response_id)
        await about(
            response_id, self._ask(self._core.stub.DeleteRecord, DeleteRecordRequest(kind=KIND, id=response_id), exchange)
        )

    async def items(self, item_ids: Sequence[str], exchange: Exchange) -> Mapping[str, Json]:
        """The items of stored responses that have these ids, as far as there are any."""
        found: dict[str, Json] = {}
        # The newest mostly holds all that its client refers to: the conversation.
        request = ListRecordsRequest(kind=KIND, page_size=2)
        request.part_ids.extend([item_id for item_id in item_ids if 1 <= len(item_id) <= LONGEST_ID][:MOST_PARTS])
        while request.part_ids:
            page = await self._ask(self._core.stub.ListRecords, request, exchange)
            for record in page.records:
                # The newest come first: what they hold counts.
                found = {**dict(unpack(record.json).referable()), **found}
            request.page_token, request.page_size = page.next_page_token, 0
            if not page.next_page_token or found.keys() >= set(request.part_ids):
                break
        return {item_id: found[item_id] for item_id in item_ids if item_id in found}

    async def _chain(self, response_id: str, exchange: Exchange, *, whole: bool) -> tuple[Sequence[Stored], str]:
        check_id(response_id)
        request = GetRecordRequest(kind=KIND, id=response_id, with_ancestors=whole)
        answer = await about(response_id, self._ask(self._core.stub.GetRecord, request, exchange))
        return [unpack(record.json) for record in (answer.record, *answer.ancestors)], answer.missing_ancestor_id


def check_id(response_id: str) -> None:
    if len(response_id) > LONGEST_ID:
        raise not_found(response_id)


async def about(response_id: str, answer: Awaitable[AnswerT]) -> AnswerT:
    """What the core answers when it is asked about a response."""
    try:
        return await answer
    except grpc.aio.AioRpcError as error:
        failure = failure_of(error)
    # Its field is one of the contract's, of which the client knows nothing.
    failure.field = ""
    raise not_found(response_id) if failure.reason is Reason.RECORD_NOT_FOUND else failure


def not_found(response_id: str) -> GatewayError:
    message = f"Response with id '{response_id[:LONGEST_ID]}' not found."
    return GatewayError(Reason.RECORD_NOT_FOUND, message, code="response_not_found")
