"""What a client on a bare socket does."""

import contextlib
import json
import socket

from tests.http_facade.apis.clients import Json
from tests.http_facade.serving import Facade
from tests.upstream import WAIT_S


def heard(connection: socket.socket) -> bytes:
    """Until the server ends the connection. Fails where it does not."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received


def answer_to(facade: Facade, said: bytes) -> bytes:
    """All that comes back until the server ends the connection."""
    with socket.create_connection(facade.place, WAIT_S) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(said)
        return heard(connection)


def answer_on(connection: socket.socket) -> tuple[bytes, Json]:
    """(head, body) of one answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head, json.loads(body)
