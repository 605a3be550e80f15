"""OpenAI's models through an Anthropic client, as Claude Code is used: the exact request that goes out, and the exact answer
and events that come back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.anthropic.render_response import render_chat
from gateway_dialects.anthropic.render_stream import ChunkRenderer
from gateway_dialects.kit.dialect import Endpoint, Quirks
from gateway_dialects.openai import CLIENT as OPENAI
from tests.gateway_dialects.anthropic.server.reading import USER, Json, chat, parsed
from tests.laws.languages.anthropic import events_of, fold_stream
from tests.laws.reading import read_stream

QUIRKS = Quirks(max_tokens_field="max_completion_tokens", automatic_cache=True)
ENDPOINT = Endpoint("openai", "openai", "https://up/v1", quirks=QUIRKS)
CACHE: Json = {"type": "ephemeral"}


def sent(**fields: Any) -> tuple[Json, list[str]]:
    """The body that goes out, and the fields that were left out."""
    found = parsed(**fields)
    upstream, warnings = OPENAI.encode_chat(found.chat, "gpt-x", ENDPOINT, found.stream)
    return json.loads(upstream.body), [warning.field for warning in warnings]


def test_a_turn_of_claude_code() -> None:
    schema = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
    body, left_out = sent(
        system=[{"type": "text", "text": "You are a helper."}, {"type": "text", "text": "Long.", "cache_control": CACHE}],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "List the files."}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}},
                    {"type": "tool_use", "id": "toolu_2", "name": "Now", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "a.txt"}]},
                    {"type": "tool_result", "tool_use_id": "toolu_2", "content": "noon", "cache_control": CACHE},
                    {"type": "text", "text": "Go on.", "cache_control": CACHE},
                ],
            },
        ],
        tools=[
            {"name": "Bash", "description": "Runs.", "input_schema": schema, "cache_control": CACHE},
            {"name": "Now", "input_schema": {"type": "object"}},
        ],
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
        thinking={"type": "enabled", "budget_tokens": 10_000},
        max_tokens=32_000,
        temperature=1,
        stop_sequences=["END"],
        metadata={"user_id": "u-1"},
        stream=True,
    )
    assert body == {
        "model": "gpt-x",
        "messages": [
            {
                "role": "system",
                "content": [{"type": "text", "text": "You are a helper."}, {"type": "text", "text": "Long."}],
            },
            {"role": "user", "content": "List the files."},
            {
                "role": "assistant",
                "content": "I look.",
                "tool_calls": [
                    {"id": "toolu_1", "type": "function", "function": {"name": "Bash", "arguments": '{"command":"ls"}'}},
                    {"id": "toolu_2", "type": "function", "function": {"name": "Now", "arguments": "{}"}},
                ],
            },
            {"role": "tool", "tool_call_id": "toolu_1", "content": "a.txt"},
            {"role": "tool", "tool_call_id": "toolu_2", "content": "noon"},
            {"role": "user", "content": "Go on."},
        ],
        "tools": [
            {"type": "function", "function": {"name": "Bash", "description": "Runs.", "parameters": schema}},
            {"type": "function", "function": {"name": "Now", "parameters": {"type": "object"}}},
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "reasoning_effort": "high",
        "max_completion_tokens": 32_000,
        "temperature": 1.0,
        "stop": ["END"],
        "user": "u-1",
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert left_out == ["reasoning.max_tokens"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
    ],
)
def test_the_choice_of_tools(choice: Json, expected: Any) -> None:
    body, _ = sent(tools=[{"name": "f", "input_schema": {}}], tool_choice=choice)
    assert body["tool_choice"] == expected


def test_media_and_an_answers_form() -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    pdf = {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
        "title": "a.pdf",
    }
    body, left_out = sent(
        messages=[{"role": "user", "content": [image, pdf, {"type": "text", "text": "See."}]}],
        output_config={"format": {"type": "json_schema", "schema": schema}, "effort": "low"},
    )
    assert body["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"}},
        {"type": "text", "text": "See."},
    ]
    form = {"name": "answer", "strict": True, "schema": schema}
    assert body["response_format"] == {"type": "json_schema", "json_schema": form}
    assert body["reasoning_effort"] == "low"
    assert left_out == []


def test_what_anthropic_signed_is_never_sent_to_another() -> None:
    body, left_out = sent(
        messages=[
            USER,
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "S="},
                    {"type": "redacted_thinking", "data": "R="},
                    {"type": "text", "text": "Yes."},
                ],
            },
            USER,
        ]
    )
    assert body["messages"][1] == {"role": "assistant", "content": "Yes."}
    assert left_out == ["messages[1].parts[0]", "messages[1].parts[1]"]


def test_what_only_anthropic_has_is_reported_or_refused() -> None:
    _, left_out = sent(context_management={"edits": []}, beta="context-management-2025-06-27")
    assert left_out == ["context_management", "anthropic_beta"]
    for fields, field in (
        ({"tools": [{"type": "web_search_20260318", "name": "web_search"}]}, "tools[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "container_upload", "file_id": "f"}]}]},
            "messages[0].parts[0]",
        ),
    ):
        with pytest.raises(GatewayError) as caught:
            OPENAI.encode_chat(chat(**fields), "gpt-x", ENDPOINT, False)
        assert (caught.value.reason, caught.value.field) == (Reason.UNSUPPORTED, field)


USAGE: Json = {
    "prompt_tokens": 50,
    "completion_tokens": 7,
    "total_tokens": 57,
    "prompt_tokens_details": {"cached_tokens": 30},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
MESSAGE_USAGE: Json = {
    "input_tokens": 20,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 30,
    "output_tokens": 7,
    "output_tokens_details": {"thinking_tokens": 3},
}


def tool_call(index: int, call_id: str, name: str, arguments: str) -> Json:
    return {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def answered(finish_reason: str = "stop", **message: Any) -> Json:
    """What the client gets of a whole answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": finish_reason}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-x",
        "choices": [choice],
        "usage": USAGE,
    }
    found: Json = json.loads(render_chat(OPENAI.chat.decode(json.dumps(body).encode(), "p"), "msg_f", 9))
    return found


def test_a_whole_answer() -> None:
    calls = [tool_call(0, "call_1", "Bash", '{"command": "ls"}'), tool_call(1, "call_2", "Now", "")]
    assert answered("tool_calls", content="I look.", reasoning_content="Hm.", tool_calls=calls) == {
        "id": "chatcmpl-1",
        "type": "message",
        "role": "assistant",
        "model": "gpt-x",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": ""},
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "call_1", "name": "Bash", "input": {"command": "ls"}},
            {"type": "tool_use", "id": "call_2", "name": "Now", "input": {}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": MESSAGE_USAGE,
    }


@pytest.mark.parametrize(
    ("reason", "word"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("tool_calls", "tool_use"), ("content_filter", "refusal")],
)
def test_why_it_ended(reason: str, word: str) -> None:
    assert answered(reason, content="x")["stop_reason"] == word
    assert fold_stream(streamed(delta(content="x"), delta(reason)))["stop_reason"] == word


def test_a_refusal() -> None:
    found = answered(refusal="I will not.")
    assert (found["content"], found["stop_reason"]) == ([{"type": "text", "text": "I will not."}], "refusal")
    assert fold_stream(streamed(delta(refusal="I will not."), delta("stop")))["stop_reason"] == "refusal"


def delta(finish_reason: str | None = None, **fields: Any) -> Json:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


def streamed(*chunks: Json) -> bytes:
    """What the client gets of a stream."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x"}
    wire = b"".join(b"data: %s\n\n" % json.dumps({**head, **chunk}).encode() for chunk in chunks) + b"data: [DONE]\n\n"
    renderer = ChunkRenderer(fallback_id="msg_f", input_tokens=9)
    return b"".join(renderer.render(batch) for batch in read_stream(OPENAI, [wire]))


def piece(index: int, arguments: str) -> Json:
    return {"index": index, "function": {"arguments": arguments}}


CHUNKS = [
    delta(role="assistant", content=""),
    delta(reasoning_content="H"),
    delta(reasoning_content="m."),
    delta(content="I "),
    delta(content="look."),
    delta(tool_calls=[tool_call(0, "call_1", "Bash", "")]),
    delta(tool_calls=[piece(0, '{"command":')]),
    delta(tool_calls=[tool_call(1, "call_2", "Now", "{}")]),
    delta(tool_calls=[piece(0, '"ls"}')]),
    delta("tool_calls"),
    {"choices": [], "usage": USAGE},
]


def test_a_streams_events() -> None:
    events = [data for _, data in events_of(streamed(*CHUNKS))]
    assert events[0]["message"] == {
        "id": "chatcmpl-1",
        "type": "message",
        "role": "assistant",
        "model": "gpt-x",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 0},
    }
    told = [(data["type"], data["index"], data.get("content_block") or data.get("delta")) for data in events[2:-2]]
    start, grow, stop = "content_block_start", "content_block_delta", "content_block_stop"
    assert told == [
        (start, 0, {"type": "thinking", "thinking": "", "signature": ""}),
        (grow, 0, {"type": "thinking_delta", "thinking": "H"}),
        (grow, 0, {"type": "thinking_delta", "thinking": "m."}),
        (stop, 0, None),
        (start, 1, {"type": "text", "text": ""}),
        (grow, 1, {"type": "text_delta", "text": "I "}),
        (grow, 1, {"type": "text_delta", "text": "look."}),
        (stop, 1, None),
        (start, 2, {"type": "tool_use", "id": "call_1", "name": "Bash", "input": {}}),
        (grow, 2, {"type": "input_json_delta", "partial_json": '{"command":'}),
        (grow, 2, {"type": "input_json_delta", "partial_json": '"ls"}'}),
        (stop, 2, None),
        (start, 3, {"type": "tool_use", "id": "call_2", "name": "Now", "input": {}}),
        (grow, 3, {"type": "input_json_delta", "partial_json": "{}"}),
        (stop, 3, None),
    ]
    ending = {"stop_reason": "tool_use", "stop_sequence": None}
    assert events[-2:] == [{"type": "message_delta", "delta": ending, "usage": MESSAGE_USAGE}, {"type": "message_stop"}]


def test_a_stream_folds_to_the_whole_answer() -> None:
    calls = [tool_call(0, "call_1", "Bash", '{"command":"ls"}'), tool_call(1, "call_2", "Now", "{}")]
    whole = answered("tool_calls", content="I look.", reasoning_content="Hm.", tool_calls=calls)
    assert fold_stream(streamed(*CHUNKS)) == whole


def test_an_answer_that_is_given_back_is_what_the_model_wrote() -> None:
    answer = fold_stream(streamed(*CHUNKS))
    results = [{"type": "tool_result", "tool_use_id": f"call_{n}", "content": "ok"} for n in (1, 2)]
    body, left_out = sent(
        messages=[USER, {"role": "assistant", "content": answer["content"]}, {"role": "user", "content": results}]
    )
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": "I look.",
            "reasoning_content": "Hm.",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "Bash", "arguments": '{"command":"ls"}'}},
                {"id": "call_2", "type": "function", "function": {"name": "Now", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "ok"},
        {"role": "tool", "tool_call_id": "call_2", "content": "ok"},
    ]
    assert left_out == []
