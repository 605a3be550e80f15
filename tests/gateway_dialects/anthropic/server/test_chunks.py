"""Streams as Anthropic's events, exactly in the order that the SDKs' accumulators need."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import FinishReason
from dragoman.v1.content_pb2 import Citation, Media, MediaKind, Opaque, Part, Reasoning, Signature, ToolCall
from dragoman.v1.routing_pb2 import RouteTrace
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
from gateway_dialects.anthropic.render_stream import ChunkRenderer
from tests.gateway_dialects.anthropic.server.reading import Json, details
from tests.laws.languages.anthropic import events_of, fold_stream

STOP = FinishReason.FINISH_REASON_STOP
NAMES = {Started: "started", PartStarted: "part_started", PartDelta: "part_delta", PartFinished: "part_finished"}


def event(message: Any) -> StreamEvent:
    return StreamEvent(**{NAMES.get(type(message), "finished"): message})


def written(*messages: Any, input_tokens: int = 7) -> bytes:
    """The bytes of a stream that starts, brings these events, and ends."""
    renderer = ChunkRenderer(fallback_id="msg_fallback", input_tokens=input_tokens)
    ending = Finished(candidates=[CandidateFinish(finish_reason=STOP, raw_finish_reason="stop")])
    batches = [Started(id="c-1", model="gpt-x"), *messages, ending]
    return b"".join(renderer.render(StreamResponse(events=[event(message)])) for message in batches)


def content(*messages: Any) -> list[Json]:
    """The events between the beginning and the end of the message."""
    events = [data for _, data in events_of(written(*messages))]
    assert [data["type"] for data in (*events[:2], *events[-2:])] == [
        "message_start",
        "ping",
        "message_delta",
        "message_stop",
    ]
    return events[2:-2]


def begun(index: int, block: Json) -> Json:
    return {"type": "content_block_start", "index": index, "content_block": block}


def grown(index: int, kind: str, **fields: str) -> Json:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def closed(index: int) -> Json:
    return {"type": "content_block_stop", "index": index}


TEXT: Json = {"type": "text", "text": ""}
THINKING: Json = {"type": "thinking", "thinking": "", "signature": ""}


def test_the_bytes_of_a_short_answer() -> None:
    finished = Finished(
        candidates=[CandidateFinish(finish_reason=STOP, raw_finish_reason="stop")],
        usage=Usage(input_tokens=50, output_tokens=7, cache_read_tokens=30),
    )
    renderer = ChunkRenderer(fallback_id="msg_f", input_tokens=9)
    part = PartStarted(part=Part(text=""))
    batch = [Started(route=RouteTrace(model="llama")), part, PartDelta(text="Hé\n"), PartFinished(), finished]
    assert renderer.render(StreamResponse(events=[event(message) for message in batch])).decode() == (
        "event: message_start\n"
        'data: {"type":"message_start","message":{"id":"msg_f","type":"message","role":"assistant","model":"llama",'
        '"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":0}}}\n\n'
        'event: ping\ndata: {"type":"ping"}\n\n'
        "event: content_block_start\n"
        'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
        "event: content_block_delta\n"
        'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hé\\n"}}\n\n'
        'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        "event: message_delta\n"
        'data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":20,'
        '"cache_creation_input_tokens":0,"cache_read_input_tokens":30,"output_tokens":7}}\n\n'
        'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    )


def test_the_input_is_never_zero_at_the_beginning() -> None:
    assert events_of(written())[0][1]["message"]["usage"] == {"input_tokens": 7, "output_tokens": 0}
    usage = {"input_tokens": 3, "cache_read_input_tokens": 9, "output_tokens": 1}
    renderer = ChunkRenderer(fallback_id="f", input_tokens=7)
    started = Started(id="m", model="x", provider_details_json=details({"usage": usage, "container": None}))
    out = renderer.render(StreamResponse(events=[event(started)]))
    assert events_of(out)[0][1]["message"]["usage"] == usage


def test_a_stream_without_content() -> None:
    assert content() == []
    assert fold_stream(written())["stop_reason"] == "end_turn"


def test_parts_one_after_another() -> None:
    assert content(
        PartStarted(part=Part(reasoning=Reasoning(provider="anthropic"))),
        PartDelta(reasoning="Hm."),
        PartDelta(signature="S="),
        PartFinished(),
        PartStarted(part_index=1, part=Part(text="He")),
        PartDelta(part_index=1, text="llo"),
        PartFinished(part_index=1),
        PartStarted(part_index=2, part=Part(tool_call=ToolCall(id="t", name="f"))),
        PartDelta(part_index=2, arguments_json='{"a"'),
        PartDelta(part_index=2, arguments_json=":1}"),
        PartFinished(part_index=2),
    ) == [
        begun(0, THINKING),
        grown(0, "thinking_delta", thinking="Hm."),
        grown(0, "signature_delta", signature="S="),
        closed(0),
        begun(1, TEXT),
        grown(1, "text_delta", text="He"),
        grown(1, "text_delta", text="llo"),
        closed(1),
        begun(2, {"type": "tool_use", "id": "t", "name": "f", "input": {}}),
        grown(2, "input_json_delta", partial_json='{"a"'),
        grown(2, "input_json_delta", partial_json=":1}"),
        closed(2),
    ]


def test_parts_that_no_provider_ends_until_the_very_end_follow_each_other() -> None:
    """OpenAI's chunks have no ends of parts."""
    assert content(
        PartStarted(part=Part(text="")),
        PartDelta(text="a"),
        PartStarted(part_index=1, part=Part(tool_call=ToolCall(id="t", name="f"))),
        PartDelta(part_index=1, arguments_json="{}"),
    ) == [
        begun(0, TEXT),
        grown(0, "text_delta", text="a"),
        closed(0),
        begun(1, {"type": "tool_use", "id": "t", "name": "f", "input": {}}),
        grown(1, "input_json_delta", partial_json="{}"),
        closed(1),
    ]


def test_tools_whose_arguments_interleave_are_shown_one_after_the_other() -> None:
    tools = [PartStarted(part_index=index, part=Part(tool_call=ToolCall(id=f"t{index}", name="f"))) for index in range(3)]
    found = content(
        tools[0],
        PartDelta(part_index=0, arguments_json='{"a":'),
        tools[1],
        PartDelta(part_index=1, arguments_json='{"b":'),
        tools[2],
        PartDelta(part_index=0, arguments_json="1}"),
        PartDelta(part_index=2, arguments_json="{}"),
        PartDelta(part_index=1, arguments_json="2}"),
    )
    assert [(data["type"], data["index"]) for data in found if data["type"] != "content_block_delta"] == [
        ("content_block_start", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_stop", 1),
        ("content_block_start", 2),
        ("content_block_stop", 2),
    ]
    pieces: dict[int, str] = {}
    for data in found:
        if data["type"] == "content_block_delta":
            pieces[data["index"]] = pieces.get(data["index"], "") + data["delta"]["partial_json"]
    assert pieces == {0: '{"a":1}', 1: '{"b":2}', 2: "{}"}


def test_text_that_goes_on_after_another_part_began_gets_a_block_of_its_own() -> None:
    assert content(
        PartStarted(part=Part(text="")),
        PartDelta(text="a"),
        PartStarted(part_index=1, part=Part(tool_call=ToolCall(id="t", name="f"))),
        PartDelta(part_index=1, arguments_json="{}"),
        PartDelta(text="b"),
    )[-3:] == [begun(2, TEXT), grown(2, "text_delta", text="b"), closed(2)]


def test_what_another_provider_signed_is_one_signature_at_the_end() -> None:
    found = content(
        PartStarted(part=Part(reasoning=Reasoning(provider="gemini"))),
        PartDelta(reasoning="Hm."),
        PartDelta(signature="G"),
        PartDelta(signature="S="),
        PartStarted(part_index=1, part=Part(text="")),
        PartDelta(part_index=1, text="x"),
    )
    assert found[:2] == [begun(0, THINKING), grown(0, "thinking_delta", thinking="Hm.")]
    assert found[2]["delta"]["type"] == "signature_delta"
    assert found[2]["delta"]["signature"].startswith("dragoman.1.")
    assert found[3:5] == [closed(0), begun(1, TEXT)]


def test_reasoning_that_only_its_provider_can_read_does_not_hold_back_the_text() -> None:
    found = content(
        PartStarted(part=Part(reasoning=Reasoning(provider="openai"))),
        PartStarted(part_index=1, part=Part(text="")),
        PartDelta(part_index=1, text="x"),
        PartDelta(encrypted="E="),
        PartFinished(part_index=1),
        PartFinished(),
    )
    assert [data["content_block"]["type"] for data in found if data["type"] == "content_block_start"] == ["text", "thinking"]
    assert found[-2]["delta"]["signature"].startswith("dragoman.1.")


def test_anthropics_own_redacted_reasoning() -> None:
    sealed = PartStarted(part=Part(reasoning=Reasoning(provider="anthropic")))
    found = content(sealed, PartDelta(encrypted="R="), PartFinished())
    assert found == [begun(0, {"type": "redacted_thinking", "data": "R="}), closed(0)]
    hidden = content(sealed, PartDelta(signature="S="), PartFinished())
    assert hidden == [begun(0, THINKING), grown(0, "signature_delta", signature="S="), closed(0)]


def test_a_custom_tools_input_is_an_object_at_the_end() -> None:
    assert content(
        PartStarted(part=Part(tool_call=ToolCall(id="t", name="sql", input=""))),
        PartDelta(input="select "),
        PartDelta(input="1"),
    ) == [
        begun(0, {"type": "tool_use", "id": "t", "name": "sql", "input": {}}),
        grown(0, "input_json_delta", partial_json='{"input":"select 1"}'),
        closed(0),
    ]


def test_server_tools_stream_their_input_and_other_blocks_come_whole() -> None:
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
    result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    foreign = Opaque(dialect="gemini", json='{"executableCode":{},"input":{"a":1}}')
    assert content(
        PartStarted(part=Part(opaque=Opaque(dialect="anthropic", json=json.dumps(search)))),
        PartFinished(),
        PartStarted(part_index=1, part=Part(opaque=Opaque(dialect="anthropic", json=json.dumps(result)))),
        PartStarted(part_index=2, part=Part(opaque=foreign)),
    ) == [
        begun(0, {**search, "input": {}}),
        grown(0, "input_json_delta", partial_json='{"query":"x"}'),
        closed(0),
        begun(1, result),
        closed(1),
        begun(2, {"type": "opaque", "dialect": "gemini", "content": {"executableCode": {}, "input": {"a": 1}}}),
        closed(2),
    ]


def test_media_comes_whole() -> None:
    found = content(
        PartStarted(part=Part(media=Media(kind=MediaKind.MEDIA_KIND_AUDIO, mime_type="audio/wav"))),
        PartDelta(data=b"ab"),
        PartDelta(data=b"c"),
        PartDelta(transcript="Hi"),
    )
    source = {"type": "base64", "media_type": "audio/wav", "data": "YWJj"}
    assert found == [begun(0, {"type": "document", "source": source, "context": "Hi"}), closed(0)]


def test_citations_are_live() -> None:
    citation = {"type": "page_location", "cited_text": "c"}
    found = content(
        PartStarted(part=Part(text="")),
        PartDelta(text="a"),
        PartDelta(citations=[Citation(cited_text="c", provider_details_json=details(citation))]),
        PartDelta(provider_details_json={"gemini": '{"groundingMetadata":{}}'}),
        PartDelta(text="b", citations=[Citation(uri="https://e/", title="E", cited_text="c")]),
    )
    assert found[2] == {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "citations_delta", "citation": citation},
    }
    assert found[3] == grown(0, "text_delta", text="b")
    assert (
        found[4]["delta"]["citation"].items()
        >= {"type": "web_search_result_location", "url": "https://e/", "title": "E", "cited_text": "c"}.items()
    )
    assert found[5:] == [closed(0)]


def test_citations_that_a_part_begins_with_and_those_of_a_text_that_was_closed() -> None:
    citation = Citation(uri="https://e/", cited_text="c")
    found = content(
        PartStarted(part=Part(text="a", citations=[citation])),
        PartStarted(part_index=1, part=Part(tool_call=ToolCall(id="t", name="f", arguments_json="{}"))),
        PartDelta(citations=[citation]),
    )
    kinds = [(data["type"], data["index"], data.get("delta", {}).get("type")) for data in found]
    start, delta, stop = "content_block_start", "content_block_delta", "content_block_stop"
    assert kinds == [
        (start, 0, None),
        (delta, 0, "text_delta"),
        (delta, 0, "citations_delta"),
        (stop, 0, None),
        (start, 1, None),
        (delta, 1, "input_json_delta"),
        (stop, 1, None),
        (start, 2, None),
        (delta, 2, "citations_delta"),
        (stop, 2, None),
    ]


def test_citations_of_what_is_no_text_are_not_shown() -> None:
    found = content(
        PartStarted(part=Part(reasoning=Reasoning(text="Hm."))),
        PartDelta(citations=[Citation(uri="https://e/")]),
        PartStarted(part_index=1, part=Part(text="a")),
        PartDelta(citations=[Citation(uri="https://e/")]),
    )
    assert [data["type"] for data in found].count("content_block_start") == 2
    assert "citations_delta" not in json.dumps(found)


@pytest.mark.parametrize("late", [False, True])
def test_another_providers_signature_of_a_tool_call_has_an_empty_thinking_block(late: bool) -> None:
    signature = Signature(provider="gemini", value="GS=")
    call = Part(tool_call=ToolCall(id="t", name="f", arguments_json="{}"), signature=None if late else signature)
    found = content(PartStarted(part=call), PartFinished(signature=signature if late else None))
    blocks = fold_stream(written(PartStarted(part=call), PartFinished(signature=signature if late else None)))["content"]
    assert [data["type"] for data in found].count("content_block_start") == len(blocks) == 2
    carrier, use = reversed(blocks) if late else blocks
    assert use == {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    assert (carrier["type"], carrier["thinking"]) == ("thinking", "")
    assert carrier["signature"].startswith("dragoman.1.")


def test_a_refusal_in_words_is_text_with_the_stop_reason_refusal() -> None:
    events = [data for _, data in events_of(written(PartStarted(part=Part(refusal="")), PartDelta(refusal="No.")))]
    assert events[2:5] == [begun(0, TEXT), grown(0, "text_delta", text="No."), closed(0)]
    assert events[-2]["delta"]["stop_reason"] == "refusal"


def test_only_the_first_candidate_is_shown() -> None:
    assert content(
        PartStarted(candidate_index=1, part=Part(text="")),
        PartDelta(candidate_index=1, text="b"),
        PartFinished(candidate_index=1),
        PartStarted(part=Part(text="")),
        PartDelta(text="a"),
    ) == [begun(0, TEXT), grown(0, "text_delta", text="a"), closed(0)]


def test_what_became_known_at_the_end() -> None:
    renderer = ChunkRenderer(fallback_id="f")
    refused = FinishReason.FINISH_REASON_CONTENT_FILTER
    stop = details({"stop_details": {"type": "refusal"}})
    finished = Finished(
        candidates=[CandidateFinish(finish_reason=refused, raw_finish_reason="refusal", provider_details_json=stop)],
        provider_details_json=details({"container": {"id": "c"}, "context_management": {}}),
    )
    out = renderer.render(StreamResponse(events=[event(Started(id="m")), event(finished)]))
    told = events_of(out)[-2][1]
    assert told["delta"] == {
        "stop_reason": "refusal",
        "stop_sequence": None,
        "stop_details": {"type": "refusal"},
        "container": {"id": "c"},
    }
    assert told["context_management"] == {}


@pytest.mark.parametrize("pieces", [["{bro"], ["[1]"], ['{"a":1} '], [" "], ['{"a":1}', " "]])
def test_arguments_that_are_no_object_are_shown_as_they_came(pieces: list[str]) -> None:
    found = content(
        PartStarted(part=Part(tool_call=ToolCall(id="t", name="f"))), *(PartDelta(arguments_json=piece) for piece in pieces)
    )
    assert [data["delta"]["partial_json"] for data in found[1:-1]] == pieces


def test_a_sign_of_life_writes_nothing() -> None:
    assert ChunkRenderer(fallback_id="f").render(StreamResponse()) == b""
    assert ChunkRenderer(fallback_id="f").render(StreamResponse(events=[StreamEvent()])) == b""
