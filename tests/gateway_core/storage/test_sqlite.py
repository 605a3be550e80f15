"""The schema: made by several processes at once, and out of an older one."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from dragoman.v1.calls_pb2 import CallRecord
from dragoman.v1.records_pb2 import Record
from gateway_core.storage.sqlite import MIGRATIONS, VERSION, SqliteStore, prepare, schema_version


@pytest.mark.parametrize("moment", [1, 2, 3, 4])
def test_tables_that_another_process_makes_meanwhile(moment: int, tmp_path: Path) -> None:
    """moment: before which statement of ours."""
    path = tmp_path / "storage.db"
    ours = sqlite3.connect(path, isolation_level=None)
    begun = 0

    def interrupt(statement: str) -> None:
        nonlocal begun
        begun += 1
        if begun == moment and not ours.in_transaction:
            theirs = sqlite3.connect(path, isolation_level=None, timeout=0)
            # While we read, nobody can write.
            with contextlib.suppress(sqlite3.OperationalError):
                prepare(theirs)
            theirs.close()

    ours.set_trace_callback(interrupt)
    prepare(ours)
    ours.set_trace_callback(None)
    assert schema_version(ours) == VERSION
    ours.close()


def make_version_1(path: Path) -> None:
    connection = sqlite3.connect(path)
    for statement in MIGRATIONS[0]:
        connection.execute(statement)
    connection.execute("PRAGMA application_id = 0x44726167")
    connection.execute("PRAGMA user_version = 1")
    row = ("ann", "note", "a", "", "{}", 1, 2_000_000_000, 10)
    values = f"({', '.join('?' * len(row))})"
    connection.execute(
        f"INSERT INTO records (owner, kind, id, parent_id, json, created, expires, bytes) VALUES {values}", row
    )
    connection.commit()
    connection.close()


def test_a_file_of_version_1_gets_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "storage.db"
    make_version_1(path)

    async def main() -> None:
        store = SqliteStore(path, max_records=10, max_bytes=1000, clock=lambda: 0.0)
        (record,) = (await store.lineage("ann", "note", "a", now=5, depth=0)).records
        assert record == Record(kind="note", id="a", json="{}", created=1, expires=2_000_000_000)
        await store.put_calls([("ann", CallRecord(id="c"))])
        assert await store.get_call("ann", "c") == CallRecord(id="c")
        await store.close()

    asyncio.run(main())
