"""A server that stops while clients are being served, or have half sent what they want."""

from __future__ import annotations

import contextlib
import json
import logging
import socket

import pytest

from tests.attacks.sockets import heard
from tests.http_facade.apis.clients import CLIENTS, ApiClient
from tests.http_facade.serving import Facade, chunk, serving, settings_with
from tests.upstream import STALL, WAIT_S, event_stream, running_upstream

CHATTING = [client for client in CLIENTS if client.api.server.parse_chat]
SPEAKING = event_stream(chunk("first"), STALL)
LEFT_OUT = 20
"""Bytes of a body that do not come."""
WHY = "stopping"


def sent(facade: Facade, client: ApiClient, *, stream: bool, whole: bool = True) -> socket.socket:
    connection = socket.create_connection(facade.place, WAIT_S)
    body = json.dumps(client.body("Hi", "openai/m", stream)).encode()
    lines = [f"POST {client.path('openai/m', stream)} HTTP/1.1", "host: localhost", f"content-length: {len(body)}"]
    head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in client.headers.items()), "", ""])
    connection.sendall(head.encode() + (body if whole else body[:-LEFT_OUT]))
    return connection


def until(connection: socket.socket, wanted: bytes) -> bytes:
    received = b""
    while wanted not in received:
        piece = connection.recv(65536)
        assert piece, received
        received += piece
    return received


def assert_quiet(caplog: pytest.LogCaptureFixture) -> None:
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("split", [False, True], ids=["joined", "split"])
def test_the_end_of_the_grace_is_told_in_the_stream(split: bool, caplog: pytest.LogCaptureFixture) -> None:
    with contextlib.ExitStack() as open_ones, running_upstream(lambda _: SPEAKING) as upstream:
        with serving(settings_with(upstream.url), split=split, grace_s=0.1) as facade:
            streams = [(client, open_ones.enter_context(sent(facade, client, stream=True))) for client in CHATTING]
            begun = [until(connection, b"first") for _, connection in streams]
        for (client, connection), before in zip(streams, begun, strict=True):
            rest = (before + heard(connection)).decode().replace("\r\n", "\n")
            events = [json.loads(line[6:]) for line in rest.split("\n") if line.startswith("data: {")]
            assert WHY in client.error(events[-1])[1]
            assert rest.endswith("0\n\n") is not client.breaks_off
    assert_quiet(caplog)


def test_who_waits_for_a_whole_answer_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with contextlib.ExitStack() as open_ones, running_upstream(lambda _: SPEAKING) as upstream:
        with serving(settings_with(upstream.url), grace_s=0.1) as facade:
            asking = [(client, open_ones.enter_context(sent(facade, client, stream=False))) for client in CHATTING]
            while len(upstream.requests) < len(asking):
                facade.client.get("/healthz")
        for client, connection in asking:
            head, _, body = heard(connection).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 "), client.name
            assert WHY in client.error(json.loads(body))[1]
    assert_quiet(caplog)


def test_half_a_body_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """The grace is longer than any test may take."""
    caplog.set_level(logging.INFO)
    with contextlib.ExitStack() as open_ones, running_upstream(lambda _: SPEAKING) as upstream:
        with serving(settings_with(upstream.url), grace_s=3600.0) as facade:
            halves = [
                (client, open_ones.enter_context(sent(facade, client, stream=stream, whole=False)))
                for client in CHATTING
                for stream in (False, True)
            ]
            facade.client.get("/healthz")
        for client, connection in halves:
            head, _, body = heard(connection).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 "), client.name
            assert WHY in client.error(json.loads(body))[1]
        assert upstream.requests == []
    assert_quiet(caplog)
