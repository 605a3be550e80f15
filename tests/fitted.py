"""What is sent for a request, once it is fitted to its target as the core fits it."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.routing_pb2 import Warning
from gateway_core.execution.fitting import fit
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
    fitted = fit(request, Target(endpoint, model))
    try:
        upstream, warnings = DIALECTS[endpoint.dialect].encode_chat(fitted.request, model, endpoint, stream)
    except GatewayError as failure:
        failure.field = fitted.placed(failure.field)
        raise
    for warning in warnings:
        warning.field = fitted.placed(warning.field)
    return upstream, [*fitted.warnings, *warnings]
