"""Streams through the loop: what is held back, when it is too late for another target, what is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_core.call import Call, Deadline
from gateway_core.execution.attempt import Transports
from gateway_core.execution.chain import Chain, RetryPolicy
from gateway_core.execution.streams import Grace, OpenStream
from gateway_core.routing.resolver import Route, Target
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Endpoint, Quirks
from gateway_dialects.openai import CLIENT as OPENAI
from tests.gateway_core.execution.scripted import (
    DONE,
    EVENTS,
    JSON,
    ROLE,
    STOP,
    Answer,
    Clock,
    ScriptedResponse,
    ScriptedTransport,
    Stall,
    Step,
    delta,
    event,
    fails,
    question,
    refuses,
    route,
    streams,
    target,
)

GOOD = streams(ROLE, delta(content="Hi"), STOP, DONE)
CUT = GatewayError(Reason.STREAM_INTERRUPTED, "cut")
ENDPOINT = Endpoint("a", "openai", "http://a")
SOON_S = 10.0
"""A hanging test fails after this time; nothing here waits for it."""


class Rig:
    """A chain over scripted providers: each host answers with its next answer."""

    def __init__(self, *, attempts: int = 1, **answers: Answer | Sequence[Answer]) -> None:
        self.clock = Clock()
        self.transport = ScriptedTransport(self.clock, **answers)
        policy = RetryPolicy(attempts=attempts, initial=0.5, longest=8.0, jitter=0.0)
        self.chain = Chain(Transports.only(self.transport), policy, sleep=self.clock.sleep)
        self.batches: list[StreamResponse] = []
        self.failure: GatewayError | None = None

    def stream(self, where: Route, request: ChatRequest | None = None) -> Rig:
        """Read to the end or to the failure, keeping what came before it."""

        async def read() -> None:
            call = Call("id", Deadline(None, self.clock), model="r")
            try:
                async with asyncio.timeout(SOON_S):
                    async for batch in self.chain.stream(request or question(), where, call):
                        self.batches.append(StreamResponse.FromString(batch.SerializeToString()))
            except GatewayError as failure:
                self.failure = failure

        asyncio.run(read())
        return self

    @property
    def text(self) -> str:
        return "".join(event.part_delta.text for batch in self.batches for event in batch.events)

    @property
    def kinds(self) -> list[list[str | None]]:
        return [[event.WhichOneof("event") for event in batch.events] for batch in self.batches]

    @property
    def all_closed(self) -> bool:
        return all(response.closed for response in self.transport.responses)


def test_events_of_one_read_travel_together() -> None:
    rig = Rig(a=streams(event(ROLE) + event(delta(content="H")), event(delta(content="i")) + event(STOP) + DONE)).stream(
        route("a")
    )
    assert rig.kinds == [["started", "part_started", "part_delta"], ["part_delta", "part_finished", "finished"]]
    assert rig.all_closed


def test_what_is_no_content_is_held_until_content_comes() -> None:
    comments = b": OPENROUTER PROCESSING\n\n"
    filters = {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    steps: list[Step | dict[str, Any]] = [
        comments,
        filters,
        ROLE,
        b"event: ping\n\n",
        delta(content=""),
        delta(content="Hi"),
        STOP,
        DONE,
    ]
    rig = Rig(a=streams(*steps)).stream(route("a"))
    assert rig.kinds[0] == ["started", "part_started", "part_delta"]


@pytest.mark.parametrize(
    "content",
    [
        delta(content="x"),
        delta(reasoning_content="hm"),
        delta(refusal="no"),
        delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}]),
        delta(audio={"transcript": "x"}),
    ],
)
def test_every_kind_of_content_commits(content: dict[str, Any]) -> None:
    rig = Rig(a=streams(ROLE, content, CUT), b=GOOD).stream(route("a", "b"))
    assert rig.transport.asked == ["a"]
    assert rig.kinds[0][:2] == ["started", "part_started"]
    assert rig.failure is not None


BEFORE_CONTENT = {
    "a status": refuses(503),
    "a failed connection": fails(Reason.UPSTREAM_UNAVAILABLE),
    "an error frame": streams({"error": {"message": "overloaded", "code": 503}}),
    "an error frame after the role": streams(ROLE, {"error": {"message": "overloaded", "code": 503}}),
    "an error frame in the read of the content": streams(
        event(delta(content="x")) + event({"error": {"message": "m", "code": 503}})
    ),
    "the end at once": streams(),
    "the end after comments": streams(b": ping\n\n", b": ping\n\n"),
    "the end after the role": streams(ROLE),
    "[DONE] at once": streams(DONE),
    "[DONE] after the role": streams(ROLE, DONE),
    "broken JSON": streams(ROLE, b'data: {"choices":[{"del\n\n'),
    "half an event": streams(ROLE, b'data: {"choices":[{"del'),
    "a cut connection": streams(ROLE, CUT),
    "silence": streams(ROLE, GatewayError(Reason.UPSTREAM_TIMEOUT, "nothing came")),
    "a page": Answer(headers={"content-type": "text/html; charset=utf-8"}, steps=[b"<html>data: x\n\n</html>"]),
    "a whole answer": Answer(headers=JSON, steps=[b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}']),
    "an error in a whole answer": Answer(headers=JSON, steps=[b'{"error":{"message":"m","code":503}}']),
    "events of another form": streams({"choices": [7]}),
}


@pytest.mark.parametrize("first", BEFORE_CONTENT.values(), ids=BEFORE_CONTENT.keys())
def test_a_failure_before_content_goes_to_the_next_target(first: Answer) -> None:
    rig = Rig(a=first, b=GOOD).stream(route("a", "b"))
    assert rig.transport.asked == ["a", "b"]
    assert (rig.text, rig.failure) == ("Hi", None)
    trace = rig.batches[0].events[0].started.route
    assert (trace.provider, trace.fallback_from, trace.requested_model) == ("b", "a/m", "r")
    assert [bool(attempt.reason) for attempt in trace.attempts] == [True, False]
    assert rig.all_closed


@pytest.mark.parametrize("first", BEFORE_CONTENT.values(), ids=BEFORE_CONTENT.keys())
def test_a_failure_before_content_is_retried(first: Answer) -> None:
    rig = Rig(attempts=2, a=[first, GOOD]).stream(route("a"))
    assert rig.transport.asked == ["a", "a"]
    assert (rig.text, rig.failure) == ("Hi", None)
    assert rig.all_closed


@pytest.mark.parametrize("last", BEFORE_CONTENT.values(), ids=BEFORE_CONTENT.keys())
def test_a_failure_before_content_of_the_last_target_gives_no_event(last: Answer) -> None:
    rig = Rig(a=refuses(500), b=last).stream(route("a", "b"))
    assert rig.batches == []
    assert rig.failure is not None
    assert rig.failure.metadata["provider"] == "b"
    assert rig.failure.trace is not None
    assert [attempt.provider for attempt in rig.failure.trace.attempts] == ["a", "b"]
    assert rig.all_closed


def test_a_request_at_fault_is_asked_nowhere_else() -> None:
    rig = Rig(attempts=3, a=refuses(400, "bad"), b=GOOD).stream(route("a", "b"))
    assert rig.transport.asked == ["a"]
    assert rig.failure is not None
    assert rig.failure.reason is Reason.UPSTREAM_REJECTED


AFTER_CONTENT: dict[str, tuple[Step | dict[str, Any], Reason]] = {
    "an error frame": ({"error": {"message": "overloaded", "code": 503}}, Reason.UPSTREAM_OVERLOADED),
    "a failed generation": (delta("error"), Reason.UPSTREAM_UNAVAILABLE),
    "broken JSON": (b"data: {\n\n", Reason.UPSTREAM_INVALID_RESPONSE),
    "a cut connection": (CUT, Reason.STREAM_INTERRUPTED),
    "silence": (GatewayError(Reason.UPSTREAM_TIMEOUT, "nothing came"), Reason.UPSTREAM_TIMEOUT),
    "the end": (b"", Reason.STREAM_INTERRUPTED),
    "half an event": (b'data: {"choices":[{"del', Reason.STREAM_INTERRUPTED),
    "[DONE] without a finish reason": (DONE, Reason.STREAM_INTERRUPTED),
    "the deadline": (GatewayError(Reason.DEADLINE_EXCEEDED, "too late"), Reason.DEADLINE_EXCEEDED),
}


@pytest.mark.parametrize(("step", "reason"), AFTER_CONTENT.values(), ids=AFTER_CONTENT.keys())
def test_a_failure_after_content_ends_the_stream(step: Step | dict[str, Any], reason: Reason) -> None:
    rig = Rig(attempts=3, a=streams(ROLE, delta(content="Hi"), step), b=GOOD).stream(route("a", "b"))
    assert rig.transport.asked == ["a"]
    assert rig.clock.slept == []
    assert rig.text == "Hi"
    assert "finished" not in rig.kinds[-1]
    assert rig.failure is not None
    assert rig.failure.reason is reason
    assert rig.failure.metadata["provider"] == "a"
    assert rig.failure.trace is not None
    (attempt,) = rig.failure.trace.attempts
    assert (attempt.provider, attempt.reason) == ("a", reason)
    assert rig.all_closed


def test_what_came_in_the_read_of_the_failure_is_still_told() -> None:
    last = event(delta(content="!")) + event({"error": {"message": "m"}})
    rig = Rig(a=streams(delta(content="Hi"), last)).stream(route("a"))
    assert rig.text == "Hi!"
    assert rig.failure is not None


def test_no_key_is_told_whichever_key_served() -> None:
    error = {"error": {"message": "key-2 is spent"}}
    rig = Rig(a=[refuses(401, "key-1 is wrong"), streams(delta(content="Hi"), error)])
    rig.stream(route(target("a", key="key-1"), target("a", key="key-2")))
    assert rig.failure is not None
    assert rig.failure.trace is not None
    assert rig.failure.message == "*** is spent"
    assert [attempt.message for attempt in rig.failure.trace.attempts] == ["*** is wrong", "*** is spent"]


def test_the_model_that_failed_is_the_one_that_served() -> None:
    rig = Rig(a=[refuses(404), streams(delta(content="Hi"), CUT)]).stream(route(target("a", "new"), target("a", "old")))
    assert rig.failure is not None
    assert rig.failure.metadata["model"] == "old"


def test_warnings_come_with_the_first_event() -> None:
    endpoint = Endpoint("a", "openai", "http://a", quirks=Quirks(unsupported=("seed",)))
    rig = Rig(a=GOOD).stream(Route("r", (Target(endpoint, "m"),)), question(seed=7))
    assert [warning.field for warning in rig.batches[0].events[0].started.warnings] == ["seed"]


def test_the_whole_answer_can_be_folded() -> None:
    rig = Rig(a=GOOD).stream(route("a"))
    answer = accumulate(rig.batches)
    assert answer.candidates[0].parts[0].text == "Hi"
    assert answer.route.provider == "a"


def test_any_content_type_that_is_not_clearly_another_is_taken_for_a_stream() -> None:
    for headers in ({}, {"content-type": "text/plain"}, {"content-type": "application/x-ndjson"}, EVENTS):
        assert Rig(a=Answer(headers=headers, steps=GOOD.steps)).stream(route("a")).text == "Hi"


def test_a_generator_that_is_closed_early_closes_the_response() -> None:
    rig = Rig(a=streams(delta(content="Hi"), delta(content="more")), b=GOOD)

    async def leave() -> None:
        stream = rig.chain.stream(question(), route("a", "b"), Call("id"))
        await anext(stream)
        assert not rig.all_closed
        await stream.aclose()

    asyncio.run(leave())
    assert rig.transport.asked == ["a"]
    assert rig.all_closed


def test_a_generator_that_is_never_read_asks_nobody() -> None:
    rig = Rig(a=GOOD)

    async def leave() -> None:
        await rig.chain.stream(question(), route("a"), Call("id")).aclose()

    asyncio.run(leave())
    assert rig.transport.asked == []


@pytest.mark.parametrize("where", ["before the head", "before the first content", "after content"])
def test_a_cancelled_stream_closes_the_response(where: str) -> None:
    stall = Stall()
    answer = {
        "before the head": Answer(stall=stall),
        "before the first content": streams(ROLE, stall),
        "after content": streams(delta(content="Hi"), stall),
    }[where]
    rig = Rig(attempts=3, a=answer, b=GOOD)

    async def read() -> None:
        async for _ in rig.chain.stream(question(), route("a", "b"), Call("id")):
            pass

    async def cancel() -> None:
        task = asyncio.create_task(read())
        await stall.begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert rig.transport.asked == ["a"]
    assert rig.all_closed


def test_a_fault_of_ours_closes_the_response() -> None:
    def broken() -> bytes:
        raise RuntimeError("bug")

    for steps in ([broken], [event(delta(content="Hi")), broken]):
        rig = Rig(a=streams(*steps), b=GOOD)
        with pytest.raises(RuntimeError, match="bug"):
            rig.stream(route("a", "b"))
        assert rig.transport.asked == ["a"]
        assert rig.all_closed


class Heartbeats(ScriptedResponse):
    """Its steps, and then comments for ever. Counts them, and says whether its body was read to the end."""

    def __init__(self, *steps: Step | dict[str, Any]) -> None:
        super().__init__(streams(*steps))
        self.beats = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        async for step in super().chunks():
            yield step
        while True:
            await asyncio.sleep(0)
            self.beats += 1
            yield b": ping\n\n"


def read_out(response: ScriptedResponse, grace: Grace) -> list[StreamResponse]:
    async def read() -> list[StreamResponse]:
        async with asyncio.timeout(SOON_S):
            opened = OpenStream(response, OPENAI, ENDPOINT, grace=grace)
            await opened.open()
            return [opened.first, *[batch async for batch in opened.batches()]]

    return asyncio.run(read())


SHORT = Grace(complete_s=0.02, drain_s=0.02)
LONG = Grace(complete_s=1e9, drain_s=1e9)


def test_heartbeats_do_not_keep_a_complete_answer_open() -> None:
    response = Heartbeats(delta(content="Hi"), STOP)
    batches = read_out(response, SHORT)
    assert batches[-1].events[-1].WhichOneof("event") == "finished"
    assert response.beats


def test_heartbeats_do_not_keep_a_connection_open_after_the_end() -> None:
    response = Heartbeats(delta(content="Hi"), STOP, DONE)
    batches = read_out(response, Grace(complete_s=1e9, drain_s=0.02))
    assert batches[-1].events[-1].WhichOneof("event") == "finished"


@pytest.mark.parametrize("last", [[STOP], [STOP, DONE]])
def test_silence_does_not_keep_a_complete_answer_open(last: list[Step | dict[str, Any]]) -> None:
    batches = read_out(ScriptedResponse(streams(delta(content="Hi"), *last, Stall())), SHORT)
    assert batches[-1].events[-1].WhichOneof("event") == "finished"


def test_usage_that_comes_within_the_grace_is_read() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 3}}
    batches = read_out(ScriptedResponse(streams(delta(content="Hi"), STOP, b": ping\n\n", usage)), LONG)
    assert batches[-1].events[-1].finished.usage.input_tokens == 3


def test_a_second_candidate_that_begins_late_ends_the_grace() -> None:
    late = {"id": "c1", "choices": [{"index": 1, "delta": {"content": "x"}, "finish_reason": None}]}
    end = {"id": "c1", "choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}]}
    batches = read_out(ScriptedResponse(streams(delta(content="Hi"), STOP, late, b": ping\n\n", end, DONE)), LONG)
    assert [candidate.index for candidate in batches[-1].events[-1].finished.candidates] == [0, 1]


def test_the_body_is_read_to_its_end_after_the_answer() -> None:
    seen: list[str] = []

    def end() -> bytes:
        seen.append("end")
        return b""

    read_out(ScriptedResponse(streams(delta(content="Hi"), STOP, DONE, end)), LONG)
    assert seen == ["end"]


def test_a_connection_that_breaks_after_the_end_breaks_nothing() -> None:
    batches = read_out(ScriptedResponse(streams(delta(content="Hi"), STOP, DONE, CUT)), LONG)
    assert batches[-1].events[-1].WhichOneof("event") == "finished"


def test_a_last_event_without_its_blank_line_counts() -> None:
    batches = read_out(ScriptedResponse(streams(delta(content="Hi"), event(STOP).rstrip())), LONG)
    assert batches[-1].events[-1].WhichOneof("event") == "finished"


def test_a_last_event_that_ends_an_answer_which_is_none_is_no_end() -> None:
    nameless = [{"index": 0, "id": "c", "function": {"arguments": "{}"}}]
    with pytest.raises(GatewayError) as caught:
        read_out(ScriptedResponse(streams(delta(content="Hi"), delta(tool_calls=nameless), STOP, DONE.rstrip())), LONG)
    assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE
