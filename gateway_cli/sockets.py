"""Listening sockets, bound before anything else is loaded, so that a taken port is reported at once; and where servers
listen, in one line."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from gateway_core.settings.file import SettingsError
from gateway_core.settings.server import Address

if TYPE_CHECKING:
    from gateway_core.settings.settings import Settings

REASONS = {
    errno.EADDRINUSE: "another program is listening there; stop it, or choose another port",
    errno.EACCES: "this user may not listen there; choose a port above 1023",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
}


def bind(address: Address, flag: str, *, shared: bool = False) -> socket.socket:
    """A bound TCP socket. shared: other processes of this user may bind the same port, and the kernel spreads connections
    over them. Raises SettingsError."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise SettingsError(f"{flag} {address}: {error.strerror}.") from None
    # localhost is both, and the line that says where we listen has 127.0.0.1.
    family, kind, protocol, _, place = min(found, key=lambda one: one[0] != socket.AF_INET)
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(place)
    except OSError as error:
        bound.close()
        reason = REASONS.get(error.errno or 0, error.strerror)
        raise SettingsError(f"{flag} {address}: {reason}.") from None
    return bound


def address_of(bound: socket.socket) -> Address:
    """With the port that the system chose."""
    host, port = bound.getsockname()[:2]
    return Address(host, port)


def greeting(settings: Settings, http_url: str | None, grpc: Address) -> str:
    """One line: where it listens, who can be asked, whether a key is needed."""
    places = [f"{http_url}/v1 (HTTP)"] if http_url else []
    places.append(f"{grpc} (gRPC)")
    providers = ", ".join(sorted(provider.name for provider in settings.providers))
    keys = "a gateway key is required" if settings.keys else "no key needed"
    return f"Dragoman is ready on {' and '.join(places)}. Providers: {providers}; try the model demo/echo; {keys}."
