import json
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import (
    FINISH_REASON_CONTENT_FILTER,
    FINISH_REASON_LENGTH,
    FINISH_REASON_STOP,
    FINISH_REASON_TOOL_CALLS,
    Candidate,
    ChatResponse,
    FinishReason,
    Logprobs,
    TokenLogprob,
)
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, MEDIA_KIND_IMAGE, Citation, Media, Opaque, Part, Reasoning, ToolCall
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.cohere.render_response import render_chat


def shown(*parts: Part, **fields: Any) -> dict[str, Any]:
    response = ChatResponse(candidates=[Candidate(parts=parts, finish_reason=FINISH_REASON_STOP)], **fields)
    body: dict[str, Any] = json.loads(render_chat(response, "fallback"))
    return body


def test_an_answer_of_another_provider() -> None:
    call = Part(tool_call=ToolCall(id="c1", name="f", arguments_json='{"a":1.0}'))
    usage = Usage(input_tokens=300, output_tokens=9, cache_read_tokens=5, reasoning_tokens=4, input_image_tokens=259)

    assert shown(Part(reasoning=Reasoning(text="Hm.")), Part(text="Hi"), call, usage=usage) == {
        "id": "fallback",
        "message": {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hi"}],
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1.0}'}}],
        },
        "finish_reason": "COMPLETE",
        "usage": {
            "billed_units": {"input_tokens": 300, "output_tokens": 9},
            "tokens": {"input_tokens": 41, "output_tokens": 9, "reasoning_tokens": 4, "image_tokens": 259},
            "cached_tokens": 5,
        },
    }


@pytest.mark.parametrize(
    ("reason", "raw", "word"),
    [
        (FINISH_REASON_STOP, "stop", "COMPLETE"),
        (FINISH_REASON_STOP, "STOP_SEQUENCE", "STOP_SEQUENCE"),
        (FINISH_REASON_LENGTH, "length", "MAX_TOKENS"),
        (FINISH_REASON_LENGTH, "COMPLETE", "MAX_TOKENS"),
        (FINISH_REASON_TOOL_CALLS, "tool_use", "TOOL_CALL"),
        (FINISH_REASON_CONTENT_FILTER, "refusal", "ERROR"),
    ],
)
def test_how_answers_end(reason: FinishReason.ValueType, raw: str, word: str) -> None:
    response = ChatResponse(candidates=[Candidate(finish_reason=reason, raw_finish_reason=raw)])

    assert json.loads(render_chat(response, "x"))["finish_reason"] == word


def test_content_that_cohere_does_not_have() -> None:
    parts = [
        Part(refusal="No."),
        Part(reasoning=Reasoning(text="Hm.", signature="s", provider="anthropic")),
        Part(media=Media(kind=MEDIA_KIND_IMAGE, uri="https://x/a.png")),
        Part(media=Media(kind=MEDIA_KIND_AUDIO, data=b"\0", mime_type="audio/wav", transcript="La")),
        Part(opaque=Opaque(dialect="openai", json='{"type":"x"}')),
        Part(),
    ]

    assert shown(*parts)["message"]["content"] == [
        {"type": "text", "text": "No."},
        {"type": "thinking", "thinking": "Hm.", "provider": "anthropic", "signature": "s"},
        {"type": "image_url", "image_url": {"url": "https://x/a.png"}},
        {"type": "media", "media": {"url": "data:audio/wav;base64,AA==", "transcript": "La"}},
        {"type": "opaque", "dialect": "openai", "content": {"type": "x"}},
    ]


def test_citations_of_another_provider() -> None:
    citation = Citation(uri="https://x", title="X", cited_text="So.", start_index=1, end_index=3)
    document = {"title": "X", "text": "So.", "url": "https://x"}
    source = {"type": "document", "id": "https://x", "document": document}
    place = {"start": 1, "end": 3, "text": "bc", "sources": [source]}
    parts = [Part(reasoning=Reasoning(text="abc"), citations=[citation]), Part(text="abcd", citations=[citation])]

    assert shown(*parts)["message"]["citations"] == [
        {**place, "type": "THINKING_CONTENT", "content_index": 0},
        {**place, "type": "TEXT_CONTENT", "content_index": 1},
    ]


def test_a_free_form_call() -> None:
    call = shown(Part(tool_call=ToolCall(id="c", name="shell", input="ls")))["message"]["tool_calls"][0]

    assert call["function"] == {"name": "shell", "arguments": '{"input":"ls"}'}


def test_log_probabilities_of_another_provider() -> None:
    logprobs = Logprobs(content=[TokenLogprob(token="Hi", logprob=-0.5)])
    response = ChatResponse(candidates=[Candidate(parts=[Part(text="Hi")], logprobs=logprobs)])

    assert json.loads(render_chat(response, "x"))["logprobs"] == [{"text": "Hi", "token_ids": [], "logprobs": [-0.5]}]


def test_an_answer_without_candidates() -> None:
    assert json.loads(render_chat(ChatResponse(), "x")) == {
        "id": "x",
        "message": {"role": "assistant"},
        "finish_reason": "COMPLETE",
    }
