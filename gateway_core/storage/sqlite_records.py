"""Records in an SQLite database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.records_pb2 import Record
from gateway_core.storage.database import Database, check_file, writing
from gateway_core.storage.records import Lineage, Page, Wanted

VERSION = 1
MARK = 0x44726167
"""The file's application id ("Drag")."""
SCHEMA = (
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
COLUMNS = "number, kind, id, parent_id, json, created, expires, bytes"
ONE = f"SELECT {COLUMNS} FROM records WHERE owner = ? AND kind = ? AND id = ?"
PAGE = f"SELECT {COLUMNS} FROM records WHERE owner = ? AND kind = ? AND expires > ? AND number < ?"
HOLDING = (
    " AND number IN (SELECT number FROM parts WHERE owner = ? AND kind = ? AND part_id IN (SELECT value FROM json_each(?)))"
)
NEWEST = " ORDER BY number DESC LIMIT ?"
FORGET = "DELETE FROM records WHERE owner = ? AND kind = ? AND id = ?"
OLDEST = "DELETE FROM records WHERE number = (SELECT min(number) FROM records WHERE owner = ?) RETURNING bytes"
EXPIRED = """DELETE FROM records WHERE number IN (
    SELECT number FROM records AS old WHERE expires <= ? AND NOT EXISTS (
        SELECT 1 FROM records AS child WHERE child.owner = old.owner AND child.kind = old.kind AND child.parent_id = old.id
    ) LIMIT ?
)"""
"""What is continued by something that is there stays with it."""
CLEANED_EVERY = 64
"""So many records come before the expired ones are looked for."""
CLEANED_AT_MOST = 500
GOING_AT_MOST = 1000
"""So many make room for one: where the limits were lowered, nobody is to wait for all that goes."""
GIVEN_BYTES = 16 * 1024 * 1024
"""About how much a page holds at most."""
LINEAGE_BYTES = 64 * 1024 * 1024
"""How much a record and its ancestors may hold to be given at once."""
LATEST = 2**63 - 1


class SqliteRecords:
    """Keeps each owner within so many records and bytes."""

    def __init__(self, path: Path | None, *, most_records: int, most_bytes: int) -> None:
        """path: None keeps them in memory, for as long as the process runs. Raises SettingsError for a file that cannot be
        used."""
        check_storage(path)
        self._database = Database(path, prepare)
        self._most_records = most_records
        self._most_bytes = most_bytes
        self._coming = 0

    async def put(self, owner: str, record: Record) -> None:
        def work(connection: sqlite3.Connection) -> None:
            with writing(connection):
                self._clean(connection, record.created)
                connection.execute(FORGET, (owner, record.kind, record.id))
                insert(connection, owner, record)
                self._make_room(connection, owner)

        await self._database.run(work)

    async def lineage(self, owner: str, kind: str, record_id: str, *, now: int, depth: int) -> Lineage:
        return await self._database.run(lambda connection: lineage(connection, (owner, kind, record_id), now, depth))

    async def delete(self, owner: str, kind: str, record_id: str, *, now: int) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            with writing(connection):
                self._clean(connection, now)
                return connection.execute(f"{FORGET} AND expires > ?", (owner, kind, record_id, now)).rowcount > 0

        return await self._database.run(work)

    async def page(self, owner: str, wanted: Wanted, *, now: int) -> Page:
        return await self._database.run(lambda connection: page(connection, owner, wanted, now))

    async def close(self) -> None:
        await self._database.close()

    def _clean(self, connection: sqlite3.Connection, now: int) -> None:
        if self._coming % CLEANED_EVERY == 0:
            connection.execute(EXPIRED, (now, CLEANED_AT_MOST))
        self._coming += 1

    def _make_room(self, connection: sqlite3.Connection, owner: str) -> None:
        had = "SELECT records, bytes FROM owners WHERE owner = ?"
        records, size = connection.execute(had, (owner,)).fetchone()
        for _ in range(GOING_AT_MOST):
            if records <= self._most_records and (size <= self._most_bytes or records == 1):
                break
            ((freed,),) = connection.execute(OLDEST, (owner,)).fetchall()
            records, size = records - 1, size - freed


def check_storage(path: Path | None) -> None:
    """Raises SettingsError for a file that cannot be used."""
    if path is not None:
        check_file(path, prepare)


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables unless they are there. Raises sqlite3.DatabaseError for another program's file, and for one that a
    newer version has changed."""
    if is_ready(connection):
        return
    with writing(connection):
        # Another process may have been quicker.
        if is_ready(connection):
            return
        for statement in SCHEMA:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {MARK}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


def is_ready(connection: sqlite3.Connection) -> bool:
    # In one statement: another process may be making the tables.
    version, mark, count = connection.execute(
        "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_user_version, pragma_application_id"
    ).fetchone()
    if (version, mark, count) == (0, 0, 0):
        return False
    if mark != MARK:
        raise sqlite3.DatabaseError("it is another program's database")
    if version > VERSION:
        raise sqlite3.DatabaseError("a newer version of Dragoman has changed its form")
    return True


def insert(connection: sqlite3.Connection, owner: str, record: Record) -> None:
    size = record.ByteSize()
    values = (owner, record.kind, record.id, record.parent_id, record.json, record.created, record.expires, size)
    added = connection.execute(
        "INSERT INTO records (owner, kind, id, parent_id, json, created, expires, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    parts = [(owner, record.kind, part_id, added.lastrowid) for part_id in dict.fromkeys(record.part_ids)]
    connection.executemany("INSERT INTO parts (owner, kind, part_id, number) VALUES (?, ?, ?, ?)", parts)


def lineage(connection: sqlite3.Connection, place: tuple[str, str, str], now: int, depth: int) -> Lineage:
    owner, kind, record_id = place
    found: dict[str, Record] = {}
    left = LINEAGE_BYTES
    while record_id and record_id not in found and len(found) <= depth:
        row = connection.execute(ONE, (owner, kind, record_id)).fetchone()
        # An ancestor that expired is kept for its descendants.
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


def page(connection: sqlite3.Connection, owner: str, wanted: Wanted, now: int) -> Page:
    query = PAGE
    values: list[str | int] = [owner, wanted.kind, now, LATEST if wanted.before is None else wanted.before]
    if wanted.part_ids:
        query += HOLDING
        values += [owner, wanted.kind, json.dumps(list(wanted.part_ids))]
    rows = connection.execute(query + NEWEST, [*values, wanted.most + 1])
    taken = list(fitting(rows, wanted.most))
    following = taken[-1][0] if taken and rows.fetchone() is not None else None
    return Page([record_of(row) for row in taken], following)


def fitting(rows: sqlite3.Cursor, most: int) -> Iterator[tuple[Any, ...]]:
    """As many as a page holds, at least one."""
    left = GIVEN_BYTES
    for _ in range(most):
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
