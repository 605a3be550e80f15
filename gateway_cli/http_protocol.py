"""One HTTP/1.1 connection: uvicorn's protocol, and what it lacks on the Internet: bounds of heads, of the time that a client
may take to send and to read, and of connections; requests that servers could read differently are refused; answers that API
clients can read to what is not HTTP; the bodies of requests that offer to speak another protocol; an answer in one write."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import sys
import termios
from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from dragoman.client_address import source_of
from dragoman.reasons import GatewayError, Reason
from gateway_cli.joined_writes import JoinedWrites
from gateway_dialects.openai.render_response import render_error


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Sizes in bytes, times in seconds."""

    connections: int = 10_000
    """Open at the same time."""
    per_address: int = 1_000
    """Of them from one client address."""
    head_bytes: int = 65_536
    receive_s: float = 30.0
    """How long a request's head, or a pause in its body, may take; also until a connection's first request."""
    receive_rate: int = 1_000
    """Bytes a second that a body which takes longer must have come with."""
    send_s: float = 60.0
    """How long a client may leave what was written to it unread."""
    send_rate: int = 1_000
    """Bytes a second that it must read where it takes longer."""
    lag_s: float = 600.0
    """How long one answer may go on since its client first did not keep up with it."""
    linger_s: float = 10.0
    """How long the rest of a request is read that has been answered, so that its client comes to read the answer."""
    linger_bytes: int = 64 * 1024 * 1024


def malformed(message: str) -> GatewayError:
    return GatewayError(Reason.INVALID_REQUEST, message, code="invalid_http")


NO_HTTP = malformed("The request is not valid HTTP.")
TOO_SLOW = GatewayError(
    Reason.INVALID_REQUEST,
    "The request did not arrive in time: send it without long pauses.",
    code="request_timeout",
    status=408,
)
TOO_MANY = GatewayError(
    Reason.INVALID_REQUEST,
    "Too many connections are open: close some, or ask the operator for more ([server] max_connections).",
    code="too_many_connections",
    status=503,
)


def endless_head(limit: int) -> GatewayError:
    message = f"The request's head is longer than {limit} bytes."
    return GatewayError(Reason.REQUEST_TOO_LARGE, message, code="request_headers_too_large", status=431)


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    limits = ConnectionLimits()
    _addresses: ClassVar[Counter[str]] = Counter()
    """How many connections are open, by client address."""
    _head_bytes = 0
    _begun = False
    """Whether a request has begun to arrive and has not ended."""
    _began = 0.0
    """When it began, in the event loop's time; later where the server itself paused."""
    _received = 0
    """Bytes of it, or of the rest of an answered one."""
    _lagged = 0.0
    """When the client first did not keep up with reading the answer; 0: it does."""
    _unread = 0
    """Bytes of it when that was last looked at."""
    _lingering = False
    _address = ""
    _fault: GatewayError | None = None
    """Why a head is refused that is valid HTTP."""
    _receiving: asyncio.TimerHandle | None = None
    _sending: asyncio.TimerHandle | None = None
    _rest: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, limits: ConnectionLimits | None = None, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.limits = limits or self.limits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """uvicorn writes the head and the body of an answer one after the other: here both leave in one write."""
        super().connection_made(JoinedWrites(transport, self.loop))
        self._silence = self.loop.call_later(self.limits.receive_s, self._close_if_silent)
        self._address = source_of(self.client[0]) if self.client else ""
        self._addresses[self._address] += 1
        limits = self.limits
        if len(self.connections) > limits.connections or self._addresses[self._address] > limits.per_address:
            self._refuse(TOO_MANY)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._silence, self._receiving, self._sending, self._rest):
            if timer is not None:
                timer.cancel()
        self._addresses[self._address] -= 1
        if self._addresses[self._address] <= 0:
            del self._addresses[self._address]
        super().connection_lost(exc)

    def _close_if_silent(self) -> None:
        if self.cycle is None and not self._begun:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            self._received += len(data)
            if self._received > self.limits.linger_bytes:
                self.transport.abort()
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._body_headers():
                self._read_body(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(self._fault or NO_HTTP)
            return
        self._count(len(data))

    def _count(self, size: int) -> None:
        """Bound what has arrived of a request, and the time that the rest may take."""
        if not self._begun:
            return
        self._received += size
        # Once the head is complete, the scope has a method.
        self._head_bytes = 0 if "method" in self.scope else self._head_bytes + size
        if self._head_bytes > self.limits.head_bytes:
            self._refuse(endless_head(self.limits.head_bytes))
        elif self._is_answered() and self._received > self.limits.linger_bytes:
            self.transport.abort()
        elif self._receiving is None:
            self._receiving = self.loop.call_later(self.limits.receive_s, self._check_time)

    def _check_time(self) -> None:
        self._receiving = None
        if not self._begun or self._lingering or self._is_answered():
            return
        now, limits = self.loop.time(), self.limits
        if self.flow.read_paused:
            self._began, self._received = now, 0
        earned = 0.0 if self._head_bytes else self._received / limits.receive_rate
        left = self._began + limits.receive_s + earned - now
        if left <= 0:
            self._refuse(TOO_SLOW)
        else:
            self._receiving = self.loop.call_later(min(left, limits.receive_s), self._check_time)

    def _is_answered(self) -> bool:
        """Whether what arrives is the rest of a request that has its answer."""
        return self._begun and "method" in self.scope and bool(self.cycle.response_complete)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._begun, self._began, self._received, self._lagged = True, self.loop.time(), 0, 0.0

    def on_headers_complete(self) -> None:
        """Raises ValueError, which ends the parsing, for heads that another server could read as another request."""
        self._fault = fault_of(self.headers, self.parser.get_http_version())
        if self._fault is not None:
            raise ValueError(self._fault.message)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not (self.parser.should_upgrade() and self._body_headers()):
            self._begun = False
            if self._rest is not None:
                self._rest.cancel()
                self._rest = None
                self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """The rest of a request that is answered is read, for a while: many a client that finds its connection closed while
        it still writes never reads the answer."""
        super().on_response_complete()
        if self._begun and not self.pipeline and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._received = 0
            self._rest = self.loop.call_later(self.limits.linger_s, self.transport.close)

    def pause_writing(self) -> None:
        super().pause_writing()
        now = self.loop.time()
        self._lagged = self._lagged or now
        if now - self._lagged > self.limits.lag_s:
            self.transport.abort()
            return
        self._unread = unread_on(self.transport)
        self._sending = self.loop.call_later(self.limits.send_s, self._check_reading)

    def _check_reading(self) -> None:
        """A long answer is written at once: its client may take its time, as long as it reads."""
        unread, limits = unread_on(self.transport), self.limits
        is_slow = self._unread - unread < limits.send_s * limits.send_rate
        if is_slow or self.loop.time() - self._lagged > limits.lag_s:
            self.transport.abort()
        else:
            self._unread = unread
            self._sending = self.loop.call_later(limits.send_s, self._check_reading)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._sending is not None:
            self._sending.cancel()

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
        """Answers in place of the facade, unless it has begun to, and ends the connection once that may have been read."""
        if self.transport.is_closing() or self._lingering:
            return
        cycle = self.cycle
        answering = cycle is not None and not cycle.response_complete
        if answering and cycle.response_started:
            self.transport.close()
            return
        body = render_error(failure)
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[failure.http_status] + head + body)
        if answering:
            # The facade finds its client gone, and writes nothing.
            cycle.disconnected = True
            cycle.message_event.set()
        self._linger()

    def _linger(self) -> None:
        """Read and discard for a while: closing at once would take the answer from a client that still writes."""
        self._lingering, self._received = True, 0
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._rest = self.loop.call_later(self.limits.linger_s, self.transport.close)


class Body:
    """The parser's callbacks for a request whose head has been read."""

    def __init__(self, protocol: HttpProtocol) -> None:
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete


def unread_on(transport: asyncio.Transport) -> int:
    """Bytes that the other end has not taken, in the system's buffer too: the system takes more only once much of that is
    free."""
    queued = b""
    with contextlib.suppress(OSError):
        queued = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    return transport.get_write_buffer_size() + int.from_bytes(queued, sys.byteorder)


def fault_of(headers: list[tuple[bytes, bytes]], version: str) -> GatewayError | None:
    """Why a head is refused: a missing or second Host (RFC 9112, section 3.2), and a Transfer-Encoding other than chunked,
    once, in HTTP/1.1 (section 6.1): whoever reads these otherwise sees another request in the same bytes."""
    hosts = encodings = 0
    chunked = True
    for name, value in headers:
        if name == b"host":
            hosts += 1
        elif name == b"transfer-encoding":
            encodings += 1
            chunked = value.lower() == b"chunked"
    if hosts > 1 or (not hosts and version == "1.1"):
        return malformed(f"The request has {hosts or 'no'} Host headers; it needs one.")
    if encodings and (encodings > 1 or not chunked or version != "1.1"):
        return malformed("Transfer-Encoding must be chunked, once, in HTTP/1.1.")
    return None
