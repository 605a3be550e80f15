"""Where the gateway keeps what outlives a request, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway_core.settings.file import Table

VARIABLE = "DRAGOMAN_STORAGE_PATH"
MEBIBYTE = 1024 * 1024
MOST_DAYS = 36_500
ROOM_IN_MEMORY = 64 * MEBIBYTE
ROOM_IN_FILE = 1024 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class StorageSettings:
    path: Path | None = None
    """An SQLite file, which is made when it is not there; all processes on one machine that name it share it. None: memory,
    which ends with the process."""
    days: int = 30
    """How long a record is kept."""
    max_record_bytes: int = 16 * MEBIBYTE
    max_records: int = 100_000
    """How many each caller may have; the oldest go first."""
    max_bytes: int = ROOM_IN_MEMORY
    """How much each caller's may be in all."""


def read_storage(table: Table | None, environ: Mapping[str, str]) -> StorageSettings:
    """The variable's relative path starts at the working directory, the file's at its own folder, which wins."""
    path = Path(environ[VARIABLE]) if environ.get(VARIABLE) else None
    if table is None:
        return StorageSettings(path=path, max_bytes=room(path))
    if text := table.text("path"):
        path = table.folder / text
    default = StorageSettings()
    max_record_bytes = table.whole("max_record_bytes", default.max_record_bytes, least=1)
    days = table.whole("days", default.days, least=1)
    if days > MOST_DAYS:
        raise table.error("days", f"must be {MOST_DAYS} or less, not {days}.")
    storage = StorageSettings(
        path=path,
        days=days,
        max_record_bytes=max_record_bytes,
        max_records=table.whole("max_records", default.max_records, least=1),
        max_bytes=table.whole("max_bytes", max(room(path), max_record_bytes), least=1),
    )
    if storage.max_bytes < storage.max_record_bytes:
        raise table.error("max_bytes", f"must be at least max_record_bytes, which is {storage.max_record_bytes}.")
    table.finish()
    return storage


def room(path: Path | None) -> int:
    return ROOM_IN_MEMORY if path is None else ROOM_IN_FILE
