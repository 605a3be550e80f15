"""The server on its socket: reflection, limits, and a stop that lets streams finish."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from dragoman.reasons import Reason
from dragoman.status import unpack
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from gateway_core.rpc.server import SERVICE, GrpcServer
from tests.gateway_core.rpc.listening import NOT_SERVING, listening, waiting
from tests.gateway_core.rpc.serving import (
    DEMO_ALONE,
    Behind,
    detail,
    failure_of,
    question,
    read_all,
    run,
    serving,
    streamed,
    text_of,
)
from tests.upstream import Signal, Upstream, event_stream


def test_a_server_that_stops_takes_no_new_calls() -> None:
    go_on = Signal()

    async def check() -> None:
        async with listening(waiting(go_on)) as here:
            messages = aiter(here.stub.Stream(streamed("at-openai/gpt")))
            await anext(messages)
            watching = here.watch()
            await anext(watching)
            stopping = asyncio.create_task(here.server.stop(60))
            assert await anext(watching) == NOT_SERVING

            async with grpc.aio.insecure_channel(here.address) as late:
                error = await failure_of(GatewayServiceStub(late).Chat(question()))
            assert error.code() is grpc.StatusCode.UNAVAILABLE
            assert unpack(error).reason is Reason.UPSTREAM_UNAVAILABLE
            go_on.set()
            await read_all(messages)
            await stopping

    run(check)


@pytest.mark.parametrize("second", [False, True])
def test_what_does_not_finish_in_time_is_cut_off(second: bool) -> None:
    async def check() -> None:
        async with listening(waiting(Signal())) as here:
            messages = aiter(here.stub.Stream(streamed("at-openai/gpt")))
            await anext(messages)
            if second:
                patient = asyncio.create_task(here.server.stop(60))
                await asyncio.sleep(0)
                await here.server.stop(0)
                await patient
            else:
                await here.server.stop(0.01)
            error = await failure_of(read_all(messages))
            assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
            await here.upstream.requests[0].closed.wait()

    run(check)


def test_reflection_lists_the_services() -> None:
    async def check() -> None:
        async with listening(Behind(keys=["secret"])) as here:
            (listed,) = await reflect(here.channel, ServerReflectionRequest(list_services=""))
            names = [service.name for service in listed.list_services_response.service]
            assert sorted(names) == [SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"]

    run(check)


def test_reflection_tells_the_contract() -> None:
    async def check() -> None:
        async with listening() as here:
            asked = ServerReflectionRequest(file_containing_symbol=SERVICE)
            (found,) = await reflect(here.channel, asked)
            files = map(FileDescriptorProto.FromString, found.file_descriptor_response.file_descriptor_proto)
            (gateway,) = [file for file in files if file.name == "dragoman/v1/gateway.proto"]
            methods = [method.name for method in gateway.service[0].method]
            records = ["PutRecord", "GetRecord", "DeleteRecord", "ListRecords"]
            calls = ["Proxy", "ProxyStream", "GetCall", "CheckKey"]
            assert methods == ["Chat", "Stream", "CountTokens", "ListModels", *records, *calls]

    run(check)


async def reflect(channel: grpc.aio.Channel, *requests: ServerReflectionRequest) -> list[Any]:
    async def asked() -> AsyncIterator[ServerReflectionRequest]:
        for request in requests:
            yield request

    stub: Any = ServerReflectionStub(channel)  # type: ignore[no-untyped-call]
    return [response async for response in stub.ServerReflectionInfo(asked())]


def test_a_request_over_the_limit() -> None:
    async def check() -> None:
        async with listening(max_message_bytes=10_000) as here:
            for call in (
                here.stub.Chat(question(text="x" * 10_000)),
                read_all(here.stub.Stream(streamed(text="x" * 10_000))),
            ):
                error = await failure_of(call)
                assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
                assert unpack(error).reason is Reason.REQUEST_TOO_LARGE
            await here.stub.Chat(question(text="x" * 9_000))

    run(check)


def test_metadata_over_the_limit() -> None:
    async def check() -> None:
        async with listening() as here:
            for size in (20_000, 200_000):
                error = await failure_of(here.stub.Chat(question(), metadata=(("authorization", "x" * size),)))
                assert unpack(error).reason is Reason.REQUEST_TOO_LARGE
            await here.stub.Chat(question())

    run(check)


@pytest.mark.parametrize("raw", [b"\xff\xff\xff", b"\x0a\x03\xff\xff\xff", b"\x0a\xff\xff\xff\xff\x0f", b"{}"])
def test_bytes_that_are_no_request(raw: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def check() -> None:
        async with listening() as here:
            channel: Any = here.channel
            for call in (
                channel.unary_unary(f"/{SERVICE}/Chat")(raw),
                read_all(channel.unary_stream(f"/{SERVICE}/Stream")(raw)),
                channel.unary_unary(f"/{SERVICE}/ListModels")(raw),
            ):
                error = await failure_of(call)
                assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
                assert detail(error, ErrorInfo).reason == "INVALID_REQUEST"
            await here.stub.Chat(question())

    run(check)
    assert caplog.records == []


def test_a_port_that_is_taken() -> None:
    async def check() -> None:
        async with listening() as here:
            with pytest.raises(OSError, match=f"cannot listen on {here.address} for gRPC"):
                async with listening(address=here.address):
                    pytest.fail("it listens")

    run(check)


def test_processes_may_share_a_port() -> None:
    async def check() -> None:
        async with listening(reuse_port=True) as here, listening(reuse_port=True, address=here.address) as there:
            assert there.address == here.address
            await there.stub.Chat(question())

    run(check)


def test_a_unix_socket(tmp_path: Path) -> None:
    async def check() -> None:
        async with listening(address=f"unix:{tmp_path}/grpc"), grpc.aio.insecure_channel(f"unix:{tmp_path}/grpc") as channel:
            await GatewayServiceStub(channel).Chat(question())

    run(check)
    assert not (tmp_path / "grpc").exists()


def test_stop_before_start() -> None:
    async def check() -> None:
        async with Upstream(lambda _: event_stream()) as upstream, serving(DEMO_ALONE, upstream) as servicer:
            server = GrpcServer(servicer)
            await server.stop(1)
            await server.wait_stopped()

    run(check)


def test_a_blocking_client() -> None:
    """The generated stub without asyncio, in a thread of its own, as most programs use it."""

    def ask(address: str) -> tuple[str, str, grpc.RpcError]:
        metadata = (("authorization", "Bearer right-key"), ("x-request-id", "r1"))
        with grpc.insecure_channel(address) as channel:
            stub = GatewayServiceStub(channel)
            response, call = stub.Chat.with_call(question(), metadata=metadata, timeout=20)
            assert dict(call.initial_metadata())["x-request-id"] == "r1"
            batches = list(stub.Stream(streamed(), metadata=metadata, timeout=20))
            with pytest.raises(grpc.RpcError) as caught:
                stub.Chat(question(), timeout=20)
            return response.candidates[0].parts[0].text, text_of(batches), caught.value

    async def check() -> None:
        async with listening(Behind(keys=["right-key"])) as here:
            whole, streamed_text, error = await asyncio.to_thread(ask, here.address)
            assert whole == streamed_text == "Hello there"
            assert detail(error, ErrorInfo).reason == "MISSING_API_KEY"
            assert unpack(error).reason is Reason.MISSING_API_KEY

    run(check)
