"""A transport that is made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable

from dragoman.reasons import GatewayError, Reason
from gateway_core.deadline import Deadline
from gateway_core.transport.base import Transport, UpstreamResponse
from gateway_dialects.kit.dialect import UpstreamRequest


class LazyTransport:
    """See Transport."""

    def __init__(self, make: Callable[[], Transport]) -> None:
        self._make = make
        self._made: Transport | None = None
        self._closed = False

    async def send(self, request: UpstreamRequest, deadline: Deadline) -> UpstreamResponse:
        """See Transport.send."""
        if self._made is None:
            if self._closed:
                raise GatewayError(Reason.SHUTTING_DOWN, "the gateway is stopping")
            self._made = self._make()
        return await self._made.send(request, deadline)

    async def close(self) -> None:
        """See Transport.close."""
        self._closed = True
        if self._made is not None:
            await self._made.close()
