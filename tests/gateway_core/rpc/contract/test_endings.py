"""Calls that are ended from outside: deadlines and cancellation reach the provider's socket, at any point of a call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from dragoman.reasons import Reason
from dragoman.status import unpack
from dragoman.v1.models_pb2 import ListModelsRequest
from dragoman.v1.routing_pb2 import RouteTrace
from gateway_core.settings.settings import ModelSettings
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.serving import Behind, Served, chunk, detail, failure_of, question, read_all, streamed, text_of
from tests.upstream import STALL, Reply, Signal, event_stream

SHORT_S = 0.1
"""Long enough to reach the provider."""
ROLE: dict[str, Any] = {"id": "c1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
SILENT: dict[str, Reply] = {
    "before the head": Reply(before_head=[STALL]),
    "before any event": event_stream(STALL),
    "before any content": event_stream(ROLE, STALL),
    "after content": event_stream(chunk("Hi"), STALL),
}
Start = Callable[..., Any]


def chat(house: Served, **how: Any) -> Any:
    return house.stub.Chat(question("at-openai/gpt"), **how)


def stream(house: Served, **how: Any) -> Any:
    return house.stub.Stream(streamed("at-openai/gpt"), **how)


def list_models(house: Served, **how: Any) -> Any:
    return house.stub.ListModels(ListModelsRequest(provider="at-openai"), **how)


def ended(call: Any) -> Awaitable[object]:
    return read_all(call) if isinstance(call, grpc.aio.UnaryStreamCall) else call


async def reached(house: Served) -> None:
    await house.upstream.arrival().wait()


async def let_go(house: Served) -> None:
    """The gateway has closed the one connection that it had to the provider."""
    (request,) = house.upstream.requests
    await request.closed.wait()


stalls = pytest.mark.parametrize("reply", SILENT.values(), ids=SILENT.keys())
every_start = pytest.mark.parametrize("start", [chat, stream, list_models])


@stalls
@pytest.mark.parametrize("start", [chat, stream])
def test_the_clients_deadline(contract: Contract, start: Start, reply: Reply) -> None:
    async def check(house: Served) -> None:
        call = start(house, timeout=SHORT_S)
        error = await failure_of(ended(call))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED is await call.code()
        assert unpack(error).reason is Reason.DEADLINE_EXCEEDED
        await let_go(house)

    contract(check, Behind(lambda _: reply, attempts=3))


@stalls
def test_a_models_list_within_a_deadline(contract: Contract, reply: Reply) -> None:
    """What there is of it may come as an answer at the very end; the provider is let go in any case."""

    async def check(house: Served) -> None:
        try:
            response = await list_models(house, timeout=SHORT_S)
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        else:
            assert [warning.provider for warning in response.warnings] == ["at-openai"]
        await let_go(house)

    contract(check, Behind(lambda _: reply))


@stalls
@pytest.mark.parametrize("start", [chat, stream])
def test_the_gateways_own_deadline(contract: Contract, start: Start, reply: Reply) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(ended(start(house)))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert detail(error, ErrorInfo).reason == "DEADLINE_EXCEEDED"
        assert [attempt.provider for attempt in detail(error, RouteTrace).attempts] == ["at-openai"]
        await let_go(house)

    contract(check, Behind(lambda _: reply, attempts=3, total_timeout_s=SHORT_S))


@every_start
def test_a_deadline_that_has_passed(contract: Contract, start: Start) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(ended(start(house, timeout=-1.0)))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert house.upstream.requests == []

    contract(check)


def test_a_deadline_far_away(contract: Contract) -> None:
    async def check(house: Served) -> None:
        call = house.stub.Chat(question(), timeout=1000.0)
        assert 900 < (call.time_remaining() or 0) <= 1000
        await call
        assert house.stub.Chat(question()).time_remaining() is None

    contract(check)


@stalls
@every_start
def test_cancelling_the_call(contract: Contract, start: Start, reply: Reply) -> None:
    async def check(house: Served) -> None:
        call = start(house)
        reading = asyncio.ensure_future(ended(call))
        await reached(house)
        assert call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await let_go(house)
        assert call.cancelled()
        assert call.done()
        assert not call.cancel()
        assert await call.code() is grpc.StatusCode.CANCELLED

    contract(check, Behind(lambda _: reply, attempts=3))


@stalls
@every_start
def test_cancelling_whoever_waits(contract: Contract, start: Start, reply: Reply) -> None:
    async def check(house: Served) -> None:
        call = start(house)
        reading = asyncio.ensure_future(ended(call))
        await reached(house)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await let_go(house)
        assert await call.code() is grpc.StatusCode.CANCELLED

    contract(check, Behind(lambda _: reply, attempts=3))


def test_cancelling_between_two_events(contract: Contract) -> None:
    async def check(house: Served) -> None:
        call = stream(house)
        messages = aiter(call)
        assert text_of([await anext(messages)]) == "Hi"
        call.cancel()
        await let_go(house)
        with pytest.raises(asyncio.CancelledError):
            await anext(messages)

    contract(check, Behind(lambda _: event_stream(chunk("Hi"), STALL)))


def test_cancelling_while_the_client_reads_too_slowly(contract: Contract) -> None:
    """The second message is larger than what HTTP/2 lets pass unread, so over a socket the gateway waits to write it."""
    large = chunk("x" * 4_000_000)

    async def check(house: Served) -> None:
        call = stream(house)
        await anext(aiter(call))
        call.cancel()
        await let_go(house)

    contract(check, Behind(lambda _: event_stream(chunk("Hi"), large, large, STALL)))


def test_a_client_that_goes_away(contract: Contract) -> None:
    async def check(house: Served) -> None:
        readings = [asyncio.ensure_future(ended(start(house))) for start in (chat, stream)]
        await house.upstream.arrival(0).wait()
        await house.upstream.arrival(1).wait()
        await house.channel.close()
        for outcome in await asyncio.gather(*readings, return_exceptions=True):
            assert isinstance(outcome, asyncio.CancelledError)
        for request in house.upstream.requests:
            await request.closed.wait()

    contract(check, Behind(lambda _: event_stream(chunk("Hi"), STALL)))


def test_a_call_whose_channel_closed_before_it_began(contract: Contract) -> None:
    async def check(house: Served) -> None:
        calls = [chat(house), stream(house)]
        await house.channel.close()
        for call in calls:
            with pytest.raises(asyncio.CancelledError):
                await ended(call)
        with pytest.raises(grpc.aio.UsageError):
            chat(house)

    contract(check, Behind(lambda _: Reply(before_head=[STALL])))


@every_start
def test_a_call_that_is_cancelled_before_it_began(contract: Contract, start: Start) -> None:
    async def check(house: Served) -> None:
        call = start(house)
        assert call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ended(call)
        assert await call.code() is grpc.StatusCode.CANCELLED

    contract(check, Behind(lambda _: Reply(before_head=[STALL])))


def test_cancelling_one_call_leaves_the_others(contract: Contract) -> None:
    go_on = Signal()

    async def check(house: Served) -> None:
        calls = [stream(house) for _ in range(4)]
        readings = [asyncio.ensure_future(read_all(call)) for call in calls]
        for number in range(4):
            await house.upstream.arrival(number).wait()
        calls[1].cancel()
        readings[2].cancel()
        await asyncio.wait([readings[1], readings[2]])
        go_on.set()
        assert [text_of(await readings[number]) for number in (0, 3)] == ["Hi there"] * 2

    contract(check, Behind(lambda _: event_stream(chunk("Hi "), go_on, chunk("there", "stop"), b"data: [DONE]\n\n")))


def test_the_deadline_covers_every_target(contract: Contract) -> None:
    """The first one fails at once, the second never answers, the third is not asked any more."""
    routes = [ModelSettings("fast", ("demo/error-503", "at-openai/gpt", "demo/echo"))]

    async def check(house: Served) -> None:
        for call in (house.stub.Chat(question("fast")), read_all(house.stub.Stream(streamed("fast")))):
            error = await failure_of(call)
            assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert [attempt.model for attempt in detail(error, RouteTrace).attempts] == ["error-503", "gpt"]
        for request in house.upstream.requests:
            await request.closed.wait()

    contract(check, Behind(lambda _: Reply(before_head=[STALL]), routes=routes, total_timeout_s=SHORT_S))
