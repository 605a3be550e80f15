"""Keeping what answers took, with a core whose store is as slow as a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, cast

import pytest
from starlette.types import ASGIApp, Message

from dragoman.v1.chat_pb2 import FINISH_REASON_STOP, ChatRequest, ChatResponse
from dragoman.v1.records_pb2 import GetRecordRequest, GetRecordResponse, PutRecordRequest, PutRecordResponse, Record
from http_facade.app import create_app
from http_facade.generations import MOST_AT_ONCE

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

CHAT = "/api/v1/chat/completions"


class SlowStore:
    """A core that answers at once, and keeps nothing before it may."""

    def __init__(self, seen: list[str]) -> None:
        self.seen = seen
        self.may_keep = asyncio.Event()
        self.crowded = asyncio.Event()
        """MOST_AT_ONCE have come."""
        self.records: dict[str, Record] = {}

    def Chat(self, request: ChatRequest, **_: Any) -> asyncio.Future[ChatResponse]:  # noqa: N802
        answer = ChatResponse(model="m")
        answer.candidates.add(finish_reason=FINISH_REASON_STOP).parts.add(text="Hi")
        answer.route.provider = "demo"
        call: asyncio.Future[ChatResponse] = asyncio.get_running_loop().create_future()
        call.set_result(answer)
        return call

    async def PutRecord(self, request: PutRecordRequest, **_: Any) -> PutRecordResponse:  # noqa: N802
        self.seen.append("put")
        if self.seen.count("put") == MOST_AT_ONCE:
            self.crowded.set()
        await self.may_keep.wait()
        self.records[request.record.id] = request.record
        return PutRecordResponse()

    async def GetRecord(self, request: GetRecordRequest, **_: Any) -> GetRecordResponse:  # noqa: N802
        return GetRecordResponse(record=self.records[request.id])


class Client:
    """One request to the facade, without a socket between."""

    def __init__(self, app: ASGIApp, seen: list[str]) -> None:
        self._app = app
        self._seen = seen
        self.answered = asyncio.Event()
        self.body = b""

    async def ask(self, path: str) -> None:
        await self._send("POST", path, b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}')

    async def get(self, path: str, query: bytes) -> None:
        await self._send("GET", path, b"", query)

    async def _send(self, method: str, path: str, body: bytes, query: bytes = b"") -> None:
        scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": [], "root_path": ""}

        async def receive() -> Message:
            return {"type": "http.request", "body": body}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body" and not message["more_body"]:
                self._seen.append("answered")
                self.body = message["body"]
                self.answered.set()

        await self._app(scope, receive, send)

    def answer(self) -> Any:
        return json.loads(self.body)


Play = Callable[[SlowStore, Callable[[], Client]], Coroutine[Any, Any, None]]


def played(play: Play) -> list[str]:
    """What happened, in order."""
    seen: list[str] = []

    async def main() -> None:
        store = SlowStore(seen)
        app = create_app(cast("GatewayServiceAsyncStub", store))
        await play(store, lambda: Client(app, seen))

    asyncio.run(main())
    return seen


def test_the_answer_does_not_wait_and_the_stop_does() -> None:
    async def play(store: SlowStore, client: Callable[[], Client]) -> None:
        asking = client()
        request = asyncio.create_task(asking.ask(CHAT))
        await asking.answered.wait()
        assert not store.records
        store.may_keep.set()
        # What the server waits for when it stops.
        await request
        assert list(store.records) == [asking.answer()["id"]]

    assert played(play) == ["answered", "put"]


def test_who_asks_before_it_is_kept_waits_for_it() -> None:
    async def play(store: SlowStore, client: Callable[[], Client]) -> None:
        asking, getting = client(), client()
        request = asyncio.create_task(asking.ask(CHAT))
        await asking.answered.wait()
        query = b"id=" + asking.answer()["id"].encode()
        lookup = asyncio.create_task(getting.get("/api/v1/generation", query))
        store.may_keep.set()
        await asyncio.gather(request, lookup)
        assert getting.answer()["data"]["id"] == asking.answer()["id"]

    assert played(play) == ["answered", "put", "answered"]


def test_what_comes_while_the_store_is_late_does_not_pile_up(caplog: pytest.LogCaptureFixture) -> None:
    async def play(store: SlowStore, client: Callable[[], Client]) -> None:
        requests = [asyncio.create_task(client().ask(CHAT)) for _ in range(MOST_AT_ONCE)]
        await store.crowded.wait()
        for _ in range(3):
            more = client()
            await more.ask(CHAT)
            assert more.answer()["model"] == "m"
        store.may_keep.set()
        await asyncio.gather(*requests)
        assert len(store.records) == MOST_AT_ONCE
        await client().ask(CHAT)
        assert len(store.records) == MOST_AT_ONCE + 1

    played(play)
    assert [record.getMessage() for record in caplog.records] == [
        f"generations that were not kept: 1; the last because {MOST_AT_ONCE} others are being kept"
    ]


def test_others_do_not_pay_for_it() -> None:
    async def play(store: SlowStore, client: Callable[[], Client]) -> None:
        for path in ("/v1/chat/completions", "/chat/completions"):
            await client().ask(path)

    assert played(play) == ["answered", "answered"]
