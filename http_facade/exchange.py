"""One HTTP request and its answer, on bare ASGI: the hot path leaves out what Starlette's Request and Response do more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from dragoman.reasons import GatewayError, Reason, invalid

JSON = b"application/json"
EVENT_STREAM = b"text/event-stream; charset=utf-8"
FORBIDDEN_IN_HEADERS = str.maketrans(dict.fromkeys((*range(0x20), 0x7F), " "))
"""Control characters (RFC 9110, section 5.5): a model's name can bring them."""


EXCHANGE = "dragoman.exchange"
"""Where the scope holds the Exchange on its way through the router."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How the clients of a face expect to be spoken to, whatever they asked."""

    render_error: Callable[[GatewayError, str], bytes]
    """(what failed, the request's id) -> the body in the face's own envelope."""
    request_id_header: bytes = b"x-request-id"
    """Where the face's clients look for the request's id; it is in x-request-id as well."""


class Exchange:
    """Reads the request's body, and answers once."""

    __slots__ = (
        *("_receive", "_send", "afterwards", "context", "details"),
        *("headers", "manners", "request_id", "scope", "status"),
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, manners: Manners) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self.manners = manners
        """Of the face that the request belongs to, once that is known."""
        self.request_id = ""
        self.context = ""
        """The operator's context whose paths the request names; empty for the gateway's own."""
        self.headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        """By lower-case name; the first of those that were sent twice."""
        self.status = 0
        """Of the answer; 0 before it began."""
        self.details: dict[str, object] = {}
        """What the access log should tell beside the request line."""
        self.afterwards: Callable[[], Awaitable[None]] | None = None
        """What is left to be done once the client has its answer. A graceful stop waits for it. Raises nothing."""

    def header(self, name: bytes) -> str | None:
        """The header of this lower-case name."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    async def body(self, limit: int, *, encoded: bool = False) -> bytes:
        """The whole body. encoded: as it is sent, compressed or not. Raises GatewayError for more than limit bytes, and
        for a compressed one unless that is wanted."""
        if not encoded and (encoding := self.header(b"content-encoding")) not in (None, "", "identity"):
            raise invalid("", f"Content-Encoding {encoding} is not supported: send the body as it is.", "invalid_encoding")
        length = self.header(b"content-length")
        if length is not None and length.isdecimal() and int(length) > limit:
            raise self._too_large(limit)
        pieces: list[bytes] = []
        left = limit
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise GatewayError(Reason.CANCELLED, "The client went away while sending the request.")
            body: bytes = message.get("body", b"")
            left -= len(body)
            if left < 0:
                raise self._too_large(limit)
            if not message.get("more_body", False):
                return b"".join((*pieces, body)) if pieces else body
            pieces.append(body)

    def _too_large(self, limit: int) -> GatewayError:
        """The rest of the body is read and thrown away by the server: many a client that finds its connection closed while
        it still writes never reads the answer. Only one that waits to be told to send the body has nothing to write."""
        message = f"The request body is larger than {limit} bytes, the limit of this gateway ([server] max_body_bytes)."
        headers = {} if self.header(b"expect") is None else {"connection": "close"}
        return GatewayError(Reason.REQUEST_TOO_LARGE, message, code="request_too_large", headers=headers)

    async def disconnected(self) -> None:
        """Returns when the client has gone away. The body must have been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def start(self, status: int, content_type: bytes, headers: Mapping[str, str], length: int | None) -> None:
        raw: list[tuple[bytes, bytes]] = [(b"content-type", content_type), (b"x-request-id", self.request_id.encode())]
        if self.manners.request_id_header != b"x-request-id":
            raw.append((self.manners.request_id_header, self.request_id.encode()))
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


def header_value(value: str) -> bytes:
    """What a header can carry: no control characters, and only those of the wire's alphabet."""
    if value.isascii() and value.isprintable():
        return value.encode()
    return value.translate(FORBIDDEN_IN_HEADERS).encode("latin-1", "replace")
