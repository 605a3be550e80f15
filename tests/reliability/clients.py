"""The clients of every served API and of gRPC, as they hear an answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import httpx

from dragoman.metadata import CALL_ID
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Message, Part, Role
from dragoman.v1.stream_pb2 import StreamRequest, StreamResponse
from http_facade.connect import failure_of
from tests.http_facade.apis.clients import CLIENTS, ApiClient, Json

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub


@dataclass
class Heard:
    """What a client heard of one answer."""

    status: int
    """Of HTTP; for gRPC the one that its error has there."""
    text: str = ""
    error: str = ""
    """Its message, of a whole answer or in a stream. Empty: there was none."""
    beginnings: int = 1
    """How often it was told that the answer begins."""
    endings: int = 1
    """How often it was told that the answer has ended well."""
    call_id: str = ""
    attempts: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Marks:
    """How an API says that an answer begins and has ended well."""

    begins: Callable[[Json], bool] | None
    """None: it does not say so."""
    ends: Callable[[Json], bool]


def chat_begins(event: Json) -> bool:
    return any((choice.get("delta") or {}).get("role") for choice in event.get("choices", []))


def chat_ends(event: Json) -> bool:
    return any(choice.get("finish_reason") not in (None, "error") for choice in event.get("choices", []))


CHAT = Marks(chat_begins, chat_ends)
MARKS: Mapping[str, Marks] = {
    **dict.fromkeys(("openai", "azure", "mistral"), CHAT),
    # Each chunk of OpenRouter's has the role.
    "openrouter": Marks(None, chat_ends),
    "openai-completions": Marks(None, chat_ends),
    "anthropic": Marks(lambda event: event["type"] == "message_start", lambda event: event["type"] == "message_stop"),
    "gemini": Marks(None, lambda event: any("finishReason" in one for one in event.get("candidates", []))),
    "cohere": Marks(
        lambda event: event["type"] == "message-start",
        lambda event: event["type"] == "message-end" and event["delta"]["finish_reason"] != "ERROR",
    ),
    "openai-responses": Marks(
        lambda event: event["type"] == "response.created", lambda event: event["type"] == "response.completed"
    ),
}
DONE = "[DONE]"
GRPC = "gRPC"


@dataclass(frozen=True)
class HttpCaller:
    """Asks as a client of one API does."""

    api: ApiClient
    http: httpx.AsyncClient

    @property
    def name(self) -> str:
        return self.api.name

    async def ask(self, model: str, stream: bool) -> Heard:
        api = self.api
        body = api.body("Hi", model, stream)
        request = self.http.build_request("POST", api.path(model, stream), json=body, headers=api.headers)
        answer = await self.http.send(request, stream=True)
        received = await read(answer)
        heard = Heard(
            answer.status_code,
            call_id=answer.headers["x-dragoman-call-id"],
            attempts=int(answer.headers["x-dragoman-attempts"]),
            headers=answer.headers,
        )
        if answer.status_code != 200:
            heard.error = api.error(json.loads(received))[1]
        elif stream:
            self._hear(received, heard)
        else:
            heard.text = api.text(json.loads(received))
        return heard

    def _hear(self, received: str, heard: Heard) -> None:
        lines = [line.removeprefix("data: ") for line in received.splitlines() if line.startswith(("data: ", "{"))]
        events: list[Json] = [json.loads(line) for line in lines if line != DONE]
        marks = MARKS[self.api.name]
        try:
            heard.error = self.api.error(events[-1])[1]
        except (KeyError, AssertionError, TypeError):
            heard.text = self._said(events)
        else:
            heard.text = self._said([event for event in events[:-1] if not is_error(event)])
        heard.beginnings = sum(map(marks.begins, events)) if marks.begins else 1
        heard.endings = sum(map(marks.ends, events))

    def _said(self, events: list[Json]) -> str:
        return "".join(self.api.piece(event) for event in events)


def is_error(event: Json) -> bool:
    """The first of the two events with which the Responses API fails."""
    return event.get("type") == "error"


async def read(answer: httpx.Response) -> str:
    """All that comes: some APIs break off after an error."""
    pieces = []
    try:
        async for piece in answer.aiter_bytes():
            pieces.append(piece)
    except httpx.RemoteProtocolError:
        pass
    finally:
        await answer.aclose()
    return b"".join(pieces).decode()


@dataclass(frozen=True)
class GrpcCaller:
    stub: GatewayServiceAsyncStub
    name: str = GRPC

    async def ask(self, model: str, stream: bool) -> Heard:
        chat = ChatRequest(model=model, messages=[Message(role=Role.ROLE_USER, parts=[Part(text="Hi")])])
        call: Any = self.stub.Stream(StreamRequest(chat=chat)) if stream else self.stub.Chat(chat)
        heard = Heard(200, beginnings=int(not stream), endings=int(not stream))
        try:
            if stream:
                async for batch in call:
                    take(batch, heard)
            else:
                answer = await call
                heard.text = answer.candidates[0].parts[0].text
        except grpc.aio.AioRpcError as error:
            failure = failure_of(error)
            heard.error = failure.message
            if not heard.text:
                heard.status = failure.http_status
        sent = [*(await call.initial_metadata()), *(await call.trailing_metadata())]
        heard.call_id = next(str(value) for name, value in sent if name == CALL_ID)
        return heard


def take(batch: StreamResponse, heard: Heard) -> None:
    for event in batch.events:
        heard.beginnings += event.HasField("started")
        heard.endings += event.HasField("finished")
        heard.text += event.part_started.part.text + event.part_delta.text


Caller = HttpCaller | GrpcCaller


def callers(http: httpx.AsyncClient, stub: GatewayServiceAsyncStub) -> list[Caller]:
    return [*(HttpCaller(client, http) for client in CLIENTS), GrpcCaller(stub)]
