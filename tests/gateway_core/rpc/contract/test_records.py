from __future__ import annotations

import grpc
import pytest

from dragoman.reasons import Reason
from dragoman.status import unpack
from dragoman.v1.calls_pb2 import GetCallRequest
from dragoman.v1.records_pb2 import DeleteRecordRequest, GetRecordRequest, ListRecordsRequest, PutRecordRequest, Record
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.serving import Behind, Served, failure_of, question

ONE = GetRecordRequest(kind="note", id="a")


def note(record_id: str, parent_id: str = "", text: str = "") -> PutRecordRequest:
    return PutRecordRequest(
        record=Record(kind="note", id=record_id, parent_id=parent_id, part_ids=["p"], json=f'{{"text": "{text}"}}')
    )


def bearing(key: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {key}"),)


def test_a_record_from_its_beginning_to_its_end(contract: Contract) -> None:
    async def check(house: Served) -> None:
        put = await house.stub.PutRecord(note("a"))
        await house.stub.PutRecord(note("b", "a"))
        found = await house.stub.GetRecord(GetRecordRequest(kind="note", id="b", with_ancestors=True))
        assert ([record.id for record in found.ancestors], found.missing_ancestor_id) == (["a"], "")
        assert found.ancestors[0].expires == put.expires
        listed = await house.stub.ListRecords(ListRecordsRequest(kind="note", part_ids=["p"]))
        assert [record.id for record in listed.records] == ["b", "a"]
        await house.stub.DeleteRecord(DeleteRecordRequest(kind="note", id="a"))
        error = await failure_of(house.stub.GetRecord(ONE))
        assert error.code() is grpc.StatusCode.NOT_FOUND
        assert (unpack(error).reason, unpack(error).field) == (Reason.RECORD_NOT_FOUND, "id")

    contract(check)


def test_each_key_has_its_own(contract: Contract) -> None:
    async def check(house: Served) -> None:
        await house.stub.PutRecord(note("a"), metadata=bearing("ann"))
        assert (await house.stub.GetRecord(ONE, metadata=bearing("ann"))).record.id == "a"
        error = await failure_of(house.stub.GetRecord(ONE, metadata=bearing("bob")))
        assert error.code() is grpc.StatusCode.NOT_FOUND
        assert not (await house.stub.ListRecords(ListRecordsRequest(kind="note"), metadata=bearing("bob"))).records

    contract(check, Behind(keys=("ann", "bob")))


@pytest.mark.parametrize("key", ["", "eve"])
def test_nobody_without_a_key_has_any(contract: Contract, key: str) -> None:
    async def check(house: Served) -> None:
        metadata = bearing(key) if key else ()
        for call in (
            house.stub.PutRecord(note("a"), metadata=metadata),
            house.stub.GetRecord(ONE, metadata=metadata),
            house.stub.DeleteRecord(DeleteRecordRequest(kind="note", id="a"), metadata=metadata),
            house.stub.ListRecords(ListRecordsRequest(kind="note"), metadata=metadata),
        ):
            assert (await failure_of(call)).code() is grpc.StatusCode.UNAUTHENTICATED

    contract(check, Behind(keys=("ann",)))


def test_a_record_that_is_too_large(contract: Contract) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(house.stub.PutRecord(note("a", text="x" * 17_000_000)))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert (unpack(error).reason, unpack(error).field) == (Reason.REQUEST_TOO_LARGE, "record.json")
        await house.stub.PutRecord(note("a", text="x" * 16_000_000))
        assert len((await house.stub.GetRecord(ONE)).record.json) > 16_000_000

    contract(check)


@pytest.mark.parametrize("kind", ["call", "calls", "generation"])
def test_no_record_of_a_call_can_be_put(contract: Contract, kind: str) -> None:
    """Neither in place of one that is there, nor as one that is not."""
    ann, bob = bearing("ann"), bearing("bob")

    async def check(house: Served) -> None:
        there = (await house.stub.Chat(question("demo/echo"), metadata=ann)).route.call_id
        invented = "f" * 32
        for tenant in (ann, bob):
            for call_id in (there, invented):
                forged = Record(kind=kind, id=call_id, json='{"caller": "eve", "id": "x"}')
                await house.stub.PutRecord(PutRecordRequest(record=forged), metadata=tenant)
        found = (await house.stub.GetCall(GetCallRequest(id=there), metadata=ann)).call
        assert (found.id, found.caller, found.operation) == (there, "ann", "Chat")
        for call_id, tenant in ((there, bob), (invented, ann), (invented, bob)):
            error = await failure_of(house.stub.GetCall(GetCallRequest(id=call_id), metadata=tenant))
            assert unpack(error).reason == Reason.RECORD_NOT_FOUND

    contract(check, Behind(keys=("ann", "bob")))
