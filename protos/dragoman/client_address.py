"""The address of a client, also behind proxies that the operator trusts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
FORWARDED_FOR = "x-forwarded-for"
"""Where each proxy appends the address that it was asked from."""


class TrustedProxies:
    """Whose X-Forwarded-For is believed."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)
        self._trusts = lru_cache(1024)(self._is_trusted)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def client_of(self, peer: str, forwarded: Iterable[str]) -> str:
        """peer: the address at the other end of the connection. forwarded: the values of X-Forwarded-For as they came. The
        nearest address that is no trusted proxy's counts: its owner may have invented all that stands before it."""
        found = parsed(peer)
        if found is None or not self._trusts(found):
            return peer
        for hop in reversed(",".join(forwarded).split(",")):
            address = parsed(hop)
            if address is None:
                break
            found = address
            if not self._trusts(address):
                break
        return str(found)

    def _is_trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._networks)


@lru_cache(4096)
def source_of(address: str) -> str:
    """Whom to count a client as: an address of version 4, the network of 64 bits of one of version 6, all of which a single
    client has."""
    found = parsed(address) if ":" in address else None
    return str(IPv6Network((found, 64), strict=False)) if isinstance(found, IPv6Address) else address


def parsed(hop: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it: some add a port, and brackets around an IPv6 address."""
    text = hop.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # Of a socket that takes both families.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
