"""Clients of the gemini dialect with other providers behind: exact bodies out, exact answers back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway_core.models.table import ModelTable
from gateway_dialects.anthropic import CLIENT as ANTHROPIC
from gateway_dialects.gemini.parse_request import parse_chat
from gateway_dialects.gemini.render_answer import render_chat
from gateway_dialects.gemini.render_stream import ChunkRenderer
from gateway_dialects.kit.dialect import Dialect, Endpoint
from gateway_dialects.openai import CLIENT as OPENAI
from tests.gateway_dialects.gemini.server.reading import model, user
from tests.laws.reading import read_stream

SCHEMA = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
JSON_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CALL = {"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}}}
RESULT = {"functionResponse": {"name": "get_weather", "response": {"result": "4 degrees"}}}
REQUEST = {
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "contents": [
        user("Look", {"inlineData": {"mimeType": "image/png", "data": "-_8="}}),
        model("Let me "),
        model("see."),
        model({**CALL, "thoughtSignature": "c2ln"}, CALL),
        user(RESULT, RESULT),
    ],
    "tools": [{"functionDeclarations": [{"name": "get_weather", "description": "The weather.", "parameters": SCHEMA}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
    "generationConfig": {"maxOutputTokens": 50, "temperature": 0.7, "stopSequences": ["END"]},
}


def sent(dialect: Dialect, name: str, body: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    request = parse_chat(json.dumps(body).encode(), f"p/{name}")
    upstream, warnings = dialect.encode_chat(
        request, name, Endpoint("p", dialect.name, "http://u", capabilities_of=ModelTable("p", dialect.name)), False
    )
    return json.loads(upstream.body), [warning.field for warning in warnings]


def answered(dialect: Dialect, body: dict[str, Any]) -> dict[str, Any]:
    rendered: dict[str, Any] = json.loads(render_chat(dialect.chat.decode(json.dumps(body).encode(), "p"), "fallback"))
    return rendered


def streamed(dialect: Dialect, stream: str) -> list[dict[str, Any]]:
    renderer = ChunkRenderer(fallback_id="fallback", sse=False)
    chunks: list[dict[str, Any]] = json.loads(
        b"".join(renderer.render(batch) for batch in read_stream(dialect, [stream.encode()]))
    )
    return chunks


def test_openai_is_sent() -> None:
    body, lost = sent(OPENAI, "gpt-4o-mini", REQUEST)
    function = {"name": "get_weather", "arguments": '{"city":"Oslo"}'}
    assert body == {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,+/8="}},
                ],
            },
            {
                "role": "assistant",
                "content": "Let me see.",
                "tool_calls": [
                    {"id": "call_0", "type": "function", "function": function},
                    {"id": "call_1", "type": "function", "function": function},
                ],
            },
            {"role": "tool", "tool_call_id": "call_0", "name": "get_weather", "content": "4 degrees"},
            {"role": "tool", "tool_call_id": "call_1", "name": "get_weather", "content": "4 degrees"},
        ],
        "tools": [
            {
                "type": "function",
                "function": {"name": "get_weather", "description": "The weather.", "parameters": JSON_SCHEMA},
            }
        ],
        "tool_choice": "required",
        "max_tokens": 50,
        "temperature": 0.7,
        "stop": ["END"],
    }
    assert lost == ["messages[2].parts[1].signature"]


def test_anthropic_is_sent() -> None:
    body, lost = sent(ANTHROPIC, "claude-sonnet-4-5", REQUEST)
    called = {"type": "tool_use", "name": "get_weather", "input": {"city": "Oslo"}}
    answer = {"type": "tool_result", "content": "4 degrees"}
    assert body == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 50,
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "+/8="}},
                ],
            },
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "Let me see."}, {**called, "id": "call_0"}, {**called, "id": "call_1"}],
            },
            {"role": "user", "content": [{**answer, "tool_use_id": "call_0"}, {**answer, "tool_use_id": "call_1"}]},
        ],
        "tools": [{"name": "get_weather", "description": "The weather.", "input_schema": JSON_SCHEMA}],
        "tool_choice": {"type": "any"},
        "temperature": 0.7,
        "stop_sequences": ["END"],
    }
    assert lost == ["messages[2].parts[1].signature"]


def test_structured_output_is_sent() -> None:
    form = {"responseMimeType": "application/json", "responseSchema": SCHEMA}
    body, _ = sent(OPENAI, "gpt-4o-mini", {"contents": "Where?", "generationConfig": form})
    assert body["response_format"] == {"type": "json_schema", "json_schema": {"name": "answer", "schema": JSON_SCHEMA}}


@pytest.mark.parametrize(("dialect", "name"), [(OPENAI, "gpt-4o-mini"), (ANTHROPIC, "claude-sonnet-4-5")])
def test_what_only_google_knows_is_told_to_be_lost(dialect: Dialect, name: str) -> None:
    safety = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    body, lost = sent(dialect, name, {"contents": "Hi", "safetySettings": safety, "cachedContent": "cachedContents/a"})
    assert b"HARM" not in json.dumps(body).encode()
    assert sorted(lost) == ["cachedContent", "safetySettings"]


@pytest.mark.parametrize(("dialect", "name"), [(OPENAI, "gpt-4o-mini"), (ANTHROPIC, "claude-sonnet-4-5")])
def test_gemini_s_signatures_reach_nobody_else(dialect: Dialect, name: str) -> None:
    signed = {"thoughtSignature": "R2VtaW5pJ3M="}
    turn = model({"text": "hm", "thought": True, **signed}, {"text": "So.", **signed}, {**CALL, **signed})
    body, _ = sent(dialect, name, {"contents": [user("Go"), turn, user(RESULT)]})
    assert "R2VtaW5pJ3M=" not in json.dumps(body)


def test_openai_answers() -> None:
    message = {
        "role": "assistant",
        "content": "Let me see.",
        "tool_calls": [{"id": "call_a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}],
    }
    usage = {
        "prompt_tokens": 20,
        "completion_tokens": 12,
        "total_tokens": 32,
        "completion_tokens_details": {"reasoning_tokens": 7},
    }
    body = {"id": "chatcmpl-1", "model": "gpt-x", "created": 1, "usage": usage}
    found = answered(OPENAI, {**body, "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})
    assert found == {
        "candidates": [
            {
                "content": {
                    "parts": [{"text": "Let me see."}, {"functionCall": {"id": "call_a", "name": "f", "args": {"x": 1}}}],
                    "role": "model",
                },
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 5, "thoughtsTokenCount": 7, "totalTokenCount": 32},
        "modelVersion": "gpt-x",
        "responseId": "chatcmpl-1",
    }


def test_anthropic_answers_and_gets_its_seals_back() -> None:
    content = [
        {"type": "thinking", "thinking": "Hm.", "signature": "anthropics"},
        {"type": "redacted_thinking", "data": "sealed"},
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1}},
    ]
    usage = {"input_tokens": 12, "cache_read_input_tokens": 8, "cache_creation_input_tokens": 0, "output_tokens": 5}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": content}
    found = answered(ANTHROPIC, {**message, "stop_reason": "tool_use", "stop_sequence": None, "usage": usage})
    (candidate,) = found["candidates"]
    thought, redacted, *rest = candidate["content"]["parts"]
    assert (thought["text"], thought["thought"], redacted["text"], redacted["thought"]) == ("Hm.", True, "", True)
    assert rest == [{"text": "Let me see."}, {"functionCall": {"id": "toolu_1", "name": "f", "args": {"x": 1}}}]
    assert (candidate["finishReason"], found["usageMetadata"]["promptTokenCount"]) == ("STOP", 20)
    result = {"functionResponse": {"id": "toolu_1", "name": "f", "response": {"result": "ok"}}}
    body, lost = sent(ANTHROPIC, "claude-sonnet-4-5", {"contents": [user("Go"), candidate["content"], user(result)]})
    assert body["messages"][1]["content"] == content
    assert lost == []


def test_openai_streams() -> None:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return f"data: {json.dumps({'id': 'c', 'model': 'gpt-x', 'choices': [choice]})}\n\n"

    def call(**function: str) -> dict[str, Any]:
        return {"tool_calls": [{"index": 0, **({"id": "call_a"} if "name" in function else {}), "function": function}]}

    stream = [
        chunk({"role": "assistant", "content": "Let"}),
        chunk({"content": " me see."}),
        chunk(call(name="f", arguments="")),
        chunk(call(arguments='{"x"')),
        chunk(call(arguments=":1}")),
        chunk({}, "tool_calls"),
        "data: [DONE]\n\n",
    ]
    chunks = streamed(OPENAI, "".join(stream))
    assert [piece["candidates"][0]["content"]["parts"] for piece in chunks] == [
        [{"text": "Let"}],
        [{"text": " me see."}],
        [{"functionCall": {"id": "call_a", "name": "f", "args": {"x": 1}}}],
        [{"text": ""}],
    ]
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"
    assert {piece["responseId"] for piece in chunks} == {"c"}


def test_anthropic_streams_and_gets_its_seals_back() -> None:
    def event(name: str, **fields: Any) -> str:
        return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n"

    def delta(index: int, **fields: Any) -> str:
        return event("content_block_delta", index=index, delta=fields)

    def start(index: int, **block: Any) -> str:
        return event("content_block_start", index=index, content_block=block)

    def stop(index: int) -> str:
        return event("content_block_stop", index=index)

    usage = {"input_tokens": 12, "output_tokens": 1}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [], "usage": usage}
    stream = [
        event("message_start", message=head),
        start(0, type="thinking", thinking="", signature=""),
        delta(0, type="thinking_delta", thinking="H"),
        delta(0, type="thinking_delta", thinking="m."),
        delta(0, type="signature_delta", signature="anthropics"),
        stop(0),
        start(1, type="tool_use", id="toolu_1", name="f", input={}),
        delta(1, type="input_json_delta", partial_json='{"x":'),
        delta(1, type="input_json_delta", partial_json="1}"),
        stop(1),
        event("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 5}),
        event("message_stop"),
    ]
    chunks = streamed(ANTHROPIC, "".join(stream))
    contents = [piece["candidates"][0]["content"] for piece in chunks]
    assert [content["parts"][0].get("text") for content in contents] == ["H", "m.", "", None, ""]
    assert chunks[-1]["usageMetadata"]["candidatesTokenCount"] == 5
    result = {"functionResponse": {"id": "toolu_1", "name": "f", "response": {"result": "ok"}}}
    body, lost = sent(ANTHROPIC, "claude-sonnet-4-5", {"contents": [user("Go"), *contents, user(result)]})
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "anthropics"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1}},
    ]
    assert lost == []
