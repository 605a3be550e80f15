"""What clients of this form give back of earlier answers for the providers of other dialects."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.v1.content_pb2 import Message, Opaque, Part, Reasoning, Role, Signature, ToolCall
from tests.gateway_dialects.openai.server.reading import CALL, chat, details

GOOGLE = {"google": {"thought_signature": "s"}}
LITELLM = {"thought_signature": "s"}
FUNCTION = {"name": "f", "arguments": '{"a":'}
SIGNED = Signature(provider="gemini", value="s")


def said(**fields: Any) -> Message:
    """An assistant's message."""
    message = chat(messages=[{"role": "assistant", "content": None, **fields}]).messages[0]
    assert message.role == Role.ROLE_ASSISTANT
    return message


def call(**fields: Any) -> Part:
    (part,) = said(tool_calls=[{**CALL, **fields}]).parts
    assert part.tool_call == ToolCall(id="c1", name="f", arguments_json='{"a":')
    return part


@pytest.mark.parametrize(
    "fields",
    [
        {"extra_content": GOOGLE},
        {"provider_specific_fields": LITELLM},
        {"function": {**FUNCTION, "provider_specific_fields": LITELLM}},
    ],
)
def test_the_signature_of_a_call(fields: dict[str, Any]) -> None:
    assert (call(**fields).signature, dict(call(**fields).provider_details_json)) == (SIGNED, {})


def test_the_signature_of_a_call_without_a_type() -> None:
    untyped = {name: value for name, value in CALL.items() if name != "type"}
    (part,) = said(tool_calls=[{**untyped, "extra_content": GOOGLE}]).parts
    assert part.signature == SIGNED


def test_extra_content_that_is_no_signature() -> None:
    part = call(extra_content={"google": {"thought_signature": "s", "more": 1}, "own": 2})
    assert part.signature == SIGNED
    assert part.provider_details_json == details({"extra_content": {"own": 2, "google": {"more": 1}}})
    for extra in (7, {"google": 7}, {"google": {"thought_signature": 7}}):
        part = call(extra_content=extra, provider_specific_fields=extra)
        assert not part.HasField("signature")
        assert part.provider_details_json == details({"extra_content": extra})


def test_the_signature_of_a_message_is_that_of_its_last_text_or_first_call() -> None:
    texts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    for carrier in ({"extra_content": GOOGLE}, {"provider_specific_fields": LITELLM}):
        parts = said(content=texts, tool_calls=[CALL], **carrier).parts
        assert parts[:2] == [Part(text="a"), Part(text="b", signature=SIGNED)]
        first, second = said(tool_calls=[CALL, {**CALL, "id": "c2"}], **carrier).parts
        assert (first.signature, second.HasField("signature")) == (SIGNED, False)


def test_the_signature_of_a_call_among_reasoning_details() -> None:
    item = {"type": "reasoning.encrypted", "format": "google-gemini-v1", "index": 1}
    items = [{**item, "id": call_id, "data": "s"} for call_id in ("c1", "c9")]
    reasoning, part = said(tool_calls=[CALL], reasoning_details=items).parts
    assert part.signature == SIGNED
    assert part.provider_details_json == details(form={"item": item})
    assert reasoning.reasoning == Reasoning(encrypted="s", provider="gemini", id="c9")


def test_thinking_blocks() -> None:
    blocks = [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "thinking", "thinking": 7},
        {"signature": "s"},
        7,
    ]
    message = said(content="Hi", thinking_blocks=blocks, reasoning_content="Hm.")
    form = details(form={"strings": ["reasoning_content"]})
    assert message.parts == [
        Part(reasoning=Reasoning(text="Hm.", signature="s", provider="anthropic"), provider_details_json=form),
        Part(reasoning=Reasoning(encrypted="x", provider="anthropic"), provider_details_json=form),
        Part(text="Hi"),
    ]
    assert not message.provider_details_json
    without = said(content="Hi", thinking_blocks=blocks[2:], reasoning_content="Hm.")
    assert without.parts[0] == Part(reasoning=Reasoning(text="Hm."))


def test_opaque_content_comes_before_the_text() -> None:
    items = [{"index": 0, "dialect": "anthropic", "content": {"a": 1}}, {"dialect": "cohere", "content": "x"}, 7, {}]
    assert said(content="Hi", opaque=items, reasoning_content="Hm.").parts[1:] == [
        Part(opaque=Opaque(dialect="anthropic", json='{"a":1}')),
        Part(opaque=Opaque(dialect="cohere", json="x")),
        Part(text="Hi"),
    ]


def test_citations() -> None:
    web = {"type": "url_citation", "url_citation": {"url": "u", "title": "T", "start_index": 0, "end_index": 2}}
    other = {"type": "file", "file": {}}
    message = said(content="Hi", annotations=[web, other])
    (citation,) = message.parts[0].citations
    assert (citation.uri, citation.title, citation.start_index, citation.end_index) == ("u", "T", 0, 2)
    assert citation.provider_details_json == details(web)
    assert message.provider_details_json == details({"annotations": [other]})
    assert said(tool_calls=[CALL], annotations=[web]).provider_details_json == details({"annotations": [web]})


@pytest.mark.parametrize("role", ["user", "tool"])
def test_what_is_for_other_providers_alone_is_dropped(role: str) -> None:
    fields = {"provider_specific_fields": {"a": 1}, "thinking_blocks": [{"a": 1}]}
    message = chat(messages=[{"role": role, "content": "Hi", "tool_call_id": "c", **fields}]).messages[0]
    assert "thinking_blocks" not in str(message)
    assert "provider_specific_fields" not in str(message)
