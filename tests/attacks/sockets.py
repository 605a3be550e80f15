"""What a client on a bare socket does."""

import contextlib
import socket

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
