"""Who gets a cost: what has a usage and a known price, and no provider that reported its own. How calls end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import Candidate, ChatRequest, ChatResponse, FinishReason
from dragoman.v1.content_pb2 import Message, Part, Role
from dragoman.v1.models_pb2 import Prices
from dragoman.v1.proxy_pb2 import ProxyEnd
from dragoman.v1.routing_pb2 import Attempt, RouteTrace
from dragoman.v1.stream_pb2 import CandidateFinish, Finished, PartDelta, Started, StreamEvent, StreamResponse
from dragoman.v1.usage_pb2 import COST_SOURCE_PRICE_DATA, COST_SOURCE_PROVIDER, Cost, Usage
from gateway_core.accounts.settlement import Recorder, Settlement
from gateway_core.call import UNAUTHENTICATED, Call, Caller
from gateway_core.models.price_book import PriceBook
from gateway_core.routing.affinity import Affinity
from gateway_core.routing.measurements import Measurements

LISTS = b"""{"source":"test","lists":{"a":{"urls":"https://a","rows":[
{"id":"m","equals":["m","m-2026"],"prices":[{"rates":{"input":1,"output":2}}],
"tiers":{"flex":[{"rates":{"input":0.5,"output":1}}],"speed:fast":[{"rates":{"input":6,"output":12}}]}}]}}}"""
BOOK = PriceBook({"p": ("https://a",)}, {"p/own": Prices(input=3, output=3)}, read=lambda: LISTS)
USED = Usage(input_tokens=1_000_000, output_tokens=1_000_000)


class Ended(Recorder):
    """The calls that were recorded."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def add(self, call: Call) -> None:
        self.calls.append(call)


class Rig:
    """A settlement, and a call that one target of the provider p serves."""

    def __init__(self, model: str = "m", operation: str = "Chat", provider: str = "p") -> None:
        self.ended = Ended()
        self.settlement = Settlement(BOOK, self.ended, Measurements(), Affinity())
        self.call = Call("r1", operation=operation, model="asked")
        self.call.route.MergeFrom(RouteTrace(provider=provider, model=model))
        self.call.route.attempts.add(provider=provider, model=model, status=200)
        self.call.request = ChatRequest(model="asked", messages=[Message(role=Role.ROLE_USER, parts=[Part(text="x" * 400)])])

    def answer(self, usage: Usage | None = USED, answering: str = "", tier: str = "") -> ChatResponse:
        found = ChatResponse(model=answering, usage=usage, candidates=[Candidate(parts=[Part(text="four" * 100)])])
        if tier:
            found.service_tier = tier
        self.settlement.answered(self.call, found)
        return found

    def stream(self, *batches: Sequence[StreamEvent]) -> list[StreamResponse]:
        found = [StreamResponse(events=events) for events in batches]
        for batch in found:
            self.settlement.streamed(self.call, batch)
        return found

    def settle(self, reason: Reason | None = None) -> Call:
        self.settlement.settle(self.call, reason)
        return self.call


def dollars_of(usage: Usage) -> float | None:
    return usage.cost.total_usd if usage.HasField("cost") else None


@pytest.mark.parametrize(
    ("model", "answering", "tier", "usage", "dollars"),
    [
        ("m", "", "", USED, 3.0),
        ("own", "", "", USED, 6.0),
        ("deployment-7", "m-2026", "", USED, 3.0),
        ("m", "unheard-of", "", USED, 3.0),
        ("m", "", "flex", USED, 1.5),
        ("m", "", "default", USED, 3.0),
        ("m", "", "", Usage(input_tokens=1_000_000, raw_json='{"speed":"fast"}'), 6.0),
        ("m", "", "", Usage(input_tokens=1_000_000, raw_json='{"speed":"standard"}'), 1.0),
        ("m", "", "", Usage(input_tokens=1_000_000, estimated=True), 1.0),
        ("unheard-of", "", "", USED, None),
        ("unheard-of", "unheard-of", "", USED, None),
        ("m", "", "", Usage(), None),
        ("m", "", "", Usage(raw_json="{}"), None),
    ],
)
def test_an_answers_cost(model: str, answering: str, tier: str, usage: Usage, dollars: float | None) -> None:
    found = Rig(model).answer(usage, answering, tier)
    assert dollars_of(found.usage) == dollars
    assert dollars is None or found.usage.cost.source == COST_SOURCE_PRICE_DATA
    assert dollars_of(found.route.attempts[0].usage) == dollars


def test_the_providers_own_cost_stays() -> None:
    found = Rig().answer(Usage(input_tokens=5, cost=Cost(total_usd=0, source=COST_SOURCE_PROVIDER)))
    assert (dollars_of(found.usage), found.usage.cost.source) == (0.0, COST_SOURCE_PROVIDER)


def test_an_answer_without_usage_gets_none_and_its_record_an_estimate() -> None:
    rig = Rig()
    found = rig.answer(None)
    assert not found.HasField("usage")
    usage = rig.settle().usage
    assert usage is not None
    assert (usage.input_tokens, usage.estimated) == (100, True)
    assert 100 <= usage.output_tokens <= 105


def test_an_answer_from_nowhere() -> None:
    assert dollars_of(Rig(provider="").answer().usage) is None


STARTED = StreamEvent(started=Started(id="c1", model=""))
WORD = StreamEvent(part_delta=PartDelta(text="four" * 25))


def finished(usage: Usage | None = USED, tier: str = "") -> StreamEvent:
    found = Finished(
        usage=usage,
        candidates=[CandidateFinish(finish_reason=FinishReason.FINISH_REASON_LENGTH, raw_finish_reason="length")],
    )
    if tier:
        found.service_tier = tier
    return StreamEvent(finished=found)


@pytest.mark.parametrize("batches", [[[STARTED, WORD, finished()]], [[STARTED, WORD], [WORD], [finished()]]])
def test_a_streams_cost_and_route_are_in_its_last_event(batches: list[list[StreamEvent]]) -> None:
    rig = Rig(operation="Stream")
    found = rig.stream(*batches)
    assert [len(batch.events) for batch in found] == [len(events) for events in batches]
    last = found[-1].events[-1].finished
    assert last.usage.cost == Cost(total_usd=3.0, source=COST_SOURCE_PRICE_DATA)
    assert last.route == rig.call.route
    assert dollars_of(last.route.attempts[0].usage) == 3.0
    assert (rig.call.response_id, rig.call.raw_finish_reason) == ("c1", "length")


@pytest.mark.parametrize(("early", "late", "dollars"), [("flex", "", 1.5), ("", "flex", 1.5), ("flex", "default", 3.0)])
def test_the_later_tier_counts(early: str, late: str, dollars: float) -> None:
    started = StreamEvent()
    started.CopyFrom(STARTED)
    if early:
        started.started.service_tier = early
    found = Rig(operation="Stream").stream([started], [finished(tier=late)])
    assert dollars_of(found[-1].events[-1].finished.usage) == dollars


def test_a_stream_without_usage() -> None:
    rig = Rig(operation="Stream")
    found = rig.stream([STARTED, WORD], [WORD], [finished(None)])
    assert not found[-1].events[-1].finished.HasField("usage")
    usage = rig.settle().usage
    assert usage is not None
    assert (usage.input_tokens, usage.estimated) == (100, True)
    assert 50 <= usage.output_tokens <= 60


def test_a_stream_is_settled_by_its_last_event() -> None:
    rig = Rig(operation="Stream")
    rig.stream([STARTED, WORD])
    assert rig.ended.calls == []
    rig.stream([finished()])
    assert rig.ended.calls == [rig.call]
    rig.settle(Reason.CANCELLED)
    assert rig.ended.calls == [rig.call]
    assert rig.call.reason == ""


@pytest.mark.parametrize(
    ("reported", "input_tokens", "output_tokens"),
    [(None, 100, 50), (Usage(input_tokens=7, output_tokens=1), 7, 50), (Usage(input_tokens=7, output_tokens=900), 7, 900)],
)
def test_a_broken_stream_is_estimated_where_nothing_was_reported(
    reported: Usage | None, input_tokens: int, output_tokens: int
) -> None:
    rig = Rig(operation="Stream")
    rig.stream([STARTED], [WORD], [WORD])
    if reported is not None:
        rig.call.route.attempts[0].usage.CopyFrom(reported)
    call = rig.settle(Reason.CANCELLED)
    usage = call.usage
    assert usage is not None
    assert usage.input_tokens == input_tokens
    assert output_tokens <= usage.output_tokens <= output_tokens + 3
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert usage.estimated is (output_tokens != 900)
    assert dollars_of(usage) == pytest.approx((usage.input_tokens + 2 * usage.output_tokens) / 1e6)
    assert (call.reason, call.route.attempts[0].reason) == ("CANCELLED", "CANCELLED")
    assert call.request is None


def test_failed_attempts_are_priced_and_added() -> None:
    rig = Rig()
    failed = Attempt(provider="p", model="own", reason="STREAM_INTERRUPTED", usage=Usage(input_tokens=1_000_000))
    rig.call.route.attempts.insert(0, failed)
    rig.call.route.attempts[1].usage.CopyFrom(USED)
    rig.answer()
    usage = rig.settle().usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, dollars_of(usage)) == (2_000_000, 1_000_000, 6.0)
    assert [dollars_of(attempt.usage) for attempt in rig.call.route.attempts] == [3.0, 3.0]


def test_a_failure_before_any_content_used_nothing() -> None:
    call = Rig().settle(Reason.UPSTREAM_UNAVAILABLE)
    assert call.usage is None
    assert call.reason == "UPSTREAM_UNAVAILABLE"


@pytest.mark.parametrize(
    ("operation", "caller", "recorded"),
    [("Chat", "a", True), ("ListModels", "a", False), ("GetCall", "a", False), ("Chat", "", False)],
)
def test_which_calls_are_recorded(operation: str, caller: str, recorded: bool) -> None:
    rig = Rig(operation=operation)
    rig.call.caller = Caller(caller) if caller else UNAUTHENTICATED
    rig.settle()
    assert (rig.ended.calls == [rig.call]) is recorded


@pytest.mark.parametrize(("model", "tier", "dollars"), [("m-2026", "", 3.0), ("m", "flex", 1.5), ("unheard-of", "", None)])
def test_a_proxied_answers_cost(model: str, tier: str, dollars: float | None) -> None:
    rig = Rig(operation="Proxy")
    end = ProxyEnd(usage=USED, model=model, service_tier=tier)
    rig.settlement.proxied(rig.call, end)
    assert dollars_of(end.usage) == dollars
    assert rig.ended.calls == [rig.call]
    assert rig.call.route.model == model
