"""Who is let in, by the head of a request: nothing of its body is read before its key is known to be valid."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import grpc

from dragoman.client_address import source_of
from dragoman.in_flight import InFlight
from dragoman.reasons import GatewayError, Reason
from dragoman.v1.keys_pb2 import CheckKeyResponse
from http_facade.connect import failure_of
from http_facade.core import Core
from http_facade.exchange import Exchange
from http_facade.pages import PageGuard

FRESH_S = 5.0
"""How long the core's word on a key counts here. Only whether a body is read depends on it: the core asks for the key of
every call again."""
MOST_CALLERS = 10_000
MOST_REFUSED = 1_000
MOST_ADDRESSES = 10_000
WINDOW_S = 60.0
KEY_REFUSED = frozenset({Reason.MISSING_API_KEY, Reason.INVALID_API_KEY})
T = TypeVar("T")


class Dated(NamedTuple, Generic[T]):
    value: T
    expires_at: float


class Recent(Generic[T]):
    """What the core lately said of keys, by digest: the newest, so many at most."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._found: dict[bytes, Dated[T]] = {}

    def get(self, digest: bytes) -> T | None:
        found = self._found.get(digest)
        return found.value if found is not None and self._clock() < found.expires_at else None

    def put(self, digest: bytes, value: T) -> None:
        self._found.pop(digest, None)
        if len(self._found) >= self._most:
            del self._found[next(iter(self._found))]
        self._found[digest] = Dated(value, self._clock() + FRESH_S)


class WrongKeys:
    """Counts them by client address, for a minute from the first. A valid key is let in all the same: others may share the
    address."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        """most: 0 for no bound."""
        self._most = most
        self._clock = clock
        self._counts: dict[str, Dated[int]] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def count(self, address: str) -> None:
        """Raises GatewayError RATE_LIMITED for one too many."""
        now = self._clock()
        before = self._counts.pop(address, None)
        if before is None or before.expires_at <= now:
            before = Dated(0, now + WINDOW_S)
        if len(self._counts) >= MOST_ADDRESSES:
            del self._counts[next(iter(self._counts))]
        self._counts[address] = counted = Dated(before.value + 1, before.expires_at)
        if 0 < self._most < counted.value:
            message = (
                f"More than {self._most} wrong keys came from {address} in a minute. Check the key before you try again."
            )
            wait_s = counted.expires_at - now
            raise GatewayError(Reason.RATE_LIMITED, message, code="too_many_wrong_keys", retry_after_s=wait_s)


class Admission:
    """One for a process."""

    def __init__(self, core: Core, pages: PageGuard | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        """pages: which ones may ask where no key is needed."""
        limits = core.limits
        self._core = core
        self._pages = pages or PageGuard()
        self.in_flight = InFlight(limits.requests, limits.requests_per_address, "address")
        self._wrong_keys = WrongKeys(limits.wrong_keys_per_minute, clock)
        self._callers: Recent[CheckKeyResponse] = Recent(MOST_CALLERS, clock)
        self._refused: Recent[GatewayError] = Recent(MOST_REFUSED, clock)

    async def admit(self, exchange: Exchange) -> None:
        """Raises GatewayError, also where the core cannot be asked."""
        exchange.keys = keys = self._core.keys_of(exchange)
        pairs = [part for pair in keys for part in pair]
        # A key is printable: no two requests with different ones give the same text.
        digest = hashlib.sha256("\n".join([exchange.context, *pairs]).encode()).digest()
        caller = self._callers.get(digest)
        if caller is None:
            caller = await self._ask(digest, exchange)
        exchange.caller = caller.caller
        if caller.anonymous:
            self._pages.check(exchange)

    async def _ask(self, digest: bytes, exchange: Exchange) -> CheckKeyResponse:
        failure = self._refused.get(digest)
        if failure is None:
            try:
                caller = await self._core.check_key(exchange)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                    # A core of an older version, which asks for the key when it is called.
                    return CheckKeyResponse()
                failure = failure_of(error)
                if failure.reason in KEY_REFUSED:
                    self._refused.put(digest, failure)
            else:
                self._callers.put(digest, caller)
                return caller
        if failure.reason is Reason.INVALID_API_KEY:
            self._wrong_keys.count(source_of(exchange.client))
        raise dataclasses.replace(failure)
