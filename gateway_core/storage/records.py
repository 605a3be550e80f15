"""What a store of records can do, whatever it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dragoman.v1.records_pb2 import Record


@dataclass(frozen=True, slots=True)
class Lineage:
    """A record and what it continues."""

    records: Sequence[Record] = ()
    """The record, then its ancestors, the nearest first. Empty: there is no such record."""
    missing_id: str = ""
    """The ancestor that comes next and is not there. Empty: none is missing."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records a page is to hold."""

    kind: str
    part_ids: Sequence[str] = ()
    """Only those that hold one of these. Empty: all."""
    before: int | None = None
    """Only those older than the place where the last page ended."""
    most: int = 100


@dataclass(frozen=True, slots=True)
class Page:
    records: Sequence[Record]
    """The newest first."""
    following: int | None
    """The place where the next page begins; None: this is the last one."""


class Records(Protocol):
    """Each owner's records. Times are seconds since 1970 UTC. Every method raises GatewayError STORAGE_UNAVAILABLE."""

    async def put(self, owner: str, record: Record) -> None:
        """In place of one of the same kind and id. What of the owner's no longer fits goes, the oldest first."""

    async def lineage(self, owner: str, kind: str, record_id: str, *, now: int, depth: int) -> Lineage:
        """depth: how many ancestors are wanted at most. Raises REQUEST_TOO_LARGE for more than can be given at once."""

    async def delete(self, owner: str, kind: str, record_id: str, *, now: int) -> bool:
        """Whether it was there."""

    async def page(self, owner: str, wanted: Wanted, *, now: int) -> Page: ...

    async def close(self) -> None: ...
