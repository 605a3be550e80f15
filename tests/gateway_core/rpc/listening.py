"""The whole core behind a real socket, with whatever options the server takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from gateway_core.rpc.server import GrpcServer
from tests.gateway_core.rpc.serving import ANY_SIZE, DEMO_ALONE, Behind, chunk, serving
from tests.upstream import Signal, Upstream, event_stream

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

SERVING = HealthCheckResponse.ServingStatus.SERVING
NOT_SERVING = HealthCheckResponse.ServingStatus.NOT_SERVING
SERVICE_UNKNOWN = HealthCheckResponse.ServingStatus.SERVICE_UNKNOWN


@dataclass(frozen=True)
class Listening:
    server: GrpcServer
    address: str
    channel: grpc.aio.Channel
    stub: GatewayServiceAsyncStub
    upstream: Upstream

    async def watch(self, service: str = "") -> AsyncIterator[int]:
        async for response in health(self.channel).Watch(HealthCheckRequest(service=service)):
            yield response.status


@asynccontextmanager
async def listening(behind: Behind = DEMO_ALONE, **options: Any) -> AsyncIterator[Listening]:
    async with Upstream(behind.upstream) as upstream, serving(behind, upstream) as servicer:
        server = GrpcServer(servicer, keys=servicer, **options)
        address = f"127.0.0.1:{await server.start()}"
        try:
            async with grpc.aio.insecure_channel(address, ANY_SIZE) as channel:
                yield Listening(server, address, channel, GatewayServiceStub(channel), upstream)
        finally:
            await server.stop(0)


def health(channel: grpc.aio.Channel) -> Any:
    return HealthStub(channel)  # type: ignore[no-untyped-call]


def waiting(go_on: Signal, **more: Any) -> Behind:
    """A provider that says one word, and the other when it is let."""
    said = (chunk("first "), go_on, chunk("second", "stop"), b"data: [DONE]\n\n")
    return Behind(lambda _: event_stream(*said), **more)
