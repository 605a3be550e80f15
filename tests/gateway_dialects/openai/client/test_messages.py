"""Messages as gRPC callers write them, and as vendors take them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
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
    Signature,
    ToolCall,
    ToolResult,
)
from gateway_core.providers.vendors import OPENAI_COMPATIBLE as VENDORS
from gateway_dialects.kit.diagnostics import Diagnostics
from gateway_dialects.kit.dialect import Quirks
from gateway_dialects.openai.encode_messages import encode_message

IMAGE = MediaKind.MEDIA_KIND_IMAGE


def encode(message: Message, quirks: Quirks | None = None) -> tuple[dict[str, Any], list[str]]:
    diagnostics = Diagnostics()
    encoded = encode_message(message, quirks or Quirks(), "messages[3]", diagnostics)
    return encoded, [warning.field for warning in diagnostics.warnings]


def user(*parts: Part) -> Message:
    return Message(role=Role.ROLE_USER, parts=parts)


def content(*parts: Part) -> Any:
    return encode(user(*parts))[0]["content"]


def refusal(message: Message) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        encode(message)
    return caught.value


@pytest.mark.parametrize(
    ("role", "word"),
    [
        (Role.ROLE_SYSTEM, "system"),
        (Role.ROLE_DEVELOPER, "system"),
        (Role.ROLE_USER, "user"),
        (Role.ROLE_ASSISTANT, "assistant"),
    ],
)
def test_roles(role: Role.ValueType, word: str) -> None:
    assert encode(Message(role=role, parts=[Part(text="Hi")]))[0] == {"role": word, "content": "Hi"}


def test_a_vendor_that_knows_developers() -> None:
    message = Message(role=Role.ROLE_DEVELOPER, parts=[Part(text="Hi")])
    assert encode(message, Quirks(developer_role=True))[0]["role"] == "developer"


def test_one_text_is_a_string_and_more_are_a_list() -> None:
    assert content(Part(text="a")) == "a"
    assert content(Part(text="a"), Part(text="b")) == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]


def test_cache_hints() -> None:
    """Those of clients of other forms go only to vendors that are known to take them. Others are warned of, but where the
    vendor caches by itself."""
    own = Part(text="a", cache_hint=CacheHint(ttl="1h"), provider_details_json={"openai.form": '{"cache_control":true}'})
    others = Part(text="a", cache_hint=CacheHint(ttl="1h"))
    marked = [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    assert content(own) == marked
    plain = {"role": "user", "content": "a"}
    assert encode(user(others)) == (plain, ["messages[3].parts[0].cache_control"])
    assert encode(user(others), Quirks(cache_hints=True)) == ({"role": "user", "content": marked}, [])
    for part in (own, others):
        assert encode(user(part), Quirks(cache_control=False)) == (plain, ["messages[3].parts[0].cache_control"])
        assert encode(user(part), Quirks(cache_control=False, automatic_cache=True)) == (plain, [])


def test_empty_messages() -> None:
    assert encode(user())[0]["content"] == ""
    assert encode(Message(role=Role.ROLE_ASSISTANT))[0]["content"] == ""


def test_a_turn_whose_reasoning_is_left_out_still_has_content() -> None:
    message = Message(role=Role.ROLE_ASSISTANT, parts=[Part(reasoning=Reasoning(text="hm"))])
    assert encode(message, Quirks(reasoning_field="")) == ({"role": "assistant", "content": ""}, ["messages[3].parts[0]"])
    message.parts.append(Part(refusal="No."))
    assert encode(message, Quirks(reasoning_field=""))[0] == {"role": "assistant", "refusal": "No.", "content": None}


def test_details_of_other_dialects_are_not_sent() -> None:
    part = Part(text="a", provider_details_json={"anthropic": '{"citations":[]}'})
    assert encode(Message(role=Role.ROLE_USER, parts=[part], provider_details_json={"gemini": '{"x":1}'}))[0] == {
        "role": "user",
        "content": "a",
    }


def test_tool_calls_and_results() -> None:
    calls = [
        Part(tool_call=ToolCall(id="a", name="f", arguments_json='{"x":1}')),
        Part(tool_call=ToolCall(id="b", name="shell", input="ls")),
    ]
    encoded = encode(Message(role=Role.ROLE_ASSISTANT, parts=calls))[0]
    assert encoded["content"] is None
    assert encoded["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
        {"id": "b", "type": "custom", "custom": {"name": "shell", "input": "ls"}},
    ]


@pytest.mark.parametrize(
    ("media", "encoded"),
    [
        (
            Media(kind=IMAGE, uri="http://i", detail="low"),
            {"type": "image_url", "image_url": {"url": "http://i", "detail": "low"}},
        ),
        (
            Media(data=b"\x01", mime_type="image/png"),
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AQ=="}},
        ),
        (
            Media(data=b"\x01", mime_type="audio/wav"),
            {"type": "input_audio", "input_audio": {"data": "AQ==", "format": "wav"}},
        ),
        (
            Media(data=b"\x01", mime_type="audio/mpeg"),
            {"type": "input_audio", "input_audio": {"data": "AQ==", "format": "mp3"}},
        ),
        (Media(uri="http://v", mime_type="video/mp4"), {"type": "video_url", "video_url": {"url": "http://v"}}),
        (
            Media(data=b"\x01", mime_type="application/pdf", filename="a.pdf"),
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,AQ==", "filename": "a.pdf"}},
        ),
        (Media(file_id="file-1"), {"type": "file", "file": {"file_id": "file-1"}}),
    ],
)
def test_media(media: Media, encoded: dict[str, Any]) -> None:
    assert content(Part(media=media)) == [encoded]


@pytest.mark.parametrize(
    ("message", "reason", "field"),
    [
        (Message(parts=[Part(text="a")]), Reason.INVALID_REQUEST, "messages[3].role"),
        (user(Part()), Reason.INVALID_REQUEST, "messages[3].parts[0]"),
        (user(Part(text="a"), Part(media=Media(kind=IMAGE))), Reason.INVALID_REQUEST, "messages[3].parts[1]"),
        (user(Part(media=Media(kind=IMAGE, file_id="f"))), Reason.UNSUPPORTED, "messages[3].parts[0]"),
        (user(Part(media=Media(mime_type="audio/wav", uri="http://a"))), Reason.UNSUPPORTED, "messages[3].parts[0]"),
        (user(Part(opaque=Opaque(dialect="gemini", json="{}"))), Reason.UNSUPPORTED, "messages[3].parts[0]"),
        (user(Part(tool_result=ToolResult())), Reason.INVALID_REQUEST, "messages[3].parts[0]"),
    ],
)
def test_what_cannot_be_sent(message: Message, reason: Reason, field: str) -> None:
    found = refusal(message)
    assert (found.reason, found.field) == (reason, field)
    assert "messages[3]" in found.message


def test_citations() -> None:
    """Vendors take back their own annotations alone."""
    annotation = {"type": "url_citation", "url_citation": {"url": "u"}}
    own = Citation(uri="u", provider_details_json={"openai": json.dumps(annotation)})
    message = Message(role=Role.ROLE_ASSISTANT, parts=[Part(text="Hi", citations=[own])])
    assert encode(message) == ({"role": "assistant", "content": "Hi", "annotations": [annotation]}, [])
    message.parts[0].citations.add(uri="v")
    assert encode(message)[1] == ["messages[3].parts[0].citations"]
    assert encode(message)[0]["annotations"] == [annotation]


def assistant(reasoning: Reasoning, form: str = "") -> Message:
    part = Part(reasoning=reasoning, provider_details_json={"openai.form": form} if form else {})
    return Message(role=Role.ROLE_ASSISTANT, parts=[part, Part(text="4")])


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_goes_back_where_the_vendor_reads_it(field: str) -> None:
    encoded, left_out = encode(assistant(Reasoning(text="hm")), Quirks(reasoning_field=field))
    assert encoded == {"role": "assistant", field: "hm", "content": "4"}
    assert left_out == []


def test_a_vendor_that_takes_no_reasoning_back() -> None:
    encoded, left_out = encode(assistant(Reasoning(text="hm")), Quirks(reasoning_field=""))
    assert encoded == {"role": "assistant", "content": "4"}
    assert left_out == ["messages[3].parts[0]"]


@pytest.mark.parametrize(
    "signed", [Reasoning(text="hm", signature="s"), Reasoning(encrypted="e"), Reasoning(signature="s", provider="anthropic")]
)
def test_signed_reasoning_of_another_dialect_is_dropped(signed: Reasoning) -> None:
    encoded, left_out = encode(assistant(signed))
    assert encoded == {"role": "assistant", "content": "4"}
    assert left_out == ["messages[3].parts[0]"]


def test_signed_reasoning_of_this_dialect_goes_back_whole() -> None:
    form = '{"item":{"type":"reasoning.text","format":"f"}}'
    encoded, _ = encode(assistant(Reasoning(text="hm", signature="s", id="r"), form))
    assert encoded["reasoning_details"] == [
        {"type": "reasoning.text", "format": "f", "id": "r", "text": "hm", "signature": "s"}
    ]


@pytest.mark.parametrize("vendor", ["openai", "openrouter"])
def test_video_goes_only_to_who_has_a_form_for_it(vendor: str) -> None:
    quirks = next(row.quirks for row in VENDORS if row.name == vendor)
    message = user(Part(media=Media(kind=MediaKind.MEDIA_KIND_VIDEO, uri="https://v.mp4")))
    if vendor == "openrouter":
        assert encode(message, quirks)[0]["content"] == [{"type": "video_url", "video_url": {"url": "https://v.mp4"}}]
        return
    with pytest.raises(GatewayError) as caught:
        encode(message, quirks)
    assert (caught.value.reason, caught.value.field) == (Reason.UNSUPPORTED, "messages[3].parts[0]")
    assert "video" in caught.value.message


def test_signatures_go_to_who_signed() -> None:
    parts = [
        Part(text="a", signature=Signature(provider="other", value="s")),
        Part(text="b", signature=Signature(provider="gemini", value="s")),
    ]
    encoded, dropped = encode(Message(role=Role.ROLE_ASSISTANT, parts=parts))
    assert dropped == ["messages[3].parts[0].signature", "messages[3].parts[1].signature"]
    assert "extra_content" not in encoded
    encoded, dropped = encode(Message(role=Role.ROLE_ASSISTANT, parts=parts[1:]), Quirks(extra_content=True))
    assert (encoded["extra_content"], dropped) == ({"google": {"thought_signature": "s"}}, [])
