"""Streams of other providers, which interleave, leave open and tell late. This dialect's own are in the laws."""

from __future__ import annotations

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import FinishReason, Logprobs, TokenLogprob
from dragoman.v1.content_pb2 import Citation, Media, MediaKind, Opaque, Part, Reasoning, Signature, ToolCall
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
from gateway_dialects.openai_responses.render_stream import ChunkRenderer
from tests.gateway_dialects.openai_responses.server.answers import STOP, Event, batch, live, stream_of, types, whole_text
from tests.laws.languages.openai_responses import events_of

TEXT = PartStarted(part_index=0, part=Part(text=""))
MESSAGE = {"id": "msg_1_0", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
PLACE = {"item_id": "msg_1_0", "output_index": 0, "content_index": 0}
PIECE = {"type": "output_text", "annotations": [], "logprobs": []}


def call(part_index: int, call_id: str = "c") -> PartStarted:
    return PartStarted(part_index=part_index, part=Part(tool_call=ToolCall(id=call_id, name="f")))


def test_text() -> None:
    """All events, with all their fields."""
    done = {**PIECE, "text": "Hi%d"}
    assert live(TEXT, PartDelta(text="Hi"), PartDelta(text="%d"), PartFinished()) == [
        {"type": "response.output_item.added", "output_index": 0, "item": MESSAGE},
        {"type": "response.content_part.added", **PLACE, "part": {**PIECE, "text": ""}},
        {"type": "response.output_text.delta", **PLACE, "delta": "Hi", "logprobs": []},
        {"type": "response.output_text.delta", **PLACE, "delta": "%d", "logprobs": []},
        {"type": "response.output_text.done", **PLACE, "text": "Hi%d", "logprobs": []},
        {"type": "response.content_part.done", **PLACE, "part": done},
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": {**MESSAGE, "status": "completed", "content": [done]},
        },
    ]


def test_the_response_around_it() -> None:
    first, second, last = events_of(stream_of(started=Started(id="resp_9", model="m", created=8, service_tier="flex")))
    assert (first["type"], second["type"], last["type"]) == (
        "response.created",
        "response.in_progress",
        "response.completed",
    )
    assert first["response"] == second["response"]
    assert (first["response"]["id"], first["response"]["created_at"], first["response"]["status"]) == (
        "resp_9",
        8,
        "in_progress",
    )
    assert (last["response"]["status"], last["response"]["service_tier"]) == ("completed", "flex")


def test_a_function_call() -> None:
    place = {"item_id": "fc_1_0", "output_index": 0}
    item = {"id": "fc_1_0", "type": "function_call", "call_id": "c", "name": "f"}
    assert live(call(0), PartDelta(arguments_json='{"a"'), PartDelta(arguments_json=":1}")) == [
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**item, "status": "in_progress", "arguments": ""},
        },
        {"type": "response.function_call_arguments.delta", **place, "delta": '{"a"'},
        {"type": "response.function_call_arguments.delta", **place, "delta": ":1}"},
        {"type": "response.function_call_arguments.done", **place, "name": "f", "arguments": '{"a":1}'},
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": {**item, "status": "completed", "arguments": '{"a":1}'},
        },
    ]


def test_a_custom_tools_call() -> None:
    begun = PartStarted(part=Part(tool_call=ToolCall(id="c", name="shell", input="")))
    found = live(begun, PartDelta(input="ls"), PartDelta(input=" -l"))
    assert types(found) == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
    ]
    assert found[-2]["input"] == found[-1]["item"]["input"] == "ls -l"


def test_a_call_without_arguments_means_an_empty_object() -> None:
    assert whole_text(call(0))[0]["arguments"] == "{}"


def test_reasoning_of_another_provider_is_a_summary_with_packed_state() -> None:
    begun = PartStarted(part=Part(reasoning=Reasoning(provider="anthropic")))
    found = live(begun, PartDelta(reasoning="Hm"), PartDelta(reasoning="."), PartDelta(signature="sig"), PartFinished())
    assert types(found) == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    assert found[-1]["item"]["summary"] == [{"type": "summary_text", "text": "Hm."}]
    assert found[-1]["item"]["encrypted_content"].startswith("dragoman.1.")


def test_parts_that_begin_with_content() -> None:
    parts = [
        Part(text="A"),
        Part(reasoning=Reasoning(text="B")),
        Part(tool_call=ToolCall(id="c", name="f", arguments_json="{}")),
    ]
    items = whole_text(*[PartStarted(part_index=index, part=part) for index, part in enumerate(parts)])
    assert items[0]["content"][0]["text"] == "A"
    assert items[1]["summary"][0]["text"] == "B"
    assert items[2]["arguments"] == "{}"


def test_an_item_ends_where_the_next_begins() -> None:
    """Most providers tell the ends of parts only at the very end."""
    found = live(TEXT, PartDelta(text="Hi"), call(1), PartDelta(part_index=1, arguments_json="{}"), call(2, "d"))
    assert [event["output_index"] for event in found] == [0] * 6 + [1] * 4 + [2] * 3


def test_calls_that_grow_at_once_stay_open_side_by_side() -> None:
    grows: list[Event] = [PartDelta(part_index=index, arguments_json=text) for text in ('{"a"', ":1}") for index in (0, 1)]
    items = whole_text(call(0), call(1, "d"), *grows)
    assert [(item["call_id"], item["arguments"]) for item in items] == [("c", '{"a":1}'), ("d", '{"a":1}')]


def test_what_follows_whole_arguments_is_white_space() -> None:
    grown = PartDelta(part_index=0, arguments_json="{}")
    items = whole_text(call(0), grown, call(1, "d"), PartDelta(part_index=0, arguments_json=" \n"))
    assert items[0]["arguments"] == "{}"


def test_text_that_goes_on_after_another_item_gets_an_item_of_its_own() -> None:
    thought = PartStarted(part_index=1, part=Part(reasoning=Reasoning()))
    items = whole_text(
        TEXT,
        PartDelta(text="A"),
        thought,
        PartDelta(part_index=1, reasoning="B"),
        PartDelta(text="C"),
        PartDelta(part_index=1, reasoning="D"),
    )
    assert [item["type"] for item in items] == ["message", "reasoning", "message", "reasoning"]
    assert items[2]["content"][0]["text"] == "C"
    assert items[3]["summary"][0]["text"] == "D"


def test_texts_that_follow_each_other_are_pieces_of_one_message() -> None:
    second = PartStarted(part_index=1, part=Part(text=""))
    refusal = PartStarted(part_index=2, part=Part(refusal=""))
    events: list[Event] = [
        TEXT,
        PartDelta(text="A"),
        PartFinished(),
        second,
        PartDelta(part_index=1, text="B"),
        PartFinished(part_index=1),
    ]
    (item,) = whole_text(*events, refusal, PartDelta(part_index=2, refusal="No."))
    assert [piece.get("text", piece.get("refusal")) for piece in item["content"]] == ["A", "B", "No."]


def test_what_says_nothing_is_no_item() -> None:
    thought = PartStarted(part_index=1, part=Part(reasoning=Reasoning()))
    assert live(TEXT, PartDelta(text=""), thought, PartFinished(), PartFinished(part_index=1)) == []


def test_other_candidates_are_not_shown() -> None:
    other = PartStarted(candidate_index=1, part=Part(text="x"))
    assert live(other, PartDelta(candidate_index=1, text="x"), PartFinished(candidate_index=1)) == []


def test_log_probabilities() -> None:
    logprobs = Logprobs(content=[TokenLogprob(token="Hi", token_bytes=b"Hi", logprob=-0.5)])
    found = live(TEXT, PartDelta(text="Hi", logprobs=logprobs))
    shown = [{"token": "Hi", "bytes": [72, 105], "logprob": -0.5, "top_logprobs": []}]
    assert found[2]["logprobs"] == found[3]["logprobs"] == found[4]["part"]["logprobs"] == shown


CITED = Citation(uri="https://e.com", title="E", start_index=0, end_index=2)
ANNOTATION = {"type": "url_citation", "start_index": 0, "end_index": 2, "title": "E", "url": "https://e.com"}


@pytest.mark.parametrize(
    "events",
    [
        [PartDelta(text="Hi", citations=[CITED])],
        [PartDelta(text="Hi"), PartDelta(citations=[CITED])],
        [PartDelta(citations=[CITED]), PartDelta(text="Hi")],
    ],
)
def test_citations_of_a_text_that_is_open(events: list[Event]) -> None:
    found = live(TEXT, *events)
    (added,) = (event for event in found if event["type"] == "response.output_text.annotation.added")
    assert added == {
        "type": "response.output_text.annotation.added",
        **PLACE,
        "annotation_index": 0,
        "annotation": ANNOTATION,
    }
    assert found[-2]["part"]["annotations"] == found[-1]["item"]["content"][0]["annotations"] == [ANNOTATION]


def test_citations_with_which_a_text_begins() -> None:
    begun = PartStarted(part=Part(text="Hi", citations=[CITED]))
    assert "output_text.annotation.added" in types(live(begun))
    assert whole_text(begun)[0]["content"][0]["annotations"] == [ANNOTATION]


def test_citations_of_a_text_that_has_ended_are_in_the_whole_response() -> None:
    second = PartStarted(part_index=1, part=Part(text=""))
    late = PartDelta(citations=[CITED])
    (item,) = whole_text(TEXT, PartDelta(text="Hi"), second, PartDelta(part_index=1, text="!"), late)
    assert [piece["annotations"] for piece in item["content"]] == [[ANNOTATION], []]
    item, _ = whole_text(TEXT, PartDelta(text="Hi"), call(1), late)
    assert item["content"][0]["annotations"] == [ANNOTATION]


def test_a_signature_comes_with_the_end() -> None:
    signature = Signature(provider="gemini", value="s")
    shown = {"provider": "gemini", "value": "s"}
    (item,) = whole_text(call(0), PartDelta(arguments_json="{}"), PartFinished(signature=signature))
    assert item["signature"] == shown
    (item,) = whole_text(TEXT, PartDelta(text="Hi"), PartFinished(signature=signature))
    assert item["content"][0]["signature"] == shown


def test_a_cut_answer() -> None:
    ending = CandidateFinish(finish_reason=FinishReason.FINISH_REASON_LENGTH)
    last = events_of(stream_of(TEXT, PartDelta(text="Hi"), ending=ending))[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert last["response"]["output"][0]["status"] == "incomplete"


def test_pictures_and_what_another_dialect_alone_understands_come_whole() -> None:
    picture = PartStarted(part_index=0, part=Part(media=Media(kind=MediaKind.MEDIA_KIND_IMAGE)))
    opaque = PartStarted(part_index=1, part=Part(opaque=Opaque(dialect="anthropic", json="{}")))
    found = live(picture, PartDelta(data=b"\x89"), PartFinished(), opaque)
    assert types(found) == ["output_item.added", "output_item.done"] * 2
    assert found[1]["item"]["result"] == "iQ=="
    assert found[0]["item"] == {"id": "ig_1_0", "type": "image_generation_call", "status": "in_progress"}
    assert found[3]["item"]["type"] == "reasoning"


def test_sound_is_shown_as_its_transcript() -> None:
    sound = PartStarted(part=Part(media=Media(kind=MediaKind.MEDIA_KIND_AUDIO)))
    (item,) = whole_text(sound, PartDelta(data=b"ID3"), PartDelta(transcript="Hi"))
    assert item["content"][0]["text"] == "Hi"


def test_a_failure_ends_the_stream() -> None:
    renderer = ChunkRenderer(echo={}, fallback_id="resp_1", now=7)
    renderer.render(batch(TEXT, PartDelta(text="Hi")))
    failure = GatewayError(Reason.RATE_LIMITED, "slow down", metadata={"provider": "p"})
    error, last = events_of(renderer.fail(failure))
    assert (error["type"], error["code"], error["message"]) == ("error", "rate_limited", "slow down")
    assert error["error"]["metadata"] == {"provider": "p"}
    assert (last["type"], last["response"]["status"]) == ("response.failed", "failed")
    assert last["response"]["error"] == {"code": "rate_limit_exceeded", "message": "slow down"}
    assert last["sequence_number"] == error["sequence_number"] + 1


def test_the_end_can_be_held_back() -> None:
    """What is shown at last is what became of the response meanwhile."""
    renderer = ChunkRenderer(echo={}, fallback_id="resp_1", now=7, holds_end=True)
    finished = Finished(candidates=[CandidateFinish(finish_reason=STOP)])
    last = StreamResponse(events=[StreamEvent(finished=finished)])
    shown = events_of(renderer.render(batch(TEXT, PartDelta(text="Hi"))) + renderer.render(last))
    assert shown[-1]["type"] == "response.output_item.done"
    renderer.response["store"] = False
    (end,) = events_of(renderer.end())
    assert (end["type"], end["sequence_number"]) == ("response.completed", shown[-1]["sequence_number"] + 1)
    assert (end["response"]["store"], end["response"]["output"]) == (False, [shown[-1]["item"]])


def test_no_end_of_an_answer_that_has_none() -> None:
    renderer = ChunkRenderer(echo={}, fallback_id="resp_1", now=7, holds_end=True)
    renderer.render(batch(TEXT, PartDelta(text="Hi")))
    assert renderer.end() == b""
