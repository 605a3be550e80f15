"""HTTP/1.1 as uvicorn speaks it, and what that leaves out: an answer in one write, a bound for heads without end, an answer
that API clients can read to what is no HTTP, and the bodies of requests that offer to speak another protocol."""

from __future__ import annotations

import asyncio

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from dragoman.reasons import GatewayError, Reason
from gateway_cli.joined_writes import JoinedWrites
from gateway_dialects.openai.render_response import render_error

LONGEST_HEAD = 8 * 1024 * 1024
"""Bytes. The facade itself refuses far shorter heads, once it has them; this bounds what a client can make us keep."""
NO_HTTP = GatewayError(Reason.INVALID_REQUEST, "The request is not valid HTTP.", code="invalid_http")
ENDLESS_HEAD = GatewayError(
    Reason.REQUEST_TOO_LARGE,
    f"The request's head is longer than {LONGEST_HEAD} bytes.",
    code="request_headers_too_large",
    status=431,
)


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    first_request_s = 75.0
    """How long a connection may take to say what it wants; between requests, uvicorn bounds the silence."""
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
            if self._head_bytes > LONGEST_HEAD:
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
    """What is left to be told of a request whose head has been read."""

    def __init__(self, protocol: HttpProtocol) -> None:
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete
