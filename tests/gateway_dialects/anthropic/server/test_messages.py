"""A conversation's messages and their content blocks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.v1.content_pb2 import (
    CacheHint,
    Citation,
    Media,
    MediaKind,
    Message,
    Opaque,
    Part,
    Reasoning,
    Role,
    ToolCall,
    ToolResult,
)
from tests.gateway_dialects.anthropic.server.reading import Json, details, messages, refused

USER, ASSISTANT, TOOL, SYSTEM = Role.ROLE_USER, Role.ROLE_ASSISTANT, Role.ROLE_TOOL, Role.ROLE_SYSTEM
CACHE: Json = {"type": "ephemeral"}


def says(role: str, *blocks: Json) -> Json:
    return {"role": role, "content": list(blocks)}


def part_of(block: Json, role: str = "user") -> Part:
    return messages(says(role, block, {"type": "text", "text": "."}))[0].parts[0]


def test_text_in_both_forms() -> None:
    assert messages({"role": "user", "content": "Hi"}) == [Message(role=USER, parts=[Part(text="Hi")])]
    assert messages(says("user", {"type": "text", "text": "Hi"})) == [Message(role=USER, parts=[Part(text="Hi")])]
    assert messages({"role": "user", "content": ""}, {"role": "assistant", "content": []}) == [
        Message(role=USER),
        Message(role=ASSISTANT),
    ]


def test_turns_of_one_role_are_kept_apart() -> None:
    found = messages({"role": "user", "content": "A"}, {"role": "user", "content": "B"})
    assert [dict(message.provider_details_json) for message in found] == [{}, {"anthropic.form": '{"new_turn":true}'}]


def test_a_system_message_in_mid_conversation() -> None:
    found = messages({"role": "user", "content": "A"}, {"role": "system", "content": "B"})
    form = {"anthropic.form": '{"in_place":true}'}
    assert found[1] == Message(role=SYSTEM, parts=[Part(text="B")], provider_details_json=form)


def test_fields_of_a_block_and_of_a_message_that_the_contract_does_not_name() -> None:
    part = part_of({"type": "text", "text": "x", "cache_control": CACHE, "citations": None, "of_the_future": 1})
    assert part == Part(text="x", cache_hint=CacheHint(), provider_details_json=details({"of_the_future": 1}))
    message = messages({"role": "user", "content": "Hi", "of_the_future": 1})[0]
    assert dict(message.provider_details_json) == details({"of_the_future": 1})


IMAGE, FILE = MediaKind.MEDIA_KIND_IMAGE, MediaKind.MEDIA_KIND_FILE


@pytest.mark.parametrize(
    ("block", "media"),
    [
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
            Media(kind=IMAGE, uri="data:image/png;base64,AAAA", mime_type="image/png"),
        ),
        ({"type": "image", "source": {"type": "url", "url": "https://e/a.png"}}, Media(kind=IMAGE, uri="https://e/a.png")),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, Media(kind=IMAGE, file_id="f")),
        (
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
                "title": "a.pdf",
            },
            Media(kind=FILE, uri="data:application/pdf;base64,JVBE", mime_type="application/pdf", filename="a.pdf"),
        ),
        ({"type": "document", "source": {"type": "url", "url": "https://e/a.pdf"}}, Media(kind=FILE, uri="https://e/a.pdf")),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "grün"}},
            Media(kind=FILE, data="grün".encode(), mime_type="text/plain"),
        ),
    ],
)
def test_media(block: Json, media: Media) -> None:
    assert part_of(block) == Part(media=media)
    marked = part_of({**block, "cache_control": CACHE, "citations": {"enabled": True}})
    citing = details({"citations": {"enabled": True}})
    assert marked == Part(media=media, cache_hint=CacheHint(), provider_details_json=citing)


@pytest.mark.parametrize(
    ("control", "hint"),
    [(CACHE, CacheHint()), ({**CACHE, "ttl": "1h"}, CacheHint(ttl="1h")), ({"ttl": "5m", **CACHE}, CacheHint(ttl="5m"))],
)
def test_a_cache_hint(control: Json, hint: CacheHint) -> None:
    assert part_of({"type": "text", "text": "x", "cache_control": control}) == Part(text="x", cache_hint=hint)


@pytest.mark.parametrize("control", [5, {}, {"type": "eternal"}, {"type": "ephemeral", "ttl": 5}, {**CACHE, "scope": "org"}])
def test_a_cache_control_that_is_no_hint_stays_as_it_is(control: Any) -> None:
    part = part_of({"type": "text", "text": "x", "cache_control": control})
    assert part == Part(text="x", provider_details_json=details({"cache_control": control}))


WEB: Json = {
    "type": "web_search_result_location",
    "url": "https://e/",
    "title": "E",
    "cited_text": "c",
    "encrypted_index": "i",
}
PAGE: Json = {"type": "char_location", "cited_text": "d", "document_index": 2, "document_title": "D", "file_id": None}


def test_citations_of_the_history() -> None:
    part = part_of({"type": "text", "text": "So.", "citations": [WEB, PAGE]}, "assistant")
    assert part == Part(
        text="So.",
        citations=[
            Citation(uri="https://e/", title="E", cited_text="c", provider_details_json=details(WEB)),
            Citation(title="D", cited_text="d", source_id="document_2", provider_details_json=details(PAGE)),
        ],
    )
    for odd in ([], 5, [WEB, 5]):
        left = part_of({"type": "text", "text": "So.", "citations": odd}, "assistant")
        assert left == Part(text="So.", provider_details_json=details({"citations": odd}))


CARRIED: list[Json] = [
    {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}]}, "title": "t"},
    {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "A", "of_the_future": 1}},
    {"type": "image", "source": {"type": "of_the_future", "x": 1}},
    {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]},
    {"type": "container_upload", "file_id": "f"},
    {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
    {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
    {"type": "web_fetch_tool_result", "tool_use_id": "s", "content": {}},
    {"type": "code_execution_tool_result", "tool_use_id": "s", "content": {}},
    {"type": "bash_code_execution_tool_result", "tool_use_id": "s", "content": {}},
    {"type": "text_editor_code_execution_tool_result", "tool_use_id": "s", "content": {}},
    {"type": "tool_search_tool_result", "tool_use_id": "s", "content": {}},
    {"type": "mcp_tool_use", "id": "s", "name": "n", "server_name": "m", "input": {}},
    {"type": "compaction", "content": None},
    {"type": "of_the_future", "x": [1, {"y": None}]},
]


@pytest.mark.parametrize("block", CARRIED)
def test_blocks_that_only_this_dialect_understands_are_carried_as_they_are(block: Json) -> None:
    part = part_of(block, "assistant")
    assert part.opaque.dialect == "anthropic"
    assert json.loads(part.opaque.json) == block


def test_content_of_another_dialect_comes_back_as_its_own() -> None:
    block = {"type": "opaque", "dialect": "gemini", "content": {"executableCode": {"code": "1"}}}
    assert part_of(block, "assistant") == Part(opaque=Opaque(dialect="gemini", json='{"executableCode":{"code":"1"}}'))
    odd = part_of({"type": "opaque", "dialect": 5}, "assistant")
    assert odd.opaque.dialect == "anthropic"


def test_tool_calls_and_their_results() -> None:
    found = messages(
        {"role": "user", "content": "Hi"},
        says(
            "assistant",
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "t1", "name": "look", "input": {"x": 1.0}, "cache_control": CACHE},
            {"type": "tool_use", "id": "t2", "name": "now", "input": {}},
            {"type": "tool_use", "id": "t3", "name": "now"},
        ),
        says(
            "user",
            {"type": "tool_result", "tool_use_id": "t1", "content": "a cat"},
            {"type": "tool_result", "tool_use_id": "t2", "content": [{"type": "text", "text": "x"}], "is_error": True},
            {"type": "tool_result", "tool_use_id": "t3", "is_error": False, "cache_control": CACHE},
            {"type": "text", "text": "Well?"},
        ),
    )
    assert found[1].parts[1:] == [
        Part(tool_call=ToolCall(id="t1", name="look", arguments_json='{"x":1.0}'), cache_hint=CacheHint()),
        Part(tool_call=ToolCall(id="t2", name="now", arguments_json="{}")),
        Part(tool_call=ToolCall(id="t3", name="now", arguments_json="{}")),
    ]
    assert found[2:] == [
        Message(role=TOOL, parts=[Part(tool_result=ToolResult(tool_call_id="t1", parts=[Part(text="a cat")]))]),
        Message(role=TOOL, parts=[Part(tool_result=ToolResult(tool_call_id="t2", parts=[Part(text="x")], is_error=True))]),
        Message(role=TOOL, parts=[Part(tool_result=ToolResult(tool_call_id="t3"), cache_hint=CacheHint())]),
        Message(role=USER, parts=[Part(text="Well?")]),
    ]


def test_results_stand_before_what_the_user_says() -> None:
    """Anthropic refuses it otherwise, and so do all others."""
    answer = {"type": "tool_result", "tool_use_id": "t", "content": "x"}
    found = messages(says("user", {"type": "text", "text": "A"}, answer, {"type": "text", "text": "B"}))
    assert [message.role for message in found] == [TOOL, USER]
    assert [part.text for part in found[1].parts] == ["A", "B"]


def test_a_result_with_pictures_and_blocks_of_this_dialect() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://e/a.png"}}
    reference = {"type": "tool_reference", "tool_name": "look"}
    found = messages(says("user", {"type": "tool_result", "tool_use_id": "t", "content": [image, reference]}))[0]
    assert found.parts[0].tool_result.parts[0].media.uri == "https://e/a.png"
    assert json.loads(found.parts[0].tool_result.parts[1].opaque.json) == reference


def test_thinking() -> None:
    signed = part_of({"type": "thinking", "thinking": "Hm.", "signature": "S="}, "assistant")
    assert signed == Part(reasoning=Reasoning(text="Hm.", signature="S=", provider="anthropic"))
    hidden = part_of({"type": "thinking", "thinking": "", "signature": "S="}, "assistant")
    assert hidden == Part(reasoning=Reasoning(signature="S=", provider="anthropic"))
    unsigned = part_of({"type": "thinking", "thinking": "Hm.", "signature": ""}, "assistant")
    assert unsigned == part_of({"type": "thinking", "thinking": "Hm."}, "assistant") == Part(reasoning=Reasoning(text="Hm."))
    sealed = part_of({"type": "redacted_thinking", "data": "R="}, "assistant")
    assert sealed == Part(reasoning=Reasoning(encrypted="R=", provider="anthropic"))


TEXT: Json = {"type": "text", "text": "x"}
WRONG: list[tuple[Any, str]] = [
    (5, ""),
    ({"content": "Hi"}, ".role"),
    ({"role": 5, "content": "Hi"}, ".role"),
    ({"role": "tool", "content": "Hi"}, ".role"),
    ({"role": "user"}, ".content"),
    ({"role": "user", "content": None}, ".content"),
    ({"role": "user", "content": 5}, ".content"),
    ({"role": "user", "content": {"type": "text"}}, ".content"),
    (says("user", TEXT, 5), ".content.1"),  # type: ignore[arg-type]
    (says("user", {"text": "x"}), ".content.0.type"),
    (says("user", {"type": 5}), ".content.0.type"),
    (says("user", {"type": "text"}), ".content.0.text"),
    (says("user", {"type": "text", "text": 5}), ".content.0.text"),
    (says("user", {"type": "image"}), ".content.0.source"),
    (says("user", {"type": "image", "source": "https://e/"}), ".content.0.source"),
    (says("user", {"type": "image", "source": {}}), ".content.0.source.type"),
    (says("user", {"type": "image", "source": {"type": "base64", "data": "A"}}), ".content.0.source.media_type"),
    (says("user", {"type": "image", "source": {"type": "base64", "media_type": "image/png"}}), ".content.0.source.data"),
    (says("user", {"type": "image", "source": {"type": "url", "url": 5}}), ".content.0.source.url"),
    (says("user", {"type": "document", "source": {"type": "file"}}), ".content.0.source.file_id"),
    (says("user", {"type": "document", "source": {"type": "url", "url": "u"}, "title": 5}), ".content.0.title"),
    (says("user", {"type": "tool_result"}), ".content.0.tool_use_id"),
    (says("user", {"type": "tool_result", "tool_use_id": "t", "is_error": "no"}), ".content.0.is_error"),
    (says("user", {"type": "tool_result", "tool_use_id": "t", "content": 5}), ".content.0.content"),
    (says("user", {"type": "tool_result", "tool_use_id": "t", "content": [TEXT, {}]}), ".content.0.content.1.type"),
    (says("assistant", {"type": "tool_result", "tool_use_id": "t"}), ".content.0.type"),
    (says("assistant", {"type": "tool_use", "name": "f", "input": {}}), ".content.0.id"),
    (says("assistant", {"type": "tool_use", "id": "t", "input": {}}), ".content.0.name"),
    (says("assistant", {"type": "tool_use", "id": "t", "name": "f", "input": "{}"}), ".content.0.input"),
    (says("assistant", {"type": "thinking", "signature": "S"}), ".content.0.thinking"),
    (says("assistant", {"type": "thinking", "thinking": "x", "signature": 5}), ".content.0.signature"),
    (says("assistant", {"type": "redacted_thinking"}), ".content.0.data"),
]


@pytest.mark.parametrize(("message", "path"), WRONG)
def test_a_wrong_value_is_named(message: Any, path: str) -> None:
    assert refused(messages=[{"role": "user", "content": "Hi"}, message]).field == f"messages.1{path}"
