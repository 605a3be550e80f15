"""HTTP requests without a valid key, on real sockets: refused by their head, whatever body they announce or send."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway_cli.http_protocol import ConnectionLimits
from http_facade.apis import APIS
from tests.attacks.sockets import answer_on, heard
from tests.http_facade.apis.clients import EXAMPLES, OPENAI
from tests.http_facade.serving import Facade, server_settings, serving, settings_for
from tests.upstream import WAIT_S

SIZE = 20_000_000
ENDLESS = b"transfer-encoding: chunked"
ROUTES = sorted({(path, method) for api in APIS for path, method, _ in api.routes()})
POSTED = sorted({api.paths()[0] for api in APIS})
numbers = itertools.count()


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def locked(request: pytest.FixtureRequest) -> Iterator[Facade]:
    limits, server = ConnectionLimits(linger_s=2.0), server_settings(wrong_keys_per_minute=0)
    settings = settings_for({"DRAGOMAN_API_KEYS": "right-key"}, server=server)
    with serving(settings, split=request.param, limits=limits) as facade:
        yield facade
        assert facade.chat({"model": "demo/echo", "messages": []}, authorization="Bearer right-key").status_code == 400


def url_of(pattern: str) -> str:
    """With a value for each parameter."""
    return re.sub(r"\{[^:}]+(?::([^}]+))?\}", lambda found: (found[1] or "x").split("|")[0].replace("[^/:]+", "x"), pattern)


def request_head(path: str, method: str, key: str, *headers: bytes) -> tuple[bytes, str]:
    """(the head, its request id)"""
    request_id = f"locked-{next(numbers)}"
    lines = [b"host: localhost", b"x-request-id: " + request_id.encode(), *headers]
    if key:
        lines.append(b"authorization: Bearer " + key.encode())
    return b"%s %s HTTP/1.1\r\n" % (method.encode(), url_of(path).encode()) + b"\r\n".join(lines) + b"\r\n\r\n", request_id


@pytest.mark.parametrize("key", ["", "wrong"])
@pytest.mark.parametrize(("path", "method"), [route for route in ROUTES if route[1] != "HEAD"])
def test_a_body_is_not_waited_for(locked: Facade, path: str, method: str, key: str) -> None:
    said, request_id = request_head(path, method, key, ENDLESS)
    with socket.create_connection(locked.place, WAIT_S) as connection:
        connection.sendall(said)
        head, body = answer_on(connection)
    assert head.startswith(b"HTTP/1.1 401 ")
    form = EXAMPLES.get(str(locked.log.wait_for(request_id)["api"]), OPENAI)
    assert "key" in form.error(body)[1]


@pytest.mark.parametrize("key", ["", "wrong"])
@pytest.mark.parametrize("path", POSTED)
def test_a_large_body_is_discarded_and_its_client_hears_why(locked: Facade, path: str, key: str) -> None:
    said, _ = request_head(path, "POST", key, b"content-length: %d" % SIZE)
    with socket.create_connection(locked.place, WAIT_S) as connection:
        connection.sendall(said)
        for _ in range(20):
            connection.sendall(bytes(SIZE // 20))
        assert answer_on(connection)[0].startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("path", POSTED)
def test_an_announced_body_is_not_asked_for(locked: Facade, path: str) -> None:
    said, _ = request_head(path, "POST", "wrong", b"content-length: %d" % SIZE, b"expect: 100-continue")
    with socket.create_connection(locked.place, WAIT_S) as connection:
        connection.sendall(said)
        assert heard(connection).startswith(b"HTTP/1.1 401 ")


def memory() -> int:
    """Of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/proxy/demo/x"])
def test_many_bodies_are_not_held(locked: Facade, path: str) -> None:
    chunk = b"100000\r\n" + bytes(0x100000) + b"\r\n"
    before = memory()
    with contextlib.ExitStack() as opened:
        for _ in range(40):
            connection = opened.enter_context(socket.create_connection(locked.place, WAIT_S))
            connection.sendall(request_head(path, "POST", "wrong", ENDLESS)[0])
            for _ in range(5):
                connection.sendall(chunk)
        assert memory() - before < 50_000_000


def test_the_rest_of_an_endless_body_is_bounded(locked: Facade) -> None:
    with socket.create_connection(locked.place, WAIT_S) as connection:
        connection.sendall(request_head("/v1/messages", "POST", "", b"content-length: 999999999999")[0])
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 200_000_000:
                sent += connection.send(bytes(65536))
    assert sent < 100_000_000
