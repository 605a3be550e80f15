"""Clients without a key that hold a connection, on real sockets: each is left within its bound, and others are served."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gateway_cli.http_protocol import ConnectionLimits
from http_facade.apis import APIS
from tests.attacks.sockets import answer_on, answer_to
from tests.http_facade.serving import Facade, asking, serving, settings_for
from tests.upstream import WAIT_S

HASTY = ConnectionLimits(receive_s=0.2, send_s=0.2, linger_s=0.2, linger_bytes=1_000_000)
POSTED = sorted({path for api in APIS for path, method, _ in api.routes() if method == "POST" and "{" not in path})
HOST = b"host: localhost\r\n"


@pytest.fixture(scope="module")
def hasty() -> Iterator[Facade]:
    with serving(settings_for({"DRAGOMAN_API_KEYS": "right-key"}), limits=HASTY) as facade:
        yield facade


def posting(path: str, *headers: bytes) -> bytes:
    return b"POST %s HTTP/1.1\r\n" % path.encode() + HOST + b"".join(header + b"\r\n" for header in headers) + b"\r\n"


HEADS = [b"P", b"POST /v1/messages HTTP/1.1\r\n", b"POST / HTTP/1.1\r\n" + HOST + b"x: ", b"\r\n\r\n"]


@pytest.mark.parametrize("said", HEADS)
def test_a_head_that_stops(hasty: Facade, said: bytes) -> None:
    assert answer_to(hasty, said)[:13] in (b"", b"HTTP/1.1 408 ")


@pytest.mark.parametrize("path", POSTED)
def test_a_body_that_stops(hasty: Facade, path: str) -> None:
    for head in (b"content-length: 1000", b"transfer-encoding: chunked"):
        key = b"authorization: Bearer right-key"
        assert answer_to(hasty, posting(path, head, key)).startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize("path", POSTED)
def test_a_body_that_is_announced_alone(hasty: Facade, path: str) -> None:
    head = posting(path, b"content-length: 1000", b"expect: 100-continue", b"authorization: Bearer right-key")
    answer = answer_to(hasty, head)
    assert b"HTTP/1.1 4" in answer


@pytest.mark.parametrize("path", POSTED)
def test_the_rest_after_a_refusal(hasty: Facade, path: str) -> None:
    answer = answer_to(hasty, posting(path, b"content-length: 999999999", b"authorization: Bearer right-key") + b"x" * 1000)
    assert answer.startswith(b"HTTP/1.1 413 ")


UNREAD = [
    ("POST", "/nothing"),
    ("PUT", "/v1/messages"),
    ("DELETE", "/v1/models"),
    ("GET", "/v1/models"),
    ("GET", "/healthz"),
]


@pytest.mark.parametrize(("method", "path"), UNREAD)
def test_a_body_that_nobody_reads_is_no_request(hasty: Facade, method: str, path: str) -> None:
    hidden = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n" * 10_000
    head = posting(path, b"content-length: %d" % len(hidden)).replace(b"POST", method.encode(), 1)
    with socket.create_connection(hasty.place, WAIT_S) as connection:
        connection.sendall(head + hidden)
        answer_on(connection)
        connection.sendall(b"GET /next HTTP/1.1\r\nhost: localhost\r\n\r\n")
        answered, body = answer_on(connection)
    assert answered.startswith(b"HTTP/1.1 404 ")
    assert "/next" in body["error"]["message"]


def test_an_endless_rest_after_a_refusal(hasty: Facade) -> None:
    with socket.create_connection(hasty.place, WAIT_S) as connection:
        connection.sendall(posting("/v1/messages", b"content-length: 999999999", b"authorization: Bearer right-key"))
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 200_000_000:
                sent += connection.send(bytes(65536))
    assert sent < 100_000_000


def trickled(facade: Facade, first: bytes, piece: bytes) -> None:
    """Send a piece whenever the server has not ended the connection for a moment. Fails when that goes on."""
    with socket.create_connection(facade.place, WAIT_S) as connection:
        connection.sendall(first)
        connection.settimeout(0.02)
        for _ in range(500):
            try:
                if not connection.recv(65536):
                    return
            except TimeoutError:
                connection.sendall(piece)
            except ConnectionError:
                return
        raise AssertionError("the server still listens")


@pytest.mark.parametrize("first", [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nx: "], ids=repr)
def test_a_trickled_head(hasty: Facade, first: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        trickled(hasty, first or b"G", b"a")


@pytest.mark.parametrize("piece", [b"a", b"1\r\na\r\n"])
def test_a_trickled_body(hasty: Facade, piece: bytes) -> None:
    head = b"content-length: 100000" if piece == b"a" else b"transfer-encoding: chunked"
    with contextlib.suppress(ConnectionError):
        trickled(hasty, posting("/v1/messages", head, b"authorization: Bearer right-key"), piece)


def test_an_answer_that_nobody_reads() -> None:
    body = json.dumps(asking("x" * 2_000_000)).encode()
    with serving(settings_for(), limits=HASTY) as facade:
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(WAIT_S)
            connection.connect(facade.place)
            request = posting("/v1/chat/completions", b"content-length: %d" % len(body), b"x-request-id: unread") + body
            connection.sendall(request)
            facade.log.wait_for("unread")
            connection.sendall(b"")
            with contextlib.suppress(ConnectionError):
                while True:
                    connection.send(b"x" * 1000)
        facade.assert_serves()


def test_more_connections_than_there_may_be() -> None:
    limits = replace(ConnectionLimits(), per_address=5)
    with serving(settings_for(), limits=limits) as facade, contextlib.ExitStack() as opened:
        for _ in range(5):
            opened.enter_context(socket.create_connection(facade.place, WAIT_S))
        answer = answer_to(facade, b"")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"too_many_connections" in answer


@pytest.mark.parametrize("size", [70_000, 1_000_000])
@pytest.mark.parametrize("path", POSTED)
def test_a_head_without_bounds(hasty: Facade, path: str, size: int) -> None:
    assert answer_to(hasty, posting(path, b"x: " + b"a" * size)).startswith(b"HTTP/1.1 431 ")


STRANGE = [
    (b"host: localhost", b"host: other", b"content-length: 0"),
    (b"content-length: 0",),
    (b"host: localhost", b"transfer-encoding: gzip, chunked"),
    (b"host: localhost", b"transfer-encoding: chunked", b"transfer-encoding: chunked"),
    (b"host: localhost", b"transfer-encoding: identity"),
    (b"host: localhost", b"transfer-encoding: xchunked"),
    (b"host: localhost", b"transfer-encoding: chunked", b"content-length: 3"),
    (b"host: localhost", b"transfer-encoding: chunked, chunked", b"connection: upgrade", b"upgrade: h2c"),
]


@pytest.mark.parametrize("headers", STRANGE)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses", "/proxy/demo/x", "/nothing"])
def test_what_servers_read_differently(hasty: Facade, path: str, headers: tuple[bytes, ...]) -> None:
    said = b"POST %s HTTP/1.1\r\n" % path.encode() + b"".join(header + b"\r\n" for header in headers) + b"\r\n"
    hidden = b"0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
    answer = answer_to(hasty, said + hidden)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c", b"other/1"])
@pytest.mark.parametrize("path", POSTED)
def test_the_body_of_an_upgrade_is_no_request(hasty: Facade, path: str, protocol: bytes) -> None:
    hidden = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
    head = posting(path, b"connection: upgrade", b"upgrade: " + protocol, b"content-length: %d" % len(hidden))
    answer = answer_to(hasty, head + hidden)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b'"ok"' not in answer


@pytest.fixture(autouse=True)
def still_serving(hasty: Facade) -> Iterator[None]:
    yield
    assert hasty.client.get("/healthz").status_code == 200
