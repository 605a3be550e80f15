"""Which handler serves a call in this process, through which interceptors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

import grpc
import pytest

from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from dragoman.v1.stream_pb2 import StreamRequest, StreamResponse
from gateway_core.rpc.inprocess import LocalChannel, local_channel
from tests.gateway_core.rpc.handlers import Context, Handlers
from tests.gateway_core.rpc.serving import failure_of, read_all, run

CHAT = "/dragoman.v1.GatewayService/Chat"
STREAM = "/dragoman.v1.GatewayService/Stream"


def on(channel: LocalChannel) -> Any:
    return GatewayServiceStub(channel)


class Marking(grpc.aio.ServerInterceptor):
    """Writes its name down, and refuses whoever has not said please."""

    def __init__(self, name: str, log: list[object], *, refuses: bool = False) -> None:
        self._name = name
        self._log = log
        self._refuses = refuses

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any) -> Any:
        self._log.append((self._name, handler_call_details.method))
        if self._refuses and ("please", "1") not in handler_call_details.invocation_metadata:
            return grpc.unary_unary_rpc_method_handler(self._refuse)
        return await continuation(handler_call_details)

    async def _refuse(self, request: object, context: Context) -> object:
        return await context.abort(grpc.StatusCode.PERMISSION_DENIED, "say please")


def test_handlers_that_cannot_be_called_so_are_refused() -> None:
    def plain(request: object, context: object) -> ChatResponse:
        return ChatResponse()

    async def coroutine(request: object, context: object) -> ChatResponse:
        return ChatResponse()

    async def check() -> None:
        channel: Any = LocalChannel()
        refused: list[tuple[Any, str]] = [
            (grpc.unary_unary_rpc_method_handler(plain), "coroutine function"),
            (grpc.unary_stream_rpc_method_handler(coroutine), "async generator function"),
            (grpc.stream_unary_rpc_method_handler(plain), "coroutine function"),
            (grpc.stream_stream_rpc_method_handler(coroutine), "async generator function"),
        ]
        for handler, words in refused:
            with pytest.raises(TypeError, match=f"M: .*{words}"):
                channel.add_registered_method_handlers("s", {"M": handler})

    run(check)


def test_generic_handlers_are_asked_in_turn() -> None:
    async def chat(request: ChatRequest, context: object) -> ChatResponse:
        return ChatResponse(id=request.model)

    async def check() -> None:
        channel = LocalChannel()
        method: Any = grpc.unary_unary_rpc_method_handler(chat)
        for service in ("other.Service", "dragoman.v1.GatewayService"):
            handler = grpc.method_handlers_generic_handler(service, {"Chat": method})
            channel.add_generic_rpc_handlers((handler,))
        assert (await on(channel).Chat(ChatRequest(model="m"))).id == "m"
        error = await failure_of(read_all(on(channel).Stream(StreamRequest())))
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED

    run(check)


def test_a_strict_channel_must_know_how_to_serialise() -> None:
    async def check() -> None:
        with pytest.raises(TypeError, match="serialise"):
            local_channel(Handlers(), strict=True).unary_unary(CHAT)

    run(check)


def test_a_method_without_codecs_is_enough_otherwise() -> None:
    async def check() -> None:
        channel: Any = local_channel(Handlers())
        assert await channel.unary_unary(CHAT)(ChatRequest()) == ChatResponse()
        assert await read_all(channel.unary_stream(STREAM)(StreamRequest())) == [StreamResponse()]

    run(check)


@pytest.mark.parametrize("strict", [False, True])
def test_interceptors_see_every_call_in_order(strict: bool) -> None:
    async def check() -> None:
        log: list[object] = []
        stub = on(local_channel(Handlers(), strict=strict, interceptors=[Marking("a", log), Marking("b", log)]))
        await stub.Chat(ChatRequest())
        await read_all(stub.Stream(StreamRequest()))
        assert log == [("a", CHAT), ("b", CHAT), ("a", STREAM), ("b", STREAM)]

    run(check)


def test_an_interceptor_may_refuse() -> None:
    async def check() -> None:
        log: list[object] = []
        stub = on(local_channel(Handlers(), interceptors=[Marking("a", log, refuses=True), Marking("b", log)]))
        error = await failure_of(stub.Chat(ChatRequest()))
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED
        await stub.Chat(ChatRequest(), metadata=(("please", "1"),))
        assert [name for name, _ in cast("list[tuple[str, str]]", log)] == ["a", "a", "b"]

    run(check)


def test_a_missing_method_behind_interceptors() -> None:
    async def check() -> None:
        channel: Any = local_channel(Handlers(), interceptors=[Marking("a", [])])
        for call in (channel.unary_unary("/s/M")(ChatRequest()), read_all(channel.unary_stream("/s/M")(ChatRequest()))):
            error = await failure_of(call)
            assert error.code() is grpc.StatusCode.UNIMPLEMENTED

    run(check)
