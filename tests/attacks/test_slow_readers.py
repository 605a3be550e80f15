"""Clients that do not read what they asked for, or hardly, on real sockets: they are left, and what they asked for ends."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import time
from collections.abc import Iterator

import pytest

from gateway_cli.http_protocol import ConnectionLimits
from tests.http_facade.serving import Facade, asking, serving, settings_for
from tests.upstream import WAIT_S

TEXT = ("x" * 50_000 + " ") * 300
"""More than the system's buffers of both sides hold."""
IMPATIENT = ConnectionLimits(send_s=0.2, send_rate=1_000_000)
LIMITED = ConnectionLimits(send_s=0.2, send_rate=1, lag_s=0.5)
PATIENT = ConnectionLimits(send_s=0.2, send_rate=1)
SLOW_READS, PAUSE_S = 100, 0.01
numbers = itertools.count()
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@pytest.fixture(scope="module")
def impatient() -> Iterator[Facade]:
    with serving(settings_for(), limits=IMPATIENT) as facade:
        yield facade


@contextlib.contextmanager
def asked(facade: Facade, *, stream: bool) -> Iterator[tuple[socket.socket, str]]:
    """(a connection with a small window on which the text is asked for, the request's id)"""
    body = json.dumps(asking(TEXT, stream=stream)).encode()
    request_id = f"slow-{next(numbers)}"
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nx-request-id: {request_id}\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.settimeout(WAIT_S)
        connection.connect(facade.place)
        connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        yield connection, request_id


def read_slowly(connection: socket.socket, size: int) -> int:
    """How much came until the server ended the connection, or all was there: pieces of a size for a while, then as fast as
    it comes."""
    received = count = 0
    with contextlib.suppress(ConnectionError):
        while received < len(TEXT) and (piece := connection.recv(size if count < SLOW_READS else 1_000_000)):
            received, count = received + len(piece), count + 1
            time.sleep(PAUSE_S if count < SLOW_READS else 0)
    return received


@both
def test_a_client_that_reads_nothing(impatient: Facade, stream: bool) -> None:
    with asked(impatient, stream=stream) as (connection, request_id):
        impatient.log.wait_for(request_id)
        # What was on its way still comes, and then the end.
        assert read_slowly(connection, 1) < len(TEXT)
    impatient.assert_serves()


@both
def test_a_client_that_hardly_reads(impatient: Facade, stream: bool) -> None:
    with asked(impatient, stream=stream) as (connection, _):
        assert read_slowly(connection, 500) < len(TEXT)
    impatient.assert_serves()


@both
def test_an_answer_that_takes_too_long_to_read(stream: bool) -> None:
    with serving(settings_for(), limits=LIMITED) as facade, asked(facade, stream=stream) as (connection, _):
        assert read_slowly(connection, 20_000) < len(TEXT)


@both
def test_a_slow_client_that_reads_gets_all(stream: bool) -> None:
    with serving(settings_for(), limits=PATIENT) as facade, asked(facade, stream=stream) as (connection, _):
        assert read_slowly(connection, 20_000) >= len(TEXT)
