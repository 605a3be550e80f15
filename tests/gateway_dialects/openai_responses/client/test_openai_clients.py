"""Clients of chat completions with the Responses API behind: exact bodies out, exact answers back, tool loops that last."""

from __future__ import annotations

import json
from typing import Any

from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.openai.parse_request import parse_chat
from gateway_dialects.openai.render_response import render_chat
from gateway_dialects.openai.render_stream import ChunkRenderer
from gateway_dialects.openai_responses import CLIENT as OPENAI_RESPONSES
from tests.gateway_dialects.openai_responses.client.asking import asked
from tests.laws.languages.openai import fold_chunks
from tests.laws.reading import read_stream
from tests.recordings import Exchange, exchanges

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
REQUEST: dict[str, Any] = {
    "model": "gpt-5",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Weather here?"},
                {"type": "image_url", "image_url": {"url": "https://e.com/a.png", "detail": "low"}},
            ],
        },
    ],
    "tools": [
        {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}},
        {"type": "custom", "custom": {"name": "shell", "format": {"type": "text"}}},
    ],
    "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True}},
    "reasoning_effort": "low",
    "verbosity": "low",
    "max_completion_tokens": 256,
    "logprobs": True,
    "top_logprobs": 2,
    "stop": "END",
    "n": 1,
    "seed": 3,
    "metadata": {"team": "a"},
    "stream": True,
    "stream_options": {"include_usage": True},
}


def exchange(name: str) -> Exchange:
    (found,) = (one for one in exchanges("/responses") if one.name == f"fixtures-openai_responses/{name}")
    return found


def sent(**fields: Any) -> tuple[dict[str, Any], list[str]]:
    parsed = parse_chat(json.dumps({**REQUEST, **fields}).encode())
    return asked(parsed.chat, "gpt-5", stream=parsed.stream)


def batches(name: str) -> list[StreamResponse]:
    return read_stream(OPENAI_RESPONSES, [exchange(name).stream])


def streamed(name: str) -> bytes:
    renderer = ChunkRenderer(include_usage=True, fallback_id="f", now=7)
    return b"".join(renderer.render(batch) for batch in batches(name))


def whole(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(render_chat(accumulate(batches(name)), "f", 7))
    return body


def test_the_first_turn() -> None:
    assert sent() == (
        {
            "model": "gpt-5",
            "input": [
                {"role": "system", "content": "Be brief."},
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "Weather here?"},
                        {"type": "input_image", "image_url": "https://e.com/a.png", "detail": "low"},
                    ],
                },
            ],
            "tools": [
                {"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False},
                {"type": "custom", "name": "shell", "format": {"type": "text"}},
            ],
            "tool_choice": {"type": "function", "name": "get_weather"},
            "text": {
                "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True},
                "verbosity": "low",
            },
            "reasoning": {"effort": "low"},
            "max_output_tokens": 256,
            "top_logprobs": 2,
            "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
            "metadata": {"team": "a"},
            "store": False,
            "stream": True,
        },
        ["seed", "stop"],
    )


def test_the_answer() -> None:
    (choice,) = whole("stream_reasoning_and_tools")["choices"]
    notes = {"format": "openai-responses-v1", "index": 0, "id": "rs_1"}
    assert choice == {
        "index": 0,
        "message": {
            "role": "assistant",
            "content": "Let me look.",
            "refusal": None,
            "reasoning_content": "**First**\n\nlook.\n\nThen decide.",
            "reasoning_details": [
                {"type": "reasoning.summary", **notes, "summary": "**First**\n\nlook.\n\nThen decide."},
                {"type": "reasoning.encrypted", **notes, "data": "gAAAB"},
            ],
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}},
                {"id": "call_2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
                {"id": "call_3", "type": "custom", "custom": {"name": "shell", "input": "ls -l"}},
            ],
        },
        "logprobs": None,
        "finish_reason": "tool_calls",
        "native_finish_reason": "completed",
    }


def test_its_stream_numbers_the_calls_from_zero() -> None:
    """The provider counts every item; clients of chat completions only the calls."""
    folded = fold_chunks(streamed("stream_reasoning_and_tools"))
    ours = whole("stream_reasoning_and_tools")
    assert folded["choices"][0]["message"]["tool_calls"] == ours["choices"][0]["message"]["tool_calls"]
    assert folded["choices"][0]["finish_reason"] == "tool_calls"
    assert folded["usage"]["completion_tokens_details"]["reasoning_tokens"] == 3


def test_the_tool_loop_gives_the_reasoning_back() -> None:
    message = whole("stream_reasoning_and_tools")["choices"][0]["message"]
    results = [{"role": "tool", "tool_call_id": f"call_{index}", "content": str(index)} for index in (1, 2, 3)]
    body, warned = sent(messages=[*REQUEST["messages"], message, *results])
    assert body["input"][2:] == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "**First**\n\nlook.\n\nThen decide."}],
            "encrypted_content": "gAAAB",
        },
        {"role": "assistant", "content": "Let me look."},
        {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city":"Paris"}'},
        {"type": "function_call", "call_id": "call_2", "name": "now", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "call_3", "name": "shell", "input": "ls -l"},
        {"type": "function_call_output", "call_id": "call_1", "output": "1"},
        {"type": "function_call_output", "call_id": "call_2", "output": "2"},
        {"type": "custom_tool_call_output", "call_id": "call_3", "output": "3"},
    ]
    assert warned == ["seed", "stop"]


def test_sources_and_built_in_tools() -> None:
    message = whole("stream_builtin_tools")["choices"][0]["message"]
    cited = {"url": "https://e.com/", "title": "E", "start_index": 3, "end_index": 9}
    assert message["annotations"] == [{"type": "url_citation", "url_citation": cited}]
    assert [item["content"]["type"] for item in message["opaque"]] == ["web_search_call", "code_interpreter_call"]
    body, warned = sent(messages=[*REQUEST["messages"], message])
    assert warned == ["seed", "stop"]
    assert [item.get("id", item.get("role")) for item in body["input"][2:]] == ["ws_1", "ci_1", "assistant"]


def test_a_refusal() -> None:
    message = whole("stream_refusal")["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "I cannot.")


def test_a_cut_answer() -> None:
    (choice,) = whole("stream_incomplete")["choices"]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("length", "max_output_tokens")
