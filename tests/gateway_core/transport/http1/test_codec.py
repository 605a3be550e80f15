"""HTTP/1.1 without I/O: what is written, what is read, and what is refused."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable

import pytest

from gateway_core.transport.http1.codec import (
    LARGEST_HEAD,
    MOST_FIELDS,
    AnswerParser,
    BadFraming,
    framed,
    parse,
    request_head,
)

OK = b"HTTP/1.1 200 OK\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
TWICE = OK + b"Transfer-Encoding: %b\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def read(*pieces: bytes, method: str = "POST") -> AnswerParser:
    parser = AnswerParser()
    parser.begin(method)
    for piece in pieces:
        parser.feed(piece)
    return parser


def one_by_one(data: bytes) -> Iterable[bytes]:
    return (data[index : index + 1] for index in range(len(data)))


def body_of(parser: AnswerParser) -> bytes:
    return b"".join(parser.pieces)


WHOLE = {
    "a length": (OK + b"Content-Length: 3\r\n\r\nabc", b"abc", True),
    "no body": (OK + b"Content-Length: 0\r\n\r\n", b"", True),
    "chunks": (CHUNKED + b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", b"abc", True),
    "upper case": (CHUNKED.replace(b"chunked", b"Chunked") + b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789", True),
    "an extension of a chunk": (CHUNKED + b'3;a="b;c"\r\nabc\r\n0;x\r\n\r\n', b"abc", True),
    "trailers": (CHUNKED + b"3\r\nabc\r\n0\r\nX-Sum: 1\r\nStatus: 500\r\n\r\n", b"abc", True),
    "the end of the connection announced": (OK + b"Connection: close\r\nContent-Length: 3\r\n\r\nabc", b"abc", False),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
    "304 with the length of what it does not send": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", b"", True),
    "1xx before it": (INTERIM + OK + b"Content-Length: 1\r\n\r\na", b"a", True),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", b"abc", False),
    "HTTP/1.0 that stays": (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc", b"abc", True),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b"", True),
    "an upgrade offered": (OK + b"Upgrade: h2\r\nConnection: Upgrade\r\nContent-Length: 1\r\n\r\na", b"a", True),
}  # fmt: skip


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize(("data", "body", "keeps"), WHOLE.values(), ids=WHOLE.keys())
def test_answers_are_read(data: bytes, body: bytes, keeps: bool, split: bool) -> None:
    parser = read(*(one_by_one(data) if split else [data]))
    assert parser.complete
    assert body_of(parser) == body
    assert parser.keep_alive == keeps
    assert parser.status in (200, 204, 304)
    assert b"link" not in parser.headers
    assert b"x-sum" not in parser.headers


@pytest.mark.parametrize("method", ["HEAD", "CONNECT"])
@pytest.mark.parametrize("length", [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b""])
def test_some_methods_have_answers_without_a_body(method: str, length: bytes) -> None:
    parser = read(OK + length + b"\r\n", method=method)
    assert parser.complete
    assert not parser.pieces
    parser.begin("POST")
    parser.feed(OK + b"Content-Length: 1\r\n\r\na")
    assert (parser.complete, body_of(parser)) == (True, b"a")


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"])
def test_a_body_without_a_length_ends_with_the_connection(start: bytes) -> None:
    parser = read(start, b"ab", b"c")
    assert not parser.complete
    assert parser.finish()
    assert body_of(parser) == b"abc"
    assert not parser.keep_alive


UNFINISHED = {
    "nothing": b"",
    "half a head": OK + b"Content-Le",
    "half a length": OK + b"Content-Length: 3\r\n\r\nab",
    "no last chunk": CHUNKED + b"3\r\nabc\r\n",
    "half a trailer": CHUNKED + b"0\r\nX: y",
    "only an interim answer": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("data", UNFINISHED.values(), ids=UNFINISHED.keys())
def test_the_end_of_the_connection_makes_no_other_answer_whole(data: bytes) -> None:
    parser = read(*one_by_one(data))
    assert not parser.complete
    assert not parser.finish()


BAD = {
    "both lengths": OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "both lengths turned round": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "a negative length": OK + b"Content-Length: -3\r\n\r\nabc",
    "a signed length": OK + b"Content-Length: +3\r\n\r\nabc",
    "a repeated length": OK + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "another length": OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a list of lengths": OK + b"Content-Length: 3, 3\r\n\r\nabc",
    "an empty length": OK + b"Content-Length:\r\n\r\nabc",
    "a length in hexadecimal": OK + b"Content-Length: 0x3\r\n\r\nabc",
    "a huge length": OK + b"Content-Length: 99999999999999999999\r\n\r\nabc",
    "a length in the trailers": CHUNKED + b"0\r\nContent-Length: 3\r\n\r\n",
    "a space before the colon": OK + b"Content-Length : 3\r\n\r\nabc",
    "a bare LF behind the status": b"HTTP/1.1 200 OK\nContent-Length: 3\r\n\r\nabc",
    "a bare LF behind a header": OK + b"Content-Length: 3\nA: b\r\n\r\nabc",
    "a bare LF at the end of the head": OK + b"Content-Length: 3\r\n\nabc",
    "a bare CR": OK + b"A: b\rC: d\r\nContent-Length: 3\r\n\r\nabc",
    "a folded header": OK + b"A: b\r\n c\r\nContent-Length: 3\r\n\r\nabc",
    "a NUL": OK + b"A: b\0\r\nContent-Length: 3\r\n\r\nabc",
    "a header without a name": OK + b": b\r\nContent-Length: 3\r\n\r\nabc",
    "a header without a colon": OK + b"abc\r\nContent-Length: 3\r\n\r\nabc",
    "a coding before chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "a coding before chunked, in a header of its own": TWICE % b"gzip",
    "an unknown coding": OK + b"Transfer-Encoding: xchunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "identity": OK + b"Transfer-Encoding: identity\r\n\r\nabc",
    "chunked twice": TWICE % b"chunked",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk's size with a sign": CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
    "a chunk's size with 0x": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "a chunk's size with a space": CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
    "a chunk's size that is no number": CHUNKED + b"xyz\r\n",
    "a huge chunk": CHUNKED + b"fffffffffffffffff\r\nabc",
    "a chunk that ends in a bare LF": CHUNKED + b"3\nabc\n0\n\n",
    "a chunk that is longer than its size": CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
    "another protocol": b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "TLS": b"\x15\x03\x01\x00\x02\x02\x46",
    "HTTP/2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/0.9": b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 99 X\r\nContent-Length: 0\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 X\r\nContent-Length: 0\r\n\r\n",
    "a status below 100": b"HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n",
    "101": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "101 with an upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x00",
    "a line before the status": b"\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    "too many headers": OK + b"A: b\r\n" * (MOST_FIELDS + 1) + b"Content-Length: 0\r\n\r\n",
    "a head that is too large": OK + b"A: " + b"x" * LARGEST_HEAD + b"\r\nContent-Length: 0\r\n\r\n",
    "a header without an end": OK + b"A: " + b"x" * (LARGEST_HEAD + 1),
    "interim answers without an end": b"HTTP/1.1 103 Early Hints\r\nA: bcdefgh\r\n\r\n" * 2000,
    "a trailer without an end": CHUNKED + b"0\r\nA: " + b"x" * (2 * LARGEST_HEAD),
    "an extension without an end": CHUNKED + b"3;a=" + b"x" * (2 * LARGEST_HEAD),
}  # fmt: skip


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_odd_framing_is_refused(data: bytes, split: bool) -> None:
    with pytest.raises(BadFraming, match=r"\w") as caught:
        read(*(one_by_one(data) if split else [data]))
    assert not re.search("abc|xxx", str(caught.value))


@pytest.mark.parametrize("surplus", [b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"\0", b"\n\n\n!"])
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("name", ["a length", "chunks", "204", "the end of the connection announced"])
def test_what_follows_an_answer_is_no_part_of_it_and_ends_the_connection(name: str, together: bool, surplus: bytes) -> None:
    data, body, _ = WHOLE[name]
    parser = read(data + surplus) if together else read(data, surplus)
    assert parser.complete
    assert body_of(parser) == body
    assert parser.status in (200, 204)
    assert not parser.keep_alive


@pytest.mark.parametrize("method", ["HEAD", "CONNECT"])
def test_a_body_where_there_is_none_ends_the_connection(method: str) -> None:
    parser = read(OK + b"Content-Length: 3\r\n\r\nabc", method=method)
    assert (parser.complete, parser.pieces, parser.keep_alive) == (True, [], False)


def test_what_came_before_a_fault_is_there() -> None:
    parser = AnswerParser()
    parser.begin("POST")
    with pytest.raises(BadFraming):
        parser.feed(CHUNKED + b"3\r\nabc\r\nxyz\r\n")
    assert body_of(parser) == b"abc"
    assert not parser.finish()


def test_answers_follow_one_another() -> None:
    parser = AnswerParser()
    for name, (data, body, keeps) in WHOLE.items():
        if keeps:
            parser.begin("POST")
            parser.feed(data)
            assert (parser.complete, body_of(parser)) == (True, body), name
            parser.pieces.clear()


def test_a_repeated_header_is_there_in_order_and_the_last_counts() -> None:
    parser = read(OK + b"Set-Cookie: a\r\nX: \xfc\r\nSET-COOKIE: b\r\nContent-Length: 0\r\n\r\n")
    assert parser.fields[:3] == [(b"set-cookie", b"a"), (b"x", b"\xfc"), (b"set-cookie", b"b")]
    assert parser.headers[b"set-cookie"] == b"b"


def head(method: str = "POST", length: int | None = 2, **headers: str) -> list[str]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    written = request_head(method, "/x", headers=given, defaults={"host": "h", "accept": "*/*"}, length=length).decode()
    assert written.endswith("\r\n\r\n")
    return written.split("\r\n")[:-2]


def test_a_request_is_written() -> None:
    assert head(Accept="text/plain", X_Y="\xfc") == [
        *("POST /x HTTP/1.1", "host: h", "accept: text/plain", "x-y: \xfc", "content-length: 2")
    ]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_body_that_is_not_there_is_not_mentioned(method: str) -> None:
    assert head(method, 0) == [f"{method} /x HTTP/1.1", "host: h", "accept: */*"]
    assert head("POST", 0)[-1] == "content-length: 0"


def test_the_length_of_a_body_in_pieces() -> None:
    assert head(length=None)[-1] == "transfer-encoding: chunked"
    assert head(length=None, Content_Length="7")[-1] == "content-length: 7"
    assert head(Content_Length="2")[-1] == "content-length: 2"


@pytest.mark.parametrize(
    "headers",
    [
        {"a": "b\n"}, {"a": "b\r"}, {"a": "b\r\nc: d"}, {"a": "b\0"}, {"": "b"}, {"a b": "c"}, {"a:": "b"}, {"a\n": "b"},
        {"\xe4": "b"}, {"content-length": "3"}, {"Transfer-Encoding": "chunked"},
    ],
)  # fmt: skip
def test_headers_that_cannot_be_sent_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"header|line"):
        request_head("POST", "/x", headers=headers, defaults={}, length=2)


def sent(length: int | None, *pieces: bytes) -> bytes:
    async def given() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def all_of() -> bytes:
        return b"".join([piece async for piece in framed(given(), length)])

    return asyncio.run(all_of())


def test_a_body_in_pieces_is_framed() -> None:
    assert sent(None, b"0123456789abcdef", b"", b"a") == b"10\r\n0123456789abcdef\r\n1\r\na\r\n0\r\n\r\n"
    assert sent(None) == b"0\r\n\r\n"
    assert sent(3, b"ab", b"", b"c") == b"abc"
    assert sent(0) == b""


@pytest.mark.parametrize(
    ("url", "place", "authority", "target"),
    [
        ("http://h", "h:80", "h", "/"),
        ("https://H.example/a%2Fb?c=d#e", "h.example:443", "h.example", "/a%2Fb?c=d"),
        ("HTTP://h:8080?x", "h:8080", "h:8080", "/?x"),
        ("https://h:443/", "h:443", "h", "/"),
        ("http://[::1]:81/a", "[::1]:81", "[::1]:81", "/a"),
        ("https://[::1]/a", "[::1]:443", "[::1]", "/a"),
        ("https://bücher.example/", "xn--bcher-kva.example:443", "xn--bcher-kva.example", "/"),
    ],
)
def test_urls_are_taken_apart(url: str, place: str, authority: str, target: str) -> None:
    origin, found = parse(url)
    assert (origin.place, origin.authority, found) == (place, authority, target)


@pytest.mark.parametrize(
    "url",
    [
        *("", "h", "ftp://h/", "http://", "http:///a", "http://[::1", "http://u:p@h/", "http://h:99999/", "http://h:x/"),
        *("http://h/a b", "http://h/a\r\nb: c", "http://h/\x00", "http://h\\@other/", "http://a..b/", "http://[::1]x/"),
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse(url)
