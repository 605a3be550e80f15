"""What a stream's events come to in the contract's terms. Splits, truncations and folds are proved by the laws."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import FINISH_REASON_LENGTH, FINISH_REASON_STOP, FINISH_REASON_TOOL_CALLS
from dragoman.v1.content_pb2 import Citation
from dragoman.v1.stream_pb2 import StreamEvent, StreamResponse
from gateway_dialects.anthropic import CLIENT as ANTHROPIC
from gateway_dialects.kit.dialect import ServerSentEvent
from tests.gateway_dialects.anthropic.client.answering import STOP, USAGE, Json, block, end, read, start, text, tool

PING: Json = {"type": "ping"}


def details(fields: Json) -> dict[str, str]:
    return {"anthropic": json.dumps(fields, separators=(",", ":"))}


def kinds(events: list[StreamEvent]) -> list[str | None]:
    return [event.WhichOneof("event") for event in events]


def grown(events: list[StreamEvent]) -> list[tuple[int, str]]:
    """(part, what was appended) for each delta."""
    deltas = [event.part_delta for event in events if event.HasField("part_delta")]
    return [(delta.part_index, str(getattr(delta, delta.WhichOneof("delta") or "text"))) for delta in deltas]


def test_text() -> None:
    events = read([start(), PING, *text(0, "Hel", "", "lo"), end(), STOP])
    assert kinds(events) == ["started", "part_started", "part_delta", "part_delta", "part_finished", "finished"]
    started, finished = events[0].started, events[-1].finished
    assert (started.id, started.model) == ("msg_1", "claude-x")
    assert json.loads(started.provider_details_json["anthropic"]) == {"usage": USAGE}
    assert grown(events) == [(0, "Hel"), (0, "lo")]
    ending = finished.candidates[0]
    assert (ending.finish_reason, ending.raw_finish_reason) == (FINISH_REASON_STOP, "end_turn")
    assert (finished.usage.input_tokens, finished.usage.output_tokens) == (10, 5)


def test_parallel_tools_and_one_without_arguments() -> None:
    events = read(
        [
            start(),
            *tool(0, "t1", "look", "", '{"x"', ":1}"),
            *tool(1, "t2", "now", ""),
            *tool(2, "t3", "who"),
            end("tool_use"),
            STOP,
        ]
    )
    begun = [event.part_started for event in events if event.HasField("part_started")]
    assert [(part.part_index, part.part.tool_call.id, part.part.tool_call.name) for part in begun] == [
        (0, "t1", "look"),
        (1, "t2", "now"),
        (2, "t3", "who"),
    ]
    assert [part.part.tool_call.arguments_json for part in begun] == ["", "", ""]
    assert grown(events) == [(0, '{"x"'), (0, ":1}"), (1, "{}"), (2, "{}")]
    assert events[-1].finished.candidates[0].finish_reason == FINISH_REASON_TOOL_CALLS


def test_a_tool_whose_input_came_with_its_beginning() -> None:
    begun = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
    assert grown(read([start(), *block(0, begun), end("tool_use"), STOP])) == [(0, '{"a":1}')]


def test_arguments_that_were_cut_stay_cut() -> None:
    events = read([start(), *tool(0, "t", "f", '{"a":"lo'), end("max_tokens"), STOP])
    assert grown(events) == [(0, '{"a":"lo')]
    assert events[-1].finished.candidates[0].finish_reason == FINISH_REASON_LENGTH


def test_thinking_hidden_and_redacted() -> None:
    events = read(
        [
            start(),
            *block(
                0,
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "thinking_delta", "thinking": "Hm"},
                {"type": "thinking_delta", "thinking": "."},
                {"type": "signature_delta", "signature": "S="},
            ),
            *block(1, {"type": "thinking", "thinking": "", "signature": ""}, {"type": "signature_delta", "signature": "T="}),
            *block(2, {"type": "redacted_thinking", "data": "R="}),
            *text(3, "Yes"),
            end(),
            STOP,
        ]
    )
    deltas = [
        (delta.part_index, delta.WhichOneof("delta"))
        for delta in (e.part_delta for e in events)
        if delta.WhichOneof("delta")
    ]
    assert deltas == [(0, "reasoning"), (0, "reasoning"), (0, "signature"), (1, "signature"), (2, "encrypted"), (3, "text")]
    assert grown(events) == [(0, "Hm"), (0, "."), (0, "S="), (1, "T="), (2, "R="), (3, "Yes")]
    begun = [event.part_started.part for event in events if event.HasField("part_started")]
    assert [part.reasoning.provider for part in begun] == ["anthropic", "anthropic", "anthropic", ""]


def test_a_server_tool_is_one_event_when_it_ends() -> None:
    begun = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", '{"query"', ':"x"}')]
    found = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"url": "https://e/"}]}
    events = read([start(), *block(0, begun, *pieces), *block(1, found), *text(2, "So"), end(), STOP])
    opaque = [event.part_started.part.opaque for event in events if event.part_started.part.HasField("opaque")]
    assert [json.loads(part.json) for part in opaque] == [{**begun, "input": {"query": "x"}}, found]
    assert {part.dialect for part in opaque} == {"anthropic"}
    assert [event.part_started.part_index for event in events if event.HasField("part_started")] == [0, 1, 2]


def test_a_server_tool_that_was_cut_keeps_what_came() -> None:
    begun = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    events = read([start(), *block(0, begun, {"type": "input_json_delta", "partial_json": '{"qu'}), end("max_tokens"), STOP])
    assert json.loads(events[1].part_started.part.opaque.json) == {**begun, "input": {"_raw": '{"qu'}}


def test_citations_come_live() -> None:
    web = {"type": "web_search_result_location", "url": "https://e/", "title": "E", "cited_text": "c"}
    page = {"type": "page_location", "cited_text": "c", "document_index": 0}
    cited = [{"type": "citations_delta", "citation": citation} for citation in (web, page)]
    events = read(
        [
            start(),
            *text(0, "As "),
            *block(
                1, {"type": "text", "text": "", "citations": []}, cited[0], cited[1], {"type": "text_delta", "text": "said"}
            ),
            *block(2, {"type": "text", "text": ""}, {"type": "text_delta", "text": "."}, cited[0]),
            end(),
            STOP,
        ]
    )
    live = [(delta.part_index, list(delta.citations)) for delta in (event.part_delta for event in events) if delta.citations]
    first = Citation(uri="https://e/", title="E", cited_text="c", provider_details_json=details(web))
    second = Citation(cited_text="c", source_id="document_0", provider_details_json=details(page))
    assert live == [(1, [first]), (1, [second]), (2, [first])]
    assert not any(event.part_finished.provider_details_json for event in events)


def test_citations_that_a_block_begins_with() -> None:
    web = {"type": "web_search_result_location", "url": "https://e/", "title": "E", "cited_text": "c"}
    events = read([start(), *block(0, {"type": "text", "text": "Hi", "citations": [web, 5]}), end(), STOP])
    deltas = [event.part_delta for event in events if event.HasField("part_delta")]
    assert [(delta.text, [citation.uri for citation in delta.citations]) for delta in deltas] == [
        ("Hi", []),
        ("", ["https://e/"]),
    ]


def test_usage_is_cumulative_and_never_added() -> None:
    first = {"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 0, "output_tokens": 1}
    events = read(
        [
            start(usage=first),
            *text(0, "x"),
            end(None, {"output_tokens": 3}),
            end("end_turn", {"input_tokens": 12, "cache_read_input_tokens": None, "output_tokens": 7}),
            STOP,
        ]
    )
    usage = events[-1].finished.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens, usage.cache_read_tokens) == (112, 7, 119, 100)


def test_what_the_end_has_of_the_candidate_and_of_the_answer() -> None:
    container = {"id": "c"}
    details = {"type": "refusal", "category": "bio"}
    final = {**end("refusal", stop_details=details, container=container), "context_management": {"applied_edits": []}}
    finished = read([start(), *text(0, "x"), final, STOP])[-1].finished
    assert json.loads(finished.candidates[0].provider_details_json["anthropic"]) == {"stop_details": details}
    assert json.loads(finished.provider_details_json["anthropic"]) == {
        "container": container,
        "context_management": {"applied_edits": []},
    }


def test_a_stream_is_complete_with_its_stop_reason_and_done_with_its_stop() -> None:
    decoder, batch = ANTHROPIC.stream.decoder(), StreamResponse()

    def feed(*events: Json) -> tuple[bool, bool]:
        for event in events:
            decoder.feed(ServerSentEvent(json.dumps(event).encode()), batch)
        return decoder.complete, decoder.done

    assert feed(start(), *text(0, "x")) == (False, False)
    assert feed(end()) == (True, False)
    assert feed(STOP) == (True, True)
    count = len(batch.events)
    assert feed(*text(1, "late"), {"type": "error", "error": {}}) == (True, True)
    decoder.finish(batch)
    assert len(batch.events) == count


def test_blocks_that_nobody_closed_are_closed_at_the_end() -> None:
    events = read([start(), *block(0, {"type": "text", "text": "Hi"}, open=True), end()])
    assert kinds(events) == ["started", "part_started", "part_delta", "part_finished", "finished"]


@pytest.mark.parametrize(
    "events", [[], [PING], [start()], [start(), *text(0, "x")], [start(), *text(0, "x"), end(None)], [end()]]
)
def test_an_end_before_the_stop_reason_is_an_error(events: list[Json]) -> None:
    with pytest.raises(GatewayError) as caught:
        read(events)
    assert caught.value.reason is Reason.STREAM_INTERRUPTED


def test_kinds_of_the_future_are_not_lost() -> None:
    begun = {"type": "hologram", "frames": ["a"], "note": "n", "level": 1}
    deltas = [{"type": "hologram_delta", "frames": ["b"], "note": "m", "level": 2, "none": None}]
    odd = {"type": "text_delta_of_the_future", "glow": "x"}
    events = read(
        [
            start(),
            {"type": "event_of_the_future", "x": 1},
            {"no": "type"},
            *block(0, begun, *deltas),
            *block(1, {"type": "text", "text": ""}, odd, {"type": "text_delta", "text": "Hi"}),
            end(),
            STOP,
        ]
    )
    whole = json.loads(events[1].part_started.part.opaque.json)
    assert whole == {"type": "hologram", "frames": ["a", "b"], "note": "nm", "level": 2}
    ended = [event.part_finished for event in events if event.HasField("part_finished")]
    assert json.loads(ended[1].provider_details_json["anthropic"]) == {"glow": "x"}


MALFORMED: list[Any] = [
    [{"type": "message_start"}],
    [{"type": "message_start", "message": []}],
    [start(), start()],
    [{"type": "content_block_start", "index": 0, "content_block": {"type": "text"}}],
    [start(), {"type": "content_block_start", "index": 0}],
    [start(), {"type": "content_block_start", "content_block": {"type": "text"}}],
    [start(), {"type": "content_block_start", "index": "0", "content_block": {"type": "text"}}],
    [start(), *block(0, {"type": "text"}, open=True), *block(0, {"type": "text"})],
    [start(), {"type": "content_block_delta", "index": 3, "delta": {"type": "text_delta", "text": "x"}}],
    [start(), *block(0, {"type": "text"}, open=True), {"type": "content_block_delta", "index": 0}],
    [start(), {"type": "content_block_stop"}],
]


@pytest.mark.parametrize("events", MALFORMED)
def test_events_that_break_the_format(events: list[Json]) -> None:
    with pytest.raises(GatewayError) as caught:
        read(events)
    assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE


@pytest.mark.parametrize("data", [b"[]", b"5", b"{", b'{"type":"ping"', b"\xff", b'"\xff"', b"[" * 5000])
def test_data_that_is_no_event(data: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        ANTHROPIC.stream.decoder().feed(ServerSentEvent(data), StreamResponse())
    assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE


def test_the_end_marker_of_other_apis_before_the_answer_is_complete() -> None:
    with pytest.raises(GatewayError) as caught:
        ANTHROPIC.stream.decoder().feed(ServerSentEvent(b"[DONE]"), StreamResponse())
    assert caught.value.reason is Reason.STREAM_INTERRUPTED
