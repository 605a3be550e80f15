"""What a client of OpenAI's form sees of Cohere, exactly, and that what it gives back reaches Cohere again."""

from __future__ import annotations

import json
from typing import Any

from gateway_dialects.anthropic.render_stream import ChunkRenderer as AnthropicRenderer
from gateway_dialects.cohere import CLIENT as COHERE
from gateway_dialects.openai.render_response import render_chat
from gateway_dialects.openai.render_stream import ChunkRenderer
from tests.gateway_dialects.cohere.client.answers import (
    PAGE,
    START,
    call_delta,
    call_start,
    citation_start,
    content_delta,
    content_start,
    decoded,
    feed,
    message_end,
    plan_delta,
)
from tests.gateway_dialects.cohere.client.asking import PLAIN, REASONING, asked

USER = {"role": "user", "content": "Hi"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
CITATION = {"start": 0, "end": 4, "text": "Ruby", "sources": [PAGE], "content_index": 1}
ANNOTATION = {
    "type": "url_citation",
    "url_citation": {"url": "https://example.com/r", "title": "Ruby", "start_index": 0, "end_index": 4},
}
USAGE = {
    "billed_units": {"input_tokens": 7},
    "tokens": {"input_tokens": 50, "output_tokens": 9, "reasoning_tokens": 4},
    "cached_tokens": 3,
}
USAGE_SHOWN = {
    "prompt_tokens": 50,
    "completion_tokens": 9,
    "total_tokens": 59,
    "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 4,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}


def shown(finish_reason: str = "COMPLETE", **message: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(render_chat(decoded(finish_reason, message=message, usage=USAGE), "fallback", 1))
    return body


def chunks(*events: dict[str, Any]) -> list[Any]:
    """The choices, or the usage, of each chunk."""
    renderer = ChunkRenderer(include_usage=True, fallback_id="fallback", now=1)
    lines = renderer.render(feed(COHERE.stream.decoder(), *events)).decode().split("\n\n")
    bodies = [json.loads(line.removeprefix("data: ")) for line in lines if line and line != "data: [DONE]"]
    return [body["choices"][0] if body["choices"] else body["usage"] for body in bodies]


def test_a_plan_and_calls() -> None:
    assert shown("TOOL_CALL", tool_plan="I will look.", tool_calls=[CALL]) == {
        "id": "a1",
        "object": "chat.completion",
        "created": 1,
        "model": "",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": None,
                    "refusal": None,
                    "reasoning_content": "I will look.",
                    "tool_calls": [CALL],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
                "native_finish_reason": "TOOL_CALL",
            }
        ],
        "usage": USAGE_SHOWN,
        "system_fingerprint": None,
    }


def test_thoughts_text_and_citations() -> None:
    content = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Ruby."}]
    choice = shown("MAX_TOKENS", content=content, citations=[CITATION])["choices"][0]

    assert choice["message"] == {
        "role": "assistant",
        "content": "Ruby.",
        "refusal": None,
        "reasoning_content": "Hm.",
        "annotations": [ANNOTATION],
    }
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("length", "MAX_TOKENS")


def test_a_stream_of_a_plan_and_calls() -> None:
    events = [
        START,
        plan_delta("I"),
        plan_delta(" will."),
        call_start(0, "c1", "f"),
        call_delta(0, '{"a":'),
        call_delta(0, "1}"),
    ]
    second = [call_start(1, "c2", "g"), {"type": "tool-call-end", "index": 1}, message_end("TOOL_CALL", usage=USAGE)]
    found = chunks(*events, *second)

    assert [choice["delta"] for choice in found[:-2]] == [
        {"role": "assistant", "content": "", "refusal": None},
        {"reasoning_content": "I"},
        {"reasoning_content": " will."},
        {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]},
        {"tool_calls": [{"index": 1, "id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
    ]
    assert found[-2]["finish_reason"] == "tool_calls"
    assert found[-1] == USAGE_SHOWN


def test_a_stream_with_citations() -> None:
    found = chunks(
        START,
        content_start(0, type="thinking", thinking=""),
        content_delta(0, thinking="Hm."),
        content_start(1, type="text", text=""),
        content_delta(1, text="Ruby"),
        citation_start(CITATION),
        content_delta(1, text="."),
        message_end(),
    )

    assert [choice["delta"] for choice in found] == [
        {"role": "assistant", "content": "", "refusal": None},
        {"reasoning_content": "Hm."},
        {"content": "Ruby"},
        {"annotations": [{"index": 0, **ANNOTATION}]},
        {"content": "."},
        {},
    ]


def test_what_the_client_gives_back_reaches_cohere() -> None:
    document = {"title": "Ruby", "text": "", "url": "https://example.com/r"}
    source = {"type": "document", "id": "https://example.com/r", "document": document}
    citation = {"start": 0, "end": 4, "text": "Ruby", "sources": [source], "type": "TEXT_CONTENT"}
    plan = shown("TOOL_CALL", tool_plan="I will look.", tool_calls=[CALL])["choices"][0]["message"]
    cited = shown(content=[{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Ruby."}], citations=[CITATION])
    result = {"role": "tool", "tool_call_id": "c1", "content": "Ruby"}
    messages = [USER, plan, result, cited["choices"][0]["message"], USER]
    (plain, _), (reasoning, warned) = (asked(model, messages=messages) for model in (PLAIN, REASONING))

    assert plain["messages"][1] == {"role": "assistant", "tool_plan": "I will look.", "tool_calls": [CALL]}
    assert plain["messages"][3] == {"role": "assistant", "content": "Ruby.", "citations": [{**citation, "content_index": 0}]}
    assert reasoning["messages"][3] == {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Ruby."}],
        "citations": [{**citation, "content_index": 1}],
    }
    assert warned == []


def test_a_client_of_anthropic_sees_citations_of_the_text() -> None:
    late = {**CITATION, "content_index": 0, "type": "THINKING_CONTENT"}
    batch = feed(
        COHERE.stream.decoder(),
        START,
        content_start(0, type="thinking", thinking="Hm."),
        content_start(1, type="text", text="Ruby."),
        citation_start(late),
        citation_start(CITATION),
        message_end(),
    )
    events = AnthropicRenderer(fallback_id="fallback").render(batch).decode()

    assert events.count("event: content_block_start") == events.count("event: content_block_stop") == 2
    assert events.count("event: content_block_delta") == 4
    assert events.count('"citations_delta"') == events.count('"url":"https://example.com/r"') == 1
