"""uvicorn as a part of a larger program: started and stopped by it, without signal handlers or logs of its own."""

import asyncio
import contextlib
import math
import socket
import ssl
from collections.abc import Callable, Iterator
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from gateway_cli.http_protocol import ConnectionLimits, HttpProtocol
from gateway_cli.sockets import address_of
from gateway_core.settings.settings import SettingsError, TlsSettings
from http_facade.exchange import Stop

KEEP_ALIVE_S = 75
"""How long an idle connection stays open; longer than at clients, so that they never write into a closing one."""

LAST_WORDS_S = 1.0
"""How much longer a request that is cut off has for its client to read why."""


class HttpServer:
    """Serves an ASGI application on a bound socket."""

    def __init__(
        self,
        app: ASGIApp,
        bound: socket.socket,
        tls: TlsSettings | None = None,
        *,
        protocol: type[HttpProtocol] = HttpProtocol,
        limits: ConnectionLimits | None = None,
        stop: Stop | None = None,
    ) -> None:
        """limits: the protocol's own unless they are given. stop: tells the application of its stop. Raises SettingsError
        for certificates that are none."""
        self.address = address_of(bound)
        self.url = f"{'https' if tls else 'http'}://{self.address}"
        self._socket = bound
        self._stop = stop or Stop()
        self._server = _Server(loaded(_config(app, tls, partial(protocol, limits=limits)), tls))
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when connections are accepted."""
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait((self._serving, ready), return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            await self._serving

    async def stop(self, grace: float) -> None:
        """Accepts no more connections; running requests have so many seconds to finish. Then they are cut off, and have
        another moment to tell their clients."""
        if self._serving is None:
            return
        # uvicorn takes whole seconds.
        self._server.config.timeout_graceful_shutdown = math.ceil(grace + LAST_WORDS_S)
        self._server.should_exit = True
        self._stop.begin()
        tasks = self._server.server_state.tasks
        ending = asyncio.get_running_loop().call_later(grace, self._stop.end, tasks)
        await self._serving
        ending.cancel()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the whole program's business."""
        yield


def _config(app: ASGIApp, tls: TlsSettings | None, protocol: Callable[..., HttpProtocol]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=protocol,  # type: ignore[arg-type]  # Any callable that makes one.
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.private_key if tls else None,
        ssl_ca_certs=str(tls.client_ca) if tls and tls.client_ca else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if tls and tls.client_ca else ssl.CERT_NONE,
    )


def loaded(config: uvicorn.Config, tls: TlsSettings | None) -> uvicorn.Config:
    try:
        config.load()
    except OSError as error:
        if tls is None:
            raise
        raise SettingsError(
            f"server.http_tls: {tls.certificate} and {tls.private_key} are not a usable certificate and its private key:"
            f" {error}."
        ) from None
    return config
