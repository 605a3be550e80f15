"""What a servicer may ask of a call and say about it, over both channels alike."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, NoReturn

import grpc
import pytest

from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from dragoman.v1.stream_pb2 import StreamRequest, StreamResponse
from tests.gateway_core.rpc.handlers import Context, Handlers
from tests.gateway_core.rpc.serving import Reach, by_socket, failure_of, in_process, read_all, read_until_failure, run

on_both = pytest.mark.parametrize("reach", [in_process, by_socket], ids=["local", "socket"])
TRAILER = (("tone", "low"), ("seal-bin", b"\x00\xff"))


def over(reach: Reach, handlers: Handlers, check: Callable[[Any], Awaitable[None]]) -> None:
    """check: gets the stub."""

    async def main() -> None:
        async with reach(handlers) as channel:
            await check(GatewayServiceStub(channel))

    run(main)


@on_both
def test_metadata_goes_both_ways(reach: Reach) -> None:
    seen: dict[str, object] = {}

    async def chat(request: ChatRequest, context: Context) -> ChatResponse:
        seen.update(context.invocation_metadata())
        await context.send_initial_metadata((("early", "1"),))
        context.set_trailing_metadata(TRAILER)
        return ChatResponse()

    async def stream(request: StreamRequest, context: Context) -> AsyncGenerator[StreamResponse, None]:
        await context.send_initial_metadata((("early", "1"),))
        yield StreamResponse()
        context.set_trailing_metadata(TRAILER)

    async def check(stub: Any) -> None:
        call = stub.Chat(ChatRequest(), metadata=(("name", "value"), ("bytes-bin", b"\x01")))
        await call
        assert dict(await call.initial_metadata())["early"] == "1"
        assert dict(TRAILER).items() <= dict(await call.trailing_metadata()).items()
        streamed = stub.Stream(StreamRequest())
        await read_all(streamed)
        assert dict(await streamed.initial_metadata())["early"] == "1"
        assert dict(TRAILER).items() <= dict(await streamed.trailing_metadata()).items()

    over(reach, Handlers(chat, stream), check)
    assert seen["name"] == "value"
    assert seen["bytes-bin"] == b"\x01"


@on_both
def test_abort(reach: Reach) -> None:
    after: list[object] = []

    async def chat(request: ChatRequest, context: Context) -> ChatResponse:
        try:
            await context.abort(grpc.StatusCode.DATA_LOSS, "gone", TRAILER)
        finally:
            after.append((context.code(), context.details()))
        return ChatResponse()

    async def stream(request: StreamRequest, context: Context) -> AsyncGenerator[StreamResponse, None]:
        yield StreamResponse()
        await context.abort(grpc.StatusCode.DATA_LOSS, "gone", TRAILER)

    async def check(stub: Any) -> None:
        call = stub.Chat(ChatRequest())
        error = await failure_of(call)
        assert (error.code(), error.details()) == (grpc.StatusCode.DATA_LOSS, "gone")
        assert (await call.code(), await call.details()) == (grpc.StatusCode.DATA_LOSS, "gone")
        assert dict(TRAILER).items() <= dict(error.trailing_metadata()).items()
        batches, error = await read_until_failure(stub.Stream(StreamRequest()))
        assert len(batches) == 1
        assert (error.code(), error.details()) == (grpc.StatusCode.DATA_LOSS, "gone")
        assert dict(TRAILER).items() <= dict(error.trailing_metadata()).items()

    over(reach, Handlers(chat, stream), check)
    assert after == [(grpc.StatusCode.DATA_LOSS, "gone")]


@on_both
def test_an_abort_that_the_handler_swallows_stands(reach: Reach) -> None:
    async def chat(request: ChatRequest, context: Context) -> ChatResponse:
        with contextlib.suppress(Exception):
            await context.abort(grpc.StatusCode.DATA_LOSS, "gone")
        return ChatResponse(id="all is well")

    async def check(stub: Any) -> None:
        error = await failure_of(stub.Chat(ChatRequest()))
        assert error.code() is grpc.StatusCode.DATA_LOSS

    over(reach, Handlers(chat), check)


@on_both
def test_a_status_without_abort(reach: Reach) -> None:
    async def chat(request: ChatRequest, context: Context) -> ChatResponse:
        context.set_code(grpc.StatusCode.ALREADY_EXISTS)
        context.set_details("it is here")
        return ChatResponse()

    async def check(stub: Any) -> None:
        error = await failure_of(stub.Chat(ChatRequest()))
        assert (error.code(), error.details()) == (grpc.StatusCode.ALREADY_EXISTS, "it is here")

    over(reach, Handlers(chat), check)


def bug() -> NoReturn:
    raise LookupError("bug")


@on_both
def test_an_exception_is_an_unknown_status(reach: Reach) -> None:
    async def chat(request: ChatRequest, context: Context) -> ChatResponse:
        bug()

    async def stream(request: StreamRequest, context: Context) -> AsyncGenerator[StreamResponse, None]:
        yield StreamResponse()
        bug()

    async def check(stub: Any) -> None:
        error = await failure_of(stub.Chat(ChatRequest()))
        assert error.code() is grpc.StatusCode.UNKNOWN
        assert "bug" in (error.details() or "")
        batches, error = await read_until_failure(stub.Stream(StreamRequest()))
        assert len(batches) == 1
        assert error.code() is grpc.StatusCode.UNKNOWN

    over(reach, Handlers(chat, stream), check)


@on_both
def test_the_deadline_that_a_handler_sees(reach: Reach) -> None:
    seen: list[float | None] = []

    async def chat(request: ChatRequest, context: Context) -> ChatResponse:
        seen.append(context.time_remaining())
        return ChatResponse()

    async def check(stub: Any) -> None:
        await stub.Chat(ChatRequest())
        await stub.Chat(ChatRequest(), timeout=1000)

    over(reach, Handlers(chat), check)
    assert seen[0] is None
    # On its way gRPC rounds up, by at most a hundredth.
    assert 900 < (seen[1] or 0) < 1100


@on_both
def test_a_handler_cleans_up_when_its_call_is_cancelled(reach: Reach) -> None:
    async def check_with(ending: str) -> None:
        begun, cleaned = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                cleaned.set()

        async def chat(request: ChatRequest, context: Context) -> ChatResponse:
            await wait()
            return ChatResponse()

        async def stream(request: StreamRequest, context: Context) -> AsyncGenerator[StreamResponse, None]:
            yield StreamResponse()
            await wait()

        async with reach(Handlers(chat, stream)) as channel:
            stub = GatewayServiceStub(channel)
            call: Any = stub.Chat(ChatRequest()) if ending == "chat" else stub.Stream(StreamRequest())
            reading = asyncio.ensure_future(call if ending == "chat" else read_all(call))
            await begun.wait()
            call.cancel()
            await cleaned.wait()
            with pytest.raises(asyncio.CancelledError):
                await reading

    async def main() -> None:
        await check_with("chat")
        await check_with("stream")

    run(main)


@on_both
def test_an_empty_stream(reach: Reach) -> None:
    async def stream(request: StreamRequest, context: Context) -> AsyncGenerator[StreamResponse, None]:
        if request.chat.model:
            yield StreamResponse()

    async def check(stub: Any) -> None:
        call = stub.Stream(StreamRequest())
        assert await read_all(call) == []
        assert await call.code() is grpc.StatusCode.OK

    over(reach, Handlers(stream=stream), check)


@on_both
def test_done_callbacks(reach: Reach) -> None:
    async def check(stub: Any) -> None:
        told: list[object] = []
        call = stub.Chat(ChatRequest())
        call.add_done_callback(told.append)
        await call
        ended = asyncio.Event()
        call.add_done_callback(lambda _: ended.set())
        await ended.wait()
        assert told == [call]
        assert call.done()

    over(reach, Handlers(), check)


@on_both
def test_an_answer_can_be_awaited_again(reach: Reach) -> None:
    count = 0

    async def chat(request: ChatRequest, context: Context) -> ChatResponse:
        nonlocal count
        count += 1
        return ChatResponse(id=str(count))

    async def check(stub: Any) -> None:
        call = stub.Chat(ChatRequest())
        assert (await call).id == (await call).id == "1"
        together = stub.Chat(ChatRequest())
        assert [answer.id for answer in await asyncio.gather(together, together)] == ["2", "2"]

    over(reach, Handlers(chat), check)
    assert count == 2


@on_both
def test_a_streams_metadata_comes_before_its_messages(reach: Reach) -> None:
    async def main() -> None:
        go_on = asyncio.Event()

        async def stream(request: StreamRequest, context: Context) -> AsyncGenerator[StreamResponse, None]:
            await context.send_initial_metadata((("early", "1"),))
            await go_on.wait()
            yield StreamResponse()

        async with reach(Handlers(stream=stream)) as channel:
            call = GatewayServiceStub(channel).Stream(StreamRequest())
            reading = asyncio.ensure_future(read_all(call))
            await asyncio.sleep(0)
            assert dict(await call.initial_metadata())["early"] == "1"
            assert not reading.done()
            go_on.set()
            assert len(await reading) == 1

    run(main)


@on_both
def test_the_first_message_says_that_there_is_no_metadata(reach: Reach) -> None:
    outcome: list[object] = []

    async def stream(request: StreamRequest, context: Context) -> AsyncGenerator[StreamResponse, None]:
        yield StreamResponse()
        try:
            await context.send_initial_metadata((("late", "1"),))
        except Exception as error:
            outcome.append(error)
        yield StreamResponse()

    async def check(stub: Any) -> None:
        call = stub.Stream(StreamRequest())
        messages = aiter(call)
        await anext(messages)
        assert "late" not in dict(await call.initial_metadata())
        assert len(await read_all(messages)) == 1

    over(reach, Handlers(stream=stream), check)
    (error,) = outcome
    assert isinstance(error, grpc.aio.UsageError)


@on_both
@pytest.mark.parametrize("model", ["fails", "ends"])
def test_metadata_of_a_stream_without_messages(reach: Reach, model: str) -> None:
    async def stream(request: StreamRequest, context: Context) -> AsyncGenerator[StreamResponse, None]:
        if request.chat.model == "fails":
            await context.abort(grpc.StatusCode.DATA_LOSS, "gone")
        if request.chat.model == "never":
            yield StreamResponse()

    async def check(stub: Any) -> None:
        call = stub.Stream(StreamRequest(chat=ChatRequest(model=model)))
        reading = asyncio.ensure_future(read_all(call))
        await asyncio.sleep(0)
        assert "early" not in dict(await call.initial_metadata())
        assert await call.code() is (grpc.StatusCode.DATA_LOSS if model == "fails" else grpc.StatusCode.OK)
        await asyncio.wait([reading])
        assert (reading.exception() is None) == (model == "ends")

    over(reach, Handlers(stream=stream), check)
