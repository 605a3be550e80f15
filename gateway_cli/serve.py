"""`dragoman serve`, `core` and `facade`: which servers run in this process, and how they are put together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gateway_cli import logs
from gateway_cli.core import CoreTls, is_serving, local_core, refuse_open_core, remote_channel
from gateway_cli.running import run, run_servers
from gateway_cli.sockets import bind, greeting
from gateway_core.settings.file import SettingsError
from gateway_core.settings.server import Address
from gateway_core.settings.settings import Settings, from_environment
from gateway_core.telemetry import AccessLog

if TYPE_CHECKING:
    import socket

    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub
    from gateway_cli.http_protocol import ConnectionLimits
    from gateway_cli.http_server import HttpServer
    from gateway_core.rpc.server import GrpcServer
    from gateway_core.rpc.servicer import GatewayServicer

BEATS = 5
"""How often a worker says that it is alive in the time after which it is taken for stuck."""
EXPLAINING_S = 1.0
"""How much longer the facade waits than the core: only the core knows which provider was late."""


def serve(
    config: Path | None, http: str | None, grpc: str | None, *, ready_fd: int | None = None, storage: Path | None = None
) -> int:
    """ready_fd: this is one of several workers, which shares its ports and reports to the supervisor there that it is ready.
    storage: the file that the workers share, where the settings name none."""
    settings = from_environment(config).listening(http=http, grpc=grpc).storing(storage)
    settings.check_exposure()
    shared = ready_fd is not None
    bound = bind(settings.server.http, "--http", shared=shared)
    supervisor = os.getppid()
    run(_serve(settings, bound, logs.set_up(settings.log), ready_fd))
    if storage is not None and os.getppid() != supervisor:
        # It was killed, and leaves conversations behind that nobody would find again.
        shutil.rmtree(storage.parent, ignore_errors=True)
    return 0


def core(config: Path | None, grpc: str | None) -> int:
    settings = from_environment(config).listening(grpc=grpc)
    settings.check_exposure(http=False)
    run(_core(settings, logs.set_up(settings.log)))
    return 0


def facade(config: Path | None, http: str | None, core: str, tls: CoreTls) -> int:
    settings = from_environment(config, core=False).listening(http=http)
    bound = bind(settings.server.http, "--http")
    run(_facade(settings, bound, core, tls, logs.set_up(settings.log)))
    return 0


async def _serve(settings: Settings, bound: socket.socket, access_log: AccessLog | None, ready_fd: int | None) -> None:
    async with local_core(settings) as core:
        http = http_server(core.stub, settings, bound, access_log)
        grpc = GrpcPart(core.servicer, settings, access_log, shared=ready_fd is not None)

        def ready() -> None:
            if ready_fd is None:
                print(greeting(settings, http.url, grpc.address), flush=True)
            else:
                beat(ready_fd, settings.server.watchdog / BEATS)

        await run_servers((grpc, http), settings.server.grace, ready, supervised=ready_fd is not None)


def beat(pipe: int, interval_s: float) -> None:
    """Tell the supervisor, now and again, that this process serves and its event loop runs. interval_s: 0 for once."""
    os.set_blocking(pipe, False)
    # A full pipe or none: the supervisor does not move itself, or is gone, which its other pipe says.
    with contextlib.suppress(OSError):
        os.write(pipe, b".")
    if interval_s:
        asyncio.get_running_loop().call_later(interval_s, beat, pipe, interval_s)


async def _core(settings: Settings, access_log: AccessLog | None) -> None:
    async with local_core(settings) as core:
        grpc = GrpcPart(core.servicer, settings, access_log)
        await run_servers((grpc,), settings.server.grace, lambda: print(greeting(settings, None, grpc.address), flush=True))


async def _facade(settings: Settings, bound: socket.socket, core: str, tls: CoreTls, access_log: AccessLog | None) -> None:
    async with remote_channel(core, tls) as (channel, stub):
        if not settings.server.http.is_loopback:
            await refuse_open_core(stub, settings, core)
        timeout_s = settings.timeouts.total + EXPLAINING_S
        http = http_server(stub, settings, bound, access_log, timeout_s, lambda: is_serving(channel))
        await run_servers(
            (http,), settings.server.grace, lambda: print(f"Dragoman's facade is ready: {http.url} -> {core}", flush=True)
        )


class GrpcPart:
    """The gRPC server at the settings' address, with messages that name --grpc."""

    def __init__(
        self, servicer: GatewayServicer, settings: Settings, access_log: AccessLog | None, *, shared: bool = False
    ) -> None:
        from gateway_core.rpc.server import GrpcServer

        self.address = settings.server.grpc
        self._shared = shared
        self._server: GrpcServer = GrpcServer(
            servicer,
            address=str(self.address),
            tls=settings.server.grpc_tls,
            max_message_bytes=settings.server.max_body_bytes,
            access_log=access_log,
            reuse_port=shared,
            keys=servicer,
            trusted_proxies=settings.server.trusted_proxies,
        )

    async def start(self) -> None:
        if not self._shared:
            # gRPC binds by itself, but when it cannot, it hides the reason and litters the terminal.
            bind(self.address, "--grpc").close()
        try:
            self.address = Address(self.address.host, await self._server.start())
        except OSError as error:
            raise SettingsError(f"--grpc {self.address}: {error}.") from None

    async def stop(self, grace: float) -> None:
        await self._server.stop(grace)


def http_server(
    stub: GatewayServiceAsyncStub,
    settings: Settings,
    bound: socket.socket,
    access_log: AccessLog | None,
    timeout_s: float | None = None,
    readiness: Callable[[], Awaitable[bool]] | None = None,
    connections: ConnectionLimits | None = None,
) -> HttpServer:
    """timeout_s: how long the facade waits for a core that may be lost; one in this process keeps time itself. connections:
    the defaults and the settings' unless they are given."""
    from gateway_cli.http_protocol import ConnectionLimits
    from gateway_cli.http_server import HttpServer
    from http_facade.app import create_app
    from http_facade.core import KeyPlace, Limits
    from http_facade.exchange import Stop

    server = settings.server
    limits = Limits(
        body_bytes=server.max_body_bytes,
        timeout_s=timeout_s,
        keep_alive_s=server.keep_alive,
        requests=server.max_calls,
        requests_per_address=server.max_calls_per_address,
        wrong_keys_per_minute=server.wrong_keys_per_minute,
    )
    places = {
        context.name: KeyPlace(context.auth.header, context.auth.query) for context in settings.contexts if context.auth
    }
    stop = Stop()
    app = create_app(
        stub,
        stop=stop,
        limits=limits,
        access_log=access_log,
        readiness=readiness,
        key_places=places,
        origins=server.cors_origins,
        hosts=server.hosts,
        trusted_proxies=server.trusted_proxies,
    )
    connections = connections or ConnectionLimits(
        server.max_connections, server.max_connections_per_address, lag_s=settings.timeouts.total
    )
    return HttpServer(app, bound, server.http_tls, limits=connections, stop=stop)
