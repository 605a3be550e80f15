"""Which targets are passed over, for how long, and who may try again: by a fake clock."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Sequence

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_core.call import Call, Deadline
from gateway_core.execution.attempt import Transports
from gateway_core.execution.breaker import MOST_CELLS, SWEEP_S, Breaker
from gateway_core.execution.chain import Chain, RetryPolicy
from gateway_core.routing.resolver import Route, Target
from gateway_core.settings.attempts import REJECT, BreakerSettings
from gateway_dialects.kit.capabilities import Capabilities
from tests.gateway_core.execution.scripted import (
    DONE,
    ROLE,
    STOP,
    Answer,
    Clock,
    ScriptedTransport,
    Stall,
    delta,
    fails,
    question,
    refuses,
    route,
    says,
    streams,
    target,
)

GOOD = says("Hi")
BROKEN = refuses(500)
FAILURES = 3
COOLDOWN = 10.0
PLAIN = BreakerSettings(failures=FAILURES, cooldown=COOLDOWN, longest=40.0, window=60.0, credentials=100.0)
LATER = 1.2
"""More than any jitter."""


class Rig:
    """A chain over scripted providers, each asked once in a call."""

    def __init__(self, settings: BreakerSettings = PLAIN, **answers: Answer | Sequence[Answer]) -> None:
        self.clock = Clock()
        self.transport = ScriptedTransport(self.clock, **answers)
        self.breaker = Breaker(settings, self.clock)
        policy = RetryPolicy(attempts=1, initial=0.5, longest=8.0, jitter=0.0)
        self.chain = Chain(Transports.only(self.transport), policy, self.breaker, sleep=self.clock.sleep)

    def call(self) -> Call:
        return Call("id", Deadline(None, self.clock), model="r")

    def asked_by(self, where: Route, calls: int = 1) -> list[str]:
        """Whom some calls, one after another, have asked."""
        before = len(self.transport.asked)
        for _ in range(calls):
            self.outcome(where)
        return self.transport.asked[before:]

    def outcome(self, where: Route) -> GatewayError | Call:
        call = self.call()
        try:
            asyncio.run(self.chain.chat(question(), where, call))
        except GatewayError as failure:
            return failure
        return call

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    def opened(self, where: Route) -> Rig:
        """The first target has failed often enough."""
        self.asked_by(where, FAILURES)
        return self


AB = route("a", "b")


def test_a_target_that_fails_is_passed_over_and_the_trace_says_so() -> None:
    rig = Rig(a=BROKEN, b=GOOD)
    assert rig.asked_by(AB, FAILURES) == ["a", "b"] * FAILURES
    call = rig.outcome(AB)
    assert isinstance(call, Call)
    assert rig.transport.asked[-1] == "b"
    assert [attempt.provider for attempt in call.route.attempts] == ["b"]
    assert call.route.fallback_from == "a/m"
    (passed_over,) = call.route.considered
    assert (passed_over.provider, passed_over.model, passed_over.excluded_by) == ("a", "m", "breaker")
    assert "UPSTREAM_UNAVAILABLE" in passed_over.message


def test_nothing_is_kept_of_targets_that_do_not_fail() -> None:
    rig = Rig(a=GOOD)
    rig.asked_by(route("a"), 50)
    assert rig.breaker.quiet


def test_the_failures_of_another_route_are_no_matter() -> None:
    rig = Rig(a=BROKEN, b=GOOD).opened(AB)
    assert rig.asked_by(Route("other", AB.targets)) == ["a", "b"]


def test_few_failures_among_many_answers_are_no_matter() -> None:
    rig = Rig(a=[BROKEN, GOOD, GOOD, GOOD, BROKEN, GOOD, GOOD, BROKEN, GOOD, BROKEN, GOOD], b=GOOD)
    assert rig.asked_by(AB, 11).count("a") == 11


def test_old_failures_are_forgotten() -> None:
    rig = Rig(a=BROKEN, b=GOOD)
    for _ in range(FAILURES * 2):
        assert rig.asked_by(AB) == ["a", "b"]
        rig.wait(PLAIN.window)


def test_one_call_tries_whether_the_target_is_well_and_its_answer_closes() -> None:
    rig = Rig(a=[*[BROKEN] * FAILURES, GOOD], b=GOOD).opened(AB)
    rig.wait(COOLDOWN * 0.8)
    assert rig.asked_by(AB) == ["b"]
    rig.wait(COOLDOWN * 0.4)
    assert rig.asked_by(AB, 3) == ["a", "a", "a"]
    assert rig.breaker.quiet


def test_each_pause_in_a_row_is_twice_as_long_up_to_a_bound() -> None:
    rig = Rig(a=BROKEN, b=GOOD).opened(AB)
    for pause in (COOLDOWN, COOLDOWN * 2, PLAIN.longest, PLAIN.longest):
        rig.wait(pause * 0.85)
        assert rig.asked_by(AB) == ["b"]
        rig.wait(pause * 0.3)
        assert rig.asked_by(AB) == ["a", "b"]


@pytest.mark.parametrize("ends", ["well", "cancelled", "refused"])
def test_while_one_call_tries_no_other_does(ends: str) -> None:
    stall = Stall()
    last = refuses(400) if ends == "refused" else GOOD
    rig = Rig(a=[*[BROKEN] * FAILURES, Answer(stall=stall), last], b=GOOD).opened(AB)
    rig.wait(COOLDOWN * LATER)

    async def main() -> None:
        trying = asyncio.create_task(rig.chain.chat(question(), AB, rig.call()))
        await stall.begun.wait()
        for _ in range(3):
            await rig.chain.chat(question(), AB, rig.call())
        assert rig.transport.asked[-4:] == ["a", "b", "b", "b"]
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)

    asyncio.run(main())
    # Who went away has said nothing of the target: the next one tries.
    assert rig.asked_by(AB) == ["a"]
    assert rig.breaker.quiet


def test_who_looks_takes_no_calls_place() -> None:
    rig = Rig(a=[*[BROKEN] * FAILURES, GOOD], b=GOOD).opened(AB)
    assert rig.breaker.state(AB, AB.targets[0]) is not None
    rig.wait(COOLDOWN * LATER)
    assert [rig.breaker.state(AB, AB.targets[0]) for _ in range(10)] == [None] * 10
    assert rig.asked_by(AB) == ["a"]


def test_what_was_asked_before_it_opened_opens_it_no_further() -> None:
    rig = Rig(a=BROKEN, b=GOOD).opened(AB)
    failure = GatewayError(Reason.UPSTREAM_UNAVAILABLE, "late")
    for _ in range(10):
        rig.breaker.failed(AB, AB.targets[0], failure, rig.call())
    rig.wait(COOLDOWN * LATER)
    assert rig.asked_by(AB) == ["a", "b"]


@pytest.mark.parametrize("answer", [refuses(400), refuses(413), refuses(404), refuses(400, code="context_length_exceeded")])
def test_a_request_at_fault_is_not_counted(answer: Answer) -> None:
    rig = Rig(a=answer, b=GOOD)
    rig.asked_by(AB, FAILURES * 2)
    assert rig.breaker.quiet


@pytest.mark.parametrize("answer", [fails(Reason.DEADLINE_EXCEEDED), fails(Reason.SHUTTING_DOWN)])
def test_what_says_nothing_of_the_target_is_not_counted(answer: Answer) -> None:
    rig = Rig(a=answer)
    rig.asked_by(route("a"), FAILURES * 2)
    assert rig.breaker.quiet


def two_keys(model: str = "m") -> tuple[Target, Target]:
    return target("a", model, "sk-one"), target("a", model, "sk-two")


@pytest.mark.parametrize("status", [401, 402])
def test_a_key_that_is_refused_is_left_at_once_in_every_route(status: int) -> None:
    rig = Rig(a=[refuses(status), GOOD])
    assert rig.asked_by(route(*two_keys())) == ["a", "a"]
    assert rig.asked_by(Route("other", two_keys("another"))) == ["a"]
    sent = [request.headers["authorization"] for request in rig.transport.sent]
    assert sent == ["Bearer sk-one", "Bearer sk-two", "Bearer sk-two"]
    rig.wait(PLAIN.credentials * LATER)
    rig.asked_by(route(*two_keys()))
    assert rig.transport.sent[-1].headers["authorization"] == "Bearer sk-one"


def test_a_provider_without_a_key_is_not_left_for_one_refusal() -> None:
    rig = Rig(a=refuses(401), b=GOOD)
    assert rig.asked_by(AB, FAILURES + 1) == ["a", "b"] * FAILURES + ["b"]


def test_a_key_that_a_model_is_forbidden_is_good_for_others() -> None:
    rig = Rig(a=[refuses(403), GOOD])
    rig.asked_by(route(*two_keys()))
    rig.asked_by(Route("other", two_keys("another")))
    assert rig.transport.sent[-1].headers["authorization"] == "Bearer sk-one"


def test_too_many_requests_turn_to_the_next_key_after_a_pause() -> None:
    rig = Rig(a=[refuses(429), GOOD])
    assert rig.asked_by(route(*two_keys())) == ["a", "a"]
    assert rig.clock.slept == [0.5]
    assert [request.headers["authorization"] for request in rig.transport.sent] == ["Bearer sk-one", "Bearer sk-two"]


def test_all_open_and_least_bad() -> None:
    rig = Rig(a=BROKEN, b=BROKEN).opened(AB)
    assert sorted(rig.asked_by(AB)) == ["a", "b"]
    slow = refuses(503, headers={"retry-after": "300"})
    rig = Rig(a=[slow] * FAILURES + [BROKEN], b=BROKEN).opened(AB)
    assert rig.asked_by(AB) == ["b", "a"]


def test_all_open_and_rejected() -> None:
    rig = Rig(dataclasses.replace(PLAIN, all_open=REJECT), a=BROKEN, b=refuses(503)).opened(AB)
    before = len(rig.transport.asked)
    failure = rig.outcome(AB)
    assert isinstance(failure, GatewayError)
    assert failure.reason in (Reason.UPSTREAM_UNAVAILABLE, Reason.UPSTREAM_OVERLOADED)
    assert failure.retry_after_s is not None
    assert COOLDOWN * 0.9 <= failure.retry_after_s <= COOLDOWN * 1.1
    assert failure.trace is not None
    assert [one.excluded_by for one in failure.trace.considered] == ["breaker", "breaker"]
    assert len(rig.transport.asked) == before
    rig.wait(COOLDOWN * LATER)
    assert rig.asked_by(AB) == ["a", "b"]


def test_a_clients_own_key_leaves_no_trace() -> None:
    own = target("a", key="sk-own")
    own = dataclasses.replace(own, endpoint=dataclasses.replace(own.endpoint, byok=True))
    rig = Rig(a=[*[refuses(401), refuses(429, headers={"retry-after": "60"})] * FAILURES, BROKEN], b=GOOD)
    rig.asked_by(route(own), FAILURES * 4)
    assert rig.breaker.quiet
    # And what is known of the operator's is none of its business.
    rig.opened(AB)
    assert rig.asked_by(route(own)) == ["a"]


def test_retry_after_is_the_least_pause() -> None:
    rig = Rig(a=refuses(503, headers={"retry-after": "300"}), b=GOOD).opened(AB)
    rig.wait(COOLDOWN * LATER)
    assert rig.asked_by(AB) == ["b"]
    rig.wait(300)
    assert rig.asked_by(AB) == ["a", "b"]


def test_off() -> None:
    where = route(target("a", key="sk-one"), "b")
    rig = Rig(dataclasses.replace(PLAIN, enabled=False), a=[refuses(401), BROKEN], b=GOOD)
    assert rig.asked_by(where, 9) == ["a", "b"] * 9


SPENT = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "30s"}


@pytest.mark.parametrize(
    "answer", [Answer(headers={**GOOD.headers, **SPENT}, steps=GOOD.steps), refuses(429, headers=SPENT)]
)
def test_a_target_whose_quota_is_used_up_is_passed_over_until_it_is_there_again(answer: Answer) -> None:
    rig = Rig(a=[answer, GOOD], b=GOOD)
    rig.asked_by(AB)
    call = rig.outcome(AB)
    assert isinstance(call, Call)
    assert rig.transport.asked[-1] == "b"
    assert [one.excluded_by for one in call.route.considered] == ["quota"]
    rig.wait(31)
    assert rig.asked_by(AB) == ["a"]
    assert rig.breaker.quiet


def test_a_quota_is_of_one_model_and_key_and_only_advice() -> None:
    rig = Rig(a=[refuses(429, headers={"retry-after": "60"}), GOOD])
    rig.asked_by(route(target("a", key="sk-one")))
    assert rig.asked_by(route(target("a", key="sk-one"))) == ["a"]
    assert rig.asked_by(route(target("a", "another", key="sk-one"), "b")) == ["a"]
    assert rig.asked_by(route(target("a", key="sk-two"), "b")) == ["a"]


def streamed(rig: Rig, where: Route) -> list[StreamResponse]:
    async def read() -> list[StreamResponse]:
        return [
            StreamResponse.FromString(batch.SerializeToString())
            async for batch in rig.chain.stream(question(), where, rig.call())
        ]

    return asyncio.run(read())


def test_streams_that_break_off_after_content_are_counted() -> None:
    cut = GatewayError(Reason.STREAM_INTERRUPTED, "cut")
    rig = Rig(a=streams(ROLE, delta(content="Hi"), cut), b=streams(ROLE, delta(content="Hi"), STOP, DONE))
    for _ in range(FAILURES):
        with pytest.raises(GatewayError):
            streamed(rig, AB)
    streamed(rig, AB)
    assert rig.transport.asked == ["a"] * FAILURES + ["b"]
    rig.wait(COOLDOWN * LATER)
    with pytest.raises(GatewayError):
        streamed(rig, AB)
    # Its content let others try; that it broke off has opened it again.
    streamed(rig, AB)
    assert rig.transport.asked[-2:] == ["a", "b"]


def test_a_target_that_flaps_is_asked_less_and_less_and_none_is_lost() -> None:
    """At random, with a fixed seed: every call is answered by the healthy one or by the flapping one while it is well."""
    chance = random.Random(11)
    rig = Rig(a=BROKEN, b=GOOD)
    asked_in = []
    for _ in range(4):
        before = rig.transport.asked.count("a")
        for _ in range(200):
            rig.transport.set("a", GOOD if chance.random() < 0.2 else BROKEN)
            assert isinstance(rig.outcome(AB), Call)
            rig.wait(0.5)
        asked_in.append(rig.transport.asked.count("a") - before)
    # Without a breaker it would be asked 200 times in each.
    assert max(asked_in) < 100


def test_what_is_long_over_is_forgotten() -> None:
    rig = Rig(a=BROKEN, b=GOOD, c=refuses(429, headers={"retry-after": "60"})).opened(AB)
    rig.asked_by(route("c"))
    rig.wait(PLAIN.window + PLAIN.longest + SWEEP_S)
    rig.asked_by(route("b"))
    assert rig.breaker.quiet


def test_clients_can_name_any_number_of_models() -> None:
    rig = Rig()
    for number in range(MOST_CELLS + 10):
        one = target("a", f"m{number}")
        rig.breaker.failed(route(one), one, GatewayError(Reason.UPSTREAM_UNAVAILABLE, "down"), rig.call())
        rig.breaker.used_up(one, 5.0)
    assert len(rig.breaker.cells) + len(rig.breaker.quotas) <= MOST_CELLS


def of_context(provider: str, tokens: int | None) -> Target:
    found = target(provider)
    known = Capabilities(context=tokens)
    return dataclasses.replace(found, endpoint=dataclasses.replace(found.endpoint, capabilities_of=lambda _: known))


def test_a_request_that_is_too_long_goes_to_a_larger_model_alone() -> None:
    rig = Rig(a=refuses(400, code="context_length_exceeded"), b=GOOD, c=GOOD, d=GOOD)
    smaller, same, larger = of_context("b", 4000), of_context("c", 8000), of_context("d", 16_000)
    assert rig.asked_by(route(of_context("a", 8000), smaller, same, larger)) == ["a", "d"]
    assert rig.asked_by(route(of_context("a", 8000), of_context("b", None))) == ["a", "b"]
