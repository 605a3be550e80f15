"""One operation at one target: encode, send, check, decode. The same for chats, token counts and model lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from dragoman.v1.routing_pb2 import Attempt, Warning
from gateway_core.deadline import Deadline
from gateway_core.routing.route import Target
from gateway_core.transport.base import Transport, UpstreamResponse
from gateway_dialects.kit.dialect import Encoded, Endpoint, Operation, UpstreamRequest

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


@dataclass(frozen=True, slots=True)
class Transports:
    """The transports, by where an endpoint is."""

    demo: Transport
    """The demo provider's: demo://"""
    http: Transport
    guarded: Transport
    """To servers that clients choose: it must not reach into the operator's network."""

    @classmethod
    def only(cls, transport: Transport) -> Transports:
        """One transport for all endpoints."""
        return cls(transport, transport, transport)

    def for_endpoint(self, endpoint: Endpoint) -> Transport:
        if endpoint.guarded:
            return self.guarded
        return self.demo if endpoint.url.startswith("demo:") else self.http

    async def close(self) -> None:
        for transport in {id(one): one for one in (self.demo, self.http, self.guarded)}.values():
            await transport.close()


@dataclass(frozen=True, slots=True)
class Upstream:
    """The upstream of one attempt."""

    target: Target
    transports: Transports
    deadline: Deadline
    record: Attempt = field(default_factory=Attempt)
    """Of the attempt, filled in on the way."""

    @property
    def endpoint(self) -> Endpoint:
        return self.target.endpoint

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """The answer's head. The caller closes it. Raises GatewayError as Transport.send does."""
        response = await self.transports.for_endpoint(self.endpoint).send(request, self.deadline)
        self.record.status = response.status
        return response


async def invoke(
    operation: Operation[RequestT, ResponseT], request: RequestT, upstream: Upstream
) -> tuple[ResponseT, Sequence[Warning]]:
    """The response, and a warning for each parameter that was dropped. Raises GatewayError."""
    encoded = operation.encode(request, upstream.target.model, upstream.endpoint)
    return await perform(operation, encoded, upstream), encoded.warnings


async def perform(operation: Operation[RequestT, ResponseT], encoded: Encoded, upstream: Upstream) -> ResponseT:
    """The response to an encoded request. Raises GatewayError."""
    response = await upstream.send(encoded.request)
    try:
        body = await response.read()
    finally:
        await response.close()
    if response.status != 200:
        raise operation.decode_error(response.status, response.headers, body)
    return operation.decode(body, upstream.endpoint.provider)
