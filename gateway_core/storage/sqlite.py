"""The SQLite store: records and calls in one database, which is a file that several processes share, or memory."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.calls_pb2 import CallRecord
from dragoman.v1.records_pb2 import Record
from gateway_core.storage import Lineage, Page, Query
from gateway_core.storage.database import Database, check_file, writing

APPLICATION_ID = 0x44726167
"""Of the file ("Drag")."""
RECORD_TABLES = (
    """CREATE TABLE records (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        owner TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, parent_id TEXT NOT NULL,
        json TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL, bytes INTEGER NOT NULL,
        UNIQUE (owner, kind, id)
    )""",
    "CREATE INDEX records_by_age ON records (owner, number)",
    "CREATE INDEX records_by_parent ON records (owner, kind, parent_id)",
    "CREATE INDEX records_by_end ON records (expires)",
    """CREATE TABLE parts (
        owner TEXT NOT NULL, kind TEXT NOT NULL, part_id TEXT NOT NULL,
        number INTEGER NOT NULL REFERENCES records (number) ON DELETE CASCADE,
        PRIMARY KEY (owner, kind, part_id, number)
    ) WITHOUT ROWID""",
    "CREATE INDEX parts_by_record ON parts (number)",
    # What each owner has, so that nobody needs to count.
    "CREATE TABLE owners (owner TEXT PRIMARY KEY, records INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TRIGGER record_comes AFTER INSERT ON records BEGIN
        INSERT INTO owners VALUES (new.owner, 1, new.bytes)
        ON CONFLICT (owner) DO UPDATE SET records = records + 1, bytes = bytes + new.bytes;
    END""",
    """CREATE TRIGGER record_goes AFTER DELETE ON records BEGIN
        UPDATE owners SET records = records - 1, bytes = bytes - old.bytes WHERE owner = old.owner;
    END""",
)
CALL_TABLES = (
    """CREATE TABLE calls (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        caller TEXT NOT NULL, id TEXT NOT NULL, ended INTEGER NOT NULL, record BLOB NOT NULL,
        UNIQUE (caller, id)
    )""",
    "CREATE INDEX calls_by_end ON calls (ended)",
)
MIGRATIONS = (RECORD_TABLES, CALL_TABLES)
"""What makes each version of the schema out of the one before."""
VERSION = len(MIGRATIONS)

COLUMNS = "number, kind, id, parent_id, json, created, expires, bytes"
ONE = f"SELECT {COLUMNS} FROM records WHERE owner = ? AND kind = ? AND id = ?"
PAGE = f"SELECT {COLUMNS} FROM records WHERE owner = ? AND kind = ? AND expires > ? AND number < ?"
WITH_PARTS = (
    " AND number IN (SELECT number FROM parts WHERE owner = ? AND kind = ? AND part_id IN (SELECT value FROM json_each(?)))"
)
NEWEST_FIRST = " ORDER BY number DESC LIMIT ?"
DELETE = "DELETE FROM records WHERE owner = ? AND kind = ? AND id = ?"
DELETE_OLDEST = "DELETE FROM records WHERE number = (SELECT min(number) FROM records WHERE owner = ?) RETURNING bytes"
DELETE_EXPIRED = """DELETE FROM records WHERE number IN (
    SELECT number FROM records AS old WHERE expires <= ? AND NOT EXISTS (
        SELECT 1 FROM records AS child WHERE child.owner = old.owner AND child.kind = old.kind AND child.parent_id = old.id
    ) LIMIT ?
)"""
"""A record that another one continues stays with it."""
CLEAN_EVERY = 64
"""Writes between two deletions of expired records."""
CLEAN_LIMIT = 500
EVICTION_LIMIT = 1000
"""Records deleted to make room for one: where the limits were lowered, one caller does not wait for all of them to go."""
PAGE_BYTES = 16 * 1024 * 1024
"""About the most that a page holds."""
LINEAGE_BYTES = 64 * 1024 * 1024
"""The most that a record and its ancestors hold to be read at once."""
NO_CURSOR = 2**63 - 1

PUT_CALL = "INSERT INTO calls (caller, id, ended, record) VALUES (?, ?, ?, ?) ON CONFLICT (caller, id) DO NOTHING"
GET_CALL = "SELECT record FROM calls WHERE caller = ? AND id = ? AND ended > ?"
DELETE_OLD_CALLS = (
    "DELETE FROM calls WHERE number IN (SELECT number FROM calls WHERE ended <= ? LIMIT ?)",
    """DELETE FROM calls WHERE number IN (
        SELECT number FROM calls WHERE number <= (SELECT max(number) FROM calls) - ? ORDER BY number LIMIT ?
    )""",
)
CALL_LIMIT = 100_000
CALL_AGE_MS = 24 * 3600 * 1000


class SqliteStore:
    """See Store. Limits are of each owner for records, and of all callers together for calls."""

    def __init__(
        self,
        path: Path | None,
        *,
        max_records: int,
        max_bytes: int,
        max_calls: int = CALL_LIMIT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """path: None is memory, for as long as the process runs. clock: by which records of calls expire. Raises
        SettingsError for a file that cannot be used."""
        check_storage(path)
        self._database = Database(path, prepare)
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._max_calls = max_calls
        self._clock = clock
        self._writes = 0

    async def put(self, owner: str, record: Record) -> None:
        def work(connection: sqlite3.Connection) -> None:
            with writing(connection):
                self._clean(connection, record.created)
                connection.execute(DELETE, (owner, record.kind, record.id))
                insert(connection, owner, record)
                self._make_room(connection, owner)

        await self._database.run(work)

    async def lineage(self, owner: str, kind: str, record_id: str, *, now: int, depth: int) -> Lineage:
        return await self._database.read(lambda connection: lineage(connection, (owner, kind, record_id), now, depth))

    async def delete(self, owner: str, kind: str, record_id: str, *, now: int) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            with writing(connection):
                self._clean(connection, now)
                return connection.execute(f"{DELETE} AND expires > ?", (owner, kind, record_id, now)).rowcount > 0

        return await self._database.run(work)

    async def page(self, owner: str, query: Query, *, now: int) -> Page:
        return await self._database.read(lambda connection: page(connection, owner, query, now))

    async def put_calls(self, calls: Iterable[tuple[str, CallRecord]]) -> None:
        def work(connection: sqlite3.Connection) -> None:
            rows = [(caller, call.id, ended_ms(call), call.SerializeToString()) for caller, call in calls]
            # More may go than come, so that a backlog shrinks.
            most = 2 * len(rows) + CLEAN_LIMIT
            with writing(connection):
                connection.executemany(PUT_CALL, rows)
                for statement, bound in zip(DELETE_OLD_CALLS, (self._oldest_call_ms(), self._max_calls), strict=True):
                    connection.execute(statement, (bound, most))

        await self._database.run(work)

    async def get_call(self, caller: str, call_id: str) -> CallRecord | None:
        def work(connection: sqlite3.Connection) -> CallRecord | None:
            row = connection.execute(GET_CALL, (caller, call_id, self._oldest_call_ms())).fetchone()
            return None if row is None else CallRecord.FromString(row[0])

        return await self._database.read(work)

    async def close(self) -> None:
        await self._database.close()

    def _oldest_call_ms(self) -> int:
        return round(self._clock() * 1000) - CALL_AGE_MS

    def _clean(self, connection: sqlite3.Connection, now: int) -> None:
        if self._writes % CLEAN_EVERY == 0:
            connection.execute(DELETE_EXPIRED, (now, CLEAN_LIMIT))
        self._writes += 1

    def _make_room(self, connection: sqlite3.Connection, owner: str) -> None:
        had = "SELECT records, bytes FROM owners WHERE owner = ?"
        records, size = connection.execute(had, (owner,)).fetchone()
        for _ in range(EVICTION_LIMIT):
            if records <= self._max_records and (size <= self._max_bytes or records == 1):
                break
            ((freed,),) = connection.execute(DELETE_OLDEST, (owner,)).fetchall()
            records, size = records - 1, size - freed


def check_storage(path: Path | None) -> None:
    """Raises SettingsError for a file that cannot be used."""
    if path is not None:
        check_file(path, prepare)


def prepare(connection: sqlite3.Connection) -> None:
    """Make or complete the tables. Raises sqlite3.DatabaseError for another program's file, and for one that a newer version
    has changed."""
    if schema_version(connection) == VERSION:
        return
    with writing(connection):
        # Another process may have been quicker.
        for statements in MIGRATIONS[schema_version(connection) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


def schema_version(connection: sqlite3.Connection) -> int:
    """0: nothing is there yet."""
    # In one statement: another process may be making the tables.
    version, application_id, count = connection.execute(
        "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_user_version, pragma_application_id"
    ).fetchone()
    if (version, application_id, count) == (0, 0, 0):
        return 0
    if application_id != APPLICATION_ID:
        raise sqlite3.DatabaseError("it is another program's database")
    if version > VERSION:
        raise sqlite3.DatabaseError("a newer version of Dragoman has changed its form")
    return int(version)


def ended_ms(call: CallRecord) -> int:
    return call.admitted_ms + round(call.duration_ms)


def insert(connection: sqlite3.Connection, owner: str, record: Record) -> None:
    size = record.ByteSize()
    values = (owner, record.kind, record.id, record.parent_id, record.json, record.created, record.expires, size)
    added = connection.execute(
        "INSERT INTO records (owner, kind, id, parent_id, json, created, expires, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    parts = [(owner, record.kind, part_id, added.lastrowid) for part_id in dict.fromkeys(record.part_ids)]
    connection.executemany("INSERT INTO parts (owner, kind, part_id, number) VALUES (?, ?, ?, ?)", parts)


def lineage(connection: sqlite3.Connection, key: tuple[str, str, str], now: int, depth: int) -> Lineage:
    owner, kind, record_id = key
    found: dict[str, Record] = {}
    left = LINEAGE_BYTES
    while record_id and record_id not in found and len(found) <= depth:
        row = connection.execute(ONE, (owner, kind, record_id)).fetchone()
        # An expired ancestor is there for its descendants.
        if row is None or (not found and row[6] <= now):
            return Lineage(list(found.values()), record_id if found else "")
        left -= row[7]
        if left < 0 and found:
            raise too_long(f"{LINEAGE_BYTES} bytes of records")
        found[record_id] = record = record_of(row)
        record_id = record.parent_id
    if depth and record_id and record_id not in found:
        raise too_long(f"{depth} records")
    return Lineage(list(found.values()))


def too_long(most: str) -> GatewayError:
    message = f"it continues more than {most}, which is more than is read at once"
    return GatewayError(Reason.REQUEST_TOO_LARGE, message, field="id")


def page(connection: sqlite3.Connection, owner: str, query: Query, now: int) -> Page:
    statement = PAGE
    values: list[str | int] = [owner, query.kind, now, NO_CURSOR if query.before is None else query.before]
    if query.part_ids:
        statement += WITH_PARTS
        values += [owner, query.kind, json.dumps(list(query.part_ids))]
    rows = connection.execute(statement + NEWEST_FIRST, [*values, query.limit + 1])
    taken = list(fitting(rows, query.limit))
    cursor = taken[-1][0] if taken and rows.fetchone() is not None else None
    return Page([record_of(row) for row in taken], cursor)


def fitting(rows: sqlite3.Cursor, limit: int) -> Iterator[tuple[Any, ...]]:
    """As many as a page holds, at least one."""
    left = PAGE_BYTES
    for _ in range(limit):
        row = rows.fetchone()
        if row is None:
            return
        yield row
        left -= row[7]
        if left <= 0:
            return


def record_of(row: tuple[Any, ...]) -> Record:
    _, kind, record_id, parent_id, text, created, expires, _ = row
    return Record(kind=kind, id=record_id, parent_id=parent_id, json=text, created=created, expires=expires)
