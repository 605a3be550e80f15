"""A stream of events as chunks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk

from dragoman.v1.chat_pb2 import FinishReason, Logprobs, TokenLogprob
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, Citation, Media, Opaque, Part, Reasoning, Signature, ToolCall
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
from gateway_dialects.openai.render_stream import ChunkRenderer
from tests.gateway_dialects.openai.server.reading import details

Happening = Started | PartStarted | PartDelta | PartFinished | Finished
Chunk = dict[str, Any]

HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "m-2025", "system_fingerprint": None}
STARTED = Started(id="chatcmpl-1", model="m-2025", created=7)
FIRST = {"role": "assistant", "content": "", "refusal": None}
STOPPED = CandidateFinish(finish_reason=FinishReason.FINISH_REASON_STOP)
USAGE = Usage(input_tokens=3, output_tokens=2, total_tokens=5, raw_json="{}", raw_dialect="openai")
TOLD_USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def batch(*events: Happening) -> StreamResponse:
    return StreamResponse(events=[wrapped(event) for event in events])


def wrapped(event: Happening) -> StreamEvent:
    match event:
        case Started():
            return StreamEvent(started=event)
        case PartStarted():
            return StreamEvent(part_started=event)
        case PartDelta():
            return StreamEvent(part_delta=event)
        case PartFinished():
            return StreamEvent(part_finished=event)
        case Finished():
            return StreamEvent(finished=event)


def written(*events: Happening, include_usage: bool = False) -> bytes:
    renderer = ChunkRenderer(include_usage=include_usage, fallback_id="chatcmpl-ours", now=1_750_000_000)
    whole = renderer.render(batch(*events))
    again = ChunkRenderer(include_usage=include_usage, fallback_id="chatcmpl-ours", now=1_750_000_000)
    assert b"".join(again.render(batch(event)) for event in events) == whole
    return whole


def once(pairs: list[tuple[str, Any]]) -> Chunk:
    """Strict readers refuse an object that names a field twice."""
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), names
    return dict(pairs)


def chunks(*events: Happening, include_usage: bool = False) -> list[Chunk]:
    """The chunks without [DONE], which OpenAI's own types accept as well."""
    *frames, end = written(*events, include_usage=include_usage).split(b"\n\n")
    assert end == b""
    found = [json.loads(frame.removeprefix(b"data: "), object_pairs_hook=once) for frame in frames if b"[DONE]" not in frame]
    for chunk in found:
        if '"custom"' not in json.dumps(chunk):  # Those types know custom tools in whole answers only.
            ChatCompletionChunk.model_validate(chunk)
    return found


def deltas(*events: Happening) -> list[Chunk]:
    """The deltas of a stream that says this, after the first one of each candidate."""
    found = chunks(STARTED, *events)
    assert all(HEAD.items() <= chunk.items() for chunk in found)
    return [choice["delta"] for chunk in found for choice in chunk["choices"] if choice["delta"] != FIRST]


def choice(delta: Chunk, index: int = 0, finish_reason: str | None = None, logprobs: Chunk | None = None) -> Chunk:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}


def test_text_from_its_start_to_its_end() -> None:
    events = (
        STARTED,
        PartStarted(part=Part(text="")),
        PartDelta(text="Hel"),
        PartDelta(text='lo "ü"\n'),
        PartFinished(),
        Finished(candidates=[STOPPED], usage=USAGE),
    )
    assert chunks(*events) == [
        {**HEAD, "choices": [choice(FIRST)]},
        {**HEAD, "choices": [choice({"content": "Hel"})]},
        {**HEAD, "choices": [choice({"content": 'lo "ü"\n'})]},
        {**HEAD, "choices": [choice({}, finish_reason="stop")]},
    ]
    assert written(*events).endswith(b"}\n\ndata: [DONE]\n\n")


def test_usage_only_when_it_was_asked_for() -> None:
    events = (STARTED, PartStarted(part=Part(text="Hi")), Finished(candidates=[STOPPED], usage=USAGE))
    assert all("usage" not in chunk for chunk in chunks(*events))
    *before, last = chunks(*events, include_usage=True)
    assert len(before) == 3
    assert all(chunk["usage"] is None for chunk in before)
    assert last == {**HEAD, "choices": [], "usage": TOLD_USAGE}


def test_usage_that_the_provider_did_not_tell() -> None:
    found = chunks(STARTED, Finished(candidates=[STOPPED]), include_usage=True)
    assert [chunk["choices"] for chunk in found] == [[choice(FIRST)], [choice({}, finish_reason="stop")]]


def test_what_the_provider_leaves_out_is_filled_in() -> None:
    found = chunks(Started(route=RouteTrace(model="real-model")), Finished(candidates=[STOPPED]))
    head = {**HEAD, "id": "chatcmpl-ours", "created": 1_750_000_000, "model": "real-model"}
    assert [chunk | {"choices": []} for chunk in found] == [head | {"choices": []}] * 2


def test_what_is_known_from_the_start_is_in_every_chunk() -> None:
    started = Started(id="1", model="m", created=7, system_fingerprint="fp", service_tier="flex")
    started.provider_details_json.update(details({"provider": "Azure", "filters": [{"a": 1}]}))
    found = chunks(started, PartStarted(part=Part(text="")), PartDelta(text="Hi"), Finished(candidates=[STOPPED]))
    common = {"system_fingerprint": "fp", "service_tier": "flex", "provider": "Azure"}
    assert all(common.items() <= chunk.items() for chunk in found)
    assert [chunk.get("filters") for chunk in found] == [[{"a": 1}], None, None]


@pytest.mark.parametrize("include_usage", [False, True])
def test_what_becomes_known_at_the_end_is_told_once(include_usage: bool) -> None:
    finished = Finished(candidates=[STOPPED], usage=USAGE, system_fingerprint="fp", service_tier="flex")
    finished.provider_details_json.update(details({"x_groq": {"id": "r"}}))
    events = (STARTED, PartStarted(part=Part(text="")), PartDelta(text="Hi"), finished)
    found = chunks(*events, include_usage=include_usage)
    assert [chunk.get("x_groq") for chunk in found if "x_groq" in chunk] == [{"id": "r"}]
    assert [chunk["system_fingerprint"] for chunk in found].count("fp") == 1
    assert sum("service_tier" in chunk for chunk in found) == 1


def test_structures_that_come_first_wait_for_no_shortcut() -> None:
    started = Started(id="1", model="m", created=7, provider_details_json=details({"filters": [1]}))
    renderer = ChunkRenderer(include_usage=True, fallback_id="f", now=1)
    assert renderer.render(batch(started)) == b""
    first = renderer.render(batch(PartStarted(part=Part(text="Hi"))))
    assert first.count(b'"filters":[1]') == 1


def test_tool_calls() -> None:
    calls = [
        ToolCall(id="c1", name="f"),
        ToolCall(id="c2", name="g", arguments_json="{"),
        ToolCall(id="c3", name="h", input=""),
    ]
    assert deltas(
        PartStarted(part_index=0, part=Part(text="")),
        PartStarted(part_index=1, part=Part(tool_call=calls[0])),
        PartDelta(part_index=1, arguments_json='{"a":'),
        PartDelta(part_index=1, arguments_json="1}"),
        PartStarted(part_index=2, part=Part(tool_call=calls[1])),
        PartDelta(part_index=2, arguments_json="}"),
        PartStarted(part_index=3, part=Part(tool_call=calls[2])),
        PartDelta(part_index=3, input="free"),
    ) == [
        {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]},
        {"tool_calls": [{"index": 1, "id": "c2", "type": "function", "function": {"name": "g", "arguments": "{"}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "}"}}]},
        {"tool_calls": [{"index": 2, "id": "c3", "type": "custom", "custom": {"name": "h", "input": ""}}]},
        {"tool_calls": [{"index": 2, "custom": {"input": "free"}}]},
    ]


def test_each_candidate_counts_its_own_tool_calls() -> None:
    found = chunks(
        STARTED,
        PartStarted(candidate_index=0, part=Part(tool_call=ToolCall(id="a", name="f"))),
        PartStarted(candidate_index=1, part=Part(tool_call=ToolCall(id="b", name="f"))),
        PartDelta(candidate_index=1, arguments_json="{}"),
    )
    calls = [
        (choice["index"], call["index"])
        for chunk in found
        for choice in chunk["choices"]
        for call in choice["delta"].get("tool_calls", [])
    ]
    assert calls == [(0, 0), (1, 0), (1, 0)]


def test_every_candidate_begins_and_ends() -> None:
    found = chunks(
        STARTED,
        PartStarted(candidate_index=1, part=Part(text="b")),
        PartDelta(candidate_index=1, text="c"),
        PartStarted(candidate_index=0, part=Part(text="")),
        PartDelta(candidate_index=0, text="a"),
        Finished(
            candidates=[
                STOPPED,
                CandidateFinish(index=1, finish_reason=FinishReason.FINISH_REASON_LENGTH),
                CandidateFinish(
                    index=2,
                    finish_reason=FinishReason.FINISH_REASON_CONTENT_FILTER,
                    provider_details_json=details({"native": "x", "message": {"mood": "good"}}),
                ),
            ]
        ),
    )
    assert [chunk["choices"] for chunk in found] == [
        [choice(FIRST, 1)],
        [choice({"content": "b"}, 1)],
        [choice({"content": "c"}, 1)],
        [choice(FIRST, 0)],
        [choice({"content": "a"}, 0)],
        [choice({}, 0, "stop")],
        [choice({}, 1, "length")],
        [choice(FIRST, 2)],
        [{**choice({}, 2, "content_filter"), "native": "x"}],
    ]


def test_logprobs() -> None:
    logprobs = Logprobs(content=[TokenLogprob(token="Hi", logprob=-0.5, token_bytes=b"Hi")])
    found = chunks(STARTED, PartStarted(part=Part(text="")), PartDelta(text="Hi", logprobs=logprobs))
    told = {"content": [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}], "refusal": None}
    assert found[-1] == {**HEAD, "choices": [choice({"content": "Hi"}, logprobs=told)]}


def test_a_refusal() -> None:
    assert deltas(PartStarted(part=Part(refusal="")), PartDelta(refusal="No."), PartDelta(refusal=" Sorry.")) == [
        {"refusal": "No."},
        {"refusal": " Sorry."},
    ]


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (None, {"reasoning_content": "Hm."}),
        ({"strings": ["reasoning", "reasoning_content"]}, {"reasoning": "Hm.", "reasoning_content": "Hm."}),
        (
            {"strings": ["reasoning"], "item": {"type": "t", "index": 0}},
            {"reasoning_details": [{"type": "t", "index": 0, "text": "Hm."}], "reasoning": "Hm."},
        ),
    ],
)
def test_reasoning(form: Chunk | None, told: Chunk) -> None:
    part = Part(reasoning=Reasoning(), provider_details_json=details(form=form))
    assert deltas(PartStarted(part=part), PartDelta(reasoning="Hm.")) == [told]


def test_summarised_and_signed_reasoning() -> None:
    given = details(form={"item": {"type": "t"}})
    assert deltas(
        PartStarted(part_index=0, part=Part(reasoning=Reasoning(summary=True), provider_details_json=given)),
        PartDelta(part_index=0, reasoning="Short."),
        PartStarted(part_index=1, part=Part(reasoning=Reasoning(), provider_details_json=given)),
        PartDelta(part_index=1, signature="s"),
        PartDelta(part_index=1, encrypted="x"),
    ) == [
        {"reasoning_details": [{"type": "t", "summary": "Short."}]},
        {"reasoning_details": [{"type": "t", "signature": "s"}]},
        {"reasoning_details": [{"type": "t", "data": "x"}]},
    ]


def test_reasoning_of_another_dialect() -> None:
    """Unsigned reasoning of an unknown provider becomes text; a signature still finds its item."""
    anthropic = {"format": "anthropic-claude-v1", "index": 0}
    assert deltas(
        PartStarted(part_index=0, part=Part(reasoning=Reasoning(provider="anthropic"))),
        PartDelta(part_index=0, reasoning="Hm."),
        PartDelta(part_index=0, signature="s"),
        PartStarted(part_index=1, part=Part(reasoning=Reasoning())),
        PartDelta(part_index=1, reasoning="Ah."),
        PartDelta(part_index=1, signature="t"),
    ) == [
        {"reasoning_content": "Hm.", "reasoning_details": [{"type": "reasoning.text", **anthropic, "text": "Hm."}]},
        {"reasoning_details": [{"type": "reasoning.text", **anthropic, "signature": "s"}]},
        {"reasoning_content": "Ah."},
        {"reasoning_details": [{"type": "reasoning.text", "format": "unknown", "index": 1, "signature": "t"}]},
    ]


def test_gemini_signatures() -> None:
    """Of text and calls, at their beginning or at their end."""
    signature = Signature(provider="gemini", value="s")
    extra = {"extra_content": {"google": {"thought_signature": "s"}}}
    call = ToolCall(id="c", name="f")
    signed_call = {"index": 1, "id": "c", "type": "function", **extra, "function": {"name": "f", "arguments": ""}}
    found = deltas(
        PartStarted(part_index=0, part=Part(text="")),
        PartDelta(part_index=0, text="Hi"),
        PartFinished(part_index=0, signature=signature),
        PartStarted(part_index=1, part=Part(tool_call=call)),
        PartFinished(part_index=1, signature=signature),
        PartStarted(part_index=2, part=Part(tool_call=call, signature=signature)),
        PartStarted(part_index=3, part=Part(text="", signature=signature)),
    )
    assert found[1] == extra
    assert found[3:] == [{"tool_calls": [{"index": 0, **extra}]}, {"tool_calls": [signed_call]}, extra]


def test_citations() -> None:
    """Those of a whole part wait for its end; offsets count over all text. Own annotations stay as they are."""
    own = {"type": "url_citation", "url_citation": {"url": "u"}}
    found = deltas(
        PartStarted(part_index=0, part=Part(text="")),
        PartDelta(part_index=0, text="So: ", citations=[Citation(uri="a", start_index=0, end_index=2)]),
        PartDelta(part_index=0, citations=[Citation(uri="o", provider_details_json=details(own))]),
        PartStarted(part_index=1, part=Part(text="y")),
        PartDelta(part_index=1, citations=[Citation(uri="b", title="B")]),
        PartDelta(part_index=1, text="es", citations=[Citation(source_id="f", start_index=1, end_index=3)]),
        PartFinished(part_index=1),
    )

    def cited(index: int, kind: str, start: int, end: int, **fields: str) -> Chunk:
        return {"index": index, "type": kind, kind: {**fields, "start_index": start, "end_index": end}}

    assert found == [
        {"content": "So: ", "annotations": [cited(0, "url_citation", 0, 2, url="a", title="")]},
        {"annotations": [own]},
        {"content": "y"},
        {"content": "es", "annotations": [cited(1, "file_citation", 5, 7, file_id="f")]},
        {"annotations": [cited(2, "url_citation", 4, 7, url="b", title="B")]},
    ]


def test_audio() -> None:
    sound = Part(media=Media(kind=MEDIA_KIND_AUDIO))
    given = details({"audio": {"id": "audio_1"}})
    assert deltas(
        PartStarted(part=sound), PartDelta(transcript="Hi", provider_details_json=given), PartDelta(data=b"ID3")
    ) == [{"audio": {"id": "audio_1"}}, {"audio": {"data": "SUQz"}}]


def test_details_of_a_delta_are_told() -> None:
    delta = PartDelta(text="Hi", provider_details_json=details({"annotations": [1]}))
    assert deltas(PartStarted(part=Part(text="")), delta) == [{"content": "Hi", "annotations": [1]}]


def test_what_another_dialect_alone_understands_fits_into_its_line() -> None:
    opaque = Opaque(dialect="anthropic", json='{\n\n "a": [1]\n}')
    told = {"opaque": [{"index": 0, "dialect": "anthropic", "content": {"a": [1]}}]}
    assert deltas(PartStarted(part=Part(opaque=opaque))) == [told]


def test_a_sign_of_life_writes_nothing() -> None:
    assert written() == b""
    assert written(STARTED) == b""
