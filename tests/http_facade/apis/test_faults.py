"""A fault of our own in the parser, renderer or stream writer of any API (law 12): 500 INTERNAL in the API's own error
format, logged once with its traceback, never shown as the client's fault."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, NoReturn

import grpc
import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.calls_pb2 import CallRecord, GetCallRequest, GetCallResponse
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_cli.core import local_core
from gateway_dialects.kit.server import RequestHead, ServedChat, StreamWriter
from http_facade.api import Api
from http_facade.apis import APIS, openai_responses
from http_facade.app import create_app
from tests.http_facade.apis.clients import CLIENTS, RESPONSES, ApiClient
from tests.http_facade.asgi import Answer, ask, ask_apis
from tests.http_facade.serving import settings_for
from tests.upstream import WAIT_S

each_api = pytest.mark.parametrize("client", [client for client in CLIENTS if client.api.server.parse_chat], ids=str)
SECRET = "of no client's concern"
REQUEST_ID = "faulty-1"
Plant = Callable[[ServedChat], ServedChat]


def broken(*_: Any, **__: Any) -> NoReturn:
    raise AttributeError(SECRET)


class BrokenLater:
    """A StreamWriter that renders the first batch."""

    def __init__(self, writer: StreamWriter) -> None:
        self._writer = writer
        self._batches = 0

    def render(self, batch: StreamResponse) -> bytes:
        self._batches += 1
        return self._writer.render(batch) if self._batches == 1 else broken()

    def fail(self, error: GatewayError) -> bytes:
        return self._writer.fail(error)


def planted(api: Api, plant: Plant) -> list[Api]:
    """All records, with this one's parsed chats changed."""
    parse = api.server.parse_chat
    assert parse is not None

    def parse_chat(head: RequestHead, body: bytes) -> ServedChat:
        return plant(parse(head, body))

    faulty = replace(api, server=replace(api.server, parse_chat=parse_chat))
    return [faulty if one is api else one for one in APIS]


def break_rendering(served: ServedChat) -> ServedChat:
    return replace(served, render=broken, render_all=broken if served.further else None)


def break_writing(served: ServedChat) -> ServedChat:
    assert served.writer is not None
    writer = served.writer
    return replace(served, writer=lambda: BrokenLater(writer()))


def answer_to(client: ApiClient, apis: list[Api], model: str, stream: bool) -> Answer:
    body = json.dumps(client.body("one two three four", model, stream)).encode()
    headers = {**client.headers, "x-request-id": REQUEST_ID}
    (answer,) = asyncio.run(ask_apis(apis, [("POST", client.path(model, stream), body, headers)]))
    return answer


def assert_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert REQUEST_ID in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[0] is AttributeError


def assert_internal(client: ApiClient, answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    assert answer.status == 500
    assert REQUEST_ID in client.error(answer.json())[1]
    assert SECRET not in answer.body.decode()
    assert_logged_once(caplog)


def assert_internal_in_band(client: ApiClient, answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    assert (answer.status, answer.is_complete) == (200, not client.breaks_off)
    lines = [line.removeprefix("data: ") for line in answer.body.decode().splitlines() if line.startswith("data: {")]
    events = [json.loads(line) for line in lines]
    assert REQUEST_ID in client.error(events[-1])[1]
    assert SECRET not in answer.body.decode()
    assert_logged_once(caplog)


@each_api
@pytest.mark.parametrize("stream", [False, True])
def test_in_a_parser(client: ApiClient, stream: bool, caplog: pytest.LogCaptureFixture) -> None:
    assert_internal(client, answer_to(client, planted(client.api, broken), "demo/echo", stream), caplog)


@each_api
def test_in_a_renderer(client: ApiClient, caplog: pytest.LogCaptureFixture) -> None:
    assert_internal(client, answer_to(client, planted(client.api, break_rendering), "demo/echo", False), caplog)


@each_api
def test_in_a_stream_writer(client: ApiClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = answer_to(client, planted(client.api, break_writing), "demo/slow-10", True)
    assert_internal_in_band(client, answer, caplog)


@each_api
def test_in_a_stream_writer_at_once(client: ApiClient, caplog: pytest.LogCaptureFixture) -> None:
    def plant(served: ServedChat) -> ServedChat:
        return replace(served, writer=broken)

    assert_internal(client, answer_to(client, planted(client.api, plant), "demo/echo", True), caplog)


def test_the_call_is_settled() -> None:
    client = CLIENTS[0]
    body = json.dumps(client.body("one two three four", "demo/slow-10", True)).encode()

    async def play() -> CallRecord:
        async with local_core(settings_for()) as core:
            app = create_app(core.stub, apis=planted(client.api, break_writing))
            answer = await ask(app, "POST", client.path("demo/slow-10", True), body)
            call_id = answer.headers["x-dragoman-call-id"]
            async with asyncio.timeout(WAIT_S):
                while True:
                    # The cancelled call ends in a task of its own.
                    await asyncio.sleep(0)
                    with contextlib.suppress(grpc.aio.AioRpcError):
                        response: GetCallResponse = await core.stub.GetCall(GetCallRequest(id=call_id))
                        return response.call

    record = asyncio.run(play())
    assert (record.reason, record.api, record.route.provider) == ("CANCELLED", "openai", "demo")
    assert record.duration_ms > 0


@pytest.mark.parametrize("name", ["parse_create", "response_object"])
def test_in_the_functions_of_the_responses_api(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It reads stored responses between parsing JSON and parsing the request, and stores between rendering and writing."""
    monkeypatch.setattr(openai_responses, name, broken)
    assert_internal(RESPONSES, answer_to(RESPONSES, list(APIS), "demo/echo", False), caplog)


@pytest.mark.parametrize("name", ["render", "end"])
def test_in_the_stream_writer_of_the_responses_api(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    original: Any = vars(openai_responses)["ChunkRenderer"]

    def faulty(**settings: Any) -> SimpleNamespace:
        renderer = original(**settings)
        render = BrokenLater(renderer).render if name == "render" else renderer.render
        end = broken if name == "end" else renderer.end
        return SimpleNamespace(render=render, end=end, fail=renderer.fail, response=renderer.response)

    monkeypatch.setattr(openai_responses, "ChunkRenderer", faulty)
    assert_internal_in_band(RESPONSES, answer_to(RESPONSES, list(APIS), "demo/slow-10", True), caplog)
