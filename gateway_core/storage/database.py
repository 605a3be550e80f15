"""An SQLite database: a file that several processes share, or memory. Its work is done in threads of its own, one that reads
and one that writes, each one piece after another, so that the event loop never waits for the disk.

A file is in WAL mode: what was committed survives the process that wrote it, however that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from dragoman.reasons import GatewayError, Reason
from gateway_core.settings.file import SettingsError

T = TypeVar("T")
Prepare = Callable[[sqlite3.Connection], None]
"""Makes the tables that are not there yet. Raises sqlite3.DatabaseError for a file that holds something else."""

BUSY_S = 4.0
"""How long one process waits for another that writes."""
PATIENCE_S = 5.0
"""How long a caller waits, for others before it as well: a file that is locked does not gather a queue."""
PAUSE_S = 0.05
PRAGMAS = (
    # Safe against a crash of the process; only a power failure may undo the last moments.
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    # What is deleted is overwritten: it may have been deleted because it was private.
    "PRAGMA secure_delete = ON",
)
PRIVATE = 0o600
OTHERS = 0o077

_log = logging.getLogger("dragoman.storage")


class Database:
    """Reads do not wait for writes, nor for other processes that write."""

    def __init__(self, path: Path | None, prepare: Prepare) -> None:
        """path: None is memory, which is gone when the process ends."""
        failures = Failures()
        self._writer = Lane(path, prepare, failures)
        # Memory is that of one connection.
        self._reader = self._writer if path is None else Lane(path, prepare, failures)
        self._closed = False

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Raises GatewayError STORAGE_UNAVAILABLE or SHUTTING_DOWN, and what the work raises."""
        return await self._in(self._writer, work)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Work that changes nothing, on what is there at one moment. Raises as run does."""

        def at_one_moment(connection: sqlite3.Connection) -> T:
            with transaction(connection, "BEGIN"):
                return work(connection)

        return await self._in(self._reader, at_one_moment)

    async def close(self) -> None:
        """After what is under way. May be called again."""
        if not self._closed:
            self._closed = True
            await asyncio.gather(*(lane.close() for lane in {self._writer, self._reader}))

    async def _in(self, lane: Lane, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise GatewayError(Reason.SHUTTING_DOWN, "the gateway is stopping")
        return await lane.run(work)


class Failures:
    """Of a file: what another connection has seen fail may still be in this one's cache, or be no longer there."""

    count = 0


class Lane:
    """A connection in a thread of its own. Opened when it is first used, and again after a failure of any."""

    def __init__(self, path: Path | None, prepare: Prepare, failures: Failures) -> None:
        self._path = path
        self._prepare = prepare
        self._failures = failures
        self._seen = 0
        """Failures before the connection was opened."""
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="dragoman-storage")

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Waits for so long and no longer; work whose turn does not come meanwhile is not done."""
        until = time.monotonic() + PATIENCE_S
        running = asyncio.get_running_loop().run_in_executor(self._thread, self._run, work, until)
        running.add_done_callback(forget_failure)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await asyncio.shield(running)
        except TimeoutError:
            raise unavailable(f"it has not answered for {PATIENCE_S:g} s") from None

    async def close(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    def _run(self, work: Callable[[sqlite3.Connection], T], until: float) -> T:
        if time.monotonic() > until:
            raise unavailable("others wait for it")
        try:
            if self._seen != self._failures.count:
                self._disconnect()
            if self._connection is None:
                self._seen = self._failures.count
                self._connection = connect(self._path, self._prepare)
            return work(self._connection)
        except (sqlite3.Error, OSError) as error:
            _log.error("storage %s: %s", self._path or "in memory", error)
            if self._path is not None and not is_locked(error):
                self._failures.count += 1
            # Where the file is, is nothing for callers.
            raise unavailable(error.strerror if isinstance(error, OSError) else error) from error

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()


def is_locked(error: Exception) -> bool:
    """Whether another process writes, and nothing is wrong with the file."""
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY


def unavailable(reason: object) -> GatewayError:
    return GatewayError(Reason.STORAGE_UNAVAILABLE, f"the gateway's storage fails: {reason}")


def forget_failure(running: asyncio.Future[T]) -> None:
    """Nobody may wait for it any more."""
    if not running.cancelled():
        running.exception()


def check_file(path: Path, prepare: Prepare) -> None:
    """Raises SettingsError for a path where no database can be, before anything depends on it."""
    try:
        connect(path, prepare).close()
    except (sqlite3.Error, OSError) as error:
        raise SettingsError(
            f"storage.path: {path} cannot be used as Dragoman's storage: {error}. Name a file in a folder that exists and"
            " can be written to; if the file is damaged, move it away, and a new one is made."
        ) from None


def connect(path: Path | None, prepare: Prepare) -> sqlite3.Connection:
    """Raises sqlite3.Error and OSError."""
    if path is not None:
        make_private(path)
    name = ":memory:" if path is None else path
    # Transactions are begun by writing(); the connection is used by one thread at a time.
    connection = sqlite3.connect(name, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        # First of all: it refuses another program's file, which must stay as it is.
        prepare(connection)
        if path is not None:
            write_ahead(connection)
        for pragma in PRAGMAS:
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection


def make_private(path: Path) -> None:
    """Make the file where there is none. One that others can read, who were not meant to, is closed to them: what it holds
    was said in confidence. Raises OSError where it is somebody else's."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE)
    try:
        if stat.S_IMODE(os.fstat(file).st_mode) & OTHERS:
            os.fchmod(file, PRIVATE)
            _log.warning("%s could be read by other users of this machine; now it cannot", path)
    finally:
        os.close(file)


def write_ahead(connection: sqlite3.Connection) -> None:
    """Several processes may want to change the mode at once, and SQLite itself does not wait for that."""
    until = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
        time.sleep(PAUSE_S)


def writing(connection: sqlite3.Connection) -> contextlib.AbstractContextManager[None]:
    """A transaction that waits for other writers at its beginning, and not later."""
    return transaction(connection, "BEGIN IMMEDIATE")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
