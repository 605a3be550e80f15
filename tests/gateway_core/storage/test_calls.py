"""Which records of calls are stored: in memory and in a file alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.calls_pb2 import CallRecord
from dragoman.v1.records_pb2 import Record
from dragoman.v1.usage_pb2 import Usage
from gateway_core.storage.sqlite import SqliteStore
from tests.gateway_core.storage.stored import NOW, Clock

DAY_S = 24 * 3600
Check = Callable[[SqliteStore, Clock], Awaitable[None]]
Run = Callable[..., None]


@pytest.fixture(params=["memory", "file"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    def run_check(check: Check, **limits: int) -> None:
        async def main() -> None:
            clock = Clock()
            path = tmp_path / "storage.db" if request.param == "file" else None
            store = SqliteStore(path, max_records=2, max_bytes=1000, clock=clock, **limits)
            try:
                await check(store, clock)
            finally:
                await store.close()

        asyncio.run(main())

    return run_check


def record(call_id: str, *, at: int = NOW, ms: float = 0) -> CallRecord:
    usage = Usage(input_tokens=3, output_tokens=4)
    return CallRecord(id=call_id, caller="ann", admitted_ms=at * 1000, duration_ms=ms, usage=usage, tags={"task": "t"})


async def stored(store: SqliteStore, *ids: str, caller: str = "ann") -> list[str]:
    return [call_id for call_id in ids if await store.get_call(caller, call_id) is not None]


def test_a_call_is_its_caller_s(run: Run) -> None:
    async def check(store: SqliteStore, clock: Clock) -> None:
        await store.put_calls([("ann", record("a")), ("bob", record("b"))])
        assert await store.get_call("ann", "a") == record("a")
        assert await stored(store, "a", "b", caller="bob") == ["b"]
        assert await stored(store, "a", "b", "", caller="carl") == []

    run(check)


def test_no_calls(run: Run) -> None:
    async def check(store: SqliteStore, clock: Clock) -> None:
        await store.put_calls([])
        assert await stored(store, "a") == []

    run(check)


def test_a_call_ends_once(run: Run) -> None:
    async def check(store: SqliteStore, clock: Clock) -> None:
        await store.put_calls([("ann", record("a"))])
        await store.put_calls([("ann", record("a", ms=5)), ("ann", record("b"))])
        assert await store.get_call("ann", "a") == record("a")
        assert await stored(store, "a", "b") == ["a", "b"]

    run(check)


def test_all_of_them_or_none(run: Run) -> None:
    async def check(store: SqliteStore, clock: Clock) -> None:
        with pytest.raises(UnicodeEncodeError):
            await store.put_calls([("ann", record("a")), ("\ud800", record("b"))])
        assert await stored(store, "a") == []

    run(check)


def test_a_day_after_its_end_a_call_is_gone(run: Run) -> None:
    async def check(store: SqliteStore, clock: Clock) -> None:
        await store.put_calls([("ann", record("a", ms=2000))])
        clock.now += DAY_S + 1
        assert await stored(store, "a") == ["a"]
        clock.now += 1
        assert await stored(store, "a") == []
        await store.put_calls([("ann", record("b", at=int(clock.now)))])
        clock.now -= 10
        assert await stored(store, "a", "b") == ["b"]

    run(check)


def test_the_oldest_make_room(run: Run) -> None:
    async def check(store: SqliteStore, clock: Clock) -> None:
        for first in range(0, 12, 3):
            await store.put_calls([("ann", record(str(number))) for number in range(first, first + 3)])
        assert await stored(store, *map(str, range(12))) == ["7", "8", "9", "10", "11"]

    run(check, max_calls=5)


def test_limits_that_were_lowered(tmp_path: Path) -> None:
    path = tmp_path / "storage.db"

    async def main() -> None:
        store = SqliteStore(path, max_records=2, max_bytes=1000, clock=Clock())
        await store.put_calls([("ann", record(str(number))) for number in range(1200)])
        await store.close()
        store = SqliteStore(path, max_records=2, max_bytes=1000, max_calls=1, clock=Clock())
        await store.put_calls([("ann", record("x"))])
        assert await stored(store, "501", "502") == ["502"]
        await store.put_calls([("ann", record("y"))])
        await store.put_calls([("ann", record("z"))])
        assert await stored(store, "1199", "y", "z") == ["z"]
        await store.close()

    asyncio.run(main())


def test_calls_take_no_room_from_records(run: Run) -> None:
    async def check(store: SqliteStore, clock: Clock) -> None:
        for number in range(2):
            await store.put("ann", Record(kind="note", id=str(number), json="{}", expires=NOW + DAY_S))
        await store.put_calls([("ann", record(f"c{number}")) for number in range(100)])
        found = await store.lineage("ann", "note", "0", now=NOW, depth=0)
        assert [one.id for one in found.records] == ["0"]

    run(check)


def test_a_store_that_is_closed(run: Run) -> None:
    async def check(store: SqliteStore, clock: Clock) -> None:
        await store.close()
        for work in (store.put_calls([("ann", record("a"))]), store.get_call("ann", "a")):
            with pytest.raises(GatewayError) as caught:
                await work
            assert caught.value.reason is Reason.SHUTTING_DOWN

    run(check)
