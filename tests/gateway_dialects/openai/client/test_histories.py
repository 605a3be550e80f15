"""Histories that clients of this form send on to any provider: pictures that models drew, documents, blocks of Anthropic's
form, and vendors whose roles alternate."""

import base64
import json
from typing import Any

import pytest

from gateway_core.providers.vendors import VENDORS
from gateway_dialects.openai import CLIENT
from gateway_dialects.openai.parse_request import parse_chat
from gateway_dialects.openai.render_response import render_chat
from gateway_dialects.openai.render_stream import ChunkRenderer
from tests.fitted import encode_fitted, endpoint_at
from tests.laws.reading import read_stream

PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
DRAWN = {"type": "image_url", "image_url": {"url": PIXEL}}
USER = {"role": "user", "content": "a"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "x"}
ROWS = {vendor.name: vendor for vendor in reversed(VENDORS)}


def asked(vendor: str, *messages: dict[str, Any], model: str = "m") -> tuple[dict[str, Any], list[str]]:
    """The body at a vendor, and the fields that were warned of."""
    parsed = parse_chat(json.dumps({"model": model, "messages": messages}).encode())
    upstream, warnings = encode_fitted(parsed.chat, model, endpoint_at(ROWS[vendor]))
    return json.loads(upstream.body), [warning.field for warning in warnings]


def test_a_drawn_picture_goes_back_where_the_vendor_takes_it() -> None:
    answer = {"role": "assistant", "content": "Here:", "images": [{**DRAWN, "index": 0}]}
    body, warned = asked("openrouter", USER, answer, USER)
    assert body["messages"][1] == answer
    assert warned == []


def test_a_drawn_picture_is_the_users_elsewhere() -> None:
    body, warned = asked("openai", USER, {"role": "assistant", "content": None, "images": [DRAWN]}, USER, model="gpt-4o")
    shown = {"type": "text", "text": "The picture in your last message:"}
    assert body["messages"] == [USER, {"role": "user", "content": [shown, DRAWN, {"type": "text", "text": "a"}]}]
    assert warned == ["messages[1].parts[0]"]
    contents, _ = asked("google", USER, {"role": "assistant", "content": "Here:", "images": [DRAWN]}, USER)
    assert "inlineData" in contents["contents"][1]["parts"][1]


def test_pictures_in_answers_whole_and_streamed() -> None:
    message = {"role": "assistant", "content": "Here:", "images": [{**DRAWN, "index": 0}]}
    body = {"id": "i", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    whole = json.loads(render_chat(CLIENT.chat.decode(json.dumps(body).encode(), "p"), "f", 1))
    assert whole["choices"][0]["message"]["images"] == message["images"]
    chunks = [{"delta": message, "index": 0}, {"delta": {}, "index": 0, "finish_reason": "stop"}]
    events = [f"data: {json.dumps({'id': 'i', 'model': 'm', 'choices': [chunk]})}\n\n" for chunk in chunks]
    batches = read_stream(CLIENT, ["".join(events).encode() + b"data: [DONE]\n\n"])
    writer = ChunkRenderer(include_usage=False, fallback_id="f", now=1)
    lines = b"".join(writer.render(batch) for batch in batches).decode().splitlines()
    deltas = [json.loads(line[6:])["choices"][0]["delta"] for line in lines if line.startswith("data: {")]
    assert [delta["images"] for delta in deltas if "images" in delta] == [[{"index": 0, **DRAWN}]]


@pytest.mark.parametrize("vendor", ["openai", "mistral", "ollama"])
def test_a_text_document_is_text(vendor: str) -> None:
    data = base64.b64encode(b"hello").decode()
    file = {"type": "file", "file": {"file_data": f"data:text/plain;base64,{data}", "filename": "T"}}
    body, warned = asked(vendor, {"role": "user", "content": [file, {"type": "text", "text": "q"}]})
    assert body["messages"][0]["content"] == [{"type": "text", "text": "T:\nhello"}, {"type": "text", "text": "q"}]
    assert warned == []


def test_a_document_without_a_name_gets_one() -> None:
    pdf = "data:application/pdf;base64,JVBERi0="
    body, _ = asked("openai", {"role": "user", "content": [{"type": "file", "file": {"file_data": pdf}}]})
    assert body["messages"][0]["content"] == [{"type": "file", "file": {"file_data": pdf, "filename": "document.pdf"}}]


def test_blocks_of_anthropics_form_in_content() -> None:
    """Thinking and calls that stand in content, also where a field repeats them, and pictures and documents of the user."""
    thinking = {"type": "thinking", "thinking": "t", "signature": "SIG"}
    use = {"type": "tool_use", "id": "c1", "name": "f", "input": {"x": 1}}
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL.partition(",")[2]}
    shown = {"role": "user", "content": [{"type": "image", "source": source}]}
    answer = {
        "role": "assistant",
        "content": [thinking, {"type": "text", "text": "b"}, use],
        "tool_calls": [CALL],
        "reasoning_content": "t",
    }
    body, warned = asked("anthropic", shown, answer, RESULT, model="claude-sonnet-4-5")
    called = {"type": "tool_use", "id": "c1", "name": "f", "input": {}}
    assert body["messages"][0]["content"] == [{"type": "image", "source": source}]
    assert body["messages"][1]["content"] == [thinking, {"type": "text", "text": "b"}, called]
    assert warned == []
    alone, _ = asked("deepseek", USER, {"role": "assistant", "content": [use]}, RESULT)
    assert alone["messages"][1]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"x":1}'}


def test_roles_alternate_where_the_vendor_demands_it() -> None:
    said = [("system", "s"), ("user", "a"), ("user", "b"), ("assistant", "c"), ("assistant", "d"), ("system", "e")]
    body, warned = asked("perplexity", *({"role": role, "content": text} for role, text in said), model="sonar")
    found = [(message["role"], message["content"]) for message in body["messages"]]
    assert found == [("system", "s"), ("user", "a\n\nb"), ("assistant", "c\n\nd"), ("user", "e")]
    assert warned == ["messages"]


def test_pictures_stay_where_messages_are_merged() -> None:
    body, warned = asked("perplexity", {"role": "assistant", "content": "Hi"}, USER, {"role": "user", "content": [DRAWN]})
    assert body["messages"] == [
        {"role": "user", "content": "(begin)"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, DRAWN]},
    ]
    assert warned == ["messages"]
