"""One HTTP request and its answer, on bare ASGI: the hot path leaves out what Starlette's Request and Response do more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from starlette.types import Receive, Scope, Send

from dragoman.reasons import GatewayError, Reason, invalid
from gateway_dialects.kit.server import JSON

if TYPE_CHECKING:
    from http_facade.api import Api

FORBIDDEN_IN_HEADERS = str.maketrans(dict.fromkeys((*range(0x20), 0x7F), " "))
"""Control characters (RFC 9110, section 5.5): a model's name can bring them."""
NO_PARAMS: Mapping[str, str] = MappingProxyType({})

log = logging.getLogger("dragoman.http")


class Exchange:
    """Reads the request's body, and answers once. It is the RequestHead of the dialects' parsers."""

    __slots__ = (
        *("_body", "_body_left", "_body_limit", "_receive", "_send", "api", "context", "details", "headers"),
        *("path", "path_params", "request_id", "scope", "status", "tags", "uploaded"),
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, api: Api, body_limit: int) -> None:
        """api: whose error format is used until the request's own API is known. body_limit: in bytes."""
        self.scope = scope
        self._receive = receive
        self._send = send
        self._body: bytes | None = None
        self._body_limit = self._body_left = body_limit
        self.api = api
        self.request_id = ""
        self.context = ""
        """The operator's context whose paths the request names; empty for the gateway's own."""
        self.path: str = scope["path"]
        """Below the context."""
        self.path_params: Mapping[str, str] = NO_PARAMS
        self.headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        """By lower-case name; the first of those that were sent twice."""
        self.status = 0
        """Of the answer; 0 before it began."""
        self.details: dict[str, object] = {}
        """Fields of the access log beside the request line; None is not known."""
        self.uploaded: asyncio.Event | None = None
        """Of a body that is read while the answer may already be written: set when it has been read."""
        self.tags: Iterable[tuple[str, str]] = ()
        """Metadata of the core's calls: see Api.tags."""

    def path_param(self, name: str) -> str:
        """A named piece of the path; empty where the path has none of this name."""
        return self.path_params.get(name, "")

    def header(self, name: bytes) -> str | None:
        """The header of this lower-case name."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    async def body(self) -> bytes:
        """The whole body. Raises GatewayError for one that is too large or compressed."""
        if self._body is None:
            if (encoding := self.header(b"content-encoding")) not in (None, "", "identity"):
                message = f"Content-Encoding {encoding} is not supported: send the body as it is."
                raise invalid("", message, "invalid_encoding")
            self.check_length()
            body, more = await self.body_piece()
            if more:
                pieces = [body]
                while more:
                    body, more = await self.body_piece()
                    pieces.append(body)
                body = b"".join(pieces)
            self._body = body
        return self._body

    def check_length(self) -> None:
        """Raises GatewayError where the client announces a body that is too large."""
        length = self.header(b"content-length")
        if length is not None and length.isdecimal() and int(length) > self._body_left:
            raise self._too_large()

    async def body_piece(self) -> tuple[bytes, bool]:
        """(the next bytes of the body as they were sent, whether more follow). Raises GatewayError beyond the limit."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise GatewayError(Reason.CANCELLED, "The client went away while sending the request.")
        body: bytes = message.get("body", b"")
        self._body_left -= len(body)
        if self._body_left < 0:
            raise self._too_large()
        return body, message.get("more_body", False)

    def _too_large(self) -> GatewayError:
        """The server reads and discards the rest of the body: many a client that finds its connection closed while it still
        writes never reads the answer. Only one that expects 100 Continue has nothing to write."""
        limit = self._body_limit
        message = f"The request body is larger than {limit} bytes, the limit of this gateway ([server] max_body_bytes)."
        headers = {} if self.header(b"expect") is None else {"connection": "close"}
        return GatewayError(Reason.REQUEST_TOO_LARGE, message, code="request_too_large", headers=headers)

    async def disconnected(self) -> None:
        """Returns when the client has disconnected. Waits for an upload; otherwise the body must have been read."""
        if self.uploaded is not None:
            await self.uploaded.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def start(self, status: int, content_type: bytes, headers: Mapping[str, str], length: int | None) -> None:
        raw: list[tuple[bytes, bytes]] = [(b"content-type", content_type), (b"x-request-id", self.request_id.encode())]
        own_header = self.api.server.request_id_header
        if own_header != b"x-request-id":
            raw.append((own_header, self.request_id.encode()))
        if length is not None:
            raw.append((b"content-length", b"%d" % length))
        for name, value in headers.items():
            raw.append((name.encode(), header_value(value)))
        await self.begin(status, raw)

    async def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Start with these headers, and no others."""
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, body: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def respond(self, status: int, body: bytes, headers: Mapping[str, str], content_type: bytes = JSON) -> None:
        """The whole answer at once."""
        await self.start(status, content_type, headers, len(body))
        is_head = self.scope["method"] == "HEAD"
        await self.write(b"" if is_head else body, more=False)

    def query(self) -> Mapping[str, Any]:
        """The query's parameters; the last of a repeated one counts."""
        from urllib.parse import parse_qsl

        return dict(parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True))


def fault(exchange: Exchange) -> GatewayError:
    """An exception of our own code, which is being handled: logged with its traceback, shown without it."""
    log.exception("request %s failed", exchange.request_id)
    return GatewayError(Reason.INTERNAL, f"The gateway failed. Report it with the request id {exchange.request_id}.")


def header_value(value: str) -> bytes:
    """What a header can carry: no control characters, and only those of the wire's alphabet."""
    if value.isascii() and value.isprintable():
        return value.encode()
    return value.translate(FORBIDDEN_IN_HEADERS).encode("latin-1", "replace")
