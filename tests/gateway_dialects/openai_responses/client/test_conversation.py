"""What a conversation becomes: the exact input items. Every form that a client of this dialect can write is in the laws."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import (
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
from tests.gateway_dialects.openai_responses.client.asking import USER, asked, form, input_of, own, refused


def assistant(*parts: Part, **fields: Any) -> Message:
    return Message(role=Role.ROLE_ASSISTANT, parts=parts, **fields)


def result(call_id: str, *parts: Part) -> Message:
    answer = ToolResult(tool_call_id=call_id, parts=parts)
    return Message(role=Role.ROLE_TOOL, parts=[Part(tool_result=answer)])


def user(*parts: Part) -> Message:
    return Message(role=Role.ROLE_USER, parts=parts)


def call(call_id: str = "call_1", **fields: Any) -> Part:
    return Part(tool_call=ToolCall(id=call_id, name="f", **fields))


def test_roles_and_their_order_are_kept() -> None:
    messages = [
        Message(role=role, parts=[Part(text="x")]) for role in (Role.ROLE_SYSTEM, Role.ROLE_DEVELOPER, Role.ROLE_USER)
    ]
    assert input_of(*messages, assistant(Part(text="y")), messages[0]) == [
        {"role": "system", "content": "x"},
        {"role": "developer", "content": "x"},
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": "y"},
        {"role": "system", "content": "x"},
    ]


def test_a_tool_loop() -> None:
    """Calls are items of their own, whose results name them; a custom tool's result is of its own type."""
    assert input_of(
        USER,
        assistant(Part(text="Wait."), call(arguments_json='{"a": 1}'), call("call_2", input="ls"), call("call_3")),
        result("call_1", Part(text="1")),
        result("call_2", Part(text="a"), Part(text="b")),
        result("call_3"),
    )[1:] == [
        {"role": "assistant", "content": "Wait."},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"a": 1}'},
        {"type": "custom_tool_call", "call_id": "call_2", "name": "f", "input": "ls"},
        {"type": "function_call", "call_id": "call_3", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "1"},
        {
            "type": "custom_tool_call_output",
            "call_id": "call_2",
            "output": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}],
        },
        {"type": "function_call_output", "call_id": "call_3", "output": ""},
    ]


def test_broken_arguments_are_carried_as_they_are() -> None:
    assert input_of(assistant(call(arguments_json="{oops")))[0]["arguments"] == "{oops"


def test_ids_that_are_too_long_are_shortened_alike_in_call_and_result() -> None:
    long = "c" * 80
    first, second = input_of(assistant(call(long)), result(long, Part(text="1")))
    assert first["call_id"] == second["call_id"]
    assert len(first["call_id"]) == 64
    assert input_of(assistant(call("c" * 81)))[0]["call_id"] != first["call_id"]


@pytest.mark.parametrize(
    ("media", "sent"),
    [
        (
            Media(kind=MediaKind.MEDIA_KIND_IMAGE, uri="https://e.com/a"),
            {"type": "input_image", "image_url": "https://e.com/a"},
        ),
        (
            Media(mime_type="image/png", data=b"\x89", detail="high"),
            {"type": "input_image", "image_url": "data:image/png;base64,iQ==", "detail": "high"},
        ),
        (Media(kind=MediaKind.MEDIA_KIND_IMAGE, file_id="file-1"), {"type": "input_image", "file_id": "file-1"}),
        (Media(file_id="file-1", filename="a"), {"type": "input_file", "file_id": "file-1", "filename": "a"}),
        (Media(uri="https://e.com/a.pdf"), {"type": "input_file", "file_url": "https://e.com/a.pdf"}),
        (
            Media(mime_type="application/pdf", data=b"%"),
            {"type": "input_file", "filename": "document.pdf", "file_data": "data:application/pdf;base64,JQ=="},
        ),
        (
            Media(kind=MediaKind.MEDIA_KIND_FILE, mime_type="text/plain", data=b"%", filename="n.txt"),
            {"type": "input_file", "filename": "n.txt", "file_data": "data:text/plain;base64,JQ=="},
        ),
        (Media(mime_type="audio/wav", data=b"%"), {"type": "input_audio", "input_audio": {"data": "JQ==", "format": "wav"}}),
    ],
)
def test_media(media: Media, sent: dict[str, Any]) -> None:
    assert input_of(user(Part(media=media))) == [{"role": "user", "content": [sent]}]
    assert input_of(assistant(call()), result("call_1", Part(media=media)))[1]["output"] == [sent]


def test_reasoning_of_its_own_goes_back_unmodified() -> None:
    details = own({"status": "completed"}) | form(lengths=[2, 3])
    thought = Reasoning(text="A.\n\nBe.", summary=True, encrypted="gAAA", provider="openai-responses", id="rs_1")
    assert input_of(assistant(Part(reasoning=thought, provider_details_json=details)))[0] == {
        "type": "reasoning",
        "id": "rs_1",
        "status": "completed",
        "summary": [{"type": "summary_text", "text": "A."}, {"type": "summary_text", "text": "Be."}],
        "encrypted_content": "gAAA",
    }


def test_parts_of_one_id_are_one_reasoning_item() -> None:
    """Chat clients give the text and the encrypted content back apart."""
    text = Reasoning(text="A", summary=True, provider="openai-responses", id="rs_1")
    encrypted = Reasoning(encrypted="gAAA", provider="openai-responses", id="rs_1")
    assert input_of(assistant(Part(reasoning=text), Part(reasoning=encrypted), call())) == [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "A"}], "encrypted_content": "gAAA"},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
    ]


def test_reasoning_items_that_follow_each_other_stay_apart() -> None:
    parts = [Part(reasoning=Reasoning(encrypted=name, provider="openai-responses", id=f"rs_{name}")) for name in ("a", "b")]
    assert [item["id"] for item in input_of(assistant(*parts, Part(text="x")))[:2]] == ["rs_a", "rs_b"]


@pytest.mark.parametrize(
    "thought",
    [
        Reasoning(text="H", signature="s", provider="anthropic"),
        Reasoning(encrypted="gAAA", provider="gemini"),
        Reasoning(text="H"),
        Reasoning(encrypted="gAAA"),
        # The client cannot count on what the provider has kept.
        Reasoning(text="H", summary=True, provider="openai-responses"),
    ],
)
def test_reasoning_of_others_is_left_out(thought: Reasoning) -> None:
    body, warned = asked(ChatRequest(messages=[USER, assistant(Part(reasoning=thought), Part(text="x"))]))
    assert body["input"][1:] == [{"role": "assistant", "content": "x"}]
    assert warned == ["messages[1].reasoning"]


def test_items_of_built_in_tools_stay_in_their_place() -> None:
    reasoning = Part(reasoning=Reasoning(encrypted="e", provider="openai-responses", id="rs_1"))
    search = Part(opaque=Opaque(dialect="openai-responses", json='{"type":"web_search_call","id":"ws_1"}'))
    items = input_of(assistant(reasoning, search, Part(text="x")))
    assert [item.get("id", item.get("role")) for item in items] == ["rs_1", "ws_1", "assistant"]


@pytest.mark.parametrize("part", [call(), Part(text="x")])
def test_signatures_of_other_providers_are_left_out(part: Part) -> None:
    signed = Part(signature=Signature(provider="gemini", value="SIG"))
    signed.MergeFrom(part)
    body, warned = asked(ChatRequest(messages=[assistant(signed)]))
    assert body["input"] == input_of(assistant(part))
    assert warned == ["messages[0].parts[0].signature"]


def test_names_of_participants_and_fields_of_other_dialects_are_left_out() -> None:
    details = {"openai": '{"audio":{"id":"a"}}', "openai.form": '{"x":1}', "anthropic": '{"id":"msg_1"}'}
    body, warned = asked(ChatRequest(messages=[assistant(Part(text="x"), name="Ann", provider_details_json=details)]))
    assert body["input"] == [{"role": "assistant", "content": "x"}]
    assert warned == ["messages[0].name", "messages[0].audio"]


def test_citations_of_the_assistants_text_are_annotations() -> None:
    own_form = {"type": "container_file_citation", "file_id": "cfile_1", "start_index": 0, "end_index": 2}
    found = [
        Citation(uri="https://e.com", title="E", start_index=1, end_index=2),
        Citation(source_id="cfile_1", provider_details_json=own(own_form)),
    ]
    assert input_of(assistant(Part(text="Hi", citations=found))) == [
        {
            "role": "assistant",
            "content": [
                {
                    "type": "output_text",
                    "text": "Hi",
                    "annotations": [
                        {"type": "url_citation", "start_index": 1, "end_index": 2, "title": "E", "url": "https://e.com"},
                        own_form,
                    ],
                }
            ],
        }
    ]


@pytest.mark.parametrize(
    ("message", "field", "content"),
    [
        # The files of another provider.
        (
            assistant(Part(text="Hi", citations=[Citation(source_id="doc_1")])),
            "messages[0].parts[0].citations",
            [{"type": "output_text", "text": "Hi", "annotations": []}],
        ),
        (user(Part(text="Hi", citations=[Citation(uri="https://e.com")])), "messages[0].parts[0].citations", "Hi"),
    ],
)
def test_other_citations_are_left_out(message: Message, field: str, content: Any) -> None:
    body, warned = asked(ChatRequest(messages=[message]))
    assert body["input"][0]["content"] == content
    assert warned == [field]


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (user(Part(media=Media(kind=MediaKind.MEDIA_KIND_VIDEO, uri="https://e.com/v"))), "messages[0].parts[0]"),
        (user(Part(media=Media(mime_type="audio/wav", uri="https://e.com/a"))), "messages[0].parts[0]"),
        (user(Part(opaque=Opaque(dialect="anthropic", json="{}"))), "messages[0].parts[0]"),
        (assistant(Part(media=Media(mime_type="audio/wav", data=b"x"))), "messages[0].parts[0]"),
        (assistant(Part(media=Media(kind=MediaKind.MEDIA_KIND_IMAGE, data=b"x"))), "messages[0].parts[0]"),
        (assistant(Part(media=Media(kind=MediaKind.MEDIA_KIND_IMAGE, uri="https://e.com/a"))), "messages[0].parts[0]"),
        (result("", Part(text="x")), "messages[0].tool_call_id"),
    ],
)
def test_content_that_it_cannot_carry(message: Message, field: str) -> None:
    assert refused(ChatRequest(messages=[message])) == (Reason.UNSUPPORTED, field)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (Message(parts=[Part(text="x")]), "messages[0].role"),
        (user(Part()), "messages[0].parts[0]"),
        (user(call()), "messages[0].parts[0]"),
        (user(Part(reasoning=Reasoning())), "messages[0].parts[0]"),
        (user(Part(tool_result=ToolResult())), "messages[0].parts[0]"),
        (user(Part(media=Media(kind=MediaKind.MEDIA_KIND_IMAGE))), "messages[0].parts[0]"),
        (assistant(call("")), "messages[0].parts[0].tool_call.id"),
        (assistant(Part(tool_result=ToolResult())), "messages[0].parts[0]"),
        (assistant(Part()), "messages[0].parts[0]"),
        (Message(role=Role.ROLE_TOOL, parts=[Part(text="x")]), "messages[0].parts[0]"),
        (result("c", call()), "messages[0].parts[0].tool_result.parts[0]"),
        (assistant(Part(opaque=Opaque(dialect="openai-responses", json="{"))), "messages[0].parts[0].opaque.json"),
    ],
)
def test_malformed_messages_of_a_grpc_caller(message: Message, field: str) -> None:
    assert refused(ChatRequest(messages=[message])) == (Reason.INVALID_REQUEST, field)
