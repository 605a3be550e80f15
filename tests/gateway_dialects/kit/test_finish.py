"""An answer that holds calls waits for their results, whatever its provider says of its end, on every API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import FINISH_REASON_TOOL_CALLS, ChatResponse
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_core.providers.registry import DIALECTS
from gateway_dialects.anthropic.render_response import render_chat as render_anthropic
from gateway_dialects.cohere.render_response import render_chat as render_cohere
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import ServerSentEvent
from gateway_dialects.mistral.render_response import render_chat as render_mistral
from gateway_dialects.openai.render_response import render_chat as render_openai

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
USE = {"type": "tool_use", "id": "call_1", "name": "f", "input": {}}
OPENAI = {
    "id": "c",
    "choices": [{"index": 0, "message": {"role": "assistant", "tool_calls": [CALL]}, "finish_reason": "stop"}],
}
WHOLE: dict[str, dict[str, Any]] = {
    "openai": OPENAI,
    "mistral": OPENAI,
    "azure": OPENAI,
    "anthropic": {"id": "m", "type": "message", "role": "assistant", "content": [USE], "stop_reason": "end_turn"},
    "cohere": {"id": "c", "message": {"role": "assistant", "tool_calls": [CALL]}, "finish_reason": "COMPLETE"},
    "gemini": {
        "candidates": [
            {"content": {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}, "finishReason": "STOP"}
        ]
    },
}
DELTA = {"id": "c", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **CALL}]}, "finish_reason": None}]}
END = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
MESSAGE = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "content": [],
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
STREAMED: dict[str, list[dict[str, Any]]] = {
    "openai": [DELTA, END],
    "mistral": [DELTA, END],
    "anthropic": [
        {"type": "message_start", "message": MESSAGE},
        {"type": "content_block_start", "index": 0, "content_block": USE},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ],
    "cohere": [
        {"type": "message-start", "id": "c", "delta": {"message": {"role": "assistant"}}},
        {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": CALL}}},
        {"type": "tool-call-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": {}}},
    ],
    "gemini": [WHOLE["gemini"]],
}


def whole(dialect: str) -> ChatResponse:
    return DIALECTS[dialect].chat.decode(json.dumps(WHOLE[dialect]).encode(), "p")


@pytest.mark.parametrize("dialect", WHOLE)
def test_a_whole_answer(dialect: str) -> None:
    assert whole(dialect).candidates[0].finish_reason == FINISH_REASON_TOOL_CALLS


@pytest.mark.parametrize("dialect", STREAMED)
def test_a_stream(dialect: str) -> None:
    decoder, batch = DIALECTS[dialect].stream.decoder(), StreamResponse()
    for event in STREAMED[dialect]:
        decoder.feed(ServerSentEvent(json.dumps(event).encode(), str(event.get("type", ""))), batch)
    decoder.finish(batch)

    assert accumulate([batch]).candidates[0].finish_reason == FINISH_REASON_TOOL_CALLS


@pytest.mark.parametrize("dialect", WHOLE)
def test_every_api_says_so(dialect: str) -> None:
    answer = whole(dialect)

    assert json.loads(render_openai(answer, "r", 1))["choices"][0]["finish_reason"] == "tool_calls"
    assert json.loads(render_mistral(answer, "r", 1))["choices"][0]["finish_reason"] == "tool_calls"
    assert json.loads(render_anthropic(answer, "r"))["stop_reason"] == "tool_use"
    assert json.loads(render_cohere(answer, "r"))["finish_reason"] == "TOOL_CALL"
