"""Admission by what the core lately said of a key."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import grpc
import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.status import pack
from dragoman.v1.keys_pb2 import CheckKeyRequest, CheckKeyResponse
from http_facade.admission import FRESH_S, MOST_ADDRESSES, MOST_REFUSED, WINDOW_S, Admission, WrongKeys
from http_facade.apis import APIS
from http_facade.core import Core, Limits
from http_facade.exchange import Exchange


class Stub:
    """A core that knows some keys, and counts how often it is asked."""

    def __init__(self, *keys: str, failing: grpc.StatusCode | None = None) -> None:
        self.keys = {f"Bearer {key}" for key in keys}
        self.failing = failing
        self.asked = 0

    async def CheckKey(self, request: CheckKeyRequest, *, metadata: Any, **_: Any) -> CheckKeyResponse:  # noqa: N802
        self.asked += 1
        if self.failing is not None:
            raise grpc.aio.AioRpcError(self.failing, grpc.aio.Metadata(), grpc.aio.Metadata())
        if dict(metadata).get("authorization") not in self.keys:
            code, message, trailer = pack(GatewayError(Reason.INVALID_API_KEY, "unknown"))
            raise grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailer), message)
        return CheckKeyResponse(caller="team")


class Door:
    def __init__(self, stub: Stub, wrong_keys: int = 0) -> None:
        limits = Limits(wrong_keys_per_minute=wrong_keys)
        self.now = 100.0
        self.admission = Admission(Core(cast("Any", stub), limits), clock=lambda: self.now)

    def admits(self, key: str, context: str = "", address: str = "192.0.2.1") -> bool:
        headers = [(b"authorization", b"Bearer " + key.encode())]
        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
        exchange = Exchange(scope, cast("Any", None), cast("Any", None), APIS[0], 100)
        exchange.context, exchange.client = context, address
        try:
            asyncio.run(self.admission.admit(exchange))
        except GatewayError as failure:
            assert failure.reason is Reason.INVALID_API_KEY, failure.reason
            return False
        return True


@pytest.mark.parametrize("key", ["right", "wrong"])
def test_the_core_is_asked_once_in_a_while(key: str) -> None:
    stub = Stub("right")
    door = Door(stub)
    assert [door.admits(key) for _ in range(10)] == [key == "right"] * 10
    assert stub.asked == 1
    door.now += FRESH_S + 0.1
    assert door.admits(key) == (key == "right")
    assert stub.asked == 2


def test_a_revoked_key() -> None:
    stub = Stub("right")
    door = Door(stub)
    assert door.admits("right")
    stub.keys.clear()
    door.now += FRESH_S + 0.1
    assert not door.admits("right")


def test_wrong_keys_do_not_push_out_right_ones() -> None:
    stub = Stub("right")
    door = Door(stub)
    assert door.admits("right")
    assert not any(door.admits(f"wrong-{number}") for number in range(MOST_REFUSED + 10))
    stub.asked = 0
    assert door.admits("right")
    assert not door.admits(f"wrong-{MOST_REFUSED + 9}")
    assert stub.asked == 0
    assert not door.admits("wrong-0")
    assert stub.asked == 1


def test_a_key_of_one_context_is_not_known_in_another() -> None:
    stub = Stub("right")
    door = Door(stub)
    assert door.admits("right", "sales")
    assert door.admits("right", "support")
    assert stub.asked == 2


def test_a_core_that_cannot_be_asked_admits_nobody() -> None:
    stub = Stub("right", failing=grpc.StatusCode.UNAVAILABLE)
    door = Door(stub)
    with pytest.raises(AssertionError):
        door.admits("right")
    stub.failing = None
    assert door.admits("right")


def test_a_core_of_an_older_version() -> None:
    assert Door(Stub(failing=grpc.StatusCode.UNIMPLEMENTED)).admits("any")


def test_a_key_that_is_made_while_its_client_already_tries() -> None:
    stub = Stub()
    door = Door(stub)
    for _ in range(10):
        assert not door.admits("new")
        door.now += FRESH_S / 4
    stub.keys.add("Bearer new")
    door.now += FRESH_S
    assert door.admits("new")


def test_many_wrong_keys_of_one_address() -> None:
    door = Door(Stub("right"), wrong_keys=3)
    assert not any(door.admits(f"wrong-{number}") for number in range(3))
    with pytest.raises(AssertionError, match="RATE_LIMITED"):
        door.admits("wrong-0")
    with pytest.raises(AssertionError, match="RATE_LIMITED"):
        door.admits("wrong-9")
    assert door.admits("right")
    assert not door.admits("wrong-9", address="192.0.2.2")
    door.now += WINDOW_S
    assert not door.admits("wrong-9")


def test_the_addresses_of_one_network() -> None:
    door = Door(Stub(), wrong_keys=3)
    assert not any(door.admits("wrong", address=f"2001:db8:0:1::{number}") for number in range(3))
    with pytest.raises(AssertionError, match="RATE_LIMITED"):
        door.admits("wrong", address="2001:db8:0:1:ffff::1")
    assert not door.admits("wrong", address="2001:db8:0:2::1")


def test_the_addresses_that_are_remembered_are_bounded() -> None:
    counts = WrongKeys(3, lambda: 0.0)
    for number in range(MOST_ADDRESSES + 100):
        counts.count(str(number))
    assert len(counts) == MOST_ADDRESSES
