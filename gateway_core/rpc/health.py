"""grpc.health.v1.Health (https://github.com/grpc/grpc/blob/master/doc/health-checking.md) for a server that stops once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, TypeAlias

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthServicer

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class Health(HealthServicer):
    """Serving from its start until stop().

    The package's own servicer never ends a Watch, and then a load balancer that watches would hold up every graceful stop
    for its whole grace. Here a watcher is told NOT_SERVING, and its stream ends.
    """

    def __init__(self, services: Collection[str]) -> None:
        """services: full names; the empty name stands for the whole server."""
        self._services = frozenset(services)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def Check(self, request: HealthCheckRequest, context: Context) -> HealthCheckResponse:  # noqa: N802
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no service {request.service!r} here")
        return self._status()

    async def Watch(self, request: HealthCheckRequest, context: Context) -> None:  # noqa: N802
        known = request.service in self._services
        await context.write(
            self._status() if known else HealthCheckResponse(status=HealthCheckResponse.ServingStatus.SERVICE_UNKNOWN)
        )
        await self._stopping.wait()
        if known:
            await context.write(self._status())

    def _status(self) -> HealthCheckResponse:
        status = HealthCheckResponse.ServingStatus
        return HealthCheckResponse(status=status.NOT_SERVING if self._stopping.is_set() else status.SERVING)
