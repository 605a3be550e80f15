"""The metadata that the facade sends with the core's calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import FINISH_REASON_STOP, ChatRequest, ChatResponse
from tests.http_facade.apis.clients import CLIENTS, OPENROUTER, ApiClient
from tests.http_facade.asgi import Answer, OpenStub, ask_stub

CALL_ID = "0190163d8694739bbea4b3e4d4f3a1c2"


class Stub(OpenStub):
    """A core that answers every chat with the same text. Pages of other sites may ask one that has keys alone."""

    caller = "tests"

    def __init__(self) -> None:
        self.metadata: list[tuple[str, str]] = []

    def Chat(self, request: ChatRequest, *, metadata: Any, **_: Any) -> asyncio.Future[ChatResponse]:  # noqa: N802
        self.metadata = metadata
        answer = ChatResponse(id="upstream-1", model="m")
        answer.candidates.add(finish_reason=FINISH_REASON_STOP).parts.add(text="Hi")
        answer.route.provider, answer.route.model, answer.route.call_id = "demo", "m", CALL_ID
        call: asyncio.Future[ChatResponse] = asyncio.get_running_loop().create_future()
        call.set_result(answer)
        return call


def asked(client: ApiClient, stub: Stub, headers: Mapping[str, str], **fields: Any) -> Answer:
    body = json.dumps({**client.body("Hi", "demo/echo", False), **fields}).encode()
    return asyncio.run(ask_stub(stub, "POST", client.path("demo/echo", False), body, {**client.headers, **headers}))


@pytest.mark.parametrize("client", CLIENTS, ids=str)
def test_the_api_and_the_id_of_the_call(client: ApiClient) -> None:
    stub = Stub()
    answer = asked(client, stub, {}, **({"store": False} if client.name == "openai-responses" else {}))
    assert answer.status == 200, answer.body
    assert dict(stub.metadata)["x-dragoman-api"] == client.name
    assert answer.headers["x-dragoman-call-id"] == CALL_ID


SAID = {"http-referer": "https://notes.example", "origin": "https://o.example", "user-agent": "notes/1"}
TAGS = {
    "http-referer": "https://notes.example",
    "x-dragoman-origin": "https://o.example",
    "x-dragoman-user-agent": "notes/1",
    "x-dragoman-user": "u-1",
    "x-dragoman-session": "s-1",
}


def test_the_tags_of_openrouters_chats() -> None:
    stub = Stub()
    answer = asked(OPENROUTER, stub, SAID, user="u-1", session_id="s-1")
    assert TAGS.items() <= dict(stub.metadata).items()
    assert [name for name, _ in stub.metadata].count("http-referer") == 1
    assert answer.json()["id"] == f"gen-{CALL_ID}"


def test_a_tag_is_cut_and_cannot_break_the_metadata() -> None:
    stub = Stub()
    asked(OPENROUTER, stub, {"origin": "x" * 1000}, user="a\nb\u00e9")
    metadata = dict(stub.metadata)
    assert (metadata["x-dragoman-origin"], metadata["x-dragoman-user"]) == ("x" * 256, "a%0Ab%C3%A9")


def test_other_apis_send_no_tags() -> None:
    for client in CLIENTS:
        stub = Stub()
        asked(client, stub, SAID)
        names = {name for name, _ in stub.metadata}
        assert names.isdisjoint(TAGS.keys() - {"http-referer"}) or client.name == "openrouter"


def test_nobody_sets_them_by_http_headers() -> None:
    stub = Stub()
    asked(CLIENTS[0], stub, {"x-dragoman-api": "forged", "x-dragoman-user": "forged"})
    assert "forged" not in dict(stub.metadata).values()
