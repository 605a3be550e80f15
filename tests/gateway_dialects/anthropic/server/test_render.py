"""Whole answers in Anthropic's words."""

from __future__ import annotations

import json

import pytest

from dragoman.v1.chat_pb2 import Candidate, ChatResponse, FinishReason
from dragoman.v1.content_pb2 import Citation, Media, MediaKind, Opaque, Part, Reasoning, ToolCall
from dragoman.v1.routing_pb2 import RouteTrace
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.anthropic.render_response import render_chat
from tests.gateway_dialects.anthropic.server.reading import Json, details

STOP, LENGTH = FinishReason.FINISH_REASON_STOP, FinishReason.FINISH_REASON_LENGTH
CALLS, FILTER = FinishReason.FINISH_REASON_TOOL_CALLS, FinishReason.FINISH_REASON_CONTENT_FILTER
ERROR, UNKNOWN = FinishReason.FINISH_REASON_ERROR, FinishReason.FINISH_REASON_UNSPECIFIED


def rendered(response: ChatResponse, input_tokens: int = 0) -> Json:
    found: Json = json.loads(render_chat(response, "msg_fallback", input_tokens))
    return found


def answer(*parts: Part, reason: FinishReason.ValueType = STOP, raw: str = "") -> ChatResponse:
    return ChatResponse(candidates=[Candidate(parts=parts, finish_reason=reason, raw_finish_reason=raw)])


def blocks(*parts: Part) -> list[Json]:
    found: list[Json] = rendered(answer(*parts))["content"]
    return found


def test_every_field_of_the_schema_is_there() -> None:
    assert rendered(answer(Part(text="Hi"))) == {
        "id": "msg_fallback",
        "type": "message",
        "role": "assistant",
        "model": "",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }


def test_what_the_provider_gave_and_what_is_made_up() -> None:
    told = answer(Part(text="Hi"))
    told.id, told.model = "chatcmpl-1", "gpt-x"
    assert (rendered(told)["id"], rendered(told)["model"]) == ("chatcmpl-1", "gpt-x")
    silent = answer(Part(text="Hi"))
    silent.route.CopyFrom(RouteTrace(model="llama"))
    assert rendered(silent, 7)["model"] == "llama"
    assert rendered(silent, 7)["usage"] == {"input_tokens": 7, "output_tokens": 0}


def test_an_answer_without_candidates_is_empty() -> None:
    assert rendered(ChatResponse())["content"] == []


@pytest.mark.parametrize(
    ("reason", "raw", "word"),
    [
        (STOP, "stop", "end_turn"),
        (STOP, "stop_sequence", "stop_sequence"),
        (STOP, "pause_turn", "pause_turn"),
        (STOP, "tool_use", "end_turn"),
        (LENGTH, "length", "max_tokens"),
        (LENGTH, "model_context_window_exceeded", "model_context_window_exceeded"),
        (CALLS, "tool_calls", "tool_use"),
        (FILTER, "SAFETY", "refusal"),
        (ERROR, "error", "max_tokens"),
        (UNKNOWN, "", "end_turn"),
    ],
)
def test_why_it_ended(reason: FinishReason.ValueType, raw: str, word: str) -> None:
    assert rendered(answer(Part(text="x"), reason=reason, raw=raw))["stop_reason"] == word


def test_a_refusal_in_words_is_a_refusal() -> None:
    found = rendered(answer(Part(refusal="No."), raw="stop"))
    assert (found["content"], found["stop_reason"]) == ([{"type": "text", "text": "No."}], "refusal")
    assert rendered(answer(Part(refusal="No."), reason=LENGTH))["stop_reason"] == "max_tokens"


def test_details_of_this_dialect_stand_where_it_has_them() -> None:
    response = answer(Part(text="x", provider_details_json={**details({"of_the_future": [5]}), "openai": '{"a":1}'}))
    response.candidates[0].provider_details_json["anthropic"] = '{"stop_sequence":"END"}'
    response.provider_details_json["anthropic"] = '{"container":{"id":"c"},"usage":{"input_tokens":1}}'
    found = rendered(response)
    assert found["content"] == [{"type": "text", "text": "x", "of_the_future": [5]}]
    assert (found["stop_sequence"], found["container"]) == ("END", {"id": "c"})
    assert found["usage"] == {"input_tokens": 0, "output_tokens": 0}


def test_citations_of_anthropic_and_of_other_providers() -> None:
    own = {"type": "page_location", "cited_text": "c", "document_index": 0, "start_page_number": 1, "end_page_number": 2}
    found = blocks(
        Part(
            text="So.",
            citations=[
                Citation(cited_text="c", provider_details_json=details(own)),
                Citation(uri="https://e/", title="E", cited_text="c", start_index=0, end_index=2),
                Citation(uri="https://f/"),
                Citation(source_id="f-1", title="D", cited_text="four"),
            ],
        )
    )[0]["citations"]
    packed = [citation.pop("encrypted_index", "") for citation in found]
    assert found == [
        own,
        {"type": "web_search_result_location", "url": "https://e/", "title": "E", "cited_text": "c"},
        {"type": "web_search_result_location", "url": "https://f/", "title": None, "cited_text": ""},
        {
            "type": "char_location",
            "cited_text": "four",
            "document_index": 0,
            "document_title": "D",
            "start_char_index": 0,
            "end_char_index": 4,
            "file_id": "f-1",
        },
    ]
    assert [text.startswith("dragoman.1.") for text in packed] == [False, True, True, True]


@pytest.mark.parametrize(
    ("call", "given"),
    [
        (ToolCall(arguments_json=""), {}),
        (ToolCall(arguments_json="{}"), {}),
        (ToolCall(arguments_json='{\n "a": 1.0}'), {"a": 1.0}),
        (ToolCall(arguments_json="{bro"), {"_raw": "{bro"}),
        (ToolCall(arguments_json="[1]"), {"_raw": "[1]"}),
        (ToolCall(input="select 1"), {"input": "select 1"}),
    ],
)
def test_tool_calls_have_an_object(call: ToolCall, given: Json) -> None:
    call.id, call.name = "call_1", "f"
    assert blocks(Part(tool_call=call)) == [{"type": "tool_use", "id": "call_1", "name": "f", "input": given}]


def test_reasoning_is_thinking() -> None:
    own = Part(reasoning=Reasoning(text="Hm.", signature="S=", provider="anthropic"))
    sealed = Part(reasoning=Reasoning(encrypted="R=", provider="anthropic"))
    unsigned = Part(reasoning=Reasoning(text="Hm."))
    assert blocks(own, sealed, unsigned) == [
        {"type": "thinking", "thinking": "Hm.", "signature": "S="},
        {"type": "redacted_thinking", "data": "R="},
        {"type": "thinking", "thinking": "Hm.", "signature": ""},
    ]


def test_kinds_that_this_dialects_answers_do_not_have_are_not_lost() -> None:
    found = blocks(
        Part(media=Media(kind=MediaKind.MEDIA_KIND_IMAGE, data=b"abc", mime_type="image/png")),
        Part(media=Media(kind=MediaKind.MEDIA_KIND_IMAGE, uri="data:image/png;base64,AAAA", mime_type="image/png")),
        Part(media=Media(kind=MediaKind.MEDIA_KIND_AUDIO, data=b"abc", mime_type="audio/wav", transcript="Hi")),
        Part(media=Media(kind=MediaKind.MEDIA_KIND_IMAGE, uri="https://e/a.png")),
        Part(media=Media(kind=MediaKind.MEDIA_KIND_FILE, file_id="f")),
        Part(opaque=Opaque(dialect="gemini", json='{"executableCode":{}}')),
        Part(opaque=Opaque(dialect="anthropic", json='{"type":"server_tool_use","id":"s"}')),
        Part(),
    )
    data = {"type": "base64", "media_type": "image/png", "data": "YWJj"}
    assert found == [
        {"type": "image", "source": data},
        {"type": "image", "source": {**data, "data": "AAAA"}},
        {"type": "document", "source": {**data, "media_type": "audio/wav"}, "context": "Hi"},
        {"type": "image", "source": {"type": "url", "url": "https://e/a.png"}},
        {"type": "document", "source": {"type": "file", "file_id": "f"}},
        {"type": "opaque", "dialect": "gemini", "content": {"executableCode": {}}},
        {"type": "server_tool_use", "id": "s"},
        {"type": "text", "text": ""},
    ]


def test_usage_of_another_provider_is_split_as_anthropic_splits_it() -> None:
    response = answer(Part(text="x"))
    usage = Usage(input_tokens=130, output_tokens=7, cache_read_tokens=100, cache_write_tokens=20, reasoning_tokens=3)
    response.usage.CopyFrom(usage)
    assert rendered(response)["usage"] == {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 20,
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 3},
    }


def test_anthropics_own_usage_is_as_it_was() -> None:
    response = answer(Part(text="x"))
    response.usage.CopyFrom(Usage(input_tokens=130, raw_dialect="anthropic", raw_json='{"input_tokens":10,"odd":null}'))
    assert rendered(response)["usage"] == {"input_tokens": 10, "output_tokens": 0, "odd": None}
