"""Answers of other providers in the form that Mistral's clients read."""

import json
from typing import Any

from dragoman.v1.chat_pb2 import FINISH_REASON_CONTENT_FILTER, FINISH_REASON_STOP, Candidate, ChatResponse
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_AUDIO,
    MEDIA_KIND_IMAGE,
    Citation,
    Media,
    Opaque,
    Part,
    Reasoning,
    Signature,
    ToolCall,
)
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
from gateway_dialects.mistral.render_response import render_chat
from gateway_dialects.mistral.render_stream import ChunkRenderer
from tests.laws.languages.openai import chunks_of


def rendered(*parts: Part, **fields: Any) -> Any:
    candidate = Candidate(parts=parts, finish_reason=fields.pop("finish", FINISH_REASON_STOP))
    return json.loads(render_chat(ChatResponse(candidates=[candidate], **fields), "fallback", 7))


def content(*parts: Part) -> Any:
    return rendered(*parts)["choices"][0]["message"]["content"]


def streamed(*events: StreamEvent) -> list[Any]:
    batch = StreamResponse(events=[StreamEvent(started=Started(model="m")), *events])
    before = batch.SerializeToString(deterministic=True)
    chunks = chunks_of(ChunkRenderer(fallback_id="fallback", now=7).render(batch))
    assert batch.SerializeToString(deterministic=True) == before
    return chunks


def test_an_answer_has_everything_that_its_clients_want() -> None:
    assert rendered(Part(text="Hi")) == {
        "id": "fallback",
        "object": "chat.completion",
        "created": 7,
        "model": "",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hi", "tool_calls": None}, "finish_reason": "stop"}
        ],
        "usage": {
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "total_tokens": 0,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
    }


def test_usage_of_another_form() -> None:
    usage = Usage(
        input_tokens=9, output_tokens=5, total_tokens=14, cache_read_tokens=4, raw_json='{"x":1}', raw_dialect="gemini"
    )

    assert rendered(usage=usage)["usage"] == {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 4},
    }


def test_content() -> None:
    assert content() == ""
    assert content(Part(text="a"), Part(text="b"), Part(refusal="c")) == "abc"
    sealed = Part(reasoning=Reasoning(text="hm", signature="s", provider="mistral"))
    foreign = Part(reasoning=Reasoning(text="ho", signature="s", provider="anthropic"))
    assert content(sealed, foreign, Part(text="4")) == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "signature": "s"},
        {"type": "thinking", "thinking": [{"type": "text", "text": "ho"}]},
        {"type": "text", "text": "4"},
    ]
    assert content(
        Part(opaque=Opaque(dialect="openai", json='{"type":"reference","reference_ids":[1]}')),
        Part(opaque=Opaque(dialect="anthropic", json='{"a":1}')),
        Part(media=Media(kind=MEDIA_KIND_IMAGE, data=b"\0", mime_type="image/png")),
        Part(media=Media(kind=MEDIA_KIND_AUDIO, data=b"\0")),
    ) == [
        {"type": "reference", "reference_ids": [1]},
        {"type": "opaque", "dialect": "anthropic", "content": {"a": 1}},
        {"type": "image_url", "image_url": "data:image/png;base64,AA=="},
        {"type": "input_audio", "input_audio": "AA=="},
    ]


CITED = Citation(uri="https://x", title="X", start_index=0, end_index=2)
ANNOTATION = {"type": "url_citation", "url_citation": {"url": "https://x", "title": "X", "start_index": 3, "end_index": 5}}


def test_citations() -> None:
    thought = Part(reasoning=Reasoning(text="hm"), citations=[CITED])
    message = rendered(Part(text="Zoë"), thought, Part(text="is", citations=[CITED]))["choices"][0]["message"]

    assert message["annotations"] == [ANNOTATION]


def test_citations_in_a_stream() -> None:
    chunks = streamed(
        StreamEvent(part_started=PartStarted(part=Part(text="Z"))),
        StreamEvent(part_delta=PartDelta(text="oë")),
        StreamEvent(part_finished=PartFinished()),
        StreamEvent(part_started=PartStarted(part_index=1, part=Part(text=""))),
        StreamEvent(part_delta=PartDelta(part_index=1, citations=[CITED])),
        StreamEvent(part_delta=PartDelta(part_index=1, text="is")),
        StreamEvent(part_finished=PartFinished(part_index=1)),
    )

    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {"content": "Z"},
        {"content": "oë"},
        {"content": "is"},
        {"annotations": [ANNOTATION]},
    ]


def test_the_signature_of_a_call() -> None:
    """Google's, as clients of OpenAI's form carry it."""
    call = Part(tool_call=ToolCall(id="c", name="f", arguments_json="{}"))
    signature = Signature(provider="gemini", value="s")
    ended = StreamEvent(part_finished=PartFinished(signature=signature))
    late = streamed(StreamEvent(part_started=PartStarted(part=call)), ended)[1]["choices"][0]["delta"]
    call.signature.CopyFrom(signature)
    early = rendered(call)["choices"][0]["message"]

    assert early["tool_calls"] == late["tool_calls"]
    assert early["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s"}}


def test_what_is_filtered_is_not_called_done() -> None:
    assert rendered(Part(text="a"), finish=FINISH_REASON_CONTENT_FILTER)["choices"][0]["finish_reason"] == "content_filter"


def test_calls_have_their_places() -> None:
    calls = [Part(tool_call=ToolCall(id=f"call_{name}", name=name, arguments_json="{}")) for name in "ab"]
    message = rendered(Part(text="Let me see."), *calls)["choices"][0]["message"]

    assert message["content"] == "Let me see."
    assert message["tool_calls"][1] == {
        "id": "call_b",
        "type": "function",
        "function": {"name": "b", "arguments": "{}"},
        "index": 1,
    }


def test_a_streamed_call_is_told_when_it_is_whole() -> None:
    begun = Part(tool_call=ToolCall(id="c", name="f"))
    chunks = streamed(
        StreamEvent(part_started=PartStarted(part=Part(reasoning=Reasoning()))),
        StreamEvent(part_delta=PartDelta(reasoning="hm")),
        StreamEvent(part_started=PartStarted(part_index=1, part=begun)),
        StreamEvent(part_delta=PartDelta(part_index=1, arguments_json='{"a":')),
        StreamEvent(part_delta=PartDelta(part_index=1, arguments_json="1}")),
        StreamEvent(part_finished=PartFinished(part_index=0)),
        StreamEvent(part_finished=PartFinished(part_index=1)),
        StreamEvent(finished=Finished(candidates=[CandidateFinish(finish_reason=FINISH_REASON_STOP)])),
    )

    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
        {"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}, "index": 0}]},
        {"content": ""},
    ]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] == 0


def test_a_stream_without_content_is_whole_too() -> None:
    chunks = streamed(StreamEvent(finished=Finished(candidates=[CandidateFinish(), CandidateFinish(index=1)])))

    assert [(chunk["choices"][0]["index"], "usage" in chunk) for chunk in chunks] == [
        (0, False),
        (0, False),
        (1, False),
        (1, True),
    ]
