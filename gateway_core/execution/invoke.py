"""One operation at one target: encode, send, check, decode. The same for chats, counts and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from dragoman.v1.routing_pb2 import Warning
from gateway_core.deadline import Deadline
from gateway_core.routing.route import Target
from gateway_core.transport.base import Transport
from gateway_dialects.kit.dialect import Endpoint, Operation, UpstreamRequest

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

GUARDED = "guarded"
"""Among the transports, which are by scheme, the one to servers that clients choose."""


def transport_for(upstream: UpstreamRequest, endpoint: Endpoint, transports: Mapping[str, Transport]) -> Transport:
    """By the URL's scheme, except for the URLs that clients choose."""
    return transports[GUARDED if endpoint.guarded else upstream.url.partition(":")[0]]


async def invoke(
    operation: Operation[RequestT, ResponseT],
    request: RequestT,
    target: Target,
    deadline: Deadline,
    transports: Mapping[str, Transport],
) -> tuple[ResponseT, Sequence[Warning]]:
    """The target's response, and what of the request was dropped. Raises GatewayError."""
    upstream, warnings = operation.encode(request, target.model, target.endpoint)
    response = await transport_for(upstream, target.endpoint, transports).send(upstream, deadline)
    try:
        body = await response.read()
        if response.status != 200:
            raise operation.decode_error(response.status, response.headers, body)
        return operation.decode(body, target.endpoint.provider), warnings
    finally:
        await response.close()
