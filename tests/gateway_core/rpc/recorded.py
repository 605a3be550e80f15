"""A store that shows which calls were recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from dragoman.v1.calls_pb2 import CallRecord
from dragoman.v1.records_pb2 import Record
from gateway_core.storage import Lineage, Page, Query


class Calls:
    """A store of calls that knows all that were put."""

    def __init__(self) -> None:
        self.put_so_far: list[tuple[str, CallRecord]] = []
        self._arrived = asyncio.Condition()

    async def put_calls(self, calls: Iterable[tuple[str, CallRecord]]) -> None:
        async with self._arrived:
            self.put_so_far += calls
            self._arrived.notify_all()

    async def first(self) -> CallRecord:
        async with self._arrived:
            await self._arrived.wait_for(lambda: self.put_so_far)
        return self.put_so_far[0][1]

    async def get_call(self, caller: str, call_id: str) -> CallRecord | None:
        return next((record for owner, record in self.put_so_far if (owner, record.id) == (caller, call_id)), None)

    async def put(self, owner: str, record: Record) -> None: ...

    async def lineage(self, owner: str, kind: str, record_id: str, *, now: int, depth: int) -> Lineage:
        return Lineage()

    async def delete(self, owner: str, kind: str, record_id: str, *, now: int) -> bool:
        return False

    async def page(self, owner: str, query: Query, *, now: int) -> Page:
        return Page((), None)

    async def close(self) -> None: ...
