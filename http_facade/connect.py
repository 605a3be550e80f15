"""Where the facade meets the core: the stub, through whatever channel, its errors, and what else the core knows. The only
module here that imports gateway_core, and only when there is need."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import grpc

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from gateway_dialects.kit.failure import Failure
from http_facade.answer_headers import route_headers
from http_facade.errors import status_for

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

CHANNEL_OPTIONS = (
    # One retrying layer: the core's.
    ("grpc.enable_retries", 0),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.lb_policy_name", "round_robin"),
    # gRPC would let a core that is back wait for up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 250),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


class Credentials(NamedTuple):
    """For TLS, as PEM."""

    root_certificates: bytes
    private_key: bytes | None = None
    certificate_chain: bytes | None = None
    """With its private key: shown to a core that asks for it."""


def connect(address: str, tls: Credentials | None = None) -> tuple[grpc.aio.Channel, GatewayServiceAsyncStub]:
    """A channel to a core elsewhere, and the stub on it. address: HOST:PORT or dns:///HOST:PORT."""
    if tls is None:
        channel = grpc.aio.insecure_channel(address, CHANNEL_OPTIONS)
    else:
        channel = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(*tls), CHANNEL_OPTIONS)
    return channel, GatewayServiceStub(channel)


def estimate_input_tokens(chat: ChatRequest) -> int:
    """For faces whose streams begin with a count, before any provider has counted."""
    from gateway_dialects.kit.estimate import estimate_input_tokens

    return estimate_input_tokens(chat)


def failure_of(error: grpc.aio.AioRpcError) -> Failure:
    """What a failed call means to an HTTP client."""
    from gateway_core.rpc.status import unpack

    found = unpack(error)
    reason = found.reason.value
    return Failure(
        status_for(reason, found.metadata),
        reason,
        told(reason, found.message, found.metadata.get("provider", "")),
        param=found.field,
        metadata=found.metadata,
        retry_after_s=found.retry_after_s,
        headers=route_headers(found.trace) if found.trace else {},
    )


def told(reason: str, message: str, provider: str) -> str:
    """Name the provider where the failure is the provider's: otherwise the client looks for it in the gateway."""
    if provider and reason not in ("INVALID_REQUEST", "INTERNAL") and provider not in message:
        return f"{provider}: {message}"
    return message
