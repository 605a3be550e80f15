"""Which addresses a client's URL may lead to."""

from __future__ import annotations

import pytest

from gateway_core.transport.guard import Forbidden, Guard

PUBLIC = (
    "1.1.1.1",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.169.0.1",
    "2606:4700::1",
)
PUBLIC_WITHIN = ("::ffff:1.1.1.1", "64:ff9b::101:101")
PRIVATE = (
    *("10.0.0.1", "127.0.0.1", "127.8.8.8", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255"),
    *("::1", "fc00::1", "fd12:3456::1", "fec0::1"),
    *("::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::c0a8:101"),
)
NEVER = (
    *(
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "169.254.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
    ),
    *("168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"),
    *("::", "fe80::1", "fe80::1%eth0", "ff02::1", "::7f00:1", "::10.0.0.1"),
    *("::ffff:169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
    *("192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "2001:10::1", "3fff::1"),
    *("100::1", "4000::1", "5f00::1", "localhost", "", "127.1", "0x7f000001", "2130706433", "010.0.0.1"),
)


def allows(guard: Guard, address: str) -> bool:
    try:
        guard.check(address)
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize("address", [*PUBLIC, *PUBLIC_WITHIN])
def test_public_addresses_may_be_reached(address: str) -> None:
    assert allows(Guard(), address)
    assert allows(Guard(allow_private=True), address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_ones_only_where_the_operator_says_so(address: str) -> None:
    assert not allows(Guard(), address)
    assert allows(Guard(allow_private=True), address)


@pytest.mark.parametrize("address", NEVER)
def test_metadata_and_what_serves_nothing_never(address: str) -> None:
    assert not allows(Guard(), address)
    assert not allows(Guard(allow_private=True), address)
