"""Calls in this process: whose task they run in, and how they end."""

from __future__ import annotations

import asyncio
import contextvars
import gc
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import grpc
import pytest

from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from dragoman.v1.stream_pb2 import StreamRequest, StreamResponse
from gateway_core.rpc.inprocess import LocalChannel, local_channel
from tests.gateway_core.rpc.handlers import Context, Handlers, Waiting
from tests.gateway_core.rpc.serving import failure_of, read_all, run

whose = contextvars.ContextVar("whose", default="nobody")


def on(channel: LocalChannel) -> Any:
    return GatewayServiceStub(channel)


def test_a_handler_runs_in_its_callers_task() -> None:
    seen: list[tuple[object, str]] = []

    async def chat(request: ChatRequest, context: Context) -> ChatResponse:
        seen.append((asyncio.current_task(), whose.get()))
        return ChatResponse()

    async def check() -> None:
        whose.set("the caller's")
        await on(local_channel(Handlers(chat))).Chat(ChatRequest())
        assert seen == [(asyncio.current_task(), "the caller's")]

    run(check)


def test_a_call_that_nobody_awaits_never_starts() -> None:
    async def check() -> None:
        waiting = Waiting()
        stub = on(local_channel(waiting.handlers))
        stub.Chat(ChatRequest())
        stub.Stream(StreamRequest())
        await asyncio.sleep(0)
        assert not waiting.begun.is_set()

    run(check)


def test_a_stream_that_its_reader_forgets_is_closed() -> None:
    async def check() -> None:
        waiting = Waiting()
        async for _ in on(local_channel(waiting.handlers)).Stream(StreamRequest()):
            break
        gc.collect()
        await waiting.ended.wait()
        assert not waiting.begun.is_set()

    run(check)


def test_a_time_limit_around_a_call_is_the_callers_own() -> None:
    async def check() -> None:
        for start in ("Chat", "Stream"):
            waiting = Waiting()
            stub = on(local_channel(waiting.handlers))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await (stub.Chat(ChatRequest()) if start == "Chat" else read_all(stub.Stream(StreamRequest())))
            assert waiting.ended.is_set()
            # Nothing of the cancellation is left behind in this task.
            task = asyncio.current_task()
            assert task is not None
            assert task.cancelling() == 0

    run(check)


def test_a_deadline_leaves_its_callers_task_uncancelled() -> None:
    async def check() -> None:
        waiting = Waiting()
        error = await failure_of(on(local_channel(waiting.handlers)).Chat(ChatRequest(), timeout=0.01))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert waiting.ended.is_set()
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    run(check)


def test_a_handler_that_ignores_the_deadline_is_not_believed() -> None:
    async def chat(request: ChatRequest, context: Context) -> ChatResponse:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return ChatResponse(id="too late")
        return ChatResponse()

    async def check() -> None:
        error = await failure_of(on(local_channel(Handlers(chat))).Chat(ChatRequest(), timeout=0.01))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED

    run(check)


def test_a_cancellation_of_the_handlers_own_is_a_status() -> None:
    async def chat(request: ChatRequest, context: Context) -> ChatResponse:
        raise asyncio.CancelledError

    async def stream(request: StreamRequest, context: Context) -> AsyncGenerator[StreamResponse, None]:
        yield StreamResponse()
        raise asyncio.CancelledError

    async def check() -> None:
        stub = on(local_channel(Handlers(chat, stream)))
        for call in (stub.Chat(ChatRequest()), read_all(stub.Stream(StreamRequest()))):
            error = await failure_of(call)
            assert error.code() is grpc.StatusCode.CANCELLED

    run(check)


def test_cancelling_one_of_two_who_await_cancels_the_call() -> None:
    async def check() -> None:
        waiting = Waiting()
        call = on(local_channel(waiting.handlers)).Chat(ChatRequest())

        async def join() -> object:
            return await call

        first, second = asyncio.create_task(join()), asyncio.create_task(join())
        await waiting.begun.wait()
        second.cancel()
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError, asyncio.CancelledError]
        assert await call.code() is grpc.StatusCode.CANCELLED

    run(check)


def test_asking_for_the_status_runs_the_call() -> None:
    async def check() -> None:
        stub = on(local_channel(Handlers()))
        call = stub.Chat(ChatRequest())
        assert await call.code() is grpc.StatusCode.OK
        assert await call == ChatResponse()

    run(check)


def test_whoever_waits_for_the_status_does_not_disturb_the_call() -> None:
    async def check() -> None:
        waiting = Waiting()
        call = on(local_channel(waiting.handlers)).Chat(ChatRequest())
        running = asyncio.ensure_future(call)
        await waiting.begun.wait()
        asking = asyncio.create_task(call.code())
        impatient = asyncio.create_task(call.details())
        await asyncio.sleep(0)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        waiting.go_on.set()
        assert (await running).id == "late"
        assert await asking is grpc.StatusCode.OK

    run(check)


def test_a_streams_status_comes_when_it_has_been_read() -> None:
    async def check() -> None:
        call = on(local_channel(Handlers())).Stream(StreamRequest())
        asking = asyncio.create_task(call.code())
        await asyncio.sleep(0)
        assert not asking.done()
        await read_all(call)
        assert await asking is grpc.StatusCode.OK

    run(check)


def test_a_stream_may_be_read_by_several_tasks_in_turn() -> None:
    async def stream(request: StreamRequest, context: Context) -> AsyncGenerator[StreamResponse, None]:
        for _ in range(3):
            await asyncio.sleep(0)
            yield StreamResponse()

    async def check() -> None:
        call = on(local_channel(Handlers(stream=stream))).Stream(StreamRequest())
        for _ in range(3):
            assert await asyncio.create_task(call.read()) == StreamResponse()
        assert await asyncio.create_task(call.read()) is grpc.aio.EOF

    run(check)


def test_a_failure_while_a_stream_is_closed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def stream(request: StreamRequest, context: Context) -> AsyncGenerator[StreamResponse, None]:
        try:
            yield StreamResponse()
        finally:
            raise LookupError("bug")

    async def check() -> None:
        channel = local_channel(Handlers(stream=stream))
        call = on(channel).Stream(StreamRequest())
        await call.read()
        call.cancel()
        await channel.close()

    run(check)
    assert "LookupError: bug" in caplog.text


def test_a_generator_is_closed_with_its_reader() -> None:
    async def check() -> None:
        waiting = Waiting()
        call = on(local_channel(waiting.handlers)).Stream(StreamRequest())

        async def batches() -> AsyncGenerator[StreamResponse, None]:
            try:
                async for message in call:
                    yield message
            finally:
                call.cancel()

        async with aclosing(batches()) as reading:
            await anext(reading)
        await waiting.ended.wait()

    run(check)
