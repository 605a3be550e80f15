"""The providers' lists as they are kept: who waits, who is asked again, and what a failure leaves."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.models_pb2 import Model
from gateway_core.call import Deadline
from gateway_core.execution.attempt import Transports
from gateway_core.execution.model_lists import LIST_TIMEOUT_S, Ages, Listed, ProviderLists
from gateway_dialects.kit.dialect import Endpoint, Secret
from tests.gateway_core.execution.scripted import Answer, Clock, ScriptedTransport, Stall, fails, refuses

ZED = Endpoint("zed", "openai", "http://zed/v1", (Secret("zed-secret"),))
ABE = Endpoint("abe", "openai", "http://abe/v1")
AGES = Ages()
FOREVER = Deadline()
NOW = Deadline(0.0, lambda: 1.0)
"""It has passed."""


def lists(*ids: str) -> Answer:
    return Answer(steps=[json.dumps({"object": "list", "data": [{"id": name} for name in ids]}).encode()])


class Rig:
    def __init__(self, **answers: Answer | list[Answer]) -> None:
        self.clock = Clock()
        self.transport = ScriptedTransport(self.clock, **answers)
        self.described: list[str] = []
        self.lists = ProviderLists(Transports.only(self.transport), describe=self.describe, clock=self.clock)

    def describe(self, model: Model) -> None:
        self.described.append(model.id)

    async def read(self, endpoint: Endpoint = ZED, deadline: Deadline = FOREVER) -> tuple[list[str], str]:
        return shown(await self.lists.read(endpoint, deadline))

    async def settle(self) -> None:
        """Let what was begun beside the calls come to its end."""
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)

    @property
    def asked(self) -> int:
        return len(self.transport.sent)


def shown(listed: Listed) -> tuple[list[str], str]:
    return [model.id for model in listed.models], listed.failure


def run(rig: Rig, check: Callable[[Rig], Awaitable[None]]) -> None:
    async def main() -> None:
        try:
            await check(rig)
        finally:
            await rig.lists.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert all(response.closed for response in rig.transport.responses)

    asyncio.run(main())


def test_a_fresh_list_is_given_without_asking() -> None:
    async def check(rig: Rig) -> None:
        assert rig.lists.cached(ZED) is None
        assert await rig.read() == (["zed/a", "zed/b"], "")
        rig.clock.now += AGES.fresh_s - 1
        assert await rig.read() == (["zed/a", "zed/b"], "")
        assert rig.lists.cached(ZED) is not None
        assert rig.asked == 1
        assert rig.described == ["zed/a", "zed/b"]

    run(Rig(zed=lists("b", "a")), check)


def test_an_older_one_is_given_at_once_and_asked_for_beside_the_call() -> None:
    async def check(rig: Rig) -> None:
        await rig.read()
        rig.clock.now += AGES.fresh_s
        for _ in range(3):
            assert rig.lists.cached(ZED) == Listed(rig.lists.cached(ZED).models)  # type: ignore[union-attr]
        assert rig.asked == 1
        await rig.settle()
        assert rig.asked == 2
        assert await rig.read() == (["zed/new"], "")

    run(Rig(zed=[lists("old"), lists("new")]), check)


def test_a_very_old_one_is_waited_for() -> None:
    async def check(rig: Rig) -> None:
        await rig.read()
        rig.clock.now += AGES.stale_s
        assert rig.lists.cached(ZED) is None
        assert await rig.read() == (["zed/new"], "")

    run(Rig(zed=[lists("old"), lists("new")]), check)


@pytest.mark.parametrize("age_s", [AGES.fresh_s, AGES.stale_s])
def test_a_failure_leaves_the_old_list_and_says_why(age_s: float) -> None:
    async def check(rig: Rig) -> None:
        await rig.read()
        rig.clock.now += age_s
        await rig.read()
        await rig.settle()
        assert await rig.read() == (["zed/old"], f"the key *** is wrong; this is its list of {age_s:.0f} s ago")
        assert rig.asked == 2
        rig.clock.now += AGES.failed_s
        await rig.read()
        await rig.settle()
        assert await rig.read() == (["zed/new"], "")

    run(Rig(zed=[lists("old"), refuses(401, "the key zed-secret is wrong"), lists("new")]), check)


def test_a_provider_that_fails_is_left_alone_for_a_while() -> None:
    async def check(rig: Rig) -> None:
        assert await rig.read() == ([], "down")
        rig.clock.now += AGES.failed_s - 1
        assert await rig.read() == ([], "down")
        assert rig.asked == 1
        rig.clock.now += 1
        assert await rig.read() == (["zed/a"], "")

    run(Rig(zed=[refuses(503, "down"), lists("a")]), check)


def test_providers_do_not_mix() -> None:
    async def check(rig: Rig) -> None:
        assert await rig.read(ZED) == ([], "cannot")
        assert await rig.read(ABE) == (["abe/x"], "")

    run(Rig(zed=fails(Reason.UPSTREAM_UNAVAILABLE), abe=lists("x")), check)


def test_many_calls_wait_for_one_request() -> None:
    async def check(rig: Rig) -> None:
        assert await asyncio.gather(*(rig.read() for _ in range(50))) == [(["zed/a"], "")] * 50
        assert rig.asked == 1

    run(Rig(zed=lists("a")), check)


def test_a_provider_that_takes_too_long() -> None:
    async def check(rig: Rig) -> None:
        assert await rig.read() == ([], "zed did not list its models within 10 s")

    run(Rig(zed=Answer(takes_s=LIST_TIMEOUT_S + 1)), check)


def test_a_deadline_that_has_passed_waits_for_nothing() -> None:
    async def check(rig: Rig) -> None:
        assert await rig.read(deadline=NOW) == ([], "zed has not answered in time")

    run(Rig(zed=Answer(stall=Stall())), check)


def test_the_last_one_to_leave_lets_the_provider_go() -> None:
    stall = Stall()

    async def check(rig: Rig) -> None:
        first, second = (asyncio.create_task(rig.read()) for _ in range(2))
        await stall.begun.wait()
        first.cancel()
        await asyncio.wait({first})
        assert len(asyncio.all_tasks()) == 3
        second.cancel()
        await rig.settle()
        assert rig.asked == 1

    run(Rig(zed=Answer(stall=stall)), check)


def test_who_comes_while_the_provider_is_let_go_asks_anew() -> None:
    stall = Stall()

    async def check(rig: Rig) -> None:
        waiting = asyncio.create_task(rig.read())
        await stall.begun.wait()
        waiting.cancel()
        await asyncio.wait({waiting})
        assert await rig.read() == (["zed/a"], "")

    run(Rig(zed=[Answer(stall=stall), lists("a")]), check)


def test_a_caller_who_leaves_does_not_end_what_happens_beside_the_calls() -> None:
    stall = Stall()

    async def check(rig: Rig) -> None:
        await rig.read()
        rig.clock.now += AGES.fresh_s
        await rig.read(deadline=NOW)
        await stall.begun.wait()
        assert await rig.read(deadline=NOW) == (["zed/a"], "")
        assert rig.asked == 2

    run(Rig(zed=[lists("a"), Answer(stall=stall)]), check)


def test_closing_ends_what_is_under_way() -> None:
    stall = Stall()

    async def check(rig: Rig) -> None:
        waiting = asyncio.create_task(rig.read())
        await stall.begun.wait()
        await rig.lists.close()
        assert await waiting == ([], "the gateway is stopping")

    run(Rig(zed=Answer(steps=[stall])), check)


def test_a_fault_of_our_own_becomes_a_failure_and_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def faulty(model: Model) -> None:
        raise ValueError("oh")

    async def main() -> None:
        clock = Clock()
        kept = ProviderLists(Transports.only(ScriptedTransport(clock, zed=lists("a"))), describe=faulty, clock=clock)
        found = await kept.read(ZED, FOREVER)
        assert shown(found) == ([], "the gateway failed to read its list; the log tells why")

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
    assert "zed" in caplog.text


def test_a_model_that_is_known_without_asking() -> None:
    async def check(rig: Rig) -> None:
        assert rig.lists.known(ZED, "zed/a") is None
        await rig.read()
        found = rig.lists.known(ZED, "zed/a")
        assert found is not None
        assert found.id == "zed/a"
        assert rig.lists.known(ZED, "zed/b") is None
        assert rig.asked == 1

    run(Rig(zed=lists("a")), check)


def test_a_failure_that_is_not_the_providers_is_told_as_it_is() -> None:
    broken = Answer(failure=GatewayError(Reason.UPSTREAM_UNAVAILABLE, "no route to zed-secret"))

    async def check(rig: Rig) -> None:
        assert await rig.read() == ([], "no route to ***")

    run(Rig(zed=broken), check)
