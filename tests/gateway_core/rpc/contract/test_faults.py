"""Law 12: what is ours is not theirs. An exception of our own, wherever it is raised, is INTERNAL, logged once with its
traceback and the request id, neither retried nor a reason to fall back, and its call is settled."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from typing import Any, NoReturn

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from dragoman.v1.stream_pb2 import StreamResponse
from dragoman.v1.tokens_pb2 import CountTokensRequest
from gateway_core.accounts.settlement import Settlement
from gateway_core.execution import attempt, chain
from gateway_core.media.attachments import MediaIntake
from gateway_core.providers.registry import DIALECTS
from gateway_core.routing.resolver import ModelResolver
from gateway_core.settings.settings import ModelSettings
from gateway_dialects.kit.dialect import Dialect, ServerSentEvent
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.recorded import Calls
from tests.gateway_core.rpc.serving import Behind, Served, detail, failure_of, question, read_all, streamed
from tests.upstream import Received, Reply, event_stream, json_reply

ID = (("x-request-id", "r1"),)
SECRET = "internals that are nobody's business"
Plant = Callable[[Dialect], Dialect]


def fault(*_: object) -> NoReturn:
    raise RuntimeError(SECRET)


class FaultyDecoder:
    """Fails at its second event, or at its first."""

    complete = done = False

    def __init__(self, *, late: bool) -> None:
        self._late = late

    def feed(self, event: ServerSentEvent, batch: StreamResponse) -> None:
        if not self._late:
            fault()
        self._late = False
        batch.events.add().started.id = "c1"
        batch.events.add().part_delta.text = "Hi"

    def finish(self, batch: StreamResponse) -> None:
        fault()


def in_chat(**how: Any) -> Plant:
    return lambda dialect: dataclasses.replace(dialect, chat=dataclasses.replace(dialect.chat, **how))


def in_stream(**how: Any) -> Plant:
    return lambda dialect: dataclasses.replace(dialect, stream=dataclasses.replace(dialect.stream, **how))


def in_count(**how: Any) -> Plant:
    def plant(dialect: Dialect) -> Dialect:
        assert dialect.count_tokens is not None
        return dataclasses.replace(dialect, count_tokens=dataclasses.replace(dialect.count_tokens, **how))

    return plant


PLANTS: dict[str, tuple[str, Plant]] = {
    "encode of a chat": ("Chat", in_chat(encode=fault)),
    "decode of a chat": ("Chat", in_chat(decode=fault)),
    "decode_error of a chat": ("Chat", in_chat(decode_error=fault)),
    "encode of a stream": ("Stream", in_stream(encode=fault)),
    "decoder of a stream": ("Stream", in_stream(decoder=lambda: FaultyDecoder(late=False))),
    "decoder of a stream, after content": ("Stream", in_stream(decoder=lambda: FaultyDecoder(late=True))),
    "decode_error of a stream": ("Stream", in_stream(decode_error=fault)),
    "encode of a count": ("CountTokens", in_count(encode=fault)),
    "decode of a count": ("CountTokens", in_count(decode=fault)),
}


def reply_to(operation: str, place: str) -> Callable[[Received], Reply]:
    if "decode_error" in place:
        return lambda _: json_reply({"error": {"message": "down"}}, 503)
    if operation == "Stream":
        return lambda _: event_stream({"n": 1}, {"n": 2})
    return lambda _: json_reply({})


def start(house: Served, operation: str, model: str) -> Any:
    match operation:
        case "Chat":
            return house.stub.Chat(question(model), metadata=ID)
        case "CountTokens":
            return house.stub.CountTokens(CountTokensRequest(chat=question(model)), metadata=ID)
        case _:
            return read_all(house.stub.Stream(streamed(model), metadata=ID))


def check_fault(contract: Contract, operation: str, behind: Behind, caplog: pytest.LogCaptureFixture) -> None:
    calls = Calls()

    async def check(house: Served) -> None:
        error = await failure_of(start(house, operation, "route"))
        assert error.code() is grpc.StatusCode.INTERNAL
        assert detail(error, ErrorInfo).reason == "INTERNAL"
        assert "r1" in (error.details() or "")
        assert SECRET not in str(error)
        assert len(house.upstream.requests) <= 1
        assert (await calls.first()).reason == "INTERNAL"

    with caplog.at_level(logging.ERROR):
        contract(check, dataclasses.replace(behind, attempts=3, store=calls))
    assert len(calls.put_so_far) == 1
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == ["call r1 failed"]
    assert caplog.text.count(f"RuntimeError: {SECRET}") == 1


PLACES = [
    (name, place)
    for name, dialect in DIALECTS.items()
    for place, (operation, _) in PLANTS.items()
    if operation != "CountTokens" or dialect.count_tokens is not None
]


@pytest.mark.parametrize(("name", "place"), PLACES)
def test_a_fault_in_a_dialect(
    contract: Contract, name: str, place: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    operation, plant = PLANTS[place]
    planted = {**DIALECTS, name: plant(DIALECTS[name])}
    for module in (attempt, chain):
        monkeypatch.setattr(module, "DIALECTS", planted)
    other = "cohere" if name == "openai" else "openai"
    routes = [ModelSettings("route", (f"at-{name}/m", f"at-{other}/m"))]
    check_fault(contract, operation, Behind(reply_to(operation, place), routes=routes), caplog)


@pytest.mark.parametrize(
    ("where", "method"),
    [(ModelResolver, "resolve"), (MediaIntake, "admit"), (Settlement, "answered"), (chain.RetryPolicy, "pause")],
)
def test_a_fault_on_the_way(
    contract: Contract, where: type, method: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(where, method, fault)
    reply = json_reply({"error": {"message": "down"}}, 503) if method == "pause" else json_reply({"choices": []})
    routes = [ModelSettings("route", ("at-openai/m", "at-cohere/m"))]
    if method == "answered":
        routes = [ModelSettings("route", ("demo/echo",))]
    check_fault(contract, "Chat", Behind(lambda _: reply, routes=routes), caplog)
