"""uvicorn as a part of a larger program: started and stopped by it, without signal handlers or logs of its own.

Its HTTP/1.1 gets what it lacks: an answer in one write, a bound for heads without end, an answer that API clients can read
to what is not HTTP, and the bodies of requests that offer to speak another protocol.
"""

import asyncio
import contextlib
import math
import socket
import ssl
from collections.abc import Iterable, Iterator
from typing import Any

import httptools
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from dragoman.reasons import GatewayError, Reason
from gateway_cli.sockets import address_of
from gateway_core.settings.settings import SettingsError, TlsSettings
from gateway_dialects.openai.render_response import render_error

KEEP_ALIVE_S = 75
"""How long an idle connection stays open; longer than at clients, so that they never write into a closing one."""
MAX_HEAD_BYTES = 8 * 1024 * 1024
"""The facade itself refuses far shorter heads, once it has them; this bounds what a client can make us store."""
NO_HTTP = GatewayError(Reason.INVALID_REQUEST, "The request is not valid HTTP.", code="invalid_http")
ENDLESS_HEAD = GatewayError(
    Reason.REQUEST_TOO_LARGE,
    f"The request's head is longer than {MAX_HEAD_BYTES} bytes.",
    code="request_headers_too_large",
    status=431,
)
MAX_HELD_BYTES = 65_536
"""More than this is written at once: it may be the event loop's turn for long."""


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    first_request_s = 75.0
    """How long a connection may take to its first request; between requests, uvicorn has a bound."""
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """uvicorn writes the head and the body of an answer one after the other: here both leave in one write."""
        super().connection_made(JoinedWrites(transport, self.loop))
        self._patience = self.loop.call_later(self.first_request_s, self._close_if_silent)

    def connection_lost(self, exc: Exception | None) -> None:
        self._patience.cancel()
        super().connection_lost(exc)

    def _close_if_silent(self) -> None:
        if self.cycle is None:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._body_headers():
                self._read_body(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(NO_HTTP)
        # Once the head is complete, the scope has a method.
        if self.scope is None or "method" in self.scope:
            self._head_bytes = 0
        else:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(ENDLESS_HEAD)

    def on_message_complete(self) -> None:
        if not (self.parser.should_upgrade() and self._body_headers()):
            super().on_message_complete()

    def _body_headers(self) -> list[tuple[bytes, bytes]]:
        return [header for header in self.headers if header[0] in (b"content-length", b"transfer-encoding")]

    def _read_body(self, rest: bytes) -> None:
        """The body of a request with an Upgrade header, which a server is free to ignore (RFC 9110, section 7.8): so does
        Java's own HTTP client offer h2c. httptools stops before the body, so another parser is put in its place. That one
        knows of no further requests: the connection ends with the answer."""
        self.cycle.keep_alive = False
        self.parser = httptools.HttpRequestParser(Body(self))
        head = b"".join(b"%s: %s\r\n" % header for header in self._body_headers())
        self.parser.feed_data(b"POST / HTTP/1.1\r\n" + head + b"\r\n")
        self.data_received(rest)

    def _refuse(self, failure: GatewayError) -> None:
        """Answers in place of the facade, unless it has begun to, and closes the connection."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            body = render_error(failure)
            head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
            self.transport.write(STATUS_LINE[failure.http_status] + head + body)
        self.transport.close()


class Body:
    """The parser's callbacks for a request whose head has been read."""

    def __init__(self, protocol: HttpProtocol) -> None:
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete


class HttpServer:
    """Serves an ASGI application on a bound socket."""

    def __init__(
        self,
        app: ASGIApp,
        bound: socket.socket,
        tls: TlsSettings | None = None,
        *,
        protocol: type[HttpProtocol] = HttpProtocol,
    ) -> None:
        """Raises SettingsError for certificates that are none."""
        self.address = address_of(bound)
        self.url = f"{'https' if tls else 'http'}://{self.address}"
        self._socket = bound
        self._server = _Server(loaded(_config(app, tls, protocol), tls))
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
        """Accepts no more connections; running requests have so many seconds to finish, then they are cut off."""
        if self._serving is None:
            return
        # uvicorn takes whole seconds.
        self._server.config.timeout_graceful_shutdown = math.ceil(grace)
        self._server.should_exit = True
        await self._serving


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


def _config(app: ASGIApp, tls: TlsSettings | None, protocol: type[HttpProtocol]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=protocol,
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


class JoinedWrites(asyncio.Transport):
    """Wraps a connection's transport. System calls are a large part of what a short answer costs."""

    __slots__ = ("_held", "_loop", "_size", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(bytes(data))
        self._size += len(data)
        if self._size > MAX_HELD_BYTES:
            self._flush()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        for data in list_of_data:
            self.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._held.clear()
        self._transport.abort()

    def write_eof(self) -> None:
        self._flush()
        self._transport.write_eof()

    def get_write_buffer_size(self) -> int:
        return self._size + self._transport.get_write_buffer_size()

    def can_write_eof(self) -> bool:
        return self._transport.can_write_eof()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def is_reading(self) -> bool:
        return self._transport.is_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._transport.set_write_buffer_limits(high, low)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._transport.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._transport.get_protocol()

    def _flush(self) -> None:
        held = self._held
        if held and not self._transport.is_closing():
            self._transport.write(held[0] if len(held) == 1 else b"".join(held))
        held.clear()
        self._size = 0
