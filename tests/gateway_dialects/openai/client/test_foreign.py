"""What a client carries for one provider never reaches another."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import ChatRequest
from gateway_core.providers.vendors import OPENAI_COMPATIBLE as VENDORS
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.openai.encode_request import encode_chat
from gateway_dialects.openai.parse_request import parse_chat

GOOGLE = {"google": {"thought_signature": "c2ln"}}
LITELLM = {"provider_specific_fields": {"thought_signature": "c2ln"}, "thinking_blocks": [{"signature": "c2ln"}]}
ROWS = {vendor.name: vendor for vendor in VENDORS}


def carried() -> ChatRequest:
    function = {"name": "f", "arguments": "{}", "provider_specific_fields": {"thought_signature": "c2ln"}}
    call = {
        "id": "a",
        "type": "function",
        "function": function,
        "extra_content": {**GOOGLE, "own": 1},
        **LITELLM,
        "index": 0,
    }
    said = {"role": "assistant", "content": "Hi", "tool_calls": [call], "extra_content": GOOGLE, "prefix": True, **LITELLM}
    answer = {"role": "tool", "tool_call_id": "a", "content": "3", **LITELLM}
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}, said, answer]}
    return parse_chat(json.dumps(body).encode()).chat


def sent(vendor: str) -> list[dict[str, Any]]:
    upstream, _ = encode_chat(carried(), "m", Endpoint("p", "openai", "http://up", quirks=ROWS[vendor].quirks), False)
    found: list[dict[str, Any]] = json.loads(upstream.body)["messages"]
    return found


@pytest.mark.parametrize("vendor", [name for name in ROWS if name != "google"])
def test_no_seal_reaches_another_vendor(vendor: str) -> None:
    _, said, answer = sent(vendor)
    assert "c2ln" not in json.dumps([said, answer])
    assert said["prefix"] is True
    (call,) = said["tool_calls"]
    assert (call["index"], call["extra_content"]) == (0, {"own": 1})
    assert "extra_content" not in said


def test_googles_own_row_gets_its_own_back() -> None:
    _, said, answer = sent("google")
    assert said["extra_content"] == GOOGLE
    assert said["tool_calls"][0]["extra_content"] == {**GOOGLE, "own": 1}
    assert "provider_specific_fields" not in json.dumps([said, answer])


def test_a_mark_inside_of_a_function_stays_there() -> None:
    function = {"name": "f", "cache_control": {"type": "ephemeral"}}
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"type": "function", "function": function}],
    }
    request = parse_chat(json.dumps(body).encode()).chat
    assert request.tools[0].HasField("cache_hint")
    upstream, _ = encode_chat(request, "m", Endpoint("p", "openai", "http://up", quirks=ROWS["openrouter"].quirks), False)
    assert json.loads(upstream.body)["tools"] == body["tools"]


@pytest.mark.parametrize(("vendor", "marks"), [("openai", 0), ("openrouter", 4), ("together", 4)])
def test_marks_for_the_cache_go_to_who_takes_them(vendor: str, marks: int) -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    text = {"type": "text", "text": "long", **mark}
    picture = {"type": "image_url", "image_url": {"url": "https://x/i.png"}, **mark}
    tools = [{"type": "function", "function": {"name": "f"}, **mark}]
    body = {"model": "m", "messages": [{"role": "system", "content": [text]}, {"role": "user", "content": [text, picture]}]}
    request = parse_chat(json.dumps({**body, "tools": tools}).encode()).chat
    upstream, warnings = encode_chat(request, "m", Endpoint("p", "openai", "http://up", quirks=ROWS[vendor].quirks), False)
    assert (upstream.body.count(b"cache_control"), list(warnings)) == (marks, [])
