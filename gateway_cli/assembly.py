"""A core in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dragoman.v1.gateway_pb2_grpc import GatewayServiceServicer, GatewayServiceStub
from gateway_core.accounts.keys import KeyRing
from gateway_core.bootstrap import build_gateway
from gateway_core.rpc.inprocess import local_channel
from gateway_core.rpc.servicer import GatewayServicer
from gateway_core.settings.settings import Settings

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub


@dataclass(frozen=True, slots=True)
class LocalCore:
    servicer: GatewayServiceServicer
    stub: GatewayServiceAsyncStub
    """On an in-process channel to the servicer."""


@asynccontextmanager
async def local_core(settings: Settings) -> AsyncIterator[LocalCore]:
    """Raises SettingsError for a route that leads nowhere."""
    gateway = build_gateway(settings)
    try:
        authenticate = KeyRing(settings.keys).authenticate
        places = {context.name: context.auth for context in settings.contexts if context.auth}
        servicer = GatewayServicer(gateway, authenticate, total_timeout_s=settings.timeouts.total, key_places=places)
        channel = local_channel(servicer)
        try:
            yield LocalCore(servicer, GatewayServiceStub(channel))
        finally:
            await channel.close()
    finally:
        await gateway.close()
