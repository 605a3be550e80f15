import json
from typing import Any

from dragoman.v1.chat_pb2 import FINISH_REASON_TOOL_CALLS, Logprobs, TokenLogprob
from dragoman.v1.content_pb2 import Citation, Media, Opaque, Part, Reasoning, ToolCall
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
from gateway_dialects.cohere.render_stream import ChunkRenderer


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
    plan = Part(reasoning=Reasoning(text="I"), provider_details_json={"cohere.form": '{"plan":true}'})

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


def cited(events: list[dict[str, Any]]) -> list[Any]:
    return [event["delta"]["message"]["citations"] for event in events if event["type"] == "citation-start"]


def test_citations_of_another_provider_come_with_the_end_of_their_part() -> None:
    whole, piece = Citation(uri="https://x", title="X"), Citation(source_id="f", start_index=3, end_index=6)
    events = rendered(
        started(0, Part(reasoning=Reasoning(text="Hm"))),
        started(1, Part(text="Zoë", citations=[whole])),
        delta(1, citations=[piece]),
        delta(1, text=" is"),
        ended(1),
    )
    source = {"type": "document", "id": "https://x", "document": {"title": "X", "text": "", "url": "https://x"}}
    file = {"type": "document", "id": "f", "document": {"title": "", "text": ""}}

    assert cited(events) == [
        {"start": 0, "end": 6, "text": "Zoë is", "sources": [source], "type": "TEXT_CONTENT", "content_index": 1},
        {"start": 3, "end": 6, "text": " is", "sources": [file], "type": "TEXT_CONTENT", "content_index": 1},
    ]
    assert [(event["type"], event["index"]) for event in events[-5:]] == [
        ("citation-start", 0),
        ("citation-end", 0),
        ("citation-start", 1),
        ("citation-end", 1),
        ("content-end", 1),
    ]


def test_citations_of_cohere_come_at_once_and_as_they_are() -> None:
    own = {"start": 0, "end": 2, "text": "Hi", "sources": [{"id": "a"}, {"id": "b"}]}
    first = Citation(source_id="a", provider_details_json={"cohere": json.dumps(own)})
    second = Citation(source_id="b", provider_details_json={"cohere.form": '{"source":1}'})
    events = rendered(started(0, Part(text="Hi")), delta(0, text="!", citations=[first, second]), delta(0, text="?"))

    assert [event["type"] for event in events[2:]] == ["content-delta", "citation-start", "citation-end", "content-delta"]
    assert cited(events) == [own]


def test_citations_of_a_plan_and_of_nothing() -> None:
    plan = Part(reasoning=Reasoning(text="I"), provider_details_json={"cohere.form": '{"plan":true}'})
    plan.citations.add(uri="https://x", start_index=0, end_index=1)
    lost = CandidateFinish(provider_details_json={"cohere": '{"message":{"citations":[{"content_index":9}]}}'})
    found = cited(rendered(started(0, plan), ended(0), finished(candidates=[lost])))

    assert (found[0]["type"], found[0]["text"], "content_index" in found[0]) == ("PLAN", "I", False)
    assert found[1:] == [{"content_index": 9}]


def test_other_candidates_are_not_shown() -> None:
    other = StreamEvent(part_started=PartStarted(candidate_index=1, part=Part(text="no")))
    grown = StreamEvent(part_delta=PartDelta(candidate_index=1, text="no"))
    done = StreamEvent(part_finished=PartFinished(candidate_index=1))

    assert rendered(started(0, Part(text="")), other, grown, done)[1:] == []
