"""Several candidates from providers that give one for each request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_core.call import Call
from gateway_core.execution.attempt import Transports
from gateway_core.execution.chain import Chain, RetryPolicy
from gateway_core.routing.resolver import Route, Target
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Endpoint, Quirks
from tests.gateway_core.execution.scripted import (
    DONE,
    ROLE,
    STOP,
    Answer,
    Clock,
    ScriptedTransport,
    Stall,
    delta,
    question,
    refuses,
    says,
    streams,
)

USAGE = {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13, "prompt_tokens_details": {"cached_tokens": 4}}
FIRST = streams(ROLE, delta(content="one"), delta(content=" more"), STOP, {"choices": [], "usage": USAGE}, DONE)
SECOND = streams(ROLE, delta(content="two"), STOP, {"choices": [], "usage": USAGE}, DONE)


class Rig:
    """A provider that takes no n, and answers one request after the other with what it is given."""

    def __init__(self, *answers: Answer) -> None:
        clock = Clock()
        self.transport = ScriptedTransport(clock, single=list(answers), other=says("from elsewhere"))
        self.chain = Chain(Transports.only(self.transport), RetryPolicy(1, 0.5, 8.0, 0.0), sleep=clock.sleep)
        single = Endpoint("single", "openai", "http://single", quirks=Quirks(unsupported=("n",)))
        self.route = Route("r", (Target(single, "m"),))
        self.with_fallback = Route("r", (Target(single, "m"), Target(Endpoint("other", "openai", "http://other"), "m")))

    def chat(self, request: ChatRequest, where: Route | None = None) -> ChatResponse:
        call = Call("id")
        answer = asyncio.run(self.chain.chat(request, where or self.route, call))
        answer.route.CopyFrom(call.route)
        return answer

    def stream(self, request: ChatRequest) -> list[StreamResponse]:
        async def read() -> list[StreamResponse]:
            return [batch async for batch in self.chain.stream(request, self.route, Call("id"))]

        return asyncio.run(read())

    @property
    def sent(self) -> Sequence[object]:
        return [json.loads(request.body) for request in self.transport.sent]

    @property
    def all_closed(self) -> bool:
        return all(response.closed for response in self.transport.responses)


def texts(answer: ChatResponse) -> list[str]:
    assert [candidate.index for candidate in answer.candidates] == list(range(len(answer.candidates)))
    return sorted("".join(part.text for part in candidate.parts) for candidate in answer.candidates)


def test_one_request_for_each_candidate() -> None:
    rig = Rig(says("one", usage=USAGE), says("two", usage=USAGE), says("three", usage=USAGE))
    answer = rig.chat(question(candidate_count=3))
    assert texts(answer) == ["one", "three", "two"]
    assert rig.sent == [{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}] * 3
    assert not answer.warnings
    assert len(answer.route.attempts) == 1
    assert rig.all_closed


def test_all_requests_are_billed() -> None:
    rig = Rig(says("one", usage={**USAGE, "cost": 0.5}), says("two", usage={**USAGE, "cost": 0.25}))
    usage = rig.chat(question(candidate_count=2)).usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens, usage.cache_read_tokens) == (20, 6, 26, 8)
    assert usage.cost.total_usd == 0.75
    assert not usage.raw_json


def test_no_usage_rather_than_half_of_it() -> None:
    assert not Rig(says("one", usage=USAGE), says("two")).chat(question(candidate_count=2)).HasField("usage")


@pytest.mark.parametrize("count", [None, 1])
def test_one_candidate_is_one_request(count: int | None) -> None:
    rig = Rig(says("one"))
    request = question() if count is None else question(candidate_count=count)
    assert texts(rig.chat(request)) == ["one"]
    assert len(rig.sent) == 1


def test_one_failure_fails_the_attempt_and_the_next_target_is_asked() -> None:
    rig = Rig(says("one"), refuses(503))
    answer = rig.chat(question(candidate_count=2), rig.with_fallback)
    assert texts(answer) == ["from elsewhere"]
    assert [attempt.reason for attempt in answer.route.attempts] == ["UPSTREAM_OVERLOADED", ""]
    assert rig.all_closed


def test_one_failure_gives_up_the_others() -> None:
    stall = Stall()
    rig = Rig(Answer(steps=[stall]), refuses(503))
    with pytest.raises(GatewayError) as caught:
        rig.chat(question(candidate_count=2))
    assert caught.value.reason is Reason.UPSTREAM_OVERLOADED
    assert rig.all_closed


def test_streams_become_one() -> None:
    rig = Rig(FIRST, SECOND)
    batches = rig.stream(question(candidate_count=2))
    kinds = [event.WhichOneof("event") for batch in batches for event in batch.events]
    assert (kinds.count("started"), kinds.count("finished")) == (1, 1)
    assert (kinds[0], kinds[-1]) == ("started", "finished")
    answer = accumulate(batches)
    assert texts(answer) == ["one more", "two"]
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (20, 6)
    assert rig.all_closed


def test_streams_that_are_whole_at_once() -> None:
    whole = streams(b"".join(step for step in SECOND.steps if isinstance(step, bytes)))
    assert texts(accumulate(Rig(whole, whole).stream(question(candidate_count=2)))) == ["two", "two"]


def test_a_stream_that_breaks_off_ends_all() -> None:
    rig = Rig(FIRST, streams(ROLE, delta(content="two")))
    with pytest.raises(GatewayError) as caught:
        rig.stream(question(candidate_count=2))
    assert caught.value.reason is Reason.STREAM_INTERRUPTED
    assert rig.all_closed


def test_a_stream_that_never_begins_closes_the_others() -> None:
    rig = Rig(FIRST, refuses(503))
    with pytest.raises(GatewayError) as caught:
        rig.stream(question(candidate_count=2))
    assert caught.value.reason is Reason.UPSTREAM_OVERLOADED
    assert rig.all_closed
