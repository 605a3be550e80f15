from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import FinishReason, Logprobs, TokenLogprob
from dragoman.v1.content_pb2 import Media, Part, Reasoning, ToolCall
from dragoman.v1.routing_pb2 import RouteTrace, Warning
from dragoman.v1.stream_pb2 import (
    CandidateFinish,
    Finished,
    PartDelta,
    PartFinished,
    PartStarted,
    Started,
    StreamEvent,
    StreamResponse,
)
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.accumulate import Accumulator, accumulate, merge_json


def begun(part: Part, index: int = 0, candidate: int = 0) -> StreamEvent:
    return StreamEvent(part_started=PartStarted(candidate_index=candidate, part_index=index, part=part))


def delta(index: int = 0, candidate: int = 0, **grown: Any) -> StreamEvent:
    return StreamEvent(part_delta=PartDelta(candidate_index=candidate, part_index=index, **grown))


def ended(*candidates: int, **fields: Any) -> StreamEvent:
    finishes = [
        CandidateFinish(index=index, finish_reason=FinishReason.FINISH_REASON_STOP, raw_finish_reason="stop")
        for index in candidates or (0,)
    ]
    return StreamEvent(finished=Finished(candidates=finishes, **fields))


def folded(*events: StreamEvent) -> list[Part]:
    """The parts of the first candidate."""
    return list(accumulate([StreamResponse(events=events)]).candidates[0].parts)


def test_a_whole_stream() -> None:
    started = Started(id="1", model="m", created=7, warnings=[Warning(field="seed")], route=RouteTrace(provider="p"))
    response = accumulate(
        [
            StreamResponse(events=[StreamEvent(started=started), begun(Part(text=""))]),
            StreamResponse(),
            StreamResponse(events=[delta(text="Hello "), delta(text="there")]),
            StreamResponse(events=[StreamEvent(part_finished=PartFinished()), ended(usage=Usage(output_tokens=2))]),
        ]
    )
    assert (response.id, response.model, response.created) == ("1", "m", 7)
    assert [warning.field for warning in response.warnings] == ["seed"]
    assert response.route.provider == "p"
    (candidate,) = response.candidates
    assert [part.text for part in candidate.parts] == ["Hello there"]
    assert (candidate.finish_reason, candidate.raw_finish_reason) == (FinishReason.FINISH_REASON_STOP, "stop")
    assert response.usage.output_tokens == 2
    assert not response.HasField("system_fingerprint")


GROWTH: dict[str, tuple[Part, dict[str, Any], Part]] = {
    "text": (Part(text="a"), {"text": "b"}, Part(text="ab")),
    "refusal": (Part(refusal="a"), {"refusal": "b"}, Part(refusal="ab")),
    "reasoning": (
        Part(reasoning=Reasoning(text="a", provider="p")),
        {"reasoning": "b"},
        Part(reasoning=Reasoning(text="ab", provider="p")),
    ),
    "signature": (Part(reasoning=Reasoning(signature="a")), {"signature": "b"}, Part(reasoning=Reasoning(signature="ab"))),
    "encrypted": (Part(reasoning=Reasoning(encrypted="a")), {"encrypted": "b"}, Part(reasoning=Reasoning(encrypted="ab"))),
    "arguments": (
        Part(tool_call=ToolCall(id="c", name="f")),
        {"arguments_json": "{}"},
        Part(tool_call=ToolCall(id="c", name="f", arguments_json="{}")),
    ),
    "input": (
        Part(tool_call=ToolCall(id="c", name="f", input="")),
        {"input": "b"},
        Part(tool_call=ToolCall(id="c", name="f", input="b")),
    ),
    "data": (Part(media=Media(data=b"a")), {"data": b"b"}, Part(media=Media(data=b"ab"))),
    "transcript": (
        Part(media=Media(data=b"a", transcript="x")),
        {"transcript": "y"},
        Part(media=Media(data=b"a", transcript="xy")),
    ),
    "nothing": (Part(text="a"), {}, Part(text="a")),
}


@pytest.mark.parametrize(("first", "grown", "whole"), GROWTH.values(), ids=GROWTH.keys())
def test_every_kind_of_part_grows(first: Part, grown: dict[str, Any], whole: Part) -> None:
    assert folded(begun(first), delta(**grown), ended()) == [whole]


def test_every_kind_of_delta_is_tested() -> None:
    kinds = {field.name for field in PartDelta.DESCRIPTOR.oneofs_by_name["delta"].fields}
    assert kinds == {next(iter(grown)) for _, grown, _ in GROWTH.values() if grown}


def test_parts_grow_side_by_side() -> None:
    parts = folded(
        begun(Part(text="a"), 0),
        begun(Part(text="x"), 1),
        delta(1, text="y"),
        delta(0, text="b"),
        delta(1, text="z"),
        ended(),
    )
    assert [part.text for part in parts] == ["ab", "xyz"]


def test_candidates_come_in_order_whichever_began_first() -> None:
    events = [
        begun(Part(text="b"), candidate=1),
        begun(Part(text="a"), candidate=0),
        delta(candidate=1, text="!"),
        ended(0, 1, 2),
    ]
    response = accumulate([StreamResponse(events=events)])
    told = [(one.index, [part.text for part in one.parts]) for one in response.candidates]
    assert told == [(0, ["a"]), (1, ["b!"]), (2, [])]


def test_log_probabilities_are_gathered() -> None:
    def probable(token: str) -> Logprobs:
        return Logprobs(content=[TokenLogprob(token=token, logprob=-0.5)])

    events = [
        begun(Part(text="")),
        delta(text="a", logprobs=probable("a")),
        delta(text="b", logprobs=probable("b")),
        ended(),
    ]
    response = accumulate([StreamResponse(events=events)])
    assert [one.token for one in response.candidates[0].logprobs.content] == ["a", "b"]


def test_what_comes_later_wins() -> None:
    started = Started(
        system_fingerprint="old",
        service_tier="auto",
        route=RouteTrace(provider="p"),
        provider_details_json={"openai": '{"a": 1, "b": {"x": 1}}', "gemini": "{}"},
    )
    finished = ended(
        system_fingerprint="new", provider_details_json={"openai": '{"b": {"y": 2}, "c": 3}', "anthropic": '{"d": 4}'}
    )
    response = accumulate([StreamResponse(events=[StreamEvent(started=started), finished])])
    assert (response.system_fingerprint, response.service_tier, response.route.provider) == ("new", "auto", "p")
    details = {dialect: json.loads(text) for dialect, text in response.provider_details_json.items()}
    assert details == {"openai": {"a": 1, "b": {"x": 1, "y": 2}, "c": 3}, "gemini": {}, "anthropic": {"d": 4}}


def test_a_part_learns_at_its_end() -> None:
    part = Part(text="a", provider_details_json={"d": '{"a": 1}'})
    learned = PartFinished(provider_details_json={"d": '{"b": 2}', "e": "{}"})
    (whole,) = folded(begun(part), StreamEvent(part_finished=learned), ended())
    assert {name: json.loads(text) for name, text in whole.provider_details_json.items()} == {"d": {"a": 1, "b": 2}, "e": {}}
    assert part.provider_details_json == {"d": '{"a": 1}'}


@pytest.mark.parametrize(
    ("known", "late", "merged"),
    [
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"d": 2}}}, {"a": {"b": {"d": 2}}}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ([1], {"a": 1}, {"a": 1}),
        ({"a": 1}, [1], [1]),
    ],
)
def test_objects_grow_to_the_second_level(known: object, late: object, merged: object) -> None:
    assert json.loads(merge_json(json.dumps(known), json.dumps(late))) == merged


def test_an_event_of_tomorrow_is_passed_over() -> None:
    assert folded(begun(Part(text="a")), StreamEvent(), ended()) == [Part(text="a")]


def test_a_stream_is_whole_only_when_it_finished() -> None:
    accumulator = Accumulator()
    accumulator.feed(StreamResponse(events=[begun(Part(text="a"))]))
    assert not accumulator.finished
    assert list(accumulator.response.candidates) == []
    accumulator.feed(StreamResponse(events=[ended()]))
    assert accumulator.finished
    assert len(accumulator.response.candidates) == 1


def test_events_stay_as_they_are() -> None:
    batch = StreamResponse(events=[begun(Part(text="a")), delta(text="b"), ended()])
    before = StreamResponse.FromString(batch.SerializeToString())
    accumulate([batch])
    assert batch == before
