"""The servicer's side of a call in this process."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import grpc
import pytest

from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from gateway_core.rpc.inprocess import LocalChannel, local_channel
from tests.gateway_core.rpc.handlers import Context, Handlers
from tests.gateway_core.rpc.serving import run


def on(channel: LocalChannel) -> Any:
    return GatewayServiceStub(channel)


def test_the_servicers_side() -> None:
    seen: list[object] = []

    async def chat(request: ChatRequest, context: Context) -> ChatResponse:
        ended = asyncio.Event()
        context.add_done_callback(lambda _: ended.set())
        assert context.peer() == "local:"
        assert context.peer_identities() is context.peer_identity_key() is None
        assert context.auth_context() == {}
        context.set_compression(grpc.Compression.Gzip)
        context.disable_next_message_compression()
        assert not context.done()
        assert not context.cancelled()
        await context.send_initial_metadata(())
        for misuse in (context.send_initial_metadata(()), context.read(), context.write(ChatResponse())):
            with pytest.raises(grpc.aio.UsageError):
                await misuse
        with pytest.raises(grpc.aio.UsageError):
            await context.abort(grpc.StatusCode.OK)
        seen.extend((context, ended))
        return ChatResponse()

    async def check() -> None:
        await on(local_channel(Handlers(chat))).Chat(ChatRequest())
        context, ended = cast("tuple[Any, asyncio.Event]", seen)
        assert context.done()
        assert ended.is_set()
        with pytest.raises(grpc.aio.UsageError, match="finished"):
            await context.abort(grpc.StatusCode.INTERNAL)

    run(check)
