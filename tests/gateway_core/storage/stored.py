"""Records in a store, on a clock that a test moves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dragoman.v1.records_pb2 import (
    DeleteRecordRequest,
    GetRecordRequest,
    GetRecordResponse,
    ListRecordsRequest,
    ListRecordsResponse,
    PutRecordRequest,
    Record,
)
from gateway_core.call import Call, Caller
from gateway_core.settings.server import StorageSettings
from gateway_core.storage.records import RecordService
from gateway_core.storage.sqlite import SqliteStore

NOW = 1_700_000_000
DAY = 24 * 3600


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


class Stored:
    """The records service over a store, asked for records of one kind."""

    def __init__(self, path: Path | None = None, **limits: int) -> None:
        self.clock = Clock()
        settings = StorageSettings(path=path, **limits)
        self.store = SqliteStore(path, max_records=settings.max_records, max_bytes=settings.max_bytes, clock=self.clock)
        self.service = RecordService(self.store, settings, clock=self.clock)

    async def put(self, record_id: str, owner: str = "ann", *, after: str = "", text: str = "", **fields: Any) -> int:
        """When it expires."""
        record = Record(kind="note", id=record_id, parent_id=after, json=json.dumps({"text": text or record_id}))
        for name, value in fields.items():
            if name == "part_ids":
                record.part_ids.extend(value)
            else:
                setattr(record, name, value)
        return (await self.service.put(PutRecordRequest(record=record), call(owner))).expires

    async def get(self, record_id: str, owner: str = "ann", *, whole: bool = False) -> GetRecordResponse:
        return await self.service.get(GetRecordRequest(kind="note", id=record_id, with_ancestors=whole), call(owner))

    async def delete(self, record_id: str, owner: str = "ann") -> None:
        await self.service.delete(DeleteRecordRequest(kind="note", id=record_id), call(owner))

    async def page(self, owner: str = "ann", **wanted: Any) -> ListRecordsResponse:
        return await self.service.page(ListRecordsRequest(kind="note", **wanted), call(owner))

    async def ids(self, owner: str = "ann", **wanted: Any) -> list[str]:
        return [record.id for record in (await self.page(owner, **wanted)).records]


def call(owner: str) -> Call:
    return Call("r1", caller=Caller(owner))
