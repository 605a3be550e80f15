"""What a core says about itself: whether it serves, and whether it asks for keys."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc

from dragoman.v1.models_pb2 import ListModelsRequest
from gateway_cli.remote import CoreTls, remote_channel
from gateway_core.settings.file import SettingsError
from gateway_core.settings.settings import Settings

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

PROBE_TIMEOUT_S = 2.0
START_TIMEOUT_S = 10.0
"""How long a facade waits for a core that is started beside it."""


def health(core: str, tls: CoreTls) -> int:
    """0 when the core serves."""
    serving = asyncio.run(_health(core, tls))
    print("serving" if serving else "not serving")
    return 0 if serving else 1


async def _health(core: str, tls: CoreTls) -> bool:
    async with remote_channel(core, tls) as (channel, _):
        return await is_serving(channel)


async def is_serving(channel: grpc.aio.Channel) -> bool:
    """Whether the core says that it serves (https://grpc.io/docs/guides/health-checking/)."""
    from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
    from grpc_health.v1.health_pb2_grpc import HealthStub

    stub = HealthStub(channel)  # type: ignore[no-untyped-call]
    try:
        answer = await stub.Check(HealthCheckRequest(), timeout=PROBE_TIMEOUT_S)
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.status == HealthCheckResponse.SERVING)


async def refuse_open_core(stub: GatewayServiceAsyncStub, settings: Settings, core: str) -> None:
    """Raises SettingsError when a facade that other machines reach would lead to a core that asks nobody for a key."""
    try:
        await stub.ListModels(ListModelsRequest(provider="demo", page_size=1), timeout=START_TIMEOUT_S, wait_for_ready=True)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAUTHENTICATED:
            return
        raise SettingsError(
            f"--core {core} does not answer ({error.code().name}: {error.details()}), so it is not known whether it asks for"
            " keys, as it must before other machines are let in. Start it first."
        ) from None
    settings.check_exposure(grpc=False)
