"""Law 11: every call settles once. Each way in which a call can end leaves one record, with outcome, usage and cost."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
import pytest

from dragoman.v1.calls_pb2 import CallRecord, GetCallRequest
from dragoman.v1.chat_pb2 import ChatRequest, FinishReason
from dragoman.v1.models_pb2 import ListModelsRequest, Prices
from dragoman.v1.proxy_pb2 import ProxyRequest, ProxyStreamRequest
from dragoman.v1.tokens_pb2 import CountTokensRequest
from gateway_core.execution import attempt, streams
from gateway_core.providers.registry import DIALECTS
from gateway_core.settings.settings import ModelSettings
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.listening import listening
from tests.gateway_core.rpc.recorded import Calls
from tests.gateway_core.rpc.serving import Behind, Served, answer, chunk, failure_of, question, read_all, run, streamed
from tests.upstream import STALL, Handler, Received, Reply, event_stream, json_reply

USAGE = {"prompt_tokens": 1000, "completion_tokens": 500}
PRICES = {"at-openai/m": Prices(input=1000, output=2000)}
"""A dollar for 1000 tokens of input, two for 1000 of output."""
WHOLE = json_reply({**answer("Hi"), "usage": USAGE})
WORDS = chunk("four" * 25)
LAST = {"id": "c1", "model": "m", "choices": [], "usage": USAGE}
DONE = b"data: [DONE]\n\n"
STREAM = event_stream(WORDS, WORDS, chunk("", "stop"), LAST, DONE)
REPORTING = {**WORDS, "usage": {"prompt_tokens": 1000, "completion_tokens": 1}}
SHORT_S = 0.4


Act = Callable[[Served], Awaitable[object]]


@dataclass(frozen=True)
class Ending:
    """What is called, what the provider does, and what the record must hold."""

    act: Act
    upstream: Handler = lambda _: WHOLE
    reason: str = ""
    usage: tuple[int, int, bool] | None = (1000, 500, False)
    """Input and output tokens, and whether they are an estimate. None: unknown."""
    attempts: Sequence[str] = ("",)
    """Why each failed."""
    total_timeout_s: float | None = None
    model: str = "at-openai/m"


def replies(reply: Reply) -> Handler:
    return lambda _: reply


async def chat(house: Served, **how: Any) -> None:
    await house.stub.Chat(question("at-openai/m"), **how)


async def stream(house: Served, **how: Any) -> None:
    await read_all(house.stub.Stream(streamed("at-openai/m"), **how))


def failing(start: Callable[..., Awaitable[object]], **how: Any) -> Act:
    async def act(house: Served) -> None:
        await failure_of(start(house, **how))

    return act


def cancelled(start: Callable[..., Awaitable[object]]) -> Act:
    """Once the provider has been reached."""

    async def act(house: Served) -> None:
        running = asyncio.ensure_future(start(house))
        await house.upstream.arrival().wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    return act


async def cancel_after_content(house: Served) -> None:
    call = house.stub.Stream(streamed("at-openai/m"))
    await anext(aiter(call))
    call.cancel()


async def drop_after_content(house: Served) -> None:
    async for _ in house.stub.Stream(streamed("at-openai/m")):
        await house.channel.close()
        break


async def refused(house: Served) -> None:
    await failure_of(house.stub.Chat(ChatRequest(model="at-openai/m")))


async def unknown_model(house: Served) -> None:
    await failure_of(house.stub.Chat(question("nobody/m")))


async def fall_back(house: Served) -> None:
    await house.stub.Chat(question("route"))


def first_fails(request: Received) -> Reply:
    return json_reply({"error": {"message": "down"}}, 500) if request.json()["model"] == "bad" else WHOLE


async def proxied(house: Served) -> None:
    await read_all(house.stub.Proxy(ProxyRequest(provider="at-openai", method="POST", path="chat/completions")))


async def proxied_in_pieces(house: Served) -> None:
    head = ProxyRequest(provider="at-openai", method="POST", path="chat/completions")
    requests = [ProxyStreamRequest(head=head), ProxyStreamRequest(body=b"{}"), ProxyStreamRequest(end=True)]
    await read_all(house.stub.ProxyStream(iter(requests)))


async def cancel_proxied(house: Served) -> None:
    call = house.stub.Proxy(ProxyRequest(provider="at-openai", method="POST", path="chat/completions"))
    messages = aiter(call)
    await anext(messages)
    await anext(messages)
    call.cancel()


async def count(house: Served) -> None:
    await house.stub.CountTokens(CountTokensRequest(chat=question("at-anthropic/m")))


ESTIMATED = (3, 25, True)
"""Of one event of STREAM."""
ENDINGS: dict[str, Ending] = {
    "a whole answer": Ending(chat),
    "a whole stream": Ending(stream, replies(STREAM)),
    "a count": Ending(count, replies(json_reply({"input_tokens": 9})), usage=None),
    "a fallback": Ending(fall_back, first_fails, attempts=("UPSTREAM_UNAVAILABLE", "")),
    "a proxied answer": Ending(proxied),
    "a proxied answer to a body in pieces": Ending(proxied_in_pieces),
    "a proxied refusal of our key": Ending(
        failing(proxied), replies(json_reply({}, 401)), "UPSTREAM_AUTH", None, ("UPSTREAM_AUTH",)
    ),
    "a proxied stream that its client gives up": Ending(
        cancel_proxied, replies(event_stream(REPORTING, STALL)), "CANCELLED", (1000, 1, False), ("CANCELLED",)
    ),
    "a request that is refused": Ending(refused, reason="INVALID_REQUEST", usage=None, attempts=()),
    "a model that is unknown": Ending(unknown_model, reason="MODEL_NOT_FOUND", usage=None, attempts=()),
    **{
        f"{name}, {where}": ending
        for name, start in (("chat", chat), ("stream", stream))
        for where, ending in {
            "a provider that fails": Ending(
                failing(start),
                replies(json_reply({"error": {"message": "down"}}, 503)),
                "UPSTREAM_OVERLOADED",
                None,
                ("UPSTREAM_OVERLOADED",),
            ),
            "cancelled before the head": Ending(
                cancelled(start), replies(Reply(before_head=[STALL])), "CANCELLED", None, ("CANCELLED",)
            ),
            "the client's deadline": Ending(
                failing(start, timeout=SHORT_S),
                replies(Reply(before_head=[STALL])),
                "DEADLINE_EXCEEDED",
                None,
                ("DEADLINE_EXCEEDED",),
            ),
            "the gateway's deadline": Ending(
                failing(start),
                replies(Reply(before_head=[STALL])),
                "DEADLINE_EXCEEDED",
                None,
                ("DEADLINE_EXCEEDED",),
                total_timeout_s=SHORT_S,
            ),
        }.items()
    },
    "a stream that breaks off": Ending(
        failing(stream), replies(event_stream(WORDS)), "STREAM_INTERRUPTED", ESTIMATED, ("STREAM_INTERRUPTED",)
    ),
    "a stream that breaks off after it reported usage": Ending(
        failing(stream), replies(event_stream(REPORTING)), "STREAM_INTERRUPTED", (1000, 25, True), ("STREAM_INTERRUPTED",)
    ),
    "a stream that its client gives up": Ending(
        cancel_after_content, replies(event_stream(WORDS, STALL)), "CANCELLED", ESTIMATED, ("CANCELLED",)
    ),
    "a stream whose client goes away": Ending(
        drop_after_content, replies(event_stream(WORDS, STALL)), "CANCELLED", ESTIMATED, ("CANCELLED",)
    ),
    "a stream at the client's deadline": Ending(
        failing(stream, timeout=SHORT_S),
        replies(event_stream(WORDS, STALL)),
        "DEADLINE_EXCEEDED",
        ESTIMATED,
        ("DEADLINE_EXCEEDED",),
    ),
    "a stream at the gateway's deadline": Ending(
        failing(stream),
        replies(event_stream(WORDS, STALL)),
        "DEADLINE_EXCEEDED",
        ESTIMATED,
        ("DEADLINE_EXCEEDED",),
        total_timeout_s=SHORT_S,
    ),
}


def settled(contract: Contract, ending: Ending) -> CallRecord:
    """The call's only record."""
    calls = Calls()

    async def check(house: Served) -> None:
        await ending.act(house)
        await calls.first()

    routes = [ModelSettings("route", ("at-openai/bad", "at-openai/m"))]
    contract(
        check, Behind(ending.upstream, routes=routes, prices=PRICES, store=calls, total_timeout_s=ending.total_timeout_s)
    )
    ((caller, record),) = calls.put_so_far
    assert caller == record.caller == "anonymous"
    return record


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
def test_every_call_settles_once(contract: Contract, ending: Ending) -> None:
    record = settled(contract, ending)
    assert record.reason == ending.reason
    assert [one.reason for one in record.route.attempts] == list(ending.attempts)
    assert record.route.call_id == record.id
    assert record.duration_ms > 0
    assert record.HasField("usage") is (ending.usage is not None)
    if ending.usage is not None:
        found = record.usage
        assert (found.input_tokens, found.output_tokens, found.estimated) == ending.usage
        assert found.cost.total_usd == pytest.approx((found.input_tokens + 2 * found.output_tokens) / 1000)
        assert record.route.attempts[-1].usage.cost == found.cost
    if ending.usage is not None or not ending.reason:
        assert 0 < record.first_content_ms <= record.duration_ms or record.operation == "CountTokens"


def test_a_call_that_runs_when_the_server_stops() -> None:
    calls = Calls()

    async def check() -> None:
        async with listening(Behind(lambda _: event_stream(WORDS, STALL), prices=PRICES, store=calls)) as here:
            messages = aiter(here.stub.Stream(streamed("at-openai/m")))
            await anext(messages)
            await here.server.stop(0)
            assert (await calls.first()).reason == "CANCELLED"

    run(check)
    ((_, record),) = calls.put_so_far
    assert (record.usage.output_tokens, record.usage.estimated) == (25, True)


def faulty(*_: object) -> NoReturn:
    raise RuntimeError("a fault of ours")


@pytest.mark.parametrize("operation", ["chat", "stream"])
def test_a_fault_of_ours(contract: Contract, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    """Of a decoder, after content where the answer is streamed."""
    openai = DIALECTS["openai"]
    broken = dataclasses.replace(openai, chat=dataclasses.replace(openai.chat, decode=faulty))
    monkeypatch.setattr(attempt, "DIALECTS", {**DIALECTS, "openai": broken})
    reply = WHOLE
    if operation == "stream":
        monkeypatch.setattr(streams.OpenStream, "batches", faulty)
        reply = event_stream(WORDS, STALL)
    act = stream if operation == "stream" else chat
    record = settled(contract, Ending(failing(act), replies(reply)))
    assert (record.reason, [one.reason for one in record.route.attempts]) == ("INTERNAL", ["INTERNAL"])
    assert (record.usage.output_tokens, record.usage.estimated) == ((25, True) if operation == "stream" else (0, False))


def test_what_a_record_holds(contract: Contract) -> None:
    metadata = (
        *(("x-request-id", "r1"), ("x-dragoman-api", "openai"), ("x-dragoman-task-id", "t1"), ("x-title", "an app")),
        *(("x-dragoman-environment", "prod"), ("x-dragoman-session", "s1"), ("x-dragoman-origin", "https://o")),
        *(("http-referer", "https://r"), ("x-inference-task-id", "t2")),
    )

    async def act(house: Served) -> None:
        await stream(house, metadata=metadata)

    record = settled(contract, Ending(act, replies(STREAM)))
    assert (record.request_id, record.api, record.operation, record.streamed) == ("r1", "openai", "Stream", True)
    assert dict(record.tags) == {
        "task": "t1",
        "environment": "prod",
        "app": "an app",
        "session": "s1",
        "origin": "https://o",
        "referer": "https://r",
    }
    assert (record.finish_reason, record.raw_finish_reason) == (FinishReason.FINISH_REASON_STOP, "stop")
    assert (record.response_id, record.messages, record.input_media, record.byok) == ("c1", 1, 0, False)
    assert (record.route.requested_model, record.route.provider, record.route.model) == ("at-openai/m", "at-openai", "m")
    (only,) = record.route.attempts
    assert (only.status, only.api, only.usage.input_tokens) == (200, "openai", 1000)


def test_calls_of_nobody_and_calls_that_ask_no_provider_are_not_recorded(contract: Contract) -> None:
    calls = Calls()

    async def check(house: Served) -> None:
        await failure_of(house.stub.Chat(question("at-openai/m"), metadata=(("authorization", "Bearer wrong"),)))
        await house.stub.ListModels(ListModelsRequest(provider="demo"), metadata=(("authorization", "Bearer right"),))

    contract(check, Behind(keys=["right"], store=calls))
    assert calls.put_so_far == []


def test_a_record_can_be_read_as_soon_as_its_call_has_ended(contract: Contract) -> None:
    async def check(house: Served) -> None:
        response = await house.stub.Chat(question("at-openai/m"))
        found = (await house.stub.GetCall(GetCallRequest(id=response.route.call_id))).call
        assert (found.id, found.usage.input_tokens) == (response.route.call_id, 1000)
        call = house.stub.Chat(question("at-openai/m"))
        await call
        ids = [value for name, value in await call.initial_metadata() if name == "x-dragoman-call-id"]
        assert (await house.stub.GetCall(GetCallRequest(id=str(ids[0])))).call.operation == "Chat"

    contract(check, Behind(lambda _: WHOLE))


def test_a_record_is_its_callers_alone(contract: Contract) -> None:
    async def check(house: Served) -> None:
        mine, other = (("authorization", "Bearer a"),), (("authorization", "Bearer b"),)
        response = await house.stub.Chat(question("at-openai/m"), metadata=mine)
        wanted = GetCallRequest(id=response.route.call_id)
        assert (await house.stub.GetCall(wanted, metadata=mine)).call.caller == "a"
        for missing in (house.stub.GetCall(wanted, metadata=other), house.stub.GetCall(GetCallRequest(), metadata=mine)):
            error = await failure_of(missing)
            assert error.code() is grpc.StatusCode.NOT_FOUND

    contract(check, Behind(lambda _: WHOLE, keys=["a", "b"]))
