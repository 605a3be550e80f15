"""The gRPC server on a socket: the service, health, reflection, TLS, and a stop that lets streams finish.

Keys are asked for by GatewayService alone. Health is open because load balancers and orchestrators have no key, and
reflection because it reveals nothing but the published contract; neither reaches a provider nor names a model.
"""

import asyncio
import ssl
from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_reflection.v1alpha import reflection

from dragoman.client_address import Network, TrustedProxies
from dragoman.v1.gateway_pb2 import DESCRIPTOR
from dragoman.v1.gateway_pb2_grpc import GatewayServiceServicer, add_GatewayServiceServicer_to_server
from gateway_core.rpc.interceptors import AccessLog, KeyCheck, Observer
from gateway_core.settings.settings import SettingsError, TlsSettings

SERVICE: str = DESCRIPTOR.services_by_name["GatewayService"].full_name
DEFAULT_MAX_MESSAGE_BYTES = 50 * 1024 * 1024
LEAST_PING_INTERVAL_MS = 4_000
"""A client that pings more often gets GOAWAY, ENHANCE_YOUR_CALM."""
MOST_STREAMS = 1_000
"""Calls at once on one connection; further ones wait at the client."""


Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class Health(health_pb2_grpc.HealthServicer):
    """grpc.health.v1.Health (https://github.com/grpc/grpc/blob/master/doc/health-checking.md): serving until stop().

    The package's own servicer never ends a Watch, and then a load balancer that watches would hold up every graceful stop
    for its whole grace. Here a watcher gets NOT_SERVING, and its stream ends.
    """

    def __init__(self, services: Collection[str]) -> None:
        """services: full names; the empty name is the whole server."""
        self._services = frozenset(services)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def Check(self, request: HealthCheckRequest, context: Context) -> HealthCheckResponse:
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no service {request.service!r} here")
        return self._status()

    async def Watch(self, request: HealthCheckRequest, context: Context) -> None:
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


class GrpcServer:
    """One server on one address. It runs in the event loop that starts it, beside whatever else runs there."""

    def __init__(
        self,
        servicer: GatewayServiceServicer,
        *,
        address: str = "127.0.0.1:0",
        tls: TlsSettings | None = None,
        max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
        access_log: AccessLog | None = None,
        reuse_port: bool = False,
        keys: KeyCheck | None = None,
        trusted_proxies: Sequence[Network] = (),
    ) -> None:
        """address: HOST:PORT or unix:PATH. max_message_bytes: the largest request that is read; a larger one is
        RESOURCE_EXHAUSTED. reuse_port: several processes share the port. keys: refuses calls before their request is
        read; None leaves that to the servicer. trusted_proxies: believed where they say who asks them."""
        self._servicer = servicer
        self._address = address
        self._tls = tls
        self._options = server_options(max_message_bytes, reuse_port)
        self._observer = Observer(SERVICE, access_log, keys, TrustedProxies(trusted_proxies))
        self._server: grpc.aio.Server | None = None
        self._health = Health(("", SERVICE))

    async def start(self) -> int:
        """Gives the port. Raises OSError for an address that cannot be had, SettingsError for certificates that are none."""
        credentials = read_credentials(self._tls) if self._tls else None
        server = grpc.aio.server(interceptors=[self._observer], options=self._options)
        add_GatewayServiceServicer_to_server(self._servicer, server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)  # type: ignore[no-untyped-call]
        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)  # type: ignore[no-untyped-call]
        port = _listen(server, self._address, credentials)
        await server.start()
        self._server = server
        return port

    async def stop(self, grace_s: float | None = None) -> None:
        """Reports NOT_SERVING, takes no new calls, and cancels those that run longer than grace_s. May be called again with
        a shorter grace."""
        self._health.stop()
        if self._server is not None:
            await self._server.stop(grace_s)

    async def wait_stopped(self) -> None:
        if self._server is not None:
            await self._server.wait_for_termination()


def server_options(max_message_bytes: int, reuse_port: bool) -> Sequence[tuple[str, int]]:
    """gRPC's arguments (https://grpc.github.io/grpc/core/group__grpc__arg__keys.html)."""
    return (
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", -1),
        # Without this, grpc shares the port silently with any other process that asks.
        ("grpc.so_reuseport", int(reuse_port)),
        # A client that vanished behind a proxy is noticed, and its upstream call cancelled.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.ping_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        # Clients that ping to keep a proxy's idle connection, or to notice a core that is gone, are welcome; gRPC would
        # answer their third ping with GOAWAY.
        ("grpc.http2.min_ping_interval_without_data_ms", LEAST_PING_INTERVAL_MS),
        ("grpc.http2.max_ping_strikes", 2),
        # A connection cannot open calls and reset them faster than they are cleared away (CVE-2023-44487).
        ("grpc.max_concurrent_streams", MOST_STREAMS),
    )


def read_credentials(tls: TlsSettings) -> grpc.ServerCredentials:
    """Raises SettingsError: gRPC itself would only say that it cannot bind."""
    try:
        checked = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        checked.load_cert_chain(tls.certificate, tls.private_key)
        if tls.client_ca is not None:
            checked.load_verify_locations(tls.client_ca)
        pair = (tls.private_key.read_bytes(), tls.certificate.read_bytes())
        client_ca = tls.client_ca.read_bytes() if tls.client_ca is not None else None
    except OSError as error:
        raise SettingsError(
            f"grpc_tls: {tls.certificate} and {tls.private_key} are not a usable certificate and its private key: {error}"
        ) from error
    return grpc.ssl_server_credentials([pair], client_ca, require_client_auth=client_ca is not None)


def _listen(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> int:
    try:
        if credentials is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise OSError(
            f"cannot listen on {address} for gRPC: another program does, or the address is not this machine's"
        ) from error
