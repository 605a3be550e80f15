"""Memory of signatures by tool call id, or text: agents that drop unknown fields keep the reasoning of models that sign it.

Each caller has its own. It is in memory, within bounds; where storage has a path it is there too, so that every process
finds it and a restart loses nothing. A failure of the storage is a signature that is not found, as without this memory.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec
from google.protobuf.message import DecodeError

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import Candidate, ChatRequest, ChatResponse
from dragoman.v1.records_pb2 import Record
from gateway_core.call import Call
from gateway_core.execution.signed_calls import SignedCall, StreamedCalls, origin_of, signed_calls, unsigned_ids
from gateway_core.storage import Query, RecordStore
from gateway_dialects.kit.json import json_text

KIND = "signatures"
MOST_BYTES = 32 * 1024 * 1024
"""In memory, of all callers."""
LONGEST = 1024 * 1024
"""Bytes of one call's; a longer one is not remembered."""
OVERHEAD = 200
"""Bytes that an entry takes beside its content."""
MOST_LOOKED_UP = 500
LONGEST_ID = 256

_log = logging.getLogger("dragoman.signatures")


class StoredCall(msgspec.Struct):
    """A SignedCall in a record's JSON. digest and parts: base64."""

    id: str
    origin: str
    digest: str
    parts: str


class StoredCalls(msgspec.Struct):
    """A record's JSON."""

    calls: list[StoredCall]


decode_stored = msgspec.json.Decoder(StoredCalls).decode


class SignatureMemory:
    """Belongs to the event loop of its first call."""

    def __init__(
        self,
        hours: int,
        store: RecordStore | None = None,
        *,
        clock: Callable[[], float] = time.time,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """hours: for which a signature is remembered; 0: none is. store: None is memory alone."""
        self._seconds = hours * 3600
        self._store = store
        self._clock = clock
        self._most_bytes = most_bytes
        self._bytes = 0
        self._entries: OrderedDict[tuple[str, str], tuple[float, SignedCall | None]] = OrderedDict()
        """By owner and call: until when, and what. None: the call has none. The oldest first."""
        self._writing: set[asyncio.Task[None]] = set()

    def answered(self, call: Call, answer: ChatResponse) -> None:
        """Remember a whole answer's."""
        if self._seconds:
            origin = origin_in(call)
            self._remember(call, (one for each in answer.candidates for one in signed_calls(each.parts, origin)))

    def watch(self) -> StreamedCalls | None:
        """Collects a stream's. None: nothing is remembered."""
        return StreamedCalls() if self._seconds else None

    def streamed(self, call: Call, seen: StreamedCalls) -> None:
        """Remember a stream's, at its end."""
        self._remember(call, seen.calls(origin_in(call)))

    async def recall(self, request: ChatRequest, call: Call) -> Mapping[str, SignedCall]:
        """What calls of the request's history had, by their ids."""
        if not self._seconds or (self._store is None and not self._entries):
            return {}
        ids = unsigned_ids(request)
        if not ids:
            return {}
        owner, now = owner_of(call), self._clock()
        missing = [call_id for call_id in ids if (owner, call_id) not in self._entries]
        if missing and self._store is not None:
            await self._look_up(owner, missing[-MOST_LOOKED_UP:], now)
        found = {}
        for call_id in ids:
            until, signed = self._entries.get((owner, call_id), (0.0, None))
            if signed is not None and until > now:
                found[call_id] = signed
        return found

    async def close(self) -> None:
        """After what is being written."""
        if self._writing:
            await asyncio.wait(self._writing)

    def _remember(self, call: Call, calls: Iterable[tuple[str, SignedCall | None]]) -> None:
        owner, until = owner_of(call), self._clock() + self._seconds
        signed = {}
        for call_id, one in calls:
            if one is not None and len(one.parts) <= LONGEST and len(call_id) <= LONGEST_ID:
                signed[call_id] = one
                self._put(owner, call_id, until, one)
            elif self._store is not None:
                # So that nobody looks it up.
                self._put(owner, call_id, until, None)
        if signed and self._store is not None:
            task = asyncio.get_running_loop().create_task(self._write(self._store, owner, signed, int(until)))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    def _put(self, owner: str, call_id: str, until: float, signed: SignedCall | None) -> None:
        self._drop((owner, call_id))
        self._entries[owner, call_id] = until, signed
        self._bytes += size_of(signed)
        now = self._clock()
        while self._entries:
            oldest = next(iter(self._entries))
            if self._bytes <= self._most_bytes and self._entries[oldest][0] > now:
                break
            self._drop(oldest)

    def _drop(self, key: tuple[str, str]) -> None:
        if (entry := self._entries.pop(key, None)) is not None:
            self._bytes -= size_of(entry[1])

    async def _write(self, store: RecordStore, owner: str, signed: Mapping[str, SignedCall], expires: int) -> None:
        stored = StoredCalls([written(call_id, one) for call_id, one in signed.items()])
        first = next(iter(signed))
        record = Record(kind=KIND, id=first, part_ids=list(signed), json=json_text(stored), expires=expires)
        record.created = int(self._clock())
        try:
            await store.put(owner, record)
        except GatewayError as failure:
            _log.warning("%d signatures were not stored: %s", len(signed), failure)

    async def _look_up(self, owner: str, ids: list[str], now: float) -> None:
        assert self._store is not None
        try:
            page = await self._store.page(owner, Query(KIND, ids, limit=MOST_LOOKED_UP), now=int(now))
        except GatewayError as failure:
            _log.warning("signatures were not read: %s", failure)
            return
        found = {call_id: one for record in reversed(page.records) for call_id, one in read(record)}
        until = {call_id: record.expires for record in page.records for call_id, _ in read(record)}
        for call_id in ids:
            self._put(owner, call_id, until.get(call_id, now + self._seconds), found.get(call_id))


def origin_in(call: Call) -> str:
    """Of the target that answered."""
    route = call.route
    return origin_of(route.provider, route.attempts[-1].api if route.attempts else "")


def owner_of(call: Call) -> str:
    """The caller. Callers of a gateway without keys are told apart by the provider's key that they send."""
    key = call.byok.key
    return f"{call.caller.name}/{hashlib.sha256(key.reveal().encode()).hexdigest()[:16]}" if key else call.caller.name


def size_of(signed: SignedCall | None) -> int:
    return OVERHEAD + (len(signed.parts) if signed is not None else 0)


def written(call_id: str, signed: SignedCall) -> StoredCall:
    digest, parts = (base64.b64encode(data).decode() for data in (signed.digest, signed.parts))
    return StoredCall(call_id, signed.origin, digest, parts)


def read(record: Record) -> Iterator[tuple[str, SignedCall]]:
    """None of a record that this memory did not write: callers can put one of any kind."""
    try:
        for one in decode_stored(record.json).calls:
            digest, parts = (base64.b64decode(text, validate=True) for text in (one.digest, one.parts))
            if Candidate.FromString(parts).parts:
                yield one.id, SignedCall(one.origin, digest, parts)
    except (msgspec.DecodeError, binascii.Error, UnicodeError, DecodeError):
        return
