"""Clients that ask too often or too much at once, on real sockets: refused in their API's form, and others are served."""

from __future__ import annotations

import contextlib
import itertools
import socket
from collections.abc import Iterator

import pytest

from dragoman.reasons import GatewayError, Reason
from tests.attacks.sockets import answer_on
from tests.http_facade.apis.clients import CLIENTS, ApiClient
from tests.http_facade.serving import Facade, asking, server_settings, serving, settings_for
from tests.upstream import WAIT_S

OVERLOADED = GatewayError(Reason.OVERLOADED, "")
numbers = itertools.count()
each_api = pytest.mark.parametrize("client", CLIENTS, ids=str)


@pytest.fixture(scope="module")
def busy() -> Iterator[Facade]:
    """A gateway that serves two requests of an address at the same time, and forgives three wrong keys."""
    server = server_settings(max_calls=3, max_calls_per_address=2, wrong_keys_per_minute=3)
    with serving(settings_for({"DRAGOMAN_API_KEYS": "right-key"}, server=server)) as facade:
        yield facade


def unfinished(client: ApiClient, request_id: str) -> bytes:
    """A request whose body does not end."""
    named = {"host": "localhost", "x-request-id": request_id, "transfer-encoding": "chunked"}
    headers = {**named, **client.headers, **client.key("right-key")}
    lines = [f"POST {client.path('demo/echo', False)} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + b"1\r\n{\r\n"


@contextlib.contextmanager
def occupied(facade: Facade, client: ApiClient, count: int) -> Iterator[None]:
    ids = [f"unfinished-{next(numbers)}" for _ in range(count)]
    with contextlib.ExitStack() as opened:
        for request_id in ids:
            opened.enter_context(socket.create_connection(facade.place, WAIT_S)).sendall(unfinished(client, request_id))
        yield
    for request_id in ids:
        facade.log.wait_for(request_id)


@each_api
def test_too_many_requests_at_once(busy: Facade, client: ApiClient) -> None:
    with occupied(busy, client, 2), socket.create_connection(busy.place, WAIT_S) as connection:
        connection.sendall(unfinished(client, "refused"))
        head, body = answer_on(connection)
        assert head.startswith(b"HTTP/1.1 429 ")
        assert b"retry-after: 1\r\n" in head + b"\r\n"
        assert "max_calls_per_address" in client.error(body)[1]
        assert busy.client.get("/healthz").status_code == 200


@each_api
def test_too_many_wrong_keys(busy: Facade, client: ApiClient) -> None:
    for number in range(4):
        answer = client.ask(busy.client, "Hi", **client.key(f"wrong-{number}"))
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert "wrong keys" in client.error(answer.json())[1]
    assert client.ask(busy.client, "Hi", **client.key("right-key")).status_code == 200


@each_api
def test_too_many_requests_of_all(client: ApiClient) -> None:
    server = server_settings(max_calls=1)
    with serving(settings_for(server=server)) as facade:
        with occupied(facade, client, 1):
            answer = client.ask(facade.client, "Hi")
            assert (answer.status_code, answer.headers["retry-after"]) == (client.api.server.status_of(OVERLOADED), "1")
            assert "max_calls" in client.error(answer.json())[1]
        assert facade.chat(asking("Hi")).status_code == 200
