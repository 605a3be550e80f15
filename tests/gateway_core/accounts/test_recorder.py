"""The recorder: records are there at once, stored soon, and never in the way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.calls_pb2 import CallRecord
from gateway_core.accounts.settlement import MOST_AT_ONCE, Recorder
from gateway_core.call import Call, Caller, new_call_id

NEVER_S = 1e9


class Store:
    """Takes records when it is allowed to, or fails."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.writes: list[Sequence[tuple[str, CallRecord]]] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.busy = asyncio.Event()
        self._failure = failure

    async def put_calls(self, calls: Iterable[tuple[str, CallRecord]]) -> None:
        self.busy.set()
        await self.go_on.wait()
        if self._failure is not None:
            raise self._failure
        self.writes.append(list(calls))

    async def get_call(self, caller: str, call_id: str) -> CallRecord | None:
        records = [record for calls in self.writes for owner, record in calls if (owner, record.id) == (caller, call_id)]
        return records[0] if records else None

    async def close(self) -> None:
        """Nothing is open."""


def ended(name: str = "r1") -> Call:
    call = Call(name, caller=Caller("team"), operation="Chat")
    call.ended = call.began
    return call


def run(check: Callable[[], Awaitable[None]]) -> None:
    async def soon() -> None:
        async with asyncio.timeout(10.0):
            await check()

    asyncio.run(soon())


def test_records_are_written_together_and_closing_writes_the_rest() -> None:
    async def check() -> None:
        store = Store()
        recorder = Recorder(store, write_after_s=NEVER_S)
        for number in range(5):
            recorder.add(ended(f"r{number}"))
        assert store.writes == []
        await recorder.close()
        (write,) = store.writes
        assert [(caller, record.request_id) for caller, record in write] == [("team", f"r{number}") for number in range(5)]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(check)


def test_no_write_is_larger_than_the_event_loop_bears() -> None:
    async def check() -> None:
        store = Store()
        recorder = Recorder(store, write_after_s=NEVER_S)
        for _ in range(MOST_AT_ONCE + 1):
            recorder.add(ended())
        await recorder.close()
        assert [len(write) for write in store.writes] == [MOST_AT_ONCE, 1]

    run(check)


def test_a_record_can_be_read_before_while_and_after_it_is_written() -> None:
    async def check() -> None:
        store = Store()
        store.go_on.clear()
        recorder = Recorder(store, write_after_s=0.0)
        call = ended()
        recorder.add(call)
        assert (await recorder.get("team", call.id)).request_id == "r1"
        await store.busy.wait()
        assert (await recorder.get("team", call.id)).request_id == "r1"
        with pytest.raises(GatewayError):
            await recorder.get("others", call.id)
        store.go_on.set()
        await recorder.close()
        assert (await recorder.get("team", call.id)).request_id == "r1"

    run(check)


@pytest.mark.parametrize("call_id", ["", "nobody", "x" * 5000])
def test_a_record_that_is_not_there(call_id: str) -> None:
    async def check() -> None:
        with pytest.raises(GatewayError) as caught:
            await Recorder(Store()).get("team", call_id)
        assert (caught.value.reason, caught.value.field) == (Reason.RECORD_NOT_FOUND, "id")
        assert len(caught.value.message) < 200

    run(check)


@pytest.mark.parametrize("failure", [GatewayError(Reason.STORAGE_UNAVAILABLE, "it is full"), RuntimeError("bug")])
def test_records_that_cannot_be_written_are_counted_in_the_log_once(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def check() -> None:
        recorder = Recorder(Store(failure), write_after_s=NEVER_S)
        for _ in range(MOST_AT_ONCE + 7):
            recorder.add(ended())
        await recorder.close()

    with caplog.at_level(logging.WARNING, "dragoman.calls"):
        run(check)
    counts = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(counts) == 1
    assert counts[0].startswith(f"{MOST_AT_ONCE} records of calls were lost")


def test_a_slow_store_costs_records_and_no_memory(caplog: pytest.LogCaptureFixture) -> None:
    async def check() -> None:
        store = Store()
        store.go_on.clear()
        recorder = Recorder(store, write_after_s=0.0, most_calls=3)
        for _ in range(10):
            recorder.add(ended())
        store.go_on.set()
        await recorder.close()
        recorder.add(ended())
        assert sum(len(write) for write in store.writes) == 3

    run(check)
    assert "records of calls were lost" in caplog.text


def test_without_a_store_the_last_calls_stay_in_memory_for_their_callers() -> None:
    async def check() -> None:
        recorder = Recorder(most_calls=3)
        calls = [ended(f"r{number}") for number in range(5)]
        for call in calls:
            recorder.add(call)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert [(await recorder.get("team", call.id)).request_id for call in calls[2:]] == ["r2", "r3", "r4"]
        for caller, call in (("team", calls[0]), ("team", calls[1]), ("others", calls[4])):
            with pytest.raises(GatewayError):
                await recorder.get(caller, call.id)
        await recorder.close()

    run(check)


def test_ids_are_in_order_of_time() -> None:
    ids = [new_call_id(now_ns) for now_ns in (0, 1, 1_000_000, 1_000_300, 1_764_540_000_000_000_000)]
    assert ids[1:] == sorted(ids[1:])
    assert all(len(one) == 32 and one[12] == "7" and one[16] in "89ab" for one in ids)
    assert len({new_call_id(1) for _ in range(1000)}) == 1000
