"""PLACEHOLDER so that the rest starts; the engineer who owns transport/ overwrites this file with the real one. Not committed."""

from gateway_core.deadline import Deadline
from gateway_core.errors import GatewayError, Reason
from gateway_core.providers.dialect import UpstreamRequest
from gateway_core.transport.base import UpstreamResponse


class DemoTransport:
    async def send(self, request: UpstreamRequest, deadline: Deadline) -> UpstreamResponse:
        raise GatewayError(Reason.UPSTREAM_UNAVAILABLE, "the demo provider is being built")

    async def close(self) -> None:
        """Nothing is open."""
