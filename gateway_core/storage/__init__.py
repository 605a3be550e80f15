"""Storage of what outlives a request: records that clients put, and records of calls."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from dragoman.v1.calls_pb2 import CallRecord
from dragoman.v1.records_pb2 import Record


@dataclass(frozen=True, slots=True)
class Lineage:
    """A record and its ancestors."""

    records: Sequence[Record] = ()
    """The record, then its ancestors, the nearest first. Empty: there is no such record."""
    missing_id: str = ""
    """The next ancestor's id, where that is not in the store."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which records a page holds."""

    kind: str
    part_ids: Sequence[str] = ()
    """Only records with one of these parts. Empty: all."""
    before: int | None = None
    """The cursor of the page before."""
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Page:
    records: Sequence[Record]
    """The newest first."""
    cursor: int | None
    """Where the next page begins. None: this is the last one."""


class RecordStore(Protocol):
    """Each owner's records. Times are seconds since 1970 UTC. Every method raises GatewayError STORAGE_UNAVAILABLE."""

    async def put(self, owner: str, record: Record) -> None:
        """Replaces a record of the same kind and id. Beyond the owner's limits the oldest records are deleted."""

    async def lineage(self, owner: str, kind: str, record_id: str, *, now: int, depth: int) -> Lineage:
        """depth: the most ancestors to read. Raises REQUEST_TOO_LARGE for more than can be read at once."""

    async def delete(self, owner: str, kind: str, record_id: str, *, now: int) -> bool:
        """Whether it existed."""

    async def page(self, owner: str, query: Query, *, now: int) -> Page: ...

    async def close(self) -> None: ...


class CallStore(Protocol):
    """Records of calls, for a day, within a limit beyond which the oldest are deleted. Every method raises GatewayError
    STORAGE_UNAVAILABLE."""

    async def put_calls(self, calls: Iterable[tuple[str, CallRecord]]) -> None:
        """(caller, record) each, all or none of them; iterated over once, off the event loop. A record whose caller and id
        are there already is ignored."""

    async def get_call(self, caller: str, call_id: str) -> CallRecord | None: ...

    async def close(self) -> None: ...


class Store(RecordStore, CallStore, Protocol):
    """Both in one place."""
