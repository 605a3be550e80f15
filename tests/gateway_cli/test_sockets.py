import socket

import pytest

from gateway_cli.sockets import address_of, bind
from gateway_core.settings.server import Address
from gateway_core.settings.settings import SettingsError


def test_localhost_is_where_clients_look_for_it() -> None:
    with bind(Address("localhost", 0), "--http") as bound:
        assert bound.family is socket.AF_INET
        assert address_of(bound).host == "127.0.0.1"
        assert address_of(bound).port > 0


def test_only_shared_ports_are_bound_twice() -> None:
    with bind(Address("127.0.0.1", 0), "--http", shared=True) as first:
        first.listen()
        bind(address_of(first), "--http", shared=True).close()
        with pytest.raises(SettingsError, match=r"^--grpc 127\.0\.0\.1:\d+: another program is listening there"):
            bind(address_of(first), "--grpc")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
def test_a_host_that_is_not_this_machine(host: str) -> None:
    with pytest.raises(SettingsError, match=rf"^--http {host}:0: "):
        bind(Address(host, 0), "--http")
