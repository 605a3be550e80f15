"""An SQLite database: a file that several processes share, or memory. Its work is done in a thread of its own, one piece
after another, so that the event loop never waits for the disk.

A file is in WAL mode: what was committed survives the process that wrote it, however that ends.
"""

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

BUSY_S = 5.0
"""How long one process waits for another that writes."""
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
    """Opened when it is first used, and again after a failure."""

    def __init__(self, path: Path | None, prepare: Prepare) -> None:
        """path: None is memory, which is gone when the process ends."""
        self._path = path
        self._prepare = prepare
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="dragoman-storage")

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Raises GatewayError STORAGE_UNAVAILABLE or SHUTTING_DOWN, and what the work raises."""
        if self._closed:
            raise GatewayError(Reason.SHUTTING_DOWN, "the gateway is stopping")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    async def close(self) -> None:
        """After what is under way. May be called again."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = connect(self._path, self._prepare)
            return work(self._connection)
        except (sqlite3.Error, OSError) as error:
            _log.error("storage %s: %s", self._path or "in memory", error)
            if self._path is not None:
                self._disconnect()
            # Where the file is, is nothing for callers.
            reason = error.strerror if isinstance(error, OSError) else error
            message = f"the gateway's storage fails: {reason}"
            raise GatewayError(Reason.STORAGE_UNAVAILABLE, message) from error

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()


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


@contextlib.contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that waits for other writers at its beginning, and not later."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
