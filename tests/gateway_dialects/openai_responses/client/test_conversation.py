"""What a conversation becomes: the exact input items. Every form that a client of this dialect can write is in the laws."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Media, MediaKind, Message, Opaque, Part, Reasoning, Role, ToolCall, ToolResult
from tests.gateway_dialects.openai_responses.client.asking import USER, asked, chat_form, input_of, own, refused


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
        (
            Media(mime_type="audio/wav", data=b"%"),
            {"type": "input_audio", "input_audio": {"data": "JQ==", "format": "wav"}},
        ),
    ],
)
def test_media(media: Media, sent: dict[str, Any]) -> None:
    assert input_of(user(Part(media=media))) == [{"role": "user", "content": [sent]}]
    assert input_of(assistant(call()), result("call_1", Part(media=media)))[1]["output"] == [sent]


def test_reasoning_of_its_own_goes_back_unmodified() -> None:
    details = own({"id": "rs_1", "$summary": [2, 3]})
    thought = Reasoning(text="A.\n\nBe.", summary=True, encrypted="gAAA", provider="openai-responses")
    assert input_of(assistant(Part(reasoning=thought, provider_details_json=details)))[0] == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "A."}, {"type": "summary_text", "text": "Be."}],
        "encrypted_content": "gAAA",
    }


@pytest.mark.parametrize("is_split", [True, False])
def test_reasoning_that_a_chat_client_gives_back(is_split: bool) -> None:
    """In OpenRouter's form: its words and its encrypted content as two items of one id, or as one."""
    notes = {"$field": "reasoning_details", "format": "openai-responses-v1", "id": "rs_1"}
    words = Part(reasoning=Reasoning(text="A", summary=True), provider_details_json=chat_form(notes))
    sealed = Part(reasoning=Reasoning(encrypted="gAAA"), provider_details_json=chat_form(notes))
    if not is_split:
        words.reasoning.encrypted = "gAAA"
    parts = [words, sealed] if is_split else [words]
    assert input_of(assistant(*parts, call())) == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "A"}],
            "encrypted_content": "gAAA",
        },
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
    ]


def test_reasoning_items_that_follow_each_other_stay_apart() -> None:
    parts = [
        Part(
            reasoning=Reasoning(encrypted=name, provider="openai-responses"), provider_details_json=own({"id": f"rs_{name}"})
        )
        for name in ("a", "b")
    ]
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


def test_built_in_tools_that_a_chat_client_gives_back_follow_the_reasoning() -> None:
    content = {"type": "web_search_call", "id": "ws_1"}
    opaque = [{"dialect": "openai-responses", "content": json.dumps(content)}, {"dialect": "anthropic", "content": "{}"}]
    thought = Part(
        reasoning=Reasoning(encrypted="e", provider="openai-responses"), provider_details_json=own({"id": "rs_1"})
    )
    message = assistant(thought, Part(text="x"), provider_details_json=chat_form({"opaque": opaque, "annotations": []}))
    assert [item.get("id", item.get("role")) for item in input_of(message)] == ["rs_1", "ws_1", "assistant"]


def test_what_it_does_not_know_of_chat_messages_is_told() -> None:
    message = assistant(
        Part(text="x"), name="Ann", provider_details_json=chat_form({"audio": {"id": "a"}, "$content": "list"})
    )
    body, warned = asked(ChatRequest(messages=[message]))
    assert body["input"] == [{"role": "assistant", "content": "x"}]
    assert warned == ["messages[0].name", "messages[0].audio"]


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (user(Part(media=Media(kind=MediaKind.MEDIA_KIND_VIDEO, uri="https://e.com/v"))), "messages[0].parts[0]"),
        (user(Part(media=Media(mime_type="audio/wav", uri="https://e.com/a"))), "messages[0].parts[0]"),
        (user(Part(opaque=Opaque(dialect="anthropic", json="{}"))), "messages[0].parts[0]"),
        (assistant(Part(opaque=Opaque(dialect="anthropic", json="{}"))), "messages[0].parts[0]"),
        (assistant(Part(media=Media(mime_type="audio/wav", data=b"x"))), "messages[0].parts[0]"),
        (assistant(Part(media=Media(kind=MediaKind.MEDIA_KIND_IMAGE, data=b"x"))), "messages[0].parts[0]"),
        (
            assistant(Part(media=Media(kind=MediaKind.MEDIA_KIND_IMAGE, uri="https://e.com/a"))),
            "messages[0].parts[0]",
        ),
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
        (assistant(Part(opaque=Opaque(dialect="openai-responses", json="{"))), ""),
    ],
)
def test_malformed_messages_of_a_grpc_caller(message: Message, field: str) -> None:
    assert refused(ChatRequest(messages=[message])) == (Reason.INVALID_REQUEST, field)
