"""What is hardly HTTP, byte by byte, on a server that goes on serving."""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import dataclass
from typing import Any

import pytest

from gateway_cli.http_protocol import ConnectionLimits
from tests.http_facade.serving import Facade, Provided, asking, chunk
from tests.upstream import STALL, WAIT_S, event_stream

GOOD = json.dumps(asking("Hi")).encode()
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
LENGTH = b"content-length: %d\r\n" % len(GOOD)
CHUNKED = b"transfer-encoding: chunked\r\n"
AT_ONCE = b"connection: close\r\n"


@dataclass(frozen=True)
class Answer:
    """An answer as it came over the wire."""

    status: int
    head: str
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """In OpenAI's envelope."""
        assert "content-type: application/json" in self.head
        error: dict[str, Any] = json.loads(self.body)["error"]
        assert {"message", "type", "param", "code"} <= set(error)
        assert error["type"] == "invalid_request_error"
        return error

    @property
    def text(self) -> Any:
        return json.loads(self.body)["choices"][0]["message"]["content"]


def opened(facade: Facade) -> socket.socket:
    return socket.create_connection(facade.place, WAIT_S)


def tell(connection: socket.socket, data: bytes) -> None:
    """Write as much as the server takes: it may refuse what it has seen enough of."""
    with contextlib.suppress(ConnectionError):
        connection.sendall(data)


def read_all(connection: socket.socket) -> bytes:
    """Until the server closes the connection. Fails when it does not."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received


def parsed(received: bytes) -> Answer:
    head, separator, body = received.partition(b"\r\n\r\n")
    assert separator, received
    return Answer(int(head.split(b" ")[1]), head.decode("latin-1").lower(), body)


def answer_to(facade: Facade, *pieces: bytes) -> Answer:
    """What comes until the server closes the connection."""
    with opened(facade) as connection:
        for piece in pieces:
            tell(connection, piece)
        return parsed(read_all(connection))


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x00\xff\xfe\r\n\r\n",
        b"FOO /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n",
        b"GET /v1/models HTTP/9.9\r\n\r\n",
        b"GET /v1/mod\xff HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /v1/mod els HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nhost x\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nname\x00: x\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nname: a\x00b\r\n\r\n",
        POST + b"content-length: -5\r\n\r\n",
        POST + b"content-length: five\r\n\r\n",
        POST + b"content-length: 99999999999999999999999\r\n\r\n",
        POST + b"content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
        POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + CHUNKED + b"\r\nzz\r\nxx",
        POST + CHUNKED + b"\r\n5\r\nabcdefgh\r\n0\r\n\r\n",
        POST + CHUNKED + b"\r\n-1\r\nx\r\n0\r\n\r\n",
        POST + CHUNKED + b"\r\nfffffffffffffffff\r\nx",
    ],
    ids=lambda request_bytes: repr(request_bytes[-24:]),
)
def test_what_is_no_http(facade: Facade, request_bytes: bytes) -> None:
    answer = answer_to(facade, request_bytes)
    assert (answer.status, answer.error["code"]) == (400, "invalid_http")
    facade.assert_serves()


def test_chunks_that_break_off_in_the_middle(facade: Facade) -> None:
    """What came before was good, and is thrown away."""
    answer = answer_to(facade, POST + CHUNKED + b"\r\n%x\r\n" % len(GOOD) + GOOD, b"\r\nzz\r\n")
    assert answer.status == 400
    facade.assert_serves()


@pytest.mark.parametrize("size", [70_000, 1_000_000, 5_000_000])
def test_a_header_that_is_too_long(facade: Facade, size: int) -> None:
    answer = answer_to(facade, POST + LENGTH + b"x-long: " + b"a" * size + b"\r\n\r\n" + GOOD)
    assert (answer.status, answer.error["code"]) == (431, "request_headers_too_large")
    facade.assert_serves()


@pytest.mark.parametrize("name", ["authorization", "x-request-id", "x-dragoman-strict", "cookie"])
def test_a_known_header_that_is_too_long(facade: Facade, name: str) -> None:
    answer = answer_to(facade, POST + LENGTH + name.encode() + b": " + b"a" * 70_000 + b"\r\n\r\n" + GOOD)
    assert answer.status == 431
    facade.assert_serves()


def test_headers_that_are_too_many(facade: Facade) -> None:
    many = b"".join(b"x-%d: 1\r\n" % number for number in range(10_000))
    answer = answer_to(facade, POST + LENGTH + many + b"\r\n" + GOOD)
    assert (answer.status, answer.error["code"]) == (431, "request_headers_too_large")
    facade.assert_serves()


@pytest.mark.parametrize("endless", [b"a" * 65_536, b"x: y\r\n" * 10_000])
def test_a_head_that_does_not_end(facade: Facade, endless: bytes) -> None:
    times = ConnectionLimits().head_bytes // len(endless) + 2
    answer = answer_to(facade, POST + b"x-endless: ", *[endless] * times)
    assert (answer.status, answer.error["code"]) == (431, "request_headers_too_large")
    facade.assert_serves()


@pytest.mark.parametrize("size", [70_000, 1_000_000, 5_000_000])
def test_an_address_that_is_too_long(facade: Facade, size: int) -> None:
    answer = answer_to(facade, b"GET /v1/models/" + b"a" * size + b" HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert answer.status in (400, 431)
    assert answer.error["message"]
    facade.assert_serves()


@pytest.mark.parametrize("size", [1000, 60_000])
def test_a_long_address(facade: Facade, size: int) -> None:
    answer = answer_to(
        facade, b"GET /" + b"a" * size + b"?" + b"b" * 100 + b" HTTP/1.1\r\nhost: localhost\r\n" + AT_ONCE + b"\r\n"
    )
    assert (answer.status, answer.error["code"]) == (404, "unknown_url")


def test_headers_that_are_just_not_too_long(facade: Facade) -> None:
    assert answer_to(facade, POST + LENGTH + AT_ONCE + b"x: " + b"a" * 60_000 + b"\r\n\r\n" + GOOD).text == "Hi"


def test_a_body_that_says_it_is_too_large(facade: Facade) -> None:
    """Refused before it is sent."""
    answer = answer_to(facade, POST + AT_ONCE + b"content-length: 9999999999\r\n\r\n")
    assert (answer.status, answer.error["code"]) == (413, "request_too_large")
    facade.assert_serves()


def test_a_client_that_asks_before_it_sends(facade: Facade) -> None:
    with opened(facade) as connection:
        tell(connection, POST + LENGTH + AT_ONCE + b"expect: 100-continue\r\n\r\n")
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        tell(connection, GOOD)
        assert parsed(read_all(connection)).text == "Hi"


def test_a_client_that_asks_before_it_sends_too_much(facade: Facade) -> None:
    """Nobody knows whether it still sends: the connection ends."""
    answer = answer_to(facade, POST + b"content-length: 9999999999\r\nexpect: 100-continue\r\n\r\n")
    assert answer.status == 413
    facade.assert_serves()


@pytest.mark.parametrize("size", [1, 7, len(GOOD)])
def test_a_body_in_pieces(facade: Facade, size: int) -> None:
    pieces = [GOOD[start : start + size] for start in range(0, len(GOOD), size)]
    chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
    assert answer_to(facade, POST + LENGTH + AT_ONCE + b"\r\n", *pieces).text == "Hi"
    assert answer_to(facade, POST + CHUNKED + AT_ONCE + b"\r\n", *chunks, b"0\r\n\r\n").text == "Hi"


def test_requests_one_after_the_other_without_waiting(facade: Facade) -> None:
    with opened(facade) as connection:
        tell(connection, (POST + LENGTH + b"\r\n" + GOOD) * 3 + POST + LENGTH + AT_ONCE + b"\r\n" + GOOD)
        assert read_all(connection).count(b"HTTP/1.1 200 OK") == 4


@pytest.mark.parametrize("sent", [b"", b"POST", POST, POST + LENGTH + b"\r\n", POST + LENGTH + b"\r\n" + GOOD[:20]])
def test_half_a_request(facade: Facade, sent: bytes) -> None:
    with opened(facade) as connection:
        tell(connection, sent)
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b""
    with opened(facade) as connection:
        tell(connection, sent)
    facade.assert_serves()


def test_half_a_body_and_a_reset(facade: Facade) -> None:
    with opened(facade) as connection:
        tell(connection, POST + b"x-request-id: half\r\n" + LENGTH + b"\r\n" + GOOD[:20])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    line = facade.log.wait_for("half")
    assert (line["status"], line["error"]) == (499, "CANCELLED")
    facade.assert_serves()


UPGRADES = [
    b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAAB\r\n",
    b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n",
    b"connection: keep-alive, Upgrade\r\nupgrade: something/1.0\r\n",
]


@pytest.mark.parametrize("upgrade", UPGRADES)
def test_an_offer_to_speak_another_protocol_is_ignored(facade: Facade, upgrade: bytes) -> None:
    """Java's own HTTP client makes one with its first request."""
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)
    assert answer_to(facade, POST + LENGTH + upgrade + b"\r\n" + GOOD).text == "Hi"
    assert answer_to(facade, POST + LENGTH + upgrade + b"\r\n", GOOD[:9], GOOD[9:]).text == "Hi"
    assert answer_to(facade, POST + CHUNKED + upgrade + b"\r\n" + chunks).text == "Hi"
    assert answer_to(facade, POST + CHUNKED + upgrade + b"\r\n", chunks[:1], chunks[1:50], chunks[50:]).text == "Hi"
    facade.assert_serves()


@pytest.mark.parametrize("upgrade", UPGRADES)
def test_such_an_offer_without_a_body(facade: Facade, upgrade: bytes) -> None:
    last = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n" + AT_ONCE + b"\r\n"
    with opened(facade) as connection:
        tell(connection, b"GET /v1/models/demo/echo HTTP/1.1\r\nhost: localhost\r\n" + upgrade + b"\r\n")
        received = connection.recv(65536)
        tell(connection, last)
        received += read_all(connection)
    assert received.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("upgrade", UPGRADES)
def test_such_an_offer_with_a_broken_body(facade: Facade, upgrade: bytes) -> None:
    assert answer_to(facade, POST + CHUNKED + upgrade + b"\r\nzz\r\n").status == 400
    facade.assert_serves()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
        (b"GET http://example.com/healthz HTTP/1.1\r\nhost: localhost\r\n" + AT_ONCE + b"\r\n", 200),
        (b"\r\n\r\nGET /healthz HTTP/1.1\r\nhost: localhost\r\n" + AT_ONCE + b"\r\n", 200),
        (b"OPTIONS * HTTP/1.1\r\nhost: localhost\r\n" + AT_ONCE + b"\r\n", 404),
        (b"GET /%ff%00%0d%0a HTTP/1.1\r\nhost: localhost\r\n" + AT_ONCE + b"\r\n", 404),
        (b"GET /v1/models/%ff HTTP/1.1\r\nhost: localhost\r\n" + AT_ONCE + b"\r\n", 404),
        (b"GET /v1/models?provider=%ff%00&&=&%zz HTTP/1.1\r\nhost: localhost\r\n" + AT_ONCE + b"\r\n", 404),
        (POST + AT_ONCE + b"\r\n", 400),
    ],
)
def test_what_is_unusual(facade: Facade, request_bytes: bytes, status: int) -> None:
    assert answer_to(facade, request_bytes).status == status


def test_garbage_after_a_request_that_is_being_answered(provided: Provided) -> None:
    """The stream is cut off, and nothing is written into its midst."""
    provided.replies(event_stream(chunk("one"), STALL))
    body = json.dumps(asking("Hi", "openai/m", stream=True)).encode()
    with opened(provided.facade) as connection:
        tell(connection, POST + b"content-length: %d\r\n\r\n" % len(body) + body)
        received = b""
        while b'"one"' not in received:
            received += connection.recv(65536)
        tell(connection, b"\x00garbage\r\n\r\n")
        received += read_all(connection)
    assert received.count(b"HTTP/1.1") == 1
    provided.requests[0].closed.join()
    provided.facade.assert_serves()
