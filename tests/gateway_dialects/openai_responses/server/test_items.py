"""Input items: how they become turns, and what is wrong with them. That every form comes back as it was is in the laws."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.v1.content_pb2 import MediaKind, Role
from gateway_dialects.openai_responses.parse_items import listed
from tests.gateway_dialects.openai_responses.server.reading import details, form, messages_of, refused

CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "1"}
THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "A"}],
    "encrypted_content": "gAAA",
}
USER = {"role": "user", "content": "Hi"}
WORDS = {"role": "assistant", "content": "Wait."}


def test_what_the_model_did_is_one_turn() -> None:
    """As chat completions, and others, want it: parallel calls together, their results after them."""
    second = {**CALL, "call_id": "call_2"}
    messages = messages_of(USER, THOUGHT, WORDS, CALL, second, OUTPUT, {**OUTPUT, "call_id": "call_2"}, WORDS, USER)
    assert [message.role for message in messages] == [
        Role.ROLE_USER,
        Role.ROLE_ASSISTANT,
        Role.ROLE_TOOL,
        Role.ROLE_TOOL,
        Role.ROLE_ASSISTANT,
        Role.ROLE_USER,
    ]
    assert [part.WhichOneof("kind") for part in messages[1].parts] == ["reasoning", "text", "tool_call", "tool_call"]


def test_calls_one_after_another_stay_apart() -> None:
    again = [{**CALL, "call_id": "call_2"}, {**OUTPUT, "call_id": "call_2"}]
    assert [len(message.parts) for message in messages_of(CALL, OUTPUT, *again)] == [1, 1, 1, 1]


def test_a_call_keeps_its_own_id_apart_from_the_items() -> None:
    (message,) = messages_of({**CALL, "id": "fc_1", "status": "completed"})
    assert message.parts[0].tool_call.id == "call_1"
    assert details(message.parts[0]) == {"id": "fc_1", "status": "completed"}


def test_custom_tools() -> None:
    call, result = messages_of(
        {"type": "custom_tool_call", "call_id": "c", "name": "shell", "input": "ls"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "a"},
    )
    assert (call.parts[0].tool_call.name, call.parts[0].tool_call.input) == ("shell", "ls")
    assert result.parts[0].tool_result.tool_call_id == "c"
    assert result.parts[0].tool_result.parts[0].text == "a"


def test_reasoning_is_marked_as_this_dialects_own() -> None:
    (message,) = messages_of({**THOUGHT, "summary": [*THOUGHT["summary"], {"type": "summary_text", "text": "Be"}]})
    reasoning = message.parts[0].reasoning
    assert (reasoning.text, reasoning.encrypted, reasoning.provider) == ("A\n\nBe", "gAAA", "openai-responses")
    assert reasoning.id == "rs_1"
    assert form(message.parts[0]) == {"lengths": [1, 2]}


def test_a_drawn_picture_is_media() -> None:
    (message,) = messages_of({"type": "image_generation_call", "id": "ig_1", "result": "AA==", "output_format": "webp"})
    assert message.parts[0].media.kind == MediaKind.MEDIA_KIND_IMAGE
    assert message.parts[0].media.uri == "data:image/webp;base64,AA=="
    (message,) = messages_of({"type": "image_generation_call", "id": "ig_1", "result": None})
    assert message.parts[0].opaque.dialect == "openai-responses"


def test_annotations_are_citations() -> None:
    cited = [
        {"type": "url_citation", "url": "https://e.com", "title": "E", "start_index": 0, "end_index": 5},
        {"type": "file_citation", "file_id": "file_1", "filename": "a.pdf", "index": 5},
    ]
    content = [{"type": "output_text", "text": "Wait.", "annotations": cited}]
    (message,) = messages_of({**WORDS, "content": content})
    first, second = message.parts[0].citations
    assert (first.uri, first.title, first.start_index, first.end_index) == ("https://e.com", "E", 0, 5)
    assert (second.source_id, second.title, second.HasField("end_index")) == ("file_1", "a.pdf", False)
    assert [details(citation) for citation in (first, second)] == cited


@pytest.mark.parametrize(("mark", "ttl"), [({"type": "ephemeral"}, ""), ({"type": "ephemeral", "ttl": "1h"}, "1h")])
def test_marks_for_the_prompt_cache_are_hints(mark: dict[str, str], ttl: str) -> None:
    text = {"type": "input_text", "text": "Hi", "cache_control": mark}
    (message,) = messages_of({"role": "user", "content": [text, text], "cache_control": mark})
    holders: list[Any] = [message, *message.parts]
    for holder in holders:
        assert holder.HasField("cache_hint")
        assert holder.cache_hint.ttl == ttl
        assert "openai-responses" not in holder.provider_details_json


def test_another_mark_for_the_prompt_cache_is_carried() -> None:
    mark = {"type": "ephemeral", "scope": "x"}
    (message,) = messages_of(piece(type="input_text", text="Hi", cache_control=mark))
    assert not message.parts[0].HasField("cache_hint")
    assert details(message.parts[0]) == {"cache_control": mark}


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        ("web_search_call", Role.ROLE_ASSISTANT),
        ("mcp_approval_request", Role.ROLE_ASSISTANT),
        ("computer_call_output", Role.ROLE_USER),
        ("mcp_approval_response", Role.ROLE_USER),
        ("of_the_future", Role.ROLE_USER),
    ],
)
def test_what_only_this_dialect_knows_is_carried(kind: str, role: Role.ValueType) -> None:
    """What is the client's is refused by other dialects; what the model made they may leave out."""
    item = {"type": kind, "id": "x", "n": [1, 2.5]}
    (message,) = messages_of(item)
    assert message.role == role
    assert message.parts[0].opaque.dialect == "openai-responses"
    assert json.loads(message.parts[0].opaque.json) == item


@pytest.mark.parametrize(
    ("data", "name", "uri"),
    [
        ("data:application/pdf;base64,JQ==", "a.pdf", "data:application/pdf;base64,JQ=="),
        ("JQ==", "A.PDF", "data:application/pdf;base64,JQ=="),
        ("JQ==", "a.bin", "data:application/octet-stream;base64,JQ=="),
    ],
)
def test_a_files_bytes(data: str, name: str, uri: str) -> None:
    (message,) = messages_of({"role": "user", "content": [{"type": "input_file", "file_data": data, "filename": name}]})
    media = message.parts[0].media
    assert (media.uri, media.filename) == (uri, name)
    assert uri.startswith(f"data:{media.mime_type};")


def test_the_long_form_is_what_is_listed() -> None:
    assert listed([WORDS, USER, CALL, {"role": "user", "content": [], "id": "msg_1"}]) == [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Wait."}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        CALL,
        {"type": "message", "role": "user", "content": [], "id": "msg_1"},
    ]


def piece(**fields: Any) -> dict[str, Any]:
    return {"role": "user", "content": [fields]}


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ("Hi", "input[0]"),
        ({}, "input[0].type"),
        ({"type": 1}, "input[0].type"),
        ({"type": "message"}, "input[0].role"),
        ({"role": "robot", "content": "x"}, "input[0].role"),
        ({"role": "user"}, "input[0].content"),
        ({"role": "user", "content": 1}, "input[0].content"),
        ({"role": "user", "content": ["x"]}, "input[0].content[0]"),
        ({"role": "assistant"}, "input[0].content"),
        (piece(), "input[0].content[0].type"),
        (piece(type="input_text"), "input[0].content[0].text"),
        (piece(type="input_text", text=1), "input[0].content[0].text"),
        (piece(type="input_image"), "input[0].content[0].image_url"),
        (piece(type="input_image", image_url={"url": "x"}), "input[0].content[0].image_url"),
        (piece(type="input_image", image_url="x", detail=1), "input[0].content[0].detail"),
        (piece(type="input_file"), "input[0].content[0].file_data"),
        (piece(type="input_file", file_url=1), "input[0].content[0].file_url"),
        (piece(type="input_file", filename=1), "input[0].content[0].filename"),
        (piece(type="input_audio"), "input[0].content[0].input_audio"),
        (piece(type="input_audio", input_audio={"data": "x"}), "input[0].content[0].input_audio.format"),
        (piece(type="refusal"), "input[0].content[0].refusal"),
        (piece(type="output_text", text="x", annotations={}), "input[0].content[0].annotations"),
        (piece(type="output_text", text="x", annotations=[1]), "input[0].content[0].annotations[0]"),
        ({**CALL, "call_id": None}, "input[0].call_id"),
        ({**CALL, "name": 1}, "input[0].name"),
        ({**CALL, "arguments": {}}, "input[0].arguments"),
        ({**CALL, "type": "custom_tool_call"}, "input[0].input"),
        ({**OUTPUT, "call_id": None}, "input[0].call_id"),
        ({**OUTPUT, "output": None}, "input[0].output"),
        ({**OUTPUT, "output": {"a": 1}}, "input[0].output"),
        ({**THOUGHT, "summary": "x"}, "input[0].summary"),
        ({**THOUGHT, "summary": ["x"]}, "input[0].summary[0]"),
        ({**THOUGHT, "content": [{}]}, "input[0].content[0].text"),
        ({**THOUGHT, "encrypted_content": 1}, "input[0].encrypted_content"),
        ({**THOUGHT, "id": 1}, "input[0].id"),
    ],
)
def test_wrong_items_are_named(item: Any, param: str) -> None:
    assert refused(input=[item])[0] == param
