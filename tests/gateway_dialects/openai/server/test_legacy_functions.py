"""functions and function_call, the older form of tools: providers are asked in the newer one, clients answered in theirs."""

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_core.providers.vendors import VENDORS
from gateway_dialects.openai import CLIENT
from gateway_dialects.openai.parse_request import parse_chat
from gateway_dialects.openai.render_response import LEGACY, render_chat
from gateway_dialects.openai.render_stream import ChunkRenderer
from tests.fitted import encode_fitted, endpoint_at
from tests.laws.reading import read_stream

USER = {"role": "user", "content": "a"}
FUNCTION = {"name": "f", "parameters": {"type": "object", "properties": {}}}
CALLED = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
RESULT = {"role": "function", "name": "f", "content": "x"}
ROWS = {vendor.name: vendor for vendor in reversed(VENDORS)}
CALLS = [
    {"index": index, "id": f"c{index}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for index in (0, 1)
]


def sent(vendor: str, model: str, **fields: Any) -> Any:
    parsed = parse_chat(json.dumps({"model": model, "messages": [USER], **fields}).encode())
    upstream, _ = encode_fitted(parsed.chat, model, endpoint_at(ROWS[vendor]))
    return json.loads(upstream.body)


@pytest.mark.parametrize(("vendor", "model"), [("anthropic", "claude-sonnet-4-5"), ("google", "gemini-2.5-flash")])
def test_a_history_is_sent_in_the_newer_form(vendor: str, model: str) -> None:
    body = sent(vendor, model, functions=[FUNCTION], messages=[USER, CALLED, RESULT, CALLED, RESULT])
    text = json.dumps(body)
    assert body["tools"]
    assert "function_call" not in text
    turns = body.get("contents") or body["messages"]
    assert len(turns) == 5
    assert len({name for name in ("call_1", "call_3") if text.count(name) == 2}) == 2


@pytest.mark.parametrize(("choice", "wanted"), [("none", "none"), ("auto", "auto"), ({"name": "f"}, "tool")])
def test_choices(choice: Any, wanted: str) -> None:
    body = sent("anthropic", "claude-sonnet-4-5", functions=[FUNCTION], function_call=choice)
    assert body["tool_choice"]["type"] == wanted


def test_providers_of_this_form_are_asked_in_it() -> None:
    fields = {"functions": [FUNCTION], "function_call": {"name": "f"}, "messages": [USER, CALLED, RESULT]}
    assert sent("groq", "m", **fields) == {"model": "m", **fields}


def test_answers_are_in_the_older_form() -> None:
    message = {"role": "assistant", "content": None, "tool_calls": CALLS}
    body = {"id": "i", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    [choice] = json.loads(render_chat(CLIENT.chat.decode(json.dumps(body).encode(), "p"), "f", 1, LEGACY))["choices"]
    assert choice["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "function_call"


def test_streams_are_in_the_older_form() -> None:
    chunks = [{"delta": {"tool_calls": CALLS}, "index": 0}, {"delta": {}, "index": 0, "finish_reason": "tool_calls"}]
    events = [f"data: {json.dumps({'id': 'i', 'model': 'm', 'choices': [chunk]})}\n\n" for chunk in chunks]
    writer = ChunkRenderer(include_usage=False, fallback_id="f", now=1, style=LEGACY)
    batches = read_stream(CLIENT, ["".join(events).encode() + b"data: [DONE]\n\n"])
    lines = b"".join(writer.render(batch) for batch in batches).decode().splitlines()
    choices = [json.loads(line[6:])["choices"][0] for line in lines if line.startswith("data: {")]
    calls = [choice["delta"]["function_call"] for choice in choices if "function_call" in choice["delta"]]
    assert "".join(call.get("name", "") for call in calls) == "f"
    assert "".join(call.get("arguments", "") for call in calls) == "{}"
    assert all("tool_calls" not in choice["delta"] for choice in choices)
    assert choices[-1]["finish_reason"] == "function_call"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"functions": {}}, "functions"),
        ({"functions": [FUNCTION], "messages": [USER, {"role": "function", "content": "x"}]}, "messages[1].name"),
        ({"messages": [USER, {**CALLED, "function_call": {}}]}, "messages[1].function_call.name"),
        ({"messages": [USER, {**CALLED, "function_call": "f"}]}, "messages[1].function_call"),
    ],
)
def test_what_is_malformed_is_named(fields: Any, field: str) -> None:
    with pytest.raises(GatewayError) as refused:
        sent("groq", "m", **fields)
    assert (refused.value.reason, refused.value.field) == (Reason.INVALID_REQUEST, field)
