"""The recorder: keeps the records of ended calls, at once in memory and soon in the store.

Records wait in memory for at most a moment and are written together, off the path of any call. An answer never waits for its
record and never fails for it; records that are lost are counted in the log.
"""

from __future__ import annotations

import asyncio
import logging
import time

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.calls_pb2 import CallRecord
from gateway_core.call import Call
from gateway_core.storage import CallStore

LONGEST_ID = 64
MOST_PENDING = 10_000
"""Calls in memory, when the store is that slow."""
MOST_AT_ONCE = 500
"""Records in one write: more would hold up the event loop."""
WRITE_AFTER_S = 0.1
LOG_EVERY_S = 60.0

_log = logging.getLogger("dragoman.calls")


class Recorder:
    """Belongs to the event loop of its first call."""

    def __init__(self, store: CallStore, *, write_after_s: float = WRITE_AFTER_S, most_pending: int = MOST_PENDING) -> None:
        self._store = store
        self._write_after_s = write_after_s
        self._most_pending = most_pending
        self._pending: dict[str, Call] = {}
        self._writing: asyncio.Task[None] | None = None
        self._closed = False
        self._lost = 0
        self._logged_at = float("-inf")

    def add(self, call: Call) -> None:
        """An ended call: nothing changes it any more."""
        if self._closed or len(self._pending) >= self._most_pending:
            self._lose(1, "the gateway is stopping" if self._closed else f"{self._most_pending} others wait for the store")
            return
        self._pending[call.id] = call
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_later())

    async def get(self, caller: str, call_id: str) -> CallRecord:
        """The record of one of the caller's calls. Raises GatewayError RECORD_NOT_FOUND or STORAGE_UNAVAILABLE."""
        pending = self._pending.get(call_id)
        if pending is not None and pending.caller.name == caller:
            return record_of(pending)
        found = await self._store.get_call(caller, call_id) if 0 < len(call_id) <= LONGEST_ID else None
        if found is None:
            raise GatewayError(Reason.RECORD_NOT_FOUND, f"there is no call with the id {call_id[:LONGEST_ID]!r}", field="id")
        return found

    async def close(self) -> None:
        """Write what is pending. The store stays open."""
        self._closed = True
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        while self._pending:
            await self._write()

    async def _write_later(self) -> None:
        try:
            while self._pending:
                await asyncio.sleep(self._write_after_s)
                await self._write()
        finally:
            self._writing = None

    async def _write(self) -> None:
        """The oldest pending records. They stay pending, and can be read, until they are stored."""
        calls = list(self._pending.values())[:MOST_AT_ONCE]
        try:
            await self._store.put_calls([(call.caller.name, record_of(call)) for call in calls])
        except GatewayError as failure:
            self._lose(len(calls), failure.message)
        except Exception:
            _log.exception("records of calls cannot be written")
            self._lose(len(calls), "the gateway failed")
        for call in calls:
            del self._pending[call.id]

    def _lose(self, count: int, why: str) -> None:
        self._lost += count
        now = time.monotonic()
        if now - self._logged_at >= LOG_EVERY_S:
            _log.warning("%d records of calls were lost; the last because %s", self._lost, why)
            self._lost, self._logged_at = 0, now


def record_of(call: Call) -> CallRecord:
    ended = call.began if call.ended is None else call.ended
    record = CallRecord(
        id=call.id,
        request_id=call.request_id,
        caller=call.caller.name,
        operation=call.operation,
        api=call.api,
        tags=call.tags(),
        route=call.route,
        reason=call.reason,
        usage=call.usage,
        admitted_ms=call.admitted_ms,
        duration_ms=(ended - call.began) * 1000,
        streamed=call.streamed or call.operation == "Stream",
        byok=bool(call.byok.key or call.byok.url),
        finish_reason=call.finish_reason,
        raw_finish_reason=call.raw_finish_reason,
        response_id=call.response_id,
        input_media=call.input_media,
        messages=call.messages,
    )
    if call.first_content is not None:
        record.first_content_ms = (call.first_content - call.began) * 1000
    return record
