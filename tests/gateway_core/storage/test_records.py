"""Which records are stored, for whom and for how long: in memory and in a file alike."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.records_pb2 import GetRecordRequest, ListRecordsRequest, PutRecordRequest, Record
from tests.gateway_core.storage.stored import DAY, NOW, Stored, call

Check = Callable[[Stored], Awaitable[None]]
Run = Callable[..., None]


@pytest.fixture(params=["memory", "file"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Runs a check with a store of these limits."""

    def run_check(check: Check, **limits: int) -> None:
        async def main() -> None:
            stored = Stored(tmp_path / "storage.db" if request.param == "file" else None, **limits)
            try:
                await check(stored)
            finally:
                await stored.service.close()

        asyncio.run(main())

    return run_check


@contextlib.asynccontextmanager
async def refused(reason: Reason, field: str = "") -> AsyncIterator[None]:
    with pytest.raises(GatewayError) as caught:
        yield
    assert (caught.value.reason, caught.value.field) == (reason, field)


def test_what_was_put_is_there(run: Run) -> None:
    async def check(stored: Stored) -> None:
        await stored.put("a", text="Grüße \x00 \u2028 🙂")
        found = (await stored.get("a")).record
        assert found.json == '{"text": "Gr\\u00fc\\u00dfe \\u0000 \\u2028 \\ud83d\\ude42"}'
        assert (found.kind, found.id, found.parent_id) == ("note", "a", "")
        assert (found.created, found.expires) == (NOW, NOW + 30 * DAY)

    run(check)


def test_a_store_is_closed_once(run: Run) -> None:
    async def check(stored: Stored) -> None:
        await stored.put("a")
        await stored.service.close()
        async with refused(Reason.SHUTTING_DOWN):
            await stored.get("a")

    run(check)


def test_what_is_put_again_takes_the_place_of_the_first(run: Run) -> None:
    async def check(stored: Stored) -> None:
        await stored.put("a", text="one", part_ids=["x", "y"])
        await stored.put("a", text="two", part_ids=["y", "y", "z"])
        assert (await stored.get("a")).record.json == '{"text": "two"}'
        assert await stored.ids() == ["a"]
        assert await stored.ids(part_ids=["x"]) == []
        assert await stored.ids(part_ids=["z"]) == ["a"]

    run(check)


def test_nobody_sees_what_is_another_s(run: Run) -> None:
    async def check(stored: Stored) -> None:
        await stored.put("a", "ann", text="mine", part_ids=["p"])
        await stored.put("b", "ann", after="a")
        async with refused(Reason.RECORD_NOT_FOUND, "id"):
            await stored.get("a", "bob")
        async with refused(Reason.RECORD_NOT_FOUND, "id"):
            await stored.delete("a", "bob")
        assert await stored.ids("bob") == []
        assert await stored.ids("bob", part_ids=["p"]) == []
        await stored.put("a", "bob", text="his")
        await stored.put("b", "bob", after="a")
        assert (await stored.get("a", "ann")).record.json == '{"text": "mine"}'
        (before,) = (await stored.get("b", "bob", whole=True)).ancestors
        assert before.json == '{"text": "his"}'

    run(check)


def test_other_kinds_are_others(run: Run) -> None:
    async def check(stored: Stored) -> None:
        await stored.put("a")
        async with refused(Reason.RECORD_NOT_FOUND, "id"):
            await stored.service.get(GetRecordRequest(kind="letter", id="a"), call("ann"))
        assert not (await stored.service.page(ListRecordsRequest(kind="letter"), call("ann"))).records

    run(check)


def test_what_a_record_continues(run: Run) -> None:
    async def check(stored: Stored) -> None:
        await stored.put("a")
        await stored.put("b", after="a")
        await stored.put("c", after="b")
        found = await stored.get("c", whole=True)
        assert [record.id for record in (found.record, *found.ancestors)] == ["c", "b", "a"]
        assert found.missing_ancestor_id == ""
        assert list((await stored.get("c")).ancestors) == []

    run(check)


def test_an_ancestor_that_was_deleted_is_missed(run: Run) -> None:
    async def check(stored: Stored) -> None:
        for record_id, after in (("a", ""), ("b", "a"), ("c", "b")):
            await stored.put(record_id, after=after)
        await stored.delete("a")
        found = await stored.get("c", whole=True)
        assert ([record.id for record in found.ancestors], found.missing_ancestor_id) == (["b"], "a")

    run(check)


def test_records_that_continue_each_other_in_a_circle(run: Run) -> None:
    async def check(stored: Stored) -> None:
        await stored.put("a", after="b")
        await stored.put("b", after="a")
        await stored.put("c", after="c")
        assert [record.id for record in (await stored.get("a", whole=True)).ancestors] == ["b"]
        assert list((await stored.get("c", whole=True)).ancestors) == []

    run(check)


def test_what_is_deleted_is_gone(run: Run) -> None:
    async def check(stored: Stored) -> None:
        await stored.put("a", part_ids=["p"])
        await stored.delete("a")
        async with refused(Reason.RECORD_NOT_FOUND, "id"):
            await stored.get("a")
        async with refused(Reason.RECORD_NOT_FOUND, "id"):
            await stored.delete("a")
        assert await stored.ids(part_ids=["p"]) == []

    run(check)


def test_what_expires_is_gone(run: Run) -> None:
    async def check(stored: Stored) -> None:
        assert await stored.put("a", expires=NOW + 10) == NOW + 10
        assert await stored.put("late", expires=NOW + 90 * DAY) == NOW + 7 * DAY
        stored.clock.now += 10
        async with refused(Reason.RECORD_NOT_FOUND, "id"):
            await stored.get("a")
        async with refused(Reason.RECORD_NOT_FOUND, "id"):
            await stored.delete("a")
        assert await stored.ids() == ["late"]

    run(check, days=7)


def test_what_expired_is_there_for_what_continues_it(run: Run) -> None:
    async def check(stored: Stored) -> None:
        await stored.put("a")
        await stored.put("alone")
        stored.clock.now += 20 * DAY
        await stored.put("b", after="a")
        stored.clock.now += 20 * DAY
        for number in range(70):
            await stored.put(f"n{number}")
        assert [record.id for record in (await stored.get("b", whole=True)).ancestors] == ["a"]
        async with refused(Reason.RECORD_NOT_FOUND, "id"):
            await stored.get("a")
        # Only one that is still in the store can be continued.
        await stored.put("c", after="alone")
        assert (await stored.get("c", whole=True)).missing_ancestor_id == "alone"

    run(check)


def test_pages(run: Run) -> None:
    async def check(stored: Stored) -> None:
        for number in range(5):
            await stored.put(f"n{number}", part_ids=[f"p{number % 2}"])
        first = await stored.page(page_size=2)
        second = await stored.page(page_size=2, page_token=first.next_page_token)
        third = await stored.page(page_size=2, page_token=second.next_page_token)
        ids = [[record.id for record in page.records] for page in (first, second, third)]
        assert (ids, third.next_page_token) == ([["n4", "n3"], ["n2", "n1"], ["n0"]], "")
        assert await stored.ids(part_ids=["p1"]) == ["n3", "n1"]
        assert await stored.ids(part_ids=["p1", "p0", "no"]) == ["n4", "n3", "n2", "n1", "n0"]

    run(check)


def test_a_page_holds_only_so_much(run: Run) -> None:
    async def check(stored: Stored) -> None:
        for number in range(5):
            await stored.put(f"n{number}", text="x" * 6_000_000)
        first = await stored.page()
        assert [record.id for record in first.records] == ["n4", "n3", "n2"]
        assert await stored.ids(page_token=first.next_page_token) == ["n1", "n0"]

    run(check)


def test_the_oldest_make_room_for_the_newest(run: Run) -> None:
    async def check(stored: Stored) -> None:
        await stored.put("his", "bob")
        for number in range(6):
            await stored.put(f"n{number}")
        assert await stored.ids() == ["n5", "n4", "n3"]
        assert await stored.ids("bob") == ["his"]

    run(check, max_records=3)


def test_limits_that_were_lowered(tmp_path: Path) -> None:
    async def main() -> None:
        before = Stored(tmp_path / "storage.db")
        for number in range(1500):
            await before.put(f"n{number}")
        await before.service.close()
        after = Stored(tmp_path / "storage.db", max_records=3)
        await after.put("a")
        assert len(await after.ids(page_size=1000)) == 501
        await after.put("b")
        assert await after.ids() == ["b", "a", "n1499"]
        await after.service.close()

    asyncio.run(main())


def test_the_oldest_make_room_for_what_is_large(run: Run) -> None:
    async def check(stored: Stored) -> None:
        for number in range(6):
            await stored.put(f"n{number}", text="x" * 300)
        assert await stored.ids() == ["n5", "n4"]
        await stored.delete("n4")
        await stored.put("n6", text="x" * 300)
        assert await stored.ids() == ["n6", "n5"]
        await stored.put("large", text="x" * 900)
        assert await stored.ids() == ["large"]

    run(check, max_bytes=1000, max_record_bytes=1000)


def test_what_is_too_large_is_refused(run: Run) -> None:
    async def check(stored: Stored) -> None:
        await stored.put("a")
        async with refused(Reason.REQUEST_TOO_LARGE, "record.json"):
            await stored.put("a", text="x" * 1000)
        assert (await stored.get("a")).record.json == '{"text": "a"}'

    run(check, max_record_bytes=1000)


def test_a_chain_that_is_too_large_to_be_given(run: Run) -> None:
    async def check(stored: Stored) -> None:
        await stored.put("n0")
        for number in range(1, 6):
            await stored.put(f"n{number}", after=f"n{number - 1}", text="x" * 15_000_000)
        async with refused(Reason.REQUEST_TOO_LARGE, "id"):
            await stored.get("n5", whole=True)
        assert len((await stored.get("n4", whole=True)).ancestors) == 4

    run(check, max_bytes=200_000_000)


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (Record(id="a", json="{}"), "record.kind"),
        (Record(kind="No te", id="a", json="{}"), "record.kind"),
        (Record(kind="n" * 65, id="a", json="{}"), "record.kind"),
        (Record(kind="note", json="{}"), "record.id"),
        (Record(kind="note", id="a" * 257, json="{}"), "record.id"),
        (Record(kind="note", id="a", parent_id="a" * 257, json="{}"), "record.parent_id"),
        (Record(kind="note", id="a", part_ids=["p", ""], json="{}"), "record.part_ids[1]"),
        (Record(kind="note", id="a", part_ids=["p"] * 10_001, json="{}"), "record.part_ids"),
        (Record(kind="note", id="a"), "record.json"),
        (Record(kind="note", id="a", json="[]"), "record.json"),
        (Record(kind="note", id="a", json='{"a":'), "record.json"),
        (Record(kind="note", id="a", json='{"a":' + "[" * 100_000), "record.json"),
    ],
)
def test_a_record_that_is_none(run: Run, record: Record, field: str) -> None:
    async def check(stored: Stored) -> None:
        async with refused(Reason.INVALID_REQUEST, field):
            await stored.service.put(PutRecordRequest(record=record), call("ann"))

    run(check)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"page_size": -1}, "page_size"),
        ({"page_size": 1001}, "page_size"),
        ({"page_token": "x"}, "page_token"),
        ({"page_token": "9" * 19}, "page_token"),
        ({"part_ids": [""]}, "part_ids[0]"),
    ],
)
def test_a_page_that_cannot_be_had(run: Run, wanted: dict[str, Any], field: str) -> None:
    async def check(stored: Stored) -> None:
        async with refused(Reason.INVALID_REQUEST, field):
            await stored.page(**wanted)

    run(check)


def test_a_request_stays_as_its_client_made_it(run: Run) -> None:
    async def check(stored: Stored) -> None:
        request = PutRecordRequest(record=Record(kind="note", id="a", json="{}", created=1, part_ids=["p"]))
        before = PutRecordRequest.FromString(request.SerializeToString())
        await stored.service.put(request, call("ann"))
        assert request == before

    run(check)
