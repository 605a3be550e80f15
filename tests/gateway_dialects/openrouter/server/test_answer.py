"""Answers of every provider as OpenRouter tells them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from dragoman.v1.chat_pb2 import ChatResponse
from gateway_dialects.openai import CLIENT as OPENAI
from gateway_dialects.openrouter.render_response import render_chat
from tests.laws.languages.openai import canonical_answer
from tests.recordings import Exchange, exchanges, recordings_absent

RECORDED = [e for e in exchanges() if e.vendor == "openrouter" and e.response["status"] == 200 and isinstance(e.body, dict)]


FINISH = "native_finish_reason"


def rendered(**fields: Any) -> Any:
    answer = ParseDict({"model": "m", "route": {"provider": "anthropic", "model": "m"}, **fields}, ChatResponse())
    before = answer.SerializeToString(deterministic=True)
    body = json.loads(render_chat(answer, "gen-1-x", 7))
    assert answer.SerializeToString(deterministic=True) == before
    return body


def candidate(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"candidates": [{"parts": list(parts), "finishReason": "FINISH_REASON_STOP", **fields}]}


def test_where_an_answer_comes_from() -> None:
    body = rendered(id="msg_1", **candidate({"text": "Hi"}))
    assert (body["id"], body["provider"], body["created"], body["object"]) == ("gen-1-x", "anthropic", 7, "chat.completion")
    assert rendered(id="gen-of-openrouter", **candidate({"text": "Hi"}))["id"] == "gen-of-openrouter"
    route = {"provider": "anthropic", "model": "m", "callId": "0af1"}
    assert rendered(id="gen-of-openrouter", route=route, **candidate({"text": "Hi"}))["id"] == "gen-0af1"


@pytest.mark.parametrize(
    ("reason", "raw", "word"),
    [
        ("STOP", "end_turn", "stop"),
        ("STOP", "", "stop"),
        ("LENGTH", "MAX_TOKENS", "length"),
        ("TOOL_CALLS", "function_call", "tool_calls"),
        ("CONTENT_FILTER", "refusal", "content_filter"),
        ("ERROR", "MALFORMED", "error"),
        ("UNSPECIFIED", "odd", "stop"),
    ],
)
def test_both_words_for_the_end(reason: str, raw: str, word: str) -> None:
    body = rendered(**candidate({"text": "Hi"}, finishReason=f"FINISH_REASON_{reason}", rawFinishReason=raw))
    choice = body["choices"][0]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == (word, raw or None)


@pytest.mark.parametrize(
    ("reasoning", "item"),
    [
        (
            {"text": "Hm.", "signature": "s", "provider": "anthropic"},
            {"type": "reasoning.text", "text": "Hm.", "signature": "s", "format": "anthropic-claude-v1"},
        ),
        (
            {"encrypted": "e", "provider": "anthropic"},
            {"type": "reasoning.encrypted", "data": "e", "format": "anthropic-claude-v1"},
        ),
        (
            {"text": "Short.", "summary": True, "provider": "openai-responses", "id": "rs_1"},
            {"type": "reasoning.summary", "summary": "Short.", "id": "rs_1", "format": "openai-responses-v1"},
        ),
        ({"text": "Hm."}, {"type": "reasoning.text", "text": "Hm.", "format": "unknown"}),
    ],
)
def test_reasoning(reasoning: dict[str, Any], item: dict[str, Any]) -> None:
    message = rendered(**candidate({"reasoning": reasoning}, {"text": "Hi"}))["choices"][0]["message"]
    assert message["content"] == "Hi"
    assert message["reasoning"] == reasoning.get("text", "")
    assert message["reasoning_details"] == [{**item, "index": 0}]
    assert "reasoning_content" not in message


def test_usage_of_other_dialects() -> None:
    usage = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15, "cacheReadTokens": 4, "cacheWriteTokens": 2}
    more = {"reasoningTokens": 3, "cost": {"totalUsd": 0.25}, "rawDialect": "anthropic", "rawJson": '{"input_tokens": 4}'}
    assert rendered(**candidate({"text": "Hi"}), usage={**usage, **more})["usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "cost": 0.25,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2, "audio_tokens": 0, "image_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 0, "image_tokens": 0},
    }


def test_a_cost_that_nobody_knows() -> None:
    usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
    assert "cost" not in rendered(**candidate({"text": "Hi"}), usage=usage)["usage"]


@pytest.mark.skipif(bool(recordings_absent()), reason=recordings_absent())
def test_recordings_are_read() -> None:
    assert len(RECORDED) > 10


@pytest.mark.parametrize("exchange", RECORDED, ids=lambda exchange: exchange.name)
def test_what_openrouter_says_itself_stays(exchange: Exchange) -> None:
    answer = OPENAI.chat.decode(json.dumps(exchange.body).encode(), "p")
    answer.route.provider = "openrouter"
    body = json.loads(render_chat(answer, "gen-other", 7))
    assert (body["id"], body["provider"]) == (exchange.body["id"], exchange.body.get("provider", "openrouter"))
    # Older answers said less of what they took.
    assert {name: body["usage"][name] for name in exchange.body["usage"]} == exchange.body["usage"]
    assert canonical_answer(plain(body)) == canonical_answer(plain(exchange.body))


def plain(body: Any) -> Any:
    """Without what is compared apart."""
    choices = [{name: value for name, value in choice.items() if name != FINISH} for choice in body["choices"]]
    return {**{name: value for name, value in body.items() if name not in ("usage", "provider")}, "choices": choices}


def test_the_signature_of_a_call() -> None:
    """Gemini's, which OpenRouter's clients carry among reasoning_details."""
    signature = {"provider": "gemini", "value": "s"}
    call = {"toolCall": {"id": "c1", "name": "f", "argumentsJson": "{}"}, "signature": signature}
    plain = {"toolCall": {"id": "c2", "name": "g", "argumentsJson": "{}"}, "providerDetailsJson": {"openai": '{"a": 1}'}}
    message = rendered(**candidate({"reasoning": {"text": "Hm."}}, call, plain))["choices"][0]["message"]
    item = {"type": "reasoning.encrypted", "data": "s", "format": "google-gemini-v1", "id": "c1", "index": 1}
    assert message["reasoning_details"][1:] == [item]
    assert message["reasoning"] == "Hm."
    assert [one["id"] for one in message["tool_calls"]] == ["c1", "c2"]
