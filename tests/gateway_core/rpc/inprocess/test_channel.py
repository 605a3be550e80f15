"""What is LocalChannel's own, beyond the contract that it shares with a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast

import grpc
import pytest

from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub, add_GatewayServiceServicer_to_server
from dragoman.v1.stream_pb2 import StreamRequest, StreamResponse
from gateway_core.rpc.inprocess import LocalChannel, local_channel
from tests.gateway_core.rpc.handlers import Context, Handlers, Waiting
from tests.gateway_core.rpc.serving import read_all, run


def on(channel: LocalChannel) -> Any:
    return GatewayServiceStub(channel)


@pytest.mark.parametrize("strict", [False, True])
def test_messages_are_shared_unless_the_channel_is_strict(strict: bool) -> None:
    requests: list[object] = []
    responses: list[object] = []

    async def chat(request: ChatRequest, context: Context) -> ChatResponse:
        requests.append(request)
        responses.append(ChatResponse(id="1"))
        return cast("ChatResponse", responses[-1])

    async def stream(request: StreamRequest, context: Context) -> AsyncGenerator[StreamResponse, None]:
        requests.append(request)
        responses.append(StreamResponse())
        yield cast("StreamResponse", responses[-1])

    async def check() -> None:
        stub = on(local_channel(Handlers(chat, stream), strict=strict))
        asked, streamed = ChatRequest(model="m"), StreamRequest(chat=ChatRequest(model="m"))
        answered = [await stub.Chat(asked), *await read_all(stub.Stream(streamed))]
        assert requests == [asked, streamed]
        assert answered == responses
        assert (requests[0] is asked, requests[1] is streamed) == (not strict, not strict)
        assert [one is other for one, other in zip(answered, responses, strict=True)] == [not strict, not strict]

    run(check)


@pytest.mark.parametrize(
    "pair", [("Upper", "x"), ("", "x"), ("a b", "x"), ("ä", "x"), ("a", "ä"), ("a", "b\n"), ("a-bin", "x"), ("a", b"x")]
)
def test_a_strict_channel_refuses_metadata_that_a_socket_cannot_carry(pair: tuple[str, str | bytes]) -> None:
    async def check() -> None:
        stub = on(local_channel(Handlers(), strict=True))
        with pytest.raises(ValueError, match="metadata"):
            stub.Chat(ChatRequest(), metadata=(pair,))

    run(check)


def test_closing_waits_for_running_calls() -> None:
    async def check() -> None:
        waiting = Waiting()
        channel = local_channel(waiting.handlers)
        running = asyncio.ensure_future(on(channel).Chat(ChatRequest()))
        await waiting.begun.wait()
        closing = asyncio.create_task(channel.close(grace=60))
        await asyncio.sleep(0)
        with pytest.raises(grpc.aio.UsageError):
            on(channel).Chat(ChatRequest())
        assert not closing.done()
        waiting.go_on.set()
        assert (await running).id == "late"
        await closing

    run(check)


@pytest.mark.parametrize("grace", [None, 0.01])
@pytest.mark.parametrize("call", ["chat", "stream", "stream between two reads"])
def test_closing_ends_running_calls(grace: float | None, call: str) -> None:
    async def check() -> None:
        waiting = Waiting()
        channel = local_channel(waiting.handlers)
        begun = on(channel).Chat(ChatRequest()) if call == "chat" else on(channel).Stream(StreamRequest())
        if call == "stream between two reads":
            assert await begun.read() == StreamResponse()
            await channel.close(grace)
            assert waiting.ended.is_set()
        else:
            running = asyncio.ensure_future(begun if call == "chat" else read_all(begun))
            await waiting.begun.wait()
            await channel.close(grace)
            assert waiting.ended.is_set()
            with pytest.raises(asyncio.CancelledError):
                await running
        assert await begun.code() is grpc.StatusCode.CANCELLED

    run(check)


def test_the_state_of_a_channel() -> None:
    async def check() -> None:
        channel = local_channel(Handlers())
        await channel.channel_ready()
        ready, shutdown = grpc.ChannelConnectivity.READY, grpc.ChannelConnectivity.SHUTDOWN
        assert channel.get_state(try_to_connect=True) is ready
        changed = asyncio.create_task(channel.wait_for_state_change(ready))
        await channel.wait_for_state_change(shutdown)
        assert not changed.done()
        async with channel:
            pass
        await changed
        assert channel.get_state() is shutdown
        await channel.close()

    run(check)


def test_it_registers_as_a_server_does() -> None:
    async def check() -> None:
        channel = LocalChannel()
        add_GatewayServiceServicer_to_server(Handlers(), cast("grpc.aio.Server", channel))
        async with channel:
            assert await on(channel).Chat(ChatRequest()) == ChatResponse()

    run(check)
