"""Watch: cancels a call of the core when its HTTP client disconnects. KeepAlive: writes during silence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Protocol, Self

from http_facade.exchange import Exchange

WATCH_AFTER_S = 0.05
"""A call that ends sooner does not pay for a task that watches the connection. One that takes longer is watched after this
time, or twice as long at most: a client that disconnected before is noticed then."""


class ClientGone(Exception):
    """The client closed the connection before its answer was complete."""


class Cancellable(Protocol):
    """A gRPC call."""

    def cancel(self) -> bool: ...


class Watches:
    """The calls that are not watched yet, and their one timer: one for each would cost more than the watching."""

    __slots__ = ("_earlier", "_latest", "_timer")

    def __init__(self) -> None:
        self._latest: set[Watch] = set()
        self._earlier: set[Watch] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, watch: Watch) -> None:
        self._latest.add(watch)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._tick)

    def remove(self, watch: Watch) -> None:
        self._latest.discard(watch)
        self._earlier.discard(watch)

    def _tick(self) -> None:
        """Begin with those that were already there at the last tick."""
        due, self._earlier, self._latest = self._earlier, self._latest, set()
        for watch in due:
            watch.begin()
        again = bool(self._earlier)
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._tick) if again else None


class Watch:
    """While it is entered, the client's going away cancels the call; whoever awaits the call then sees ClientGone."""

    __slots__ = ("_call", "_exchange", "_gone", "_watcher", "_watches")

    def __init__(self, exchange: Exchange, call: Cancellable, watches: Watches) -> None:
        self._exchange = exchange
        self._call = call
        self._gone = False
        self._watcher: asyncio.Task[None] | None = None
        self._watches = watches

    def __enter__(self) -> Self:
        self._watches.add(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._watches.remove(self)
        if self._watcher is not None and not self._watcher.done():
            self._watcher.cancel()
        if self._gone and kind is asyncio.CancelledError:
            raise ClientGone from None

    def begin(self) -> None:
        self._watcher = asyncio.create_task(self._wait())

    async def _wait(self) -> None:
        await self._exchange.disconnected()
        self._gone = True
        self._call.cancel()


class KeepAlive:
    """Writes something that clients skip whenever nothing was written for a while, so that proxies on the way keep the
    connection."""

    __slots__ = ("_interval", "_last", "_loop", "_task", "_timer", "_write")

    def __init__(self, interval_s: float, write: Callable[[], Awaitable[None]]) -> None:
        self._interval = interval_s
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._task: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(interval_s, self._check) if interval_s > 0 else None

    def touch(self) -> None:
        """Something was written."""
        self._last = self._loop.time()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _check(self) -> None:
        idle = self._loop.time() - self._last
        if idle >= self._interval:
            self._task = self._loop.create_task(self._write_now())
            idle = 0.0
        self._timer = self._loop.call_later(self._interval - idle, self._check)

    async def _write_now(self) -> None:
        self.touch()
        await self._write()
