"""The connections to one origin: those that are idle, and who waits for one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from gateway_core.transport.http1.connection import Connection, Owner

Connect = Callable[[Owner], Awaitable[Connection]]
Waiter = asyncio.Future[Connection | None]


class Pool:
    """See Owner. Who comes when as many are in use as may be is served in turn."""

    def __init__(self, connect: Connect, *, most: int, keepalive_s: float) -> None:
        """connect: opens a connection for an owner. most: connections at one time, 0 for no bound. keepalive_s: how long one
        is kept open unused."""
        self._connect = connect
        self._most = most
        self._keepalive_s = keepalive_s
        self._open: set[Connection] = set()
        self._idle: dict[Connection, None] = {}
        """The last one was used last."""
        self._places = 0
        """Connections that are open or being opened."""
        self._waiters: deque[Waiter] = deque()
        """Each is given a connection, or None: the place of one that has closed."""
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def empty(self) -> bool:
        return not self._places

    def idle(self) -> Connection | None:
        """One that has answered before, and on which nothing has arrived since. None: there is none."""
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.usable():
                return connection
            connection.abort()
        return None

    async def fresh(self) -> Connection:
        """A new one or, where there are too many, the next that can be had. Raises what connecting raises."""
        if self._idle and self._places == self._most:
            next(iter(self._idle)).abort()
        while self._most and self._places >= self._most:
            handed = await self._turn()
            if handed is None:
                break
            if handed.usable():
                return handed
            handed.abort()
        else:
            self._places += 1
        try:
            connection = await self._connect(self)
        except BaseException:
            self._pass_place()
            raise
        self._open.add(connection)
        if connection.closed:
            self.forget(connection)
        return connection

    def take_back(self, connection: Connection) -> None:
        if self._waiters and (waiter := self._next_waiter()) is not None:
            waiter.set_result(connection)
            return
        self._idle[connection] = None
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(self._keepalive_s, self._sweep)

    def forget(self, connection: Connection) -> None:
        self._idle.pop(connection, None)
        # One that closes before it is here is forgotten then.
        if connection in self._open:
            self._open.discard(connection)
            self._pass_place()

    def close(self) -> None:
        """Cut all connections."""
        for connection in list(self._open):
            connection.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()

    async def _turn(self) -> Connection | None:
        waiter: Waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():
                self._hand_on(waiter.result())
            raise

    def _hand_on(self, handed: Connection | None) -> None:
        """What came too late for its waiter."""
        if handed is None:
            self._pass_place()
        elif not handed.closed:
            self.take_back(handed)

    def _pass_place(self) -> None:
        if (waiter := self._next_waiter()) is not None:
            waiter.set_result(None)
        else:
            self._places -= 1

    def _next_waiter(self) -> Waiter | None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    def _sweep(self) -> None:
        """Close what was idle for too long, and look again when the next one will have been."""
        loop = asyncio.get_running_loop()
        self._sweeper = None
        overdue = loop.time() - self._keepalive_s
        for connection in [one for one in self._idle if one.idle_since <= overdue]:
            connection.abort()
        if self._idle:
            oldest = next(iter(self._idle)).idle_since
            self._sweeper = loop.call_at(oldest + self._keepalive_s, self._sweep)
