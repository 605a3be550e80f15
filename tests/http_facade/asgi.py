"""The facade without a socket: a test calls the ASGI application itself, with a core in the same process or a stub."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Scope

from dragoman.v1.keys_pb2 import CheckKeyRequest, CheckKeyResponse
from gateway_cli.core import local_core
from http_facade.api import Api
from http_facade.app import create_app
from tests.http_facade.serving import settings_for

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub


class OpenStub:
    """A core that asks nobody for a key, for stubs that stand for one."""

    caller = "anonymous"

    def CheckKey(self, request: CheckKeyRequest, **_: Any) -> asyncio.Future[CheckKeyResponse]:  # noqa: N802
        call: asyncio.Future[CheckKeyResponse] = asyncio.get_running_loop().create_future()
        call.set_result(CheckKeyResponse(caller=self.caller, anonymous=self.caller == "anonymous"))
        return call


@dataclass
class Answer:
    """What was sent."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: list[bytes] = field(default_factory=list)
    is_complete: bool = False

    def json(self) -> Any:
        return json.loads(self.body)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
        else:
            self.pieces.append(message["body"])
            self.body += message["body"]
            self.is_complete = not message["more_body"]


async def ask(app: ASGIApp, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """The answer to one request, whose client stays until it is complete."""
    path, _, query = url.partition("?")
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
    }
    sent = iter([{"type": "http.request", "body": body}])
    answer = Answer()

    async def receive() -> Message:
        for message in sent:
            return message
        return cast("Message", await asyncio.get_running_loop().create_future())

    await app(scope, receive, answer.send)
    return answer


async def ask_apis(apis: Sequence[Api], requests: Sequence[tuple[Any, ...]]) -> list[Answer]:
    """The answers to requests, one after another, of a gateway that serves these APIs."""
    async with local_core(settings_for()) as core:
        app = create_app(core.stub, apis=apis)
        return [await ask(app, *request) for request in requests]


async def ask_stub(stub: object, *request: Any) -> Answer:
    return await ask(create_app(cast("GatewayServiceAsyncStub", stub)), *request)
