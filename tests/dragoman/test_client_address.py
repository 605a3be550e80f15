"""Which address a request comes from, where proxies stand before the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network

import pytest

from dragoman.client_address import TrustedProxies

PROXIES = TrustedProxies([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])
INVENTED = "198.51.100.1"


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", [f"{INVENTED}, 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", [INVENTED, "203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", [f"{INVENTED}, 203.0.113.7, 10.0.0.2,10.0.0.3"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7:5000"], "203.0.113.7"),
        ("::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
        ("10.0.0.1", ['"[2001:db8::7]:5000"'], "2001:db8::7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", [f"{INVENTED}, _hidden, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [f"{INVENTED},"], "10.0.0.1"),
        ("203.0.113.7", [INVENTED], "203.0.113.7"),
        ("203.0.113.7", [f"{INVENTED}, 10.0.0.1"], "203.0.113.7"),
        ("unix", [INVENTED], "unix"),
        ("", [INVENTED], ""),
    ],
)
def test_the_nearest_address_that_is_no_proxy_s(peer: str, forwarded: Sequence[str], client: str) -> None:
    assert PROXIES.client_of(peer, forwarded) == client


def test_nobody_is_believed_by_default() -> None:
    assert TrustedProxies().client_of("127.0.0.1", [INVENTED]) == "127.0.0.1"
