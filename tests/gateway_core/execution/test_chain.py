"""Whole answers through the one loop: who is asked how often, what is told, what is closed. Streams: test_attempt.py."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Sequence

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from gateway_core.call import Call, Deadline
from gateway_core.execution.attempt import Transports
from gateway_core.execution.chain import Chain, RetryPolicy
from gateway_core.routing.resolver import Route, Target
from gateway_dialects.kit.dialect import Endpoint, Quirks, Timers
from tests.gateway_core.execution.scripted import (
    Answer,
    Clock,
    ScriptedTransport,
    Stall,
    fails,
    question,
    refuses,
    route,
    says,
    target,
)

GOOD = says("Hi")
BUSY = refuses(429, "slow down")


class Rig:
    """A chain over scripted providers: each host answers with its next answer."""

    def __init__(self, *, attempts: int = 2, **answers: Answer | Sequence[Answer]) -> None:
        self.clock = Clock()
        self.transport = ScriptedTransport(self.clock, **answers)
        policy = RetryPolicy(attempts=attempts, initial=0.5, longest=8.0, jitter=0.0)
        self.chain = Chain(Transports.only(self.transport), policy, sleep=self.clock.sleep)

    def chat(self, where: Route, request: ChatRequest | None = None, within: float | None = None) -> ChatResponse:
        call = Call("id", Deadline.after(within, self.clock), model="r")
        answer = asyncio.run(self.chain.chat(request or question(), where, call))
        answer.route.CopyFrom(call.route)
        return answer

    def failure(self, where: Route, request: ChatRequest | None = None, within: float | None = None) -> GatewayError:
        with pytest.raises(GatewayError) as caught:
            self.chat(where, request, within)
        return caught.value

    @property
    def all_closed(self) -> bool:
        return all(response.closed for response in self.transport.responses)


def test_the_first_answer_is_given() -> None:
    rig = Rig(a=GOOD, b=GOOD)
    answer = rig.chat(route("a", "b"))
    assert answer.candidates[0].parts[0].text == "Hi"
    assert rig.transport.asked == ["a"]
    assert rig.clock.slept == []
    assert rig.all_closed


@pytest.mark.parametrize(
    "first",
    [
        *(refuses(status) for status in (408, 409, 425, 429, 500, 502, 503, 504, 524, 529)),
        *(fails(reason) for reason in (Reason.UPSTREAM_UNAVAILABLE, Reason.UPSTREAM_TIMEOUT)),
        Answer(steps=[b'{"choices":[{"mess']),
        Answer(steps=[b""]),
        Answer(steps=[b"<html>welcome</html>"], headers={"content-type": "text/html"}),
        Answer(steps=[b'{"cho', GatewayError(Reason.STREAM_INTERRUPTED, "cut")]),
        Answer(steps=[b'{"error":{"message":"busy","code":503}}']),
    ],
)
def test_what_may_pass_is_asked_again(first: Answer) -> None:
    rig = Rig(a=[first, GOOD], b=GOOD)
    answer = rig.chat(route("a", "b"))
    assert rig.transport.asked == ["a", "a"]
    assert rig.clock.slept == [0.5]
    assert answer.route.fallback_from == ""
    assert rig.all_closed


@pytest.mark.parametrize("status", [400, 405, 413, 422])
def test_a_request_at_fault_is_asked_once_and_nowhere_else(status: int) -> None:
    rig = Rig(a=refuses(status, "bad", param="messages"), b=GOOD)
    found = rig.failure(route("a", "b"))
    assert rig.transport.asked == ["a"]
    assert (found.message, found.field, found.metadata["upstream_status"]) == ("bad", "messages", str(status))
    assert rig.all_closed


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (refuses(401), Reason.UPSTREAM_AUTH),
        (refuses(403), Reason.UPSTREAM_AUTH),
        (refuses(400, "Incorrect API key provided"), Reason.UPSTREAM_AUTH),
        (refuses(402), Reason.QUOTA_EXHAUSTED),
        (refuses(429, code="insufficient_quota"), Reason.QUOTA_EXHAUSTED),
        (refuses(404, code="model_not_found"), Reason.MODEL_NOT_FOUND),
        (refuses(400, code="context_length_exceeded"), Reason.CONTEXT_LENGTH_EXCEEDED),
    ],
)
def test_what_is_final_for_one_target_goes_to_the_next_at_once(first: Answer, reason: Reason) -> None:
    rig = Rig(a=first, b=GOOD)
    answer = rig.chat(route("a", "b"))
    assert rig.transport.asked == ["a", "b"]
    assert rig.clock.slept == []
    assert [attempt.reason for attempt in answer.route.attempts] == [reason, ""]


def test_every_target_is_asked_as_often_as_allowed_and_no_more() -> None:
    rig = Rig(attempts=3, a=BUSY, b=refuses(500, "b is down"))
    found = rig.failure(route("a", "b"))
    assert rig.transport.asked == ["a", "a", "a", "b", "b", "b"]
    assert rig.clock.slept == [0.5, 1.0] * 2
    assert (found.reason, found.message) == (Reason.UPSTREAM_UNAVAILABLE, "b is down")
    assert found.trace is not None
    assert [attempt.provider for attempt in found.trace.attempts] == rig.transport.asked
    assert rig.all_closed


def test_the_pause_that_a_provider_asks_for_is_kept() -> None:
    rig = Rig(a=[refuses(429, headers={"retry-after": "3"}), GOOD])
    rig.chat(route("a"))
    assert rig.clock.slept == [3.0]


def test_a_provider_that_wants_too_long_a_pause_is_left() -> None:
    rig = Rig(a=refuses(429, headers={"retry-after": "60"}), b=GOOD)
    rig.chat(route("a", "b"))
    assert rig.transport.asked == ["a", "b"]
    assert rig.clock.slept == []


def test_the_client_is_told_the_least_pause_that_any_target_asked_for() -> None:
    rig = Rig(
        a=refuses(429, headers={"retry-after": "60"}),
        b=refuses(429, headers={"retry-after": "20"}),
        c=refuses(503, headers={"retry-after": "40"}),
        d=refuses(402),
    )
    found = rig.failure(route("a", "b", "c", "d"))
    assert (found.reason, found.retry_after_s) == (Reason.QUOTA_EXHAUSTED, 20.0)


def test_the_latest_pause_of_one_target_counts() -> None:
    rig = Rig(a=[refuses(429, headers={"retry-after": "1"}), refuses(429, headers={"retry-after": "30"})])
    assert rig.failure(route("a")).retry_after_s == 30.0
    assert rig.clock.slept == [1.0]


def test_nothing_is_retried_past_the_deadline() -> None:
    rig = Rig(a=refuses(429, headers={"retry-after": "3"}), b=GOOD)
    rig.chat(route("a", "b"), within=2.0)
    assert rig.transport.asked == ["a", "b"]
    assert rig.clock.slept == []


def test_the_failure_is_told_rather_than_slept_over() -> None:
    rig = Rig(a=refuses(429, "slow down", {"retry-after": "3"}))
    found = rig.failure(route("a"), within=2.0)
    assert (found.reason, found.retry_after_s) == (Reason.RATE_LIMITED, 3.0)


def test_the_deadline_shrinks_over_all_attempts() -> None:
    slow = Answer(status=500, takes_s=2.0)
    rig = Rig(a=slow, b=slow, c=GOOD)
    found = rig.failure(route("a", "b", "c"), within=5.0)
    assert rig.transport.asked == ["a", "a", "b"]
    assert rig.clock.now - 1000.0 <= 5.0
    assert found.reason is Reason.DEADLINE_EXCEEDED
    assert found.trace is not None
    assert [attempt.duration_ms for attempt in found.trace.attempts] == [2000.0, 2000.0, 0.0]


def test_an_attempt_that_may_not_take_so_long_goes_to_the_next_target() -> None:
    hasty = target("a")
    timers = Timers(connect_s=1.0, headers_s=0.0, first_content_s=0.0, idle_s=0.0, total_s=1.0)
    hasty = dataclasses.replace(hasty, endpoint=dataclasses.replace(hasty.endpoint, timers=timers))
    rig = Rig(attempts=1, a=dataclasses.replace(GOOD, takes_s=2.0), b=GOOD)
    answer = rig.chat(route(hasty, "b"), within=5.0)
    assert [attempt.reason for attempt in answer.route.attempts] == [Reason.UPSTREAM_TIMEOUT, ""]
    assert rig.transport.timers == [timers, None]
    assert rig.failure(route(hasty), within=0.5).reason is Reason.DEADLINE_EXCEEDED


def test_the_trace_tells_who_was_asked_and_why_each_failed() -> None:
    headers = {"x-request-id": "req_1"}
    rig = Rig(a=[refuses(500, "down", headers), fails(Reason.UPSTREAM_TIMEOUT)], b=Answer(takes_s=0.25, steps=GOOD.steps))
    answer = rig.chat(route(target("a", "big"), target("b", "small")))
    assert (answer.route.requested_model, answer.route.provider, answer.route.model) == ("r", "b", "small")
    assert answer.route.fallback_from == "a/big"
    told = [
        (one.provider, one.model, one.status, one.reason, one.message, one.upstream_request_id, one.duration_ms)
        for one in answer.route.attempts
    ]
    assert told == [
        ("a", "big", 500, "UPSTREAM_UNAVAILABLE", "down", "req_1", 0.0),
        ("a", "big", 0, "UPSTREAM_TIMEOUT", "cannot", "", 0.0),
        ("b", "small", 200, "", "", "", 250.0),
    ]


def test_a_failure_says_whose_it_is() -> None:
    found = Rig(a=BUSY, b=refuses(500)).failure(route(target("a", "x"), target("b", "y")))
    assert (found.metadata["provider"], found.metadata["model"]) == ("b", "y")
    assert found.trace is not None
    assert (found.trace.provider, found.trace.model, found.trace.fallback_from) == ("", "", "")


def test_several_keys_of_one_provider() -> None:
    rig = Rig(a=[refuses(401), refuses(402), GOOD])
    answer = rig.chat(route(target("a", key="key-1"), target("a", key="key-2"), target("a", key="key-3")))
    assert [request.headers["authorization"] for request in rig.transport.sent] == [
        "Bearer key-1",
        "Bearer key-2",
        "Bearer key-3",
    ]
    assert len(answer.route.attempts) == 3
    assert answer.route.fallback_from == "", "another key of the same deployment is no fallback"


def test_another_model_of_the_same_provider_is_a_fallback() -> None:
    answer = Rig(a=[refuses(404), GOOD]).chat(route(target("a", "new"), target("a", "old")))
    assert answer.route.fallback_from == "a/new"
    assert answer.route.model == "old"


@pytest.mark.parametrize("field", ["message", "code", "type", "param"])
def test_no_key_is_told_to_the_client(field: str) -> None:
    error = {"message": "no", field: "the key sk-secret-1 is wrong"}
    body = json.dumps({"error": error}).encode()
    rig = Rig(a=Answer(401, {"x-request-id": "for-sk-secret-1"}, [body]))
    found = rig.failure(route(target("a", key="sk-secret-1")))
    assert found.trace is not None
    told = found.message + found.field + str(found.metadata) + str(found.trace)
    assert "sk-secret-1" not in told
    assert "***" in told


def test_no_key_of_a_configured_header_is_told_to_the_client() -> None:
    rig = Rig(a=refuses(401, "hdr-secret-1 and hdr-secret-2 are wrong, team blue"))
    endpoint = Endpoint(
        "a", "openai", "http://a", (), {"X-Api-Key": "hdr-secret-1", "Authorization": "Token hdr-secret-2", "x-team": "blue"}
    )
    assert rig.failure(route(Target(endpoint, "m"))).message == "*** and *** are wrong, team blue"


def test_warnings_come_with_the_answer() -> None:
    endpoint = Endpoint("a", "openai", "http://a", quirks=Quirks(unsupported=("seed",)))
    answer = Rig(a=GOOD).chat(Route("r", (Target(endpoint, "m"),)), question(seed=7))
    assert [(warning.field, warning.provider) for warning in answer.warnings] == [("seed", "a")]


def test_strict_prefers_a_target_that_can_do_it() -> None:
    endpoint = Endpoint("a", "openai", "http://a", quirks=Quirks(unsupported=("seed",)))
    rig = Rig(a=GOOD, b=GOOD)
    answer = rig.chat(Route("r", (Target(endpoint, "m"), target("b"))), question(seed=7, strict=True))
    assert rig.transport.asked == ["b"]
    assert [(attempt.provider, attempt.status, attempt.reason) for attempt in answer.route.attempts] == [
        ("a", 0, "UNSUPPORTED"),
        ("b", 200, ""),
    ]
    assert not answer.warnings


def test_strict_without_such_a_target_names_the_field() -> None:
    endpoint = Endpoint("a", "openai", "http://a", quirks=Quirks(unsupported=("seed",)))
    rig = Rig(a=GOOD)
    found = rig.failure(Route("r", (Target(endpoint, "m"),)), question(seed=7, strict=True))
    assert (found.reason, found.field) == (Reason.UNSUPPORTED, "seed")
    assert rig.transport.asked == []


def test_a_route_without_targets_is_a_fault_of_ours() -> None:
    assert Rig().failure(Route("r", ())).reason is Reason.INTERNAL


def test_a_fault_of_ours_is_not_retried_and_closes_the_response() -> None:
    def broken() -> bytes:
        raise RuntimeError("bug")

    rig = Rig(a=Answer(steps=[broken]), b=GOOD)
    with pytest.raises(RuntimeError, match="bug"):
        rig.chat(route("a", "b"))
    assert rig.transport.asked == ["a"]
    assert rig.all_closed


@pytest.mark.parametrize("where", ["before the head", "in the body"])
def test_a_cancelled_call_closes_the_response_and_asks_nobody_else(where: str) -> None:
    stall = Stall()
    answer = Answer(stall=stall) if where == "before the head" else Answer(steps=[b'{"cho', stall])
    rig = Rig(a=answer, b=GOOD)

    async def cancel() -> None:
        task = asyncio.create_task(rig.chain.chat(question(), route("a", "b"), Call("id")))
        await stall.begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert rig.transport.asked == ["a"]
    assert rig.all_closed


def test_one_chain_serves_many_calls_at_once() -> None:
    rig = Rig(a=GOOD)
    calls = [Call(str(n)) for n in range(20)]

    async def many() -> None:
        await asyncio.gather(*(rig.chain.chat(question(), route("a"), call) for call in calls))

    asyncio.run(many())
    assert [len(call.route.attempts) for call in calls] == [1] * 20
