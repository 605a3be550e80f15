"""Clients of the openai dialect with Gemini behind: exact bodies out, exact answers back."""

from __future__ import annotations

import json
from typing import Any

from gateway_dialects.gemini import CLIENT as GEMINI
from gateway_dialects.openai.parse_request import parse_chat
from gateway_dialects.openai.render_response import render_chat
from gateway_dialects.openai.render_stream import ChunkRenderer
from tests.gateway_dialects.gemini.client.answering import answer, decoded
from tests.gateway_dialects.gemini.client.asking import ENDPOINT, FLASH, NEWER, fields_of
from tests.laws.languages.openai import chunks_of
from tests.laws.reading import read_stream

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "The weather.", "parameters": SCHEMA}}
USAGE = {
    "promptTokenCount": 20,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 7,
    "totalTokenCount": 32,
    "cachedContentTokenCount": 10,
}

DETAILS = [{"type": "reasoning.summary", "format": "google-gemini-v1", "index": 0, "summary": "Hm."}]


def sent(body: dict[str, Any], model: str = FLASH) -> tuple[dict[str, Any], list[str]]:
    parsed = parse_chat(json.dumps({"model": "google/m", **body}).encode())
    upstream, warnings = GEMINI.encode_chat(parsed.chat, model, ENDPOINT, parsed.stream)
    return json.loads(upstream.body), fields_of(warnings)


def answered(body: dict[str, Any]) -> dict[str, Any]:
    rendered: dict[str, Any] = json.loads(render_chat(decoded(body), "fallback", 1))
    return rendered


def test_a_whole_conversation_goes_out() -> None:
    body, lost = sent(
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is it like here?"},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAE="}},
                        {"type": "input_audio", "input_audio": {"data": "AAE=", "format": "wav"}},
                        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAE="}},
                    ],
                },
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "call_1",
                            "type": "function",
                            "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'},
                            "extra_content": {"google": {"thought_signature": "c2ln"}},
                        },
                        {"id": "call_2", "type": "function", "function": {"name": "get_weather", "arguments": ""}},
                    ],
                },
                {"role": "tool", "tool_call_id": "call_2", "content": '{"degrees":7}'},
                {"role": "tool", "tool_call_id": "call_1", "content": "4 degrees"},
            ],
            "tools": [TOOL],
            "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
            "max_completion_tokens": 50,
            "temperature": 0.7,
            "stop": "END",
            "n": 1,
            "reasoning_effort": "low",
        }
    )
    assert body == {
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "What is it like here?"},
                    {"inlineData": {"mimeType": "image/png", "data": "AAE="}},
                    {"inlineData": {"mimeType": "audio/wav", "data": "AAE="}},
                    {"inlineData": {"mimeType": "application/pdf", "data": "AAE="}},
                ],
            },
            {
                "role": "model",
                "parts": [
                    {
                        "functionCall": {"name": "get_weather", "args": {"city": "Oslo"}, "id": "call_1"},
                        "thoughtSignature": "c2ln",
                    },
                    {"functionCall": {"name": "get_weather", "args": {}, "id": "call_2"}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "get_weather", "id": "call_1", "response": {"result": "4 degrees"}}},
                    {"functionResponse": {"name": "get_weather", "id": "call_2", "response": {"degrees": 7}}},
                ],
            },
        ],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "get_weather", "description": "The weather.", "parametersJsonSchema": SCHEMA}
                ]
            }
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}},
        "generationConfig": {
            "maxOutputTokens": 50,
            "temperature": 0.7,
            "stopSequences": ["END"],
            "candidateCount": 1,
            "thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": True},
        },
    }
    assert lost == []


def test_structured_output_goes_out() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "place", "strict": True, "schema": SCHEMA}}
    body, lost = sent({"messages": [{"role": "user", "content": "Where?"}], "response_format": form})
    assert body == {
        "contents": [{"role": "user", "parts": [{"text": "Where?"}]}],
        "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA},
    }
    assert lost == []


def test_a_whole_answer_comes_back() -> None:
    found = answered(
        answer(
            {"text": "Hm.", "thought": True},
            "It is ",
            {"text": "4.", "thoughtSignature": "bGFzdA=="},
            {"functionCall": {"id": "c1", "name": "get_weather", "args": {"city": "Oslo"}}, "thoughtSignature": "c2ln"},
            {"functionCall": {"id": "c2", "name": "now"}},
            responseId="r1",
            modelVersion="gemini-2.5-flash",
            usageMetadata=USAGE,
        )
    )
    calls = [
        {"id": "c1", "type": "function", "extra_content": {"google": {"thought_signature": "c2ln"}}}
        | {"function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'}},
        {"id": "c2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
    ]
    message = {
        "role": "assistant",
        "content": "It is 4.",
        "refusal": None,
        "reasoning_content": "Hm.",
        "reasoning_details": DETAILS,
        "tool_calls": calls,
        "extra_content": {"google": {"thought_signature": "bGFzdA=="}},
    }
    ending = {"finish_reason": "tool_calls", "native_finish_reason": "STOP"}
    assert found == {
        "id": "r1",
        "object": "chat.completion",
        "created": 1,
        "model": "gemini-2.5-flash",
        "choices": [{"index": 0, "message": message, "logprobs": None, **ending}],
        "usage": {
            "prompt_tokens": 20,
            "completion_tokens": 12,
            "total_tokens": 32,
            "prompt_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 7,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "system_fingerprint": None,
    }


def test_what_came_back_goes_out_as_it_was() -> None:
    """The next turn of a client that gives the whole message back."""
    message = answered(
        answer(
            {"text": "Let me see.", "thoughtSignature": "bGFzdA=="},
            {"functionCall": {"id": "c1", "name": "f", "args": {"x": 1}}, "thoughtSignature": "c2ln"},
        )
    )["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": "c1", "content": "ok"}
    body, _ = sent({"messages": [{"role": "user", "content": "Go"}, message, result]}, NEWER)
    assert body["contents"][1]["parts"] == [
        {"text": "Let me see.", "thoughtSignature": "bGFzdA=="},
        {"functionCall": {"id": "c1", "name": "f", "args": {"x": 1}}, "thoughtSignature": "c2ln"},
    ]


def test_a_filtered_answer_comes_back_empty() -> None:
    (choice,) = answered({"promptFeedback": {"blockReason": "SAFETY"}})["choices"]
    assert choice["finish_reason"] == "content_filter"
    assert choice["message"] == {"role": "assistant", "content": None, "refusal": None}


def test_a_stream_comes_back() -> None:
    call = {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "c2ln"}
    chunks = [
        answer({"text": "Hm.", "thought": True}, finish=None, responseId="r", modelVersion="m"),
        answer("Let", finish=None),
        answer(call, {"functionCall": {"name": "g"}}, finish=None),
        answer("", usageMetadata=USAGE),
    ]
    stream = b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)
    renderer = ChunkRenderer(include_usage=True, fallback_id="fallback", now=1)
    found = chunks_of(b"".join(renderer.render(batch) for batch in read_stream(GEMINI, [stream])))
    deltas = [choice["delta"] for chunk in found for choice in chunk["choices"]]
    ids = [call["id"] for delta in deltas for call in delta.get("tool_calls", []) if "id" in call]
    empty = {"name": "f", "arguments": ""}
    assert deltas == [
        {"role": "assistant", "content": "", "refusal": None},
        {"reasoning_content": "Hm.", "reasoning_details": DETAILS},
        {"content": "Let"},
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": ids[0],
                    "type": "function",
                    "extra_content": {"google": {"thought_signature": "c2ln"}},
                    "function": empty,
                }
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"x":1}'}}]},
        {"tool_calls": [{"index": 1, "id": ids[1], "type": "function", "function": {**empty, "name": "g"}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
        {},
    ]
    assert {chunk["id"] for chunk in found} == {"r"}
    assert found[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert found[-1]["usage"]["completion_tokens"] == 12
