"""HTTP/1.1 as a client speaks it (RFC 9112), without I/O: heads of requests into bytes, bytes into answers.

llhttp (httptools) reads the framing in its strict mode, which refuses a bare LF, folded lines, repeated, negative or listed
lengths, a length beside Transfer-Encoding, and anything but hexadecimal digits as the size of a chunk. What it lets pass is
refused here: other transfer codings, other versions and protocols, 101, and heads and trailers without bounds.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import httptools

from dragoman.reasons import invalid

LARGEST_HEAD = 64 * 1024
"""Bytes of an answer's head, interim answers (1xx) included; of its trailers, and of the extensions of one chunk."""
MOST_FIELDS = 128
WITHOUT_LENGTH = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "CONNECT"})
"""Methods whose requests do not mention a body that they do not have."""
BODILESS = ("HEAD", "CONNECT")
"""Methods whose answers have no body, whatever their heads say (RFC 9112, section 6.3)."""
PORTS = {"http": 80, "https": 443}
split_url = re.compile(
    r"(https?)://(\[[0-9a-f:.]+\]|[^][/?#@:\\]+)(?::([0-9]{1,5}))?([/?][^#]*)?(?:#.*)?", re.I | re.S
).fullmatch
is_token = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
"""RFC 9110, section 5.6.2."""


class BadFraming(Exception):
    """An answer that is not HTTP/1. The text says why, and repeats nothing of the answer."""


class Surplus(Exception):
    """Another answer behind the one that was asked for."""


class Origin(NamedTuple):
    """A scheme, host and port."""

    scheme: str
    host: str
    port: int
    place: str
    """All of a URL that an error may name: the rest can hold a key."""
    authority: str
    """The header host."""


def origin_of(scheme: str, host: str, port: str | None) -> Origin:
    """Raises ValueError for a host or a port that cannot be."""
    scheme, host = scheme.lower(), host.strip("[]").encode("idna").decode().lower()
    number = int(port or PORTS[scheme])
    if number > 65535:
        raise ValueError("not a port")
    written = f"[{host}]" if ":" in host else host
    place = f"{written}:{number}"
    return Origin(scheme, host, number, place, written if number == PORTS[scheme] else place)


@lru_cache(128)
def parse(url: str) -> tuple[Origin, str]:
    """The origin, and the target exactly as it is written, for signatures may cover it. Raises ValueError for what is no
    http(s) URL, or holds characters that must be quoted."""
    parts = split_url(url)
    if parts is None or " " in url or not url.isprintable():
        raise ValueError("not a URL that can be requested")
    scheme, host, port, target = parts.groups()
    return origin_of(scheme, host, port), target if target and target[0] == "/" else f"/{target or ''}"


def place_of(url: str) -> str:
    """Of a URL that may be none."""
    try:
        return parse(url)[0].place
    except ValueError:
        return "the provider"


@lru_cache(256)
def field_name(name: str) -> str:
    """In lower case. Raises ValueError for what is no header's name."""
    if not is_token(name):
        raise ValueError("not the name of a header")
    return name.lower()


def request_head(
    method: str, target: str, *, headers: Mapping[str, str], defaults: Mapping[str, str], length: int | None
) -> bytes:
    """defaults: what is sent where headers do not have it, names in lower case. length: of the body; None for one in pieces,
    which is chunked unless its content-length is in headers. Raises ValueError for headers that HTTP cannot carry or that
    contradict the body."""
    given = {field_name(name): value for name, value in headers.items()}
    fields = {**defaults, **given}
    if "transfer-encoding" in given or (length is not None and given.get("content-length", str(length)) != str(length)):
        raise ValueError("headers that contradict the body")
    if length is None:
        if not given.get("content-length", "0").isdecimal():
            raise ValueError("not a length")
        if "content-length" not in given:
            fields["transfer-encoding"] = "chunked"
    elif length or method not in WITHOUT_LENGTH:
        fields["content-length"] = str(length)
    lines = [f"{method} {target} HTTP/1.1", *[f"{name}: {value}" for name, value in fields.items()], "", ""]
    head = "\r\n".join(lines)
    if head.count("\n") >= len(lines) or head.count("\r") >= len(lines) or "\0" in head:
        raise ValueError("a line that ends early")
    return head.encode()


async def framed(pieces: AsyncIterator[bytes], length: int | None) -> AsyncGenerator[bytes, None]:
    """A body in pieces as it is sent: chunked where it has no length. Raises GatewayError INVALID_REQUEST for another
    length: the provider would wait for the rest, or take it for the next request."""
    left = length
    async for piece in pieces:
        if left is None:
            if piece:
                yield b"%x\r\n%b\r\n" % (len(piece), piece)
            continue
        left -= len(piece)
        if left < 0:
            raise invalid("body", "body: it is longer than its content-length says")
        yield piece
    if left:
        raise invalid("body", "body: it is shorter than its content-length says")
    if left is None:
        yield b"0\r\n\r\n"


class AnswerParser:
    """Reads the answers on one connection, one after another: begin(), then feed() until complete. Its methods on_* are
    llhttp's callbacks. discard() it in the end, for it and llhttp refer to one another."""

    __slots__ = (
        *("_bodiless", "_http", "_idle", "_interim", "_until_close"),
        *("complete", "fed", "fields", "headers", "keep_alive", "on_body", "pieces", "status"),
    )

    def __init__(self) -> None:
        self._http: httptools.HttpResponseParser | None = None
        self.pieces: list[bytes] = []
        """Of the body, as far as nobody has taken them."""
        self.on_body = self.pieces.append
        self.begin("")

    def begin(self, method: str) -> None:
        """method: of the request whose answer is next."""
        self._bodiless = method in BODILESS
        self._until_close = self._interim = False
        self._idle = 0
        """Bytes since the last one of the body."""
        self.fed = 0
        """Bytes of the head and of what came with it."""
        self.status = 0
        """0: the head is not here yet."""
        self.fields: list[tuple[bytes, bytes]] = []
        """The headers in order, names in lower case."""
        self.headers: dict[bytes, bytes] = {}
        """The last of several values."""
        self.complete = self.keep_alive = False
        """Whether the answer is whole; whether the connection can be used for another request then."""

    def feed(self, data: bytes) -> None:
        """Raises BadFraming; what is in pieces came before the fault."""
        if self.complete:
            self.keep_alive = False
            return
        if not self.status:
            if not self.fed and data[0] != b"H"[0]:
                raise BadFraming("no status line")
            self.fed += len(data)
        self._parse(data)
        if self.pieces:
            self._idle = 0
        elif not self.complete:
            self._idle += len(data)
            if self._idle > LARGEST_HEAD:
                raise BadFraming("a head or trailers of more than 64 KB")

    def finish(self) -> bool:
        """At the end of the connection: whether the answer is whole."""
        self.complete = self.complete or self._until_close
        self.keep_alive = False
        return self.complete

    def discard(self) -> None:
        self._http = None

    def _parse(self, data: bytes) -> None:
        if self._http is None:
            self._http = httptools.HttpResponseParser(self)
        try:
            self._http.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            if isinstance(error.__context__, BadFraming):
                raise error.__context__ from None
            if not isinstance(error.__context__, Surplus):
                raise
            self.keep_alive = False
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self.complete:
                raise BadFraming(str(error)) from None
            self.keep_alive = False
        if self._bodiless and self.status:
            # llhttp waits for a body that will not come, or takes for one what is none.
            self.discard()
            self.keep_alive = self.keep_alive and not self.pieces
            self.pieces.clear()

    def on_message_begin(self) -> None:
        if self.complete:
            raise Surplus

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.status:
            self.fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        http = self._http
        assert http is not None
        status, self.headers = http.get_status_code(), dict(self.fields)
        self._check_head(status, http.get_http_version())
        self._interim = status < 200
        if self._interim:
            self.fields.clear()
            return
        self.status = status
        self.keep_alive = http.should_keep_alive()
        if self._bodiless:
            self.complete = True
        elif status not in (204, 304) and b"content-length" not in self.headers:
            self._until_close = b"transfer-encoding" not in self.headers

    def on_message_complete(self) -> None:
        if not self._interim:
            self.complete = True

    def _check_head(self, status: int, version: str) -> None:
        """Raises BadFraming."""
        if not 100 <= status <= 999 or status == 101:
            raise BadFraming(f"the status {status:03}")
        if version not in ("1.1", "1.0"):
            raise BadFraming("a version other than 1.1 and 1.0")
        if len(self.fields) > MOST_FIELDS:
            raise BadFraming(f"more than {MOST_FIELDS} headers")
        if self.fed > LARGEST_HEAD and sum(len(name) + len(value) for name, value in self.fields) > LARGEST_HEAD:
            raise BadFraming("a head of more than 64 KB")
        if b"transfer-encoding" in self.headers:
            self._check_coding(version)

    def _check_coding(self, version: str) -> None:
        codings = [value.lower() for name, value in self.fields if name == b"transfer-encoding"]
        if codings != [b"chunked"] or version == "1.0":
            raise BadFraming("a transfer coding other than chunked")
