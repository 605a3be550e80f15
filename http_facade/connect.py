"""Where the facade meets the core: the stub, through whatever channel, and its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import grpc

from dragoman.reasons import GatewayError, Reason
from dragoman.status import unpack
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from http_facade.exchange import route_headers

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
    # A core that is frozen, or gone without a word, is left within seconds.
    ("grpc.keepalive_time_ms", 5_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.http2.ping_timeout_ms", 3_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
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


def failure_of(error: grpc.aio.AioRpcError) -> GatewayError:
    """What a failed call means to an HTTP client."""
    found = unpack(error)
    found.message = with_provider(found)
    if found.trace:
        found.headers = route_headers(found.trace)
    return found


def with_provider(error: GatewayError) -> str:
    """The message, naming the provider where the failure is the provider's: otherwise the client looks for it here."""
    provider = error.metadata.get("provider", "")
    if provider and error.reason not in (Reason.INVALID_REQUEST, Reason.INTERNAL) and provider not in error.message:
        return f"{provider}: {error.message}"
    return error.message
