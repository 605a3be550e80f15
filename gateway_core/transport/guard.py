"""Guard: which addresses may be connected to when a client gives the URL: public ones, private ones where they are allowed.

Source: IANA's registries of special-purpose addresses (https://www.iana.org/assignments/iana-ipv4-special-registry and
.../iana-ipv6-special-registry), and the metadata services of the clouds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]


def _networks(*texts: str) -> Networks:
    return tuple(ip_network(text) for text in texts)


NEVER = _networks(
    *("0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "ff00::/8"),
    # Link-local: most clouds serve their metadata, and keys with it, at 169.254.169.254.
    *("169.254.0.0/16", "fe80::/10"),
    # Where other clouds do: Azure, Alibaba, Oracle, AWS and Google over IPv6.
    *("168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32", "fd00:ec2::254/128", "fd20:ce::254/128"),
    # Tunnels (Teredo, 6to4): whom they reach is written in them, and nobody uses them any more.
    *("2001::/32", "2002::/16"),
)
"""Not even an operator who opens private addresses means these."""
PRIVATE = _networks(
    *("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"), *("::1/128", "fc00::/7", "fec0::/10")
)
"""Networks of one's own, carrier-grade NAT among them."""
RESERVED = _networks(
    *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *("2001::/23", "2001:db8::/32", "3fff::/20"),
)
"""Documentation, benchmarks, protocols: nobody serves pictures there."""
GLOBAL_IPV6 = IPv6Network("2000::/3")
"""All that is given out; the rest of IPv6 is special, or nothing yet."""
NAT64 = IPv6Network("64:ff9b::/96")


class Forbidden(OSError):
    """An address that may not be connected to. An OSError, as connecting raises others."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Checks every address that a client named, before it is connected to."""

    allow_private: bool = False

    def check(self, address: str) -> None:
        """Raises Forbidden, for what is no IP address too."""
        try:
            parsed = ip_address(address)
        except ValueError:
            raise Forbidden("not an IP address") from None
        if not self.allows(parsed):
            raise Forbidden("not a public address")

    def allows(self, address: Address) -> bool:
        address = within(address)
        if is_in(address, NEVER):
            return False
        if is_in(address, PRIVATE):
            return self.allow_private
        if is_in(address, RESERVED):
            return False
        return isinstance(address, IPv4Address) or address in GLOBAL_IPV6


def within(address: Address) -> Address:
    """The IPv4 address in an IPv6 one (IPv4-mapped, NAT64), where there is one."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_in(address: Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
