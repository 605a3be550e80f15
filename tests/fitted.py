"""What is sent for a request, once it is fitted to its target as the core fits it."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.routing_pb2 import Warning
from gateway_core.execution import fitting
from gateway_core.models.table import ModelTable
from gateway_core.providers.registry import DIALECTS
from gateway_core.providers.vendor import Vendor
from gateway_core.routing.resolver import Target
from gateway_dialects.kit.dialect import Endpoint, Secret, UpstreamRequest


def endpoint_at(row: Vendor, url: str = "", keys: tuple[Secret, ...] = ()) -> Endpoint:
    """The endpoint of a vendor's row, with what its models take."""
    takes = ModelTable(row.name, row.dialect, row.quirks.efforts)
    return Endpoint(row.name, row.dialect, url or row.url, keys, quirks=row.quirks, capabilities_of=takes)


def encode_fitted(
    request: ChatRequest, model: str, endpoint: Endpoint, stream: bool = False
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    """Raises GatewayError."""
    dialect, target = DIALECTS[endpoint.dialect], Target(endpoint, model)
    encoded = fitting.encode_fitted(dialect.stream if stream else dialect.chat, fitting.fit(request, target), target)
    return encoded.request, encoded.warnings
