"""Connecting: names to addresses, happy eyeballs (RFC 8305), TLS, and why it failed, for a person."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from asyncio.staggered import staggered_race
from collections.abc import Sequence
from functools import partial
from ipaddress import ip_address
from itertools import chain, zip_longest

from gateway_core.transport.guard import Guard
from gateway_core.transport.http1.codec import Origin
from gateway_core.transport.http1.connection import Connection, Owner

ATTEMPT_DELAY_S = 0.25
"""Between attempts at two addresses of one name (RFC 8305, section 5)."""
KEEPALIVE_S = 60
"""Between probes of a silent connection: a model may think for longer than routers remember it."""
MOST_NAMES = 1024

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


class Connector:
    """Opens connections. Belongs to one event loop."""

    def __init__(self, guard: Guard | None, *, dns_cache_s: float) -> None:
        """guard: what it may connect to. dns_cache_s: how long a name's addresses are remembered."""
        self._guard = guard
        self._dns_cache_s = dns_cache_s
        self._names: dict[tuple[str, int], tuple[float, asyncio.Task[Sequence[Address]]]] = {}
        self._context: ssl.SSLContext | None = None

    async def open(self, origin: Origin, owner: Owner) -> Connection:
        """Raises OSError, Forbidden among them."""
        addresses = await self._addresses(origin.host, origin.port)
        if self._guard is not None:
            # Here, so that the addresses that are checked are those that are connected to.
            for _, address in addresses:
                self._guard.check(str(address[0]))
        sock = await first_connected(addresses)
        connection = Connection(owner)
        secure = origin.scheme == "https"
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: connection,
                sock=sock,
                ssl=self._tls() if secure else None,
                server_hostname=origin.host.rstrip(".") if secure else None,
            )
        except BaseException:
            # Not all of this is done by the event loop when TLS fails, or is cancelled.
            connection.abort()
            sock.close()
            raise
        return connection

    def _tls(self) -> ssl.SSLContext:
        """Trusts what the system trusts, or SSL_CERT_FILE."""
        if self._context is None:
            self._context = ssl.create_default_context()
            self._context.set_alpn_protocols(["http/1.1"])
        return self._context

    async def _addresses(self, host: str, port: int) -> Sequence[Address]:
        """One look-up serves all who ask while it runs, and until it is old."""
        if is_address(host):
            return await look_up(host, port, socket.AI_NUMERICHOST)
        loop = asyncio.get_running_loop()
        expires, looking = self._names.get((host, port), (0.0, None))
        if looking is None or expires <= loop.time():
            if len(self._names) >= MOST_NAMES:
                self._names.clear()
            looking = loop.create_task(self._look_up(host, port))
            self._names[host, port] = loop.time() + self._dns_cache_s, looking
        return await asyncio.shield(looking)

    async def _look_up(self, host: str, port: int) -> Sequence[Address]:
        try:
            return await look_up(host, port, socket.AI_ADDRCONFIG)
        except OSError:
            self._names.pop((host, port), None)
            raise


def is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def look_up(host: str, port: int, flags: int) -> Sequence[Address]:
    """The addresses in the order in which they are to be tried: the system's (RFC 6724), the families by turns."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    addresses = [(family, address) for family, _, _, _, address in found]
    first = [one for one in addresses if one[0] == addresses[0][0]]
    others = [one for one in addresses if one[0] != addresses[0][0]]
    return [one for one in chain.from_iterable(zip_longest(first, others)) if one is not None]


async def first_connected(addresses: Sequence[Address]) -> socket.socket:
    """Raises OSError: the first address's."""
    if len(addresses) == 1:
        return await connected(addresses[0])
    sock: socket.socket | None
    sock, _, errors = await staggered_race([partial(connected, one) for one in addresses], ATTEMPT_DELAY_S)
    if sock is None:
        raise next(error for error in errors if error is not None)
    return sock


async def connected(to: Address) -> socket.socket:
    family, address = to
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_S)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def cause_of(error: OSError) -> str:
    """For a person."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})"
        case ssl.SSLError():
            return f"TLS failed ({error.reason})" if error.reason else "TLS failed"
        case socket.gaierror():
            return "its name cannot be resolved"
        case _:
            return os.strerror(error.errno).lower() if error.errno else "it was closed at once"
