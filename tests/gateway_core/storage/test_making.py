"""Several processes that make the same database at once."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from gateway_core.storage.sqlite_records import is_ready, prepare


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
    assert is_ready(ours)
    ours.close()
