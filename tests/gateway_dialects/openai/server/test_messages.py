"""What each kind of message becomes."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.v1.content_pb2 import (
    MEDIA_KIND_AUDIO,
    MEDIA_KIND_FILE,
    MEDIA_KIND_IMAGE,
    MEDIA_KIND_VIDEO,
    CacheHint,
    Media,
    Message,
    Opaque,
    Part,
    Reasoning,
    Role,
    ToolCall,
    ToolResult,
)
from tests.gateway_dialects.openai.server.reading import CALL, chat, details

PNG = "data:image/png;base64,iVBORw0KGgo="


def message(**fields: Any) -> Message:
    return chat(messages=[fields]).messages[0]


def part(**fields: Any) -> Part:
    """A user's part. Beside another one, so that its list is no note."""
    found = message(role="user", content=[{"type": "text", "text": "Look:"}, fields])
    assert (found.role, found.parts[0].text) == (Role.ROLE_USER, "Look:")
    assert not found.provider_details_json
    return found.parts[1]


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("system", Role.ROLE_SYSTEM),
        ("developer", Role.ROLE_DEVELOPER),
        ("user", Role.ROLE_USER),
        ("assistant", Role.ROLE_ASSISTANT),
    ],
)
def test_text_of_every_role(role: str, expected: Role.ValueType) -> None:
    assert message(role=role, content="Hi") == Message(role=expected, parts=[Part(text="Hi")])
    assert message(role=role, content="Hi", name="Ann") == Message(role=expected, parts=[Part(text="Hi")], name="Ann")


def test_the_order_of_messages() -> None:
    said = [{"role": role, "content": str(index)} for index, role in enumerate(("user", "assistant", "user", "system"))]
    assert [message.parts[0].text for message in chat(messages=said).messages] == ["0", "1", "2", "3"]


def test_the_form_of_content_is_recorded() -> None:
    two = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert message(role="user", content=two[:1]) == Message(
        role=Role.ROLE_USER, parts=[Part(text="a")], provider_details_json=details(form={"content": "list"})
    )
    assert message(role="user", content=two) == Message(role=Role.ROLE_USER, parts=[Part(text="a"), Part(text="b")])
    assert message(role="user", content=[]).provider_details_json == details(form={"content": "list"})
    assert message(role="user", content="") == Message(role=Role.ROLE_USER)


def test_unknown_fields_of_a_message_are_carried() -> None:
    found = message(role="user", content="Hi", mood="good", nothing=None)
    assert found.provider_details_json == details({"mood": "good"})


@pytest.mark.parametrize(
    ("mark", "hint"),
    [
        ({"type": "ephemeral"}, CacheHint()),
        ({"type": "ephemeral", "ttl": "1h"}, CacheHint(ttl="1h")),
        ({"type": "persistent"}, None),
        ({"type": "ephemeral", "ttl": 7}, None),
        ("ephemeral", None),
    ],
)
def test_cache_hints(mark: object, hint: CacheHint | None) -> None:
    """One of another form than is known is a field that the contract does not name."""
    call = {**CALL, "cache_control": mark}
    found = message(role="assistant", content=[{"type": "text", "text": "Hi", "cache_control": mark}], cache_control=mark)
    called = message(role="assistant", content=None, tool_calls=[call])
    (tool,) = chat(tools=[{"type": "function", "function": {"name": "f"}, "cache_control": mark}]).tools
    for holder in (found, found.parts[0], called.parts[0], tool):
        assert holder.HasField("cache_hint") is (hint is not None)
        assert holder.cache_hint == (hint or CacheHint())
        assert holder.provider_details_json.get("openai") == (None if hint else details({"cache_control": mark})["openai"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "text", "text": "a"}, Part(text="a")),
        ({"type": "text", "text": ""}, Part(text="")),
        (
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}, "new": 1},
            Part(text="a", cache_hint=CacheHint(), provider_details_json=details({"new": 1}, {"cache_control": True})),
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://example.com/cat.png", "detail": "low"}},
            Part(media=Media(kind=MEDIA_KIND_IMAGE, uri="https://example.com/cat.png", detail="low")),
        ),
        (
            {"type": "image_url", "image_url": {"url": PNG, "detail": None}},
            Part(media=Media(kind=MEDIA_KIND_IMAGE, uri=PNG, mime_type="image/png")),
        ),
        ({"type": "image_url", "image_url": PNG}, Part(media=Media(kind=MEDIA_KIND_IMAGE, uri=PNG, mime_type="image/png"))),
        (
            {"type": "image_url", "image_url": {"url": PNG, "new": 1}, "other": 2},
            Part(
                media=Media(kind=MEDIA_KIND_IMAGE, uri=PNG, mime_type="image/png"),
                provider_details_json=details({"image_url": {"new": 1}, "other": 2}),
            ),
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
            Part(media=Media(kind=MEDIA_KIND_AUDIO, uri="data:audio/mpeg;base64,SUQz", mime_type="audio/mpeg")),
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
            Part(media=Media(kind=MEDIA_KIND_AUDIO, uri="data:audio/wav;base64,UklGRg==", mime_type="audio/wav")),
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://example.com/cat.mp4"}},
            Part(media=Media(kind=MEDIA_KIND_VIDEO, uri="https://example.com/cat.mp4")),
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
            Part(
                media=Media(
                    kind=MEDIA_KIND_FILE,
                    uri="data:application/pdf;base64,JVBERi0=",
                    mime_type="application/pdf",
                    filename="a.pdf",
                )
            ),
        ),
        ({"type": "file", "file": {"file_id": "file-1"}}, Part(media=Media(kind=MEDIA_KIND_FILE, file_id="file-1"))),
        (
            {"type": "file", "file": {"file_id": "file-1", "file_data": "data:text/plain,a"}},
            Part(
                media=Media(kind=MEDIA_KIND_FILE, uri="data:text/plain,a", mime_type="text/plain"),
                provider_details_json=details({"file": {"file_id": "file-1"}}),
            ),
        ),
        (
            {"type": "hologram", "hologram": {"depth": 3}},
            Part(opaque=Opaque(dialect="openai", json='{"type":"hologram","hologram":{"depth":3}}')),
        ),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_every_kind_of_part(given: dict[str, Any], expected: Part) -> None:
    assert part(**given) == expected


def test_a_tool_result() -> None:
    found = message(role="tool", tool_call_id="c1", content="42", name="f")
    result = ToolResult(tool_call_id="c1", name="f", parts=[Part(text="42")])
    assert found == Message(role=Role.ROLE_TOOL, parts=[Part(tool_result=result)])


def test_a_tool_result_of_several_parts() -> None:
    given = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": PNG}}]
    found = message(role="tool", tool_call_id="c1", content=given)
    picture = Part(media=Media(kind=MEDIA_KIND_IMAGE, uri=PNG, mime_type="image/png"))
    assert found.parts == [Part(tool_result=ToolResult(tool_call_id="c1", parts=[Part(text="a"), picture]))]


def test_tool_calls_without_words() -> None:
    custom = {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "free"}}
    calls = [
        Part(tool_call=ToolCall(id="c1", name="f", arguments_json='{"a":')),
        Part(tool_call=ToolCall(id="c2", name="g", input="free")),
    ]
    assert message(role="assistant", content=None, tool_calls=[CALL, custom]) == Message(
        role=Role.ROLE_ASSISTANT, parts=calls
    )
    assert message(role="assistant", tool_calls=[CALL, custom]) == Message(
        role=Role.ROLE_ASSISTANT, parts=calls, provider_details_json=details(form={"content": "absent"})
    )


def test_a_tool_call_without_type_is_a_functions() -> None:
    untyped = {name: value for name, value in CALL.items() if name != "type"}
    assert message(role="assistant", content=None, tool_calls=[untyped]) == message(
        role="assistant", content=None, tool_calls=[CALL]
    )


def test_unknown_fields_of_a_tool_call_are_carried() -> None:
    call = {**CALL, "index": 0, "function": {"name": "f", "arguments": "{}", "new": 1}}
    found = message(role="assistant", content=None, tool_calls=[call]).parts[0]
    assert found.provider_details_json == details({"index": 0, "function": {"new": 1}})


def test_words_refusal_and_calls_keep_their_order() -> None:
    found = message(role="assistant", content="No.", refusal="I cannot.", tool_calls=[CALL])
    assert [part.WhichOneof("kind") for part in found.parts] == ["text", "refusal", "tool_call"]
    assert found.parts[1].refusal == "I cannot."


def test_a_refusal_in_content() -> None:
    found = message(role="assistant", content=[{"type": "refusal", "refusal": "No."}, {"type": "text", "text": "Sorry."}])
    refusal = Part(refusal="No.", provider_details_json=details(form={"place": "content"}))
    assert found.parts == [refusal, Part(text="Sorry.")]


def test_what_stands_for_content() -> None:
    field = {"audio": {"id": "audio_1"}}
    found = message(role="assistant", content=None, **field)
    assert found == Message(role=Role.ROLE_ASSISTANT, provider_details_json=details(field))


@pytest.mark.parametrize(
    ("fields", "strings"),
    [
        ({"reasoning_content": "Hm."}, []),
        ({"reasoning": "Hm."}, ["reasoning"]),
        ({"reasoning": "Hm.", "reasoning_content": "Hm."}, ["reasoning_content", "reasoning"]),
        ({"reasoning": "Hm.", "reasoning_details": []}, ["reasoning"]),
    ],
)
def test_reasoning_given_back(fields: dict[str, Any], strings: list[str]) -> None:
    form = details(form={"strings": strings}) if strings else None
    thought = Part(reasoning=Reasoning(text="Hm."), provider_details_json=form)
    found = message(role="assistant", content="42", **fields)
    assert found == Message(role=Role.ROLE_ASSISTANT, parts=[thought, Part(text="42")])


def test_reasoning_given_back_in_detail() -> None:
    items: list[dict[str, Any]] = [
        {"type": "reasoning.summary", "summary": "Short.", "index": 0, "format": "openai-responses-v1", "id": "rs_1"},
        {"type": "reasoning.text", "text": "Long.", "signature": "s", "format": "anthropic-claude-v1", "new": 1},
        {"type": "reasoning.encrypted", "data": "x", "format": "xai-responses-v1"},
        {"type": "reasoning.text", "text": "Hm.", "format": "unknown"},
    ]
    found = message(role="assistant", content="42", reasoning="Short.", reasoning_details=items)
    expected = [
        (Reasoning(text="Short.", summary=True, provider="openai-responses", id="rs_1"), items[0], {}),
        (Reasoning(text="Long.", signature="s", provider="anthropic"), items[1], {"new": 1}),
        (Reasoning(encrypted="x", provider="xai-responses-v1"), items[2], {}),
        (Reasoning(text="Hm."), items[3], {}),
    ]
    for part, (reasoning, item, more) in zip(found.parts[:4], expected, strict=True):
        form = {"strings": ["reasoning"], "item": {name: item[name] for name in ("type", "format", "index") if name in item}}
        assert part == Part(reasoning=reasoning, provider_details_json=details(more or None, form))
