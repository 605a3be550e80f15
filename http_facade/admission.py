"""Who is let in, by the head of a request: nothing of its body is read before its key is known to be valid."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import grpc

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.keys_pb2 import CheckKeyResponse
from http_facade.connect import failure_of
from http_facade.core import Core
from http_facade.exchange import Exchange

FRESH_S = 5.0
"""How long the core's word on a key counts here. Only whether a body is read depends on it: the core asks for the key of
every call again."""
MOST_CALLERS = 10_000
MOST_REFUSED = 1_000
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


class Admission:
    """One for a process."""

    def __init__(self, core: Core, clock: Callable[[], float] = time.monotonic) -> None:
        self._core = core
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

    async def _ask(self, digest: bytes, exchange: Exchange) -> CheckKeyResponse:
        if (refused := self._refused.get(digest)) is not None:
            raise dataclasses.replace(refused)
        try:
            caller = await self._core.check_key(exchange)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                raise self._remembered(digest, failure_of(error)) from None
            # A core of an older version, which says so when it is called.
            caller = CheckKeyResponse()
        self._callers.put(digest, caller)
        return caller

    def _remembered(self, digest: bytes, failure: GatewayError) -> GatewayError:
        if failure.reason in KEY_REFUSED:
            self._refused.put(digest, dataclasses.replace(failure))
        return failure
