"""Clients of the anthropic dialect with Gemini behind: exact bodies out, exact answers back."""

from __future__ import annotations

import json
from typing import Any

from gateway_core.models.table import ModelTable
from gateway_dialects.anthropic import CLIENT as ANTHROPIC
from gateway_dialects.anthropic.parse_request import parse_chat
from gateway_dialects.anthropic.render_response import render_chat
from gateway_dialects.anthropic.render_stream import ChunkRenderer
from gateway_dialects.gemini import CLIENT as GEMINI
from gateway_dialects.kit.dialect import Endpoint
from tests.gateway_dialects.gemini.client.answering import answer, decoded
from tests.gateway_dialects.gemini.client.asking import ENDPOINT, FLASH, NEWER, fields_of
from tests.laws.languages.anthropic import fold_stream
from tests.laws.reading import read_stream

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
USAGE = {"promptTokenCount": 20, "candidatesTokenCount": 5, "thoughtsTokenCount": 7, "cachedContentTokenCount": 8}
THOUGHT = {"text": "Hm.", "thought": True, "thoughtSignature": "dA=="}
CALL = {"functionCall": {"id": "c1", "name": "f", "args": {"x": 1}}}


def sent(body: dict[str, Any], model: str = FLASH) -> tuple[dict[str, Any], list[str]]:
    parsed = parse_chat(json.dumps({"model": "google/m", "max_tokens": 50, **body}).encode())
    upstream, warnings = GEMINI.encode_chat(parsed.chat, model, ENDPOINT, parsed.stream)
    return json.loads(upstream.body), fields_of(warnings)


def answered(body: dict[str, Any]) -> dict[str, Any]:
    rendered: dict[str, Any] = json.loads(render_chat(decoded(body), "fallback"))
    return rendered


def test_a_whole_conversation_goes_out() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "AAE="}
    body, lost = sent(
        {
            "system": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image", "source": source}]},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "Well:"},
                        {"type": "tool_use", "id": "t1", "name": "get_weather", "input": {"city": "Oslo"}},
                        {"type": "tool_use", "id": "t2", "name": "get_weather", "input": {}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "t2", "content": "no city", "is_error": True},
                        {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "4 degrees"}]},
                        {"type": "text", "text": "So?"},
                    ],
                },
            ],
            "tools": [{"name": "get_weather", "description": "The weather.", "input_schema": SCHEMA}],
            "tool_choice": {"type": "any"},
            "thinking": {"type": "enabled", "budget_tokens": 2048},
            "stop_sequences": ["END"],
            "top_k": 5,
        }
    )
    assert body == {
        "contents": [
            {"role": "user", "parts": [{"text": "Look"}, {"inlineData": {"mimeType": "image/png", "data": "AAE="}}]},
            {
                "role": "model",
                "parts": [
                    {"text": "Well:"},
                    {"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}, "id": "t1"}},
                    {"functionCall": {"name": "get_weather", "args": {}, "id": "t2"}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "get_weather", "id": "t1", "response": {"result": "4 degrees"}}},
                    {"functionResponse": {"name": "get_weather", "id": "t2", "response": {"error": "no city"}}},
                ],
            },
            {"role": "user", "parts": [{"text": "So?"}]},
        ],
        "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]},
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "get_weather", "description": "The weather.", "parametersJsonSchema": SCHEMA}
                ]
            }
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        "generationConfig": {
            "maxOutputTokens": 50,
            "topK": 5,
            "stopSequences": ["END"],
            "thinkingConfig": {"thinkingBudget": 2048, "includeThoughts": True},
        },
    }
    assert lost == []


def test_a_whole_answer_comes_back() -> None:
    found = answered(
        answer(THOUGHT, "Well:", CALL, {"functionCall": {"id": "c2", "name": "g"}}, responseId="r", usageMetadata=USAGE)
    )
    thinking = found["content"].pop(0)
    assert (thinking["type"], thinking["thinking"]) == ("thinking", "Hm.")
    assert "dA==" not in thinking["signature"]
    assert found == {
        "id": "r",
        "type": "message",
        "role": "assistant",
        "model": "",
        "content": [
            {"type": "text", "text": "Well:"},
            {"type": "tool_use", "id": "c1", "name": "f", "input": {"x": 1}},
            {"type": "tool_use", "id": "c2", "name": "g", "input": {}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 12,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 8,
            "output_tokens": 12,
            "output_tokens_details": {"thinking_tokens": 7},
        },
    }


def test_sealed_thoughts_come_back_to_gemini_and_only_to_gemini() -> None:
    blocks = answered(answer(THOUGHT, CALL))["content"]
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "ok"}
    turns = [
        {"role": "user", "content": "Go"},
        {"role": "assistant", "content": blocks},
        {"role": "user", "content": [result]},
    ]
    body, lost = sent({"messages": turns})
    assert body["contents"][1]["parts"] == [THOUGHT, CALL]
    assert lost == []
    parsed = parse_chat(json.dumps({"model": "m", "max_tokens": 50, "messages": turns}).encode())
    upstream, warnings = ANTHROPIC.encode_chat(
        parsed.chat,
        "claude-sonnet-4-5",
        Endpoint("p", "anthropic", "http://u", capabilities_of=ModelTable("p", "anthropic")),
        False,
    )
    assert [block["type"] for block in json.loads(upstream.body)["messages"][1]["content"]] == ["tool_use"]
    assert len(warnings) == 1


def test_anthropic_s_own_seal_stays_away_from_gemini() -> None:
    blocks = [
        {"type": "thinking", "thinking": "Hm.", "signature": "anthropics"},
        {"type": "redacted_thinking", "data": "anthropics"},
        {"type": "text", "text": "So."},
    ]
    turns = [{"role": "user", "content": "Go"}, {"role": "assistant", "content": blocks}, {"role": "user", "content": "?"}]
    body, lost = sent({"messages": turns}, NEWER)
    assert body["contents"][1]["parts"] == [{"text": "So."}]
    assert b"anthropics" not in json.dumps(body).encode()
    assert len(lost) == 2


def test_a_stream_comes_back() -> None:
    chunks = [
        answer({"text": "Hm", "thought": True}, finish=None, responseId="r", modelVersion="m"),
        answer({"text": ".", "thought": True}, finish=None),
        answer("We", finish=None),
        answer("ll:", CALL, finish=None),
        answer("", usageMetadata=USAGE),
    ]
    stream = b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)
    renderer = ChunkRenderer(fallback_id="fallback", input_tokens=3)
    found = fold_stream(b"".join(renderer.render(batch) for batch in read_stream(GEMINI, [stream])))
    assert [
        (block["type"], block.get("thinking") or block.get("text") or block.get("input")) for block in found["content"]
    ] == [("thinking", "Hm."), ("text", "Well:"), ("tool_use", {"x": 1})]
    assert (found["id"], found["stop_reason"]) == ("r", "tool_use")
    assert (found["usage"]["input_tokens"], found["usage"]["output_tokens"]) == (12, 12)


def test_a_call_that_came_without_an_id_goes_back_without_one_and_so_does_its_result() -> None:
    call = {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2ln"}
    turn = answered(answer(call))["content"]
    result = {"type": "tool_result", "tool_use_id": turn[-1]["id"], "content": "4 degrees"}
    body, _ = sent(
        {
            "messages": [
                {"role": "user", "content": "Go"},
                {"role": "assistant", "content": turn},
                {"role": "user", "content": [result]},
            ],
            "tools": [{"name": "f", "input_schema": SCHEMA}],
        },
        NEWER,
    )

    assert body["contents"][1:] == [
        {"role": "model", "parts": [call]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"result": "4 degrees"}}}]},
    ]
