"""Requests and answers that take long to read: others are served meanwhile. What would be long is held up until they are."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import ParamSpec, TypeVar

import pytest

from dragoman.aside import LARGE
from gateway_cli.core import local_core
from gateway_core.execution import attempt
from gateway_core.providers.registry import DIALECTS
from gateway_dialects.kit.dialect import Dialect
from gateway_dialects.kit.fields import parse_object
from http_facade.api import Api
from http_facade.apis import APIS
from http_facade.app import create_app
from tests.http_facade.apis.clients import CLIENTS, OPENAI, ApiClient
from tests.http_facade.asgi import ask
from tests.http_facade.serving import settings_for
from tests.upstream import WAIT_S

P = ParamSpec("P")
T = TypeVar("T")


class Obstacle:
    """Holds up whoever comes to it with something large."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.gone = threading.Event()

    def before(self, work: Callable[P, T]) -> Callable[P, T]:
        def held_up(*args: P.args, **kwargs: P.kwargs) -> T:
            if any(len(given) >= LARGE if isinstance(given, bytes) else is_large(given) for given in args):
                self.reached.set()
                assert self.gone.wait(WAIT_S)
            return work(*args, **kwargs)

        return held_up


def is_large(given: object) -> bool:
    size = getattr(given, "ByteSize", None)
    return size is not None and size() >= LARGE


async def served_meanwhile(client: ApiClient, obstacle: Obstacle, apis: list[Api], *, stream: bool) -> None:
    async with local_core(settings_for()) as core:
        app = create_app(core.stub, apis=apis)

        def asked(text: str) -> asyncio.Task[object]:
            body = json.dumps(client.body(text, "demo/echo", stream)).encode()
            return asyncio.create_task(checked(ask(app, "POST", client.path("demo/echo", stream), body, client.headers)))

        large = asked("x" * LARGE)
        assert await asyncio.to_thread(obstacle.reached.wait, WAIT_S)
        await asked("Hi")
        obstacle.gone.set()
        await large


async def checked(answering: object) -> object:
    answer = await answering  # type: ignore[misc]
    assert answer.status == 200, answer.body
    return answer


@pytest.mark.parametrize("client", CLIENTS, ids=str)
def test_a_request_of_every_api(client: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    obstacle = Obstacle()
    if client.name == "openai-responses":
        name = "http_facade.apis.openai_responses.parse_object"
        monkeypatch.setattr(name, obstacle.before(parse_object))
    parse = client.api.server.parse_chat or (lambda *_: pytest.fail("not used"))
    held_up = replace(client.api, server=replace(client.api.server, parse_chat=obstacle.before(parse)))
    apis = [held_up if api is client.api else api for api in APIS]
    asyncio.run(served_meanwhile(client, obstacle, apis, stream=False))


def before_encoding(dialect: Dialect, obstacle: Obstacle) -> Dialect:
    chat = replace(dialect.chat, encode=obstacle.before(dialect.chat.encode))
    return replace(dialect, chat=chat, stream=replace(dialect.stream, encode=obstacle.before(dialect.stream.encode)))


def before_decoding(dialect: Dialect, obstacle: Obstacle) -> Dialect:
    return replace(dialect, chat=replace(dialect.chat, decode=obstacle.before(dialect.chat.decode)))


@pytest.mark.parametrize(
    ("hindered", "stream"), [(before_encoding, False), (before_encoding, True), (before_decoding, False)]
)
def test_what_providers_are_sent_and_answer(
    hindered: Callable[[Dialect, Obstacle], Dialect], stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    obstacle = Obstacle()
    monkeypatch.setattr(attempt, "DIALECTS", {**DIALECTS, "openai": hindered(DIALECTS["openai"], obstacle)})
    asyncio.run(served_meanwhile(OPENAI, obstacle, list(APIS), stream=stream))
