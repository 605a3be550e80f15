"""What is kept, for whom and for how long: in memory and in a file alike."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.records_pb2 import GetRecordRequest, ListRecordsRequest, PutRecordRequest, Record
from tests.gateway_core.storage.keeping import DAY, NOW, Keeping, call

Check = Callable[[Keeping], Awaitable[None]]
Kept = Callable[..., None]


@pytest.fixture(params=["memory", "file"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    """Runs a check with a keeper of these limits."""

    def run(check: Check, **limits: int) -> None:
        async def main() -> None:
            keeping = Keeping(tmp_path / "kept.db" if request.param == "file" else None, **limits)
            try:
                await check(keeping)
            finally:
                await keeping.keeper.close()

        asyncio.run(main())

    return run


@contextlib.asynccontextmanager
async def refused(reason: Reason, field: str = "") -> AsyncIterator[None]:
    with pytest.raises(GatewayError) as caught:
        yield
    assert (caught.value.reason, caught.value.field) == (reason, field)


def test_what_was_put_is_there(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        await keeping.put("a", text="Grüße \x00 \u2028 🙂")
        found = (await keeping.get("a")).record
        assert found.json == '{"text": "Gr\\u00fc\\u00dfe \\u0000 \\u2028 \\ud83d\\ude42"}'
        assert (found.kind, found.id, found.parent_id) == ("note", "a", "")
        assert (found.created, found.expires) == (NOW, NOW + 30 * DAY)

    kept(check)


def test_a_store_is_closed_once(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        await keeping.put("a")
        await keeping.keeper.close()
        async with refused(Reason.SHUTTING_DOWN):
            await keeping.get("a")

    kept(check)


def test_what_is_put_again_takes_the_place_of_the_first(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        await keeping.put("a", text="one", part_ids=["x", "y"])
        await keeping.put("a", text="two", part_ids=["y", "y", "z"])
        assert (await keeping.get("a")).record.json == '{"text": "two"}'
        assert await keeping.ids() == ["a"]
        assert await keeping.ids(part_ids=["x"]) == []
        assert await keeping.ids(part_ids=["z"]) == ["a"]

    kept(check)


def test_nobody_sees_what_is_another_s(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        await keeping.put("a", "ann", text="mine", part_ids=["p"])
        await keeping.put("b", "ann", after="a")
        async with refused(Reason.RECORD_NOT_FOUND, "id"):
            await keeping.get("a", "bob")
        async with refused(Reason.RECORD_NOT_FOUND, "id"):
            await keeping.delete("a", "bob")
        assert await keeping.ids("bob") == []
        assert await keeping.ids("bob", part_ids=["p"]) == []
        await keeping.put("a", "bob", text="his")
        await keeping.put("b", "bob", after="a")
        assert (await keeping.get("a", "ann")).record.json == '{"text": "mine"}'
        (before,) = (await keeping.get("b", "bob", whole=True)).ancestors
        assert before.json == '{"text": "his"}'

    kept(check)


def test_other_kinds_are_others(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        await keeping.put("a")
        async with refused(Reason.RECORD_NOT_FOUND, "id"):
            await keeping.keeper.get(GetRecordRequest(kind="letter", id="a"), call("ann"))
        assert not (await keeping.keeper.page(ListRecordsRequest(kind="letter"), call("ann"))).records

    kept(check)


def test_what_a_record_continues(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        await keeping.put("a")
        await keeping.put("b", after="a")
        await keeping.put("c", after="b")
        found = await keeping.get("c", whole=True)
        assert [record.id for record in (found.record, *found.ancestors)] == ["c", "b", "a"]
        assert found.missing_ancestor_id == ""
        assert list((await keeping.get("c")).ancestors) == []

    kept(check)


def test_an_ancestor_that_was_deleted_is_missed(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        for record_id, after in (("a", ""), ("b", "a"), ("c", "b")):
            await keeping.put(record_id, after=after)
        await keeping.delete("a")
        found = await keeping.get("c", whole=True)
        assert ([record.id for record in found.ancestors], found.missing_ancestor_id) == (["b"], "a")

    kept(check)


def test_records_that_continue_each_other_in_a_circle(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        await keeping.put("a", after="b")
        await keeping.put("b", after="a")
        await keeping.put("c", after="c")
        assert [record.id for record in (await keeping.get("a", whole=True)).ancestors] == ["b"]
        assert list((await keeping.get("c", whole=True)).ancestors) == []

    kept(check)


def test_what_is_deleted_is_gone(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        await keeping.put("a", part_ids=["p"])
        await keeping.delete("a")
        async with refused(Reason.RECORD_NOT_FOUND, "id"):
            await keeping.get("a")
        async with refused(Reason.RECORD_NOT_FOUND, "id"):
            await keeping.delete("a")
        assert await keeping.ids(part_ids=["p"]) == []

    kept(check)


def test_what_expires_is_gone(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        assert await keeping.put("a", expires=NOW + 10) == NOW + 10
        assert await keeping.put("late", expires=NOW + 90 * DAY) == NOW + 7 * DAY
        keeping.clock.now += 10
        async with refused(Reason.RECORD_NOT_FOUND, "id"):
            await keeping.get("a")
        async with refused(Reason.RECORD_NOT_FOUND, "id"):
            await keeping.delete("a")
        assert await keeping.ids() == ["late"]

    kept(check, days=7)


def test_what_expired_is_there_for_what_continues_it(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        await keeping.put("a")
        await keeping.put("alone")
        keeping.clock.now += 20 * DAY
        await keeping.put("b", after="a")
        keeping.clock.now += 20 * DAY
        for number in range(70):
            await keeping.put(f"n{number}")
        assert [record.id for record in (await keeping.get("b", whole=True)).ancestors] == ["a"]
        async with refused(Reason.RECORD_NOT_FOUND, "id"):
            await keeping.get("a")
        # Only one that is still in the store can be continued.
        await keeping.put("c", after="alone")
        assert (await keeping.get("c", whole=True)).missing_ancestor_id == "alone"

    kept(check)


def test_pages(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        for number in range(5):
            await keeping.put(f"n{number}", part_ids=[f"p{number % 2}"])
        first = await keeping.page(page_size=2)
        second = await keeping.page(page_size=2, page_token=first.next_page_token)
        third = await keeping.page(page_size=2, page_token=second.next_page_token)
        ids = [[record.id for record in page.records] for page in (first, second, third)]
        assert (ids, third.next_page_token) == ([["n4", "n3"], ["n2", "n1"], ["n0"]], "")
        assert await keeping.ids(part_ids=["p1"]) == ["n3", "n1"]
        assert await keeping.ids(part_ids=["p1", "p0", "no"]) == ["n4", "n3", "n2", "n1", "n0"]

    kept(check)


def test_a_page_holds_only_so_much(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        for number in range(5):
            await keeping.put(f"n{number}", text="x" * 6_000_000)
        first = await keeping.page()
        assert [record.id for record in first.records] == ["n4", "n3", "n2"]
        assert await keeping.ids(page_token=first.next_page_token) == ["n1", "n0"]

    kept(check)


def test_the_oldest_make_room_for_the_newest(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        await keeping.put("his", "bob")
        for number in range(6):
            await keeping.put(f"n{number}")
        assert await keeping.ids() == ["n5", "n4", "n3"]
        assert await keeping.ids("bob") == ["his"]

    kept(check, max_records=3)


def test_limits_that_were_lowered(tmp_path: Path) -> None:
    async def main() -> None:
        before = Keeping(tmp_path / "kept.db")
        for number in range(1500):
            await before.put(f"n{number}")
        await before.keeper.close()
        after = Keeping(tmp_path / "kept.db", max_records=3)
        await after.put("a")
        assert len(await after.ids(page_size=1000)) == 501
        await after.put("b")
        assert await after.ids() == ["b", "a", "n1499"]
        await after.keeper.close()

    asyncio.run(main())


def test_the_oldest_make_room_for_what_is_large(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        for number in range(6):
            await keeping.put(f"n{number}", text="x" * 300)
        assert await keeping.ids() == ["n5", "n4"]
        await keeping.delete("n4")
        await keeping.put("n6", text="x" * 300)
        assert await keeping.ids() == ["n6", "n5"]
        await keeping.put("large", text="x" * 900)
        assert await keeping.ids() == ["large"]

    kept(check, max_bytes=1000, max_record_bytes=1000)


def test_what_is_too_large_is_refused(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        await keeping.put("a")
        async with refused(Reason.REQUEST_TOO_LARGE, "record.json"):
            await keeping.put("a", text="x" * 1000)
        assert (await keeping.get("a")).record.json == '{"text": "a"}'

    kept(check, max_record_bytes=1000)


def test_a_chain_that_is_too_large_to_be_given(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        await keeping.put("n0")
        for number in range(1, 6):
            await keeping.put(f"n{number}", after=f"n{number - 1}", text="x" * 15_000_000)
        async with refused(Reason.REQUEST_TOO_LARGE, "id"):
            await keeping.get("n5", whole=True)
        assert len((await keeping.get("n4", whole=True)).ancestors) == 4

    kept(check, max_bytes=200_000_000)


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
def test_a_record_that_is_none(kept: Kept, record: Record, field: str) -> None:
    async def check(keeping: Keeping) -> None:
        async with refused(Reason.INVALID_REQUEST, field):
            await keeping.keeper.put(PutRecordRequest(record=record), call("ann"))

    kept(check)


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
def test_a_page_that_cannot_be_had(kept: Kept, wanted: dict[str, Any], field: str) -> None:
    async def check(keeping: Keeping) -> None:
        async with refused(Reason.INVALID_REQUEST, field):
            await keeping.page(**wanted)

    kept(check)


def test_a_request_stays_as_its_client_made_it(kept: Kept) -> None:
    async def check(keeping: Keeping) -> None:
        request = PutRecordRequest(record=Record(kind="note", id="a", json="{}", created=1, part_ids=["p"]))
        before = PutRecordRequest.FromString(request.SerializeToString())
        await keeping.keeper.put(request, call("ann"))
        assert request == before

    kept(check)
