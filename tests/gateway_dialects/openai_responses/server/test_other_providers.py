"""Clients of the Responses API with other providers behind: exact bodies out, exact answers back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_core.models.table import ModelTable
from gateway_dialects.anthropic import CLIENT as ANTHROPIC
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Dialect, Endpoint
from gateway_dialects.openai import CLIENT as OPENAI
from gateway_dialects.openai_responses import CLIENT as OPENAI_RESPONSES
from gateway_dialects.openai_responses.parse_request import parse_create
from gateway_dialects.openai_responses.render_response import response_object
from gateway_dialects.openai_responses.render_stream import ChunkRenderer
from tests.laws.languages.openai_responses import check_order, events_of
from tests.laws.reading import read_stream

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
FIRST: dict[str, Any] = {
    "model": "m",
    "instructions": "Be brief.",
    "input": [
        {"role": "developer", "content": "Rhyme."},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Weather here?"},
                {"type": "input_image", "image_url": "data:image/png;base64,iQ=="},
            ],
        },
    ],
    "tools": [
        {"type": "function", "name": "get_weather", "description": "The weather.", "parameters": SCHEMA, "strict": True}
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"effort": "low"},
    "max_output_tokens": 4096,
    "include": ["reasoning.encrypted_content"],
    "store": False,
    "metadata": {"team": "a"},
    "truncation": "disabled",
}
RESULTS = [
    {"type": "function_call_output", "call_id": "call_1", "output": "4 degrees"},
    {"type": "function_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "9 degrees"}]},
]
CLAUDE = "claude-sonnet-4-5"
CLAUDE_ANSWER: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": CLAUDE,
    "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "SIG"},
        {"type": "redacted_thinking", "data": "RED"},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {"city": "Oslo"}},
        {"type": "tool_use", "id": "call_2", "name": "get_weather", "input": {"city": "Rome"}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 7},
}
GPT_ANSWER = {
    "id": "chatcmpl-1",
    "model": "gpt-4o",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Let me look.",
                "reasoning_content": "Hm.",
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'},
                    },
                    {
                        "id": "call_2",
                        "type": "function",
                        "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'},
                    },
                ],
            },
            "finish_reason": "tool_calls",
        }
    ],
}


def sent(dialect: Dialect, model: str, chat: ChatRequest) -> tuple[dict[str, Any], list[str]]:
    upstream, warnings = dialect.encode_chat(
        chat, model, Endpoint("p", dialect.name, "http://u/v1", capabilities_of=ModelTable("p", dialect.name)), False
    )
    return json.loads(upstream.body), [warning.field for warning in warnings]


def answered(dialect: Dialect, body: Any) -> dict[str, Any]:
    return response_object(dialect.chat.decode(json.dumps(body).encode(), "p"), {}, "resp_1", 7)


def next_turn(response: dict[str, Any]) -> dict[str, Any]:
    """What a client sends that appends all of the output, and the results, to its input."""
    return {**FIRST, "input": [*FIRST["input"], *json.loads(json.dumps(response["output"])), *RESULTS]}


def test_the_first_turn_to_chat_completions() -> None:
    """store, metadata and truncation are the gateway's: nothing of the request is lost."""
    assert sent(OPENAI, "gpt-4o", parse_create(FIRST).chat) == (
        {
            "model": "gpt-4o",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "system", "content": "Rhyme."},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Weather here?"},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iQ=="}},
                    ],
                },
            ],
            "tools": [
                {
                    "type": "function",
                    "function": {"name": "get_weather", "description": "The weather.", "parameters": SCHEMA, "strict": True},
                }
            ],
            "tool_choice": "auto",
            "parallel_tool_calls": True,
            "reasoning_effort": "low",
            "max_tokens": 4096,
        },
        [],
    )


def test_the_tool_loop_with_chat_completions() -> None:
    response = answered(OPENAI, GPT_ANSWER)
    assert [item["type"] for item in response["output"]] == ["reasoning", "message", "function_call", "function_call"]
    body, warned = sent(OPENAI, "gpt-4o", parse_create(next_turn(response)).chat)
    call = {"type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'}}
    other = {"type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'}}
    assert body["messages"][3:] == [
        {
            "role": "assistant",
            "content": "Let me look.",
            "reasoning_content": "Hm.",
            "tool_calls": [{"id": "call_1", **call}, {"id": "call_2", **other}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "4 degrees"},
        {"role": "tool", "tool_call_id": "call_2", "content": "9 degrees"},
    ]
    assert warned == []


def test_the_first_turn_to_anthropic() -> None:
    body, warned = sent(ANTHROPIC, CLAUDE, parse_create(FIRST).chat)
    assert body == {
        "model": CLAUDE,
        "max_tokens": 4096,
        "system": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Rhyme."}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Weather here?"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iQ=="}},
                ],
            }
        ],
        "tools": body["tools"],
        "tool_choice": {"type": "auto"},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    assert (body["tools"][0]["name"], body["tools"][0]["input_schema"]) == ("get_weather", SCHEMA)
    assert warned == []


def test_the_tool_loop_with_anthropic() -> None:
    """Signed and redacted thinking goes back first, unmodified; all results stand in one turn."""
    response = answered(ANTHROPIC, CLAUDE_ANSWER)
    assert (response["id"], response["status"]) == ("resp_1", "completed")
    assert (response["usage"]["input_tokens"], response["usage"]["input_tokens_details"]["cached_tokens"]) == (15, 5)
    body, warned = sent(ANTHROPIC, CLAUDE, parse_create(next_turn(response)).chat)
    assert body["messages"][1:] == [
        {"role": "assistant", "content": CLAUDE_ANSWER["content"]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": "4 degrees"},
                {"type": "tool_result", "tool_use_id": "call_2", "content": "9 degrees"},
            ],
        },
    ]
    assert warned == []


def test_what_anthropic_signed_is_not_sent_to_openai() -> None:
    response = answered(ANTHROPIC, CLAUDE_ANSWER)
    body, warned = sent(OPENAI_RESPONSES, "gpt-5", parse_create(next_turn(response)).chat)
    assert [item.get("type", item.get("role")) for item in body["input"][2:]] == [
        "message",
        "function_call",
        "function_call",
        "function_call_output",
        "function_call_output",
    ]
    assert "SIG" not in json.dumps(body)
    assert "dragoman" not in json.dumps(body)
    assert warned == ["messages[3].reasoning"]


def test_what_openai_encrypted_is_not_sent_to_anthropic() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    words = {"role": "assistant", "content": "Hi"}
    chat = parse_create(
        {"model": "m", "input": [{"role": "user", "content": "Hi"}, thought, words, *FIRST["input"][1:]]}
    ).chat
    body, warned = sent(ANTHROPIC, CLAUDE, chat)
    assert body["messages"][1] == {"role": "assistant", "content": "Hi"}
    assert "gAAA" not in json.dumps(body)
    assert warned == ["messages[1].parts[0]"]


def test_anthropics_stream_is_the_whole_answer() -> None:
    stream = b"".join(
        b"event: %s\ndata: %s\n\n" % (event["type"].encode(), json.dumps(event).encode()) for event in claude_events()
    )
    batches = read_stream(ANTHROPIC, [stream])
    renderer = ChunkRenderer(echo={}, fallback_id="resp_1", now=7)
    rendered = b"".join(renderer.render(batch) for batch in batches)
    check_order(rendered)
    assert events_of(rendered)[-1]["response"] == response_object(accumulate(batches), {}, "resp_1", 7)
    assert [event["type"] for event in events_of(rendered)].count("response.reasoning_summary_text.delta") == 1


def claude_events() -> list[dict[str, Any]]:
    """CLAUDE_ANSWER as it is streamed."""
    blocks: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"type": "thinking", "thinking": "", "signature": ""}, {"type": "thinking_delta", "thinking": "Hm."}),
        ({"type": "text", "text": ""}, {"type": "text_delta", "text": "Let me look."}),
        (
            {"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {}},
            {"type": "input_json_delta", "partial_json": '{"city":"Oslo"}'},
        ),
    ]
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {**CLAUDE_ANSWER, "content": []}}]
    for index, (block, delta) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events.append({"type": "content_block_delta", "index": index, "delta": delta})
        if block["type"] == "thinking":
            signed = {"type": "signature_delta", "signature": "SIG"}
            events.append({"type": "content_block_delta", "index": index, "delta": signed})
        events.append({"type": "content_block_stop", "index": index})
    ending = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 7}}
    return [*events, ending, {"type": "message_stop"}]


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC], ids=lambda dialect: dialect.name)
@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
        ({"input": [{"role": "user", "content": "Hi"}, {"type": "item_reference", "id": "msg_1"}]}, "messages[1].parts[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_of_the_future"}]}]}, "messages[0].parts[0]"),
    ],
)
def test_what_only_openai_has_is_refused_elsewhere(dialect: Dialect, fields: dict[str, Any], param: str) -> None:
    chat = parse_create({"model": "m", "input": "Hi", **fields}).chat
    with pytest.raises(GatewayError) as caught:
        sent(dialect, CLAUDE, chat)
    assert caught.value.reason is Reason.UNSUPPORTED
    assert caught.value.field.startswith(param)
    assert "openai-responses" in caught.value.message


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC], ids=lambda dialect: dialect.name)
def test_settings_that_only_openai_has_are_warned_about(dialect: Dialect) -> None:
    fields = {"conversation": "conv_1", "max_tool_calls": 2, "include": ["file_search_call.results"], "truncation": "auto"}
    _, warned = sent(dialect, CLAUDE, parse_create({"model": "m", "input": "Hi", **fields}).chat)
    assert sorted(warned) == sorted(fields)
