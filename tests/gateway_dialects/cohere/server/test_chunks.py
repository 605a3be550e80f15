import json
from typing import Any

from dragoman.v1.chat_pb2 import FINISH_REASON_TOOL_CALLS, Logprobs, TokenLogprob
from dragoman.v1.content_pb2 import Media, Opaque, Part, Reasoning, ToolCall
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
from gateway_dialects.cohere.server.chunks import ChunkRenderer


def started(index: int, part: Part) -> StreamEvent:
    return StreamEvent(part_started=PartStarted(part_index=index, part=part))


def delta(index: int, **grown: Any) -> StreamEvent:
    return StreamEvent(part_delta=PartDelta(part_index=index, **grown))


def ended(index: int) -> StreamEvent:
    return StreamEvent(part_finished=PartFinished(part_index=index))


def finished(**fields: Any) -> StreamEvent:
    return StreamEvent(finished=Finished(**fields))


def rendered(*events: StreamEvent) -> list[dict[str, Any]]:
    """The data of each event; the event line is the data's type."""
    renderer = ChunkRenderer(fallback_id="fallback")
    text = b"".join(renderer.render(StreamResponse(events=[event])) for event in events).decode()
    assert text.endswith("\n\n")
    found = []
    for block in text.removesuffix("\n\n").split("\n\n"):
        if block == "data: [DONE]":
            found.append({"type": "[DONE]"})
            continue
        name, data = block.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == "event: " + found[-1]["type"]
    return found


def contents(events: list[dict[str, Any]]) -> list[tuple[str, Any, Any]]:
    return [
        (event["type"], event.get("index"), event["delta"]["message"].get("content")) for event in events if "delta" in event
    ]


def test_a_text() -> None:
    start, *rest = rendered(
        StreamEvent(started=Started()),
        started(0, Part(text="")),
        delta(0, text='Hi "Zoë"'),
        ended(0),
        finished(candidates=[CandidateFinish()], usage=Usage(input_tokens=3, output_tokens=2)),
    )

    assert (start["type"], start["id"], start["delta"]["message"]["role"]) == ("message-start", "fallback", "assistant")
    assert rest == [
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": 'Hi "Zoë"'}}}},
        {"type": "content-end", "index": 0},
        {
            "type": "message-end",
            "delta": {
                "finish_reason": "COMPLETE",
                "usage": {
                    "billed_units": {"input_tokens": 3, "output_tokens": 2},
                    "tokens": {"input_tokens": 3, "output_tokens": 2},
                },
            },
        },
        {"type": "[DONE]"},
    ]


def test_content_and_calls_are_numbered_apart() -> None:
    """Another provider's parts interleave, begin with text, and end only at the end."""
    first = Part(tool_call=ToolCall(id="c1", name="f", arguments_json="{"))
    events = rendered(
        started(0, Part(reasoning=Reasoning(text="Hm"))),
        started(1, first),
        started(2, Part(refusal="No")),
        started(3, Part(tool_call=ToolCall(id="c2", name="g"))),
        delta(0, reasoning="."),
        delta(3, arguments_json="{}"),
        delta(1, arguments_json="}"),
        delta(2, refusal="."),
        finished(candidates=[CandidateFinish(finish_reason=FINISH_REASON_TOOL_CALLS)]),
    )

    assert [(event["type"], event.get("index")) for event in events] == [
        ("content-start", 0),
        ("content-delta", 0),
        ("tool-call-start", 0),
        ("tool-call-delta", 0),
        ("content-start", 1),
        ("content-delta", 1),
        ("tool-call-start", 1),
        ("content-delta", 0),
        ("tool-call-delta", 1),
        ("tool-call-delta", 0),
        ("content-delta", 1),
        ("content-end", 0),
        ("tool-call-end", 0),
        ("content-end", 1),
        ("tool-call-end", 1),
        ("message-end", None),
        ("[DONE]", None),
    ]
    assert events[2]["delta"]["message"]["tool_calls"] == {
        "id": "c1",
        "type": "function",
        "function": {"name": "f", "arguments": ""},
    }


def test_a_plan_has_no_block() -> None:
    plan = Part(reasoning=Reasoning(text="I"))
    plan.provider_details_json["cohere"] = '{"$field":"tool_plan"}'

    assert rendered(started(0, plan), delta(0, reasoning=" will."), ended(0)) == [
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I"}}},
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": " will."}}},
    ]


def test_what_another_provider_signed_is_told_at_the_end() -> None:
    events = rendered(
        started(0, Part(reasoning=Reasoning(provider="anthropic"))),
        delta(0, reasoning="Hm"),
        delta(0, signature="s"),
        ended(0),
    )

    assert contents(events) == [
        ("content-start", 0, {"type": "thinking", "thinking": ""}),
        ("content-delta", 0, {"thinking": "Hm"}),
        ("content-delta", 0, {"provider": "anthropic", "signature": "s"}),
    ]


def test_blocks_that_do_not_grow_here_are_told_whole() -> None:
    events = rendered(
        started(0, Part(media=Media(mime_type="audio/wav"))),
        delta(0, data=b"\0"),
        delta(0, transcript="La"),
        started(1, Part(opaque=Opaque(dialect="cohere", json='{"type":"song"}'))),
        ended(1),
        ended(0),
    )

    assert contents(events) == [
        ("content-start", 1, {"type": "song"}),
        ("content-start", 0, {"type": "media", "media": {"url": "data:audio/wav;base64,AA==", "transcript": "La"}}),
    ]


def test_a_free_form_call_is_told_at_its_end() -> None:
    events = rendered(started(0, Part(tool_call=ToolCall(id="c", name="shell", input="l"))), delta(0, input="s"), ended(0))

    assert [event["type"] for event in events] == ["tool-call-start", "tool-call-delta", "tool-call-end"]
    assert events[1]["delta"]["message"]["tool_calls"]["function"]["arguments"] == '{"input":"ls"}'


def test_log_probabilities_of_another_provider() -> None:
    tokens = Logprobs(content=[TokenLogprob(token="H", logprob=-0.5), TokenLogprob(token="i", logprob=-1.0)])
    event = rendered(started(0, Part(text="")), delta(0, text="Hi", logprobs=tokens))[1]

    assert event["logprobs"] == {"text": "Hi", "token_ids": [], "logprobs": [-0.5, -1.0]}


def test_other_candidates_are_not_shown() -> None:
    other = StreamEvent(part_started=PartStarted(candidate_index=1, part=Part(text="no")))
    grown = StreamEvent(part_delta=PartDelta(candidate_index=1, text="no"))
    done = StreamEvent(part_finished=PartFinished(candidate_index=1))

    assert rendered(started(0, Part(text="")), other, grown, done)[1:] == []
