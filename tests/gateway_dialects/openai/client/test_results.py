"""What tools answered: one message for each call, and what they show where the vendor looks at it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Media, MediaKind, Message, Part, Reasoning, Role, ToolCall, ToolResult
from gateway_dialects.kit.dialect import Endpoint, Quirks
from gateway_dialects.openai.encode_request import encode_chat

IMAGE = Part(media=Media(kind=MediaKind.MEDIA_KIND_IMAGE, uri="https://x/i.png"))
SENT_IMAGE = {"type": "image_url", "image_url": {"url": "https://x/i.png"}}
TAKES_MEDIA = Quirks(media_in_tool_messages=True)


def result(*parts: Part, call_id: str = "a", is_error: bool = False) -> Part:
    return Part(tool_result=ToolResult(tool_call_id=call_id, parts=parts, is_error=is_error))


def tool(*parts: Part) -> Message:
    return Message(role=Role.ROLE_TOOL, parts=parts)


def sent(*messages: Message, quirks: Quirks | None = None) -> list[dict[str, Any]]:
    endpoint = Endpoint("p", "openai", "http://up", quirks=quirks or Quirks())
    upstream, warnings = encode_chat(ChatRequest(messages=messages), "m", endpoint, False)
    assert not warnings
    found: list[dict[str, Any]] = json.loads(upstream.body)["messages"]
    return found


def test_one_message_for_each_result() -> None:
    assert sent(tool(result(Part(text="3")), result(Part(text="4"), call_id="b"))) == [
        {"role": "tool", "tool_call_id": "a", "content": "3"},
        {"role": "tool", "tool_call_id": "b", "content": "4"},
    ]


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        ((Part(text="no such file"),), "Error: no such file"),
        ((Part(text="ERROR 5"),), "ERROR 5"),
        ((), "Error"),
        ((Part(text="a"), Part(text="b")), [{"type": "text", "text": "Error: a"}, {"type": "text", "text": "b"}]),
    ],
)
def test_a_failure_is_told_in_words(parts: tuple[Part, ...], content: object) -> None:
    request = tool(result(*parts, is_error=True))
    before = request.SerializeToString()
    assert sent(request)[0]["content"] == content
    assert request.SerializeToString() == before


def test_pictures_stand_behind_all_answers() -> None:
    messages = [
        tool(result(Part(text="see"), IMAGE)),
        tool(result(IMAGE, call_id="b")),
        Message(role=Role.ROLE_USER, parts=[Part(text="and?")]),
        tool(result(IMAGE, call_id="c")),
    ]
    first, second, shown, asked, third, last = sent(*messages)
    assert first == {"role": "tool", "tool_call_id": "a", "content": "see"}
    assert (second["tool_call_id"], second["role"]) == ("b", "tool")
    assert isinstance(second["content"], str)
    assert shown["role"] == "user"
    assert [item for item in shown["content"] if item["type"] != "text"] == [SENT_IMAGE, SENT_IMAGE]
    assert ["call a" in shown["content"][0]["text"], "call b" in shown["content"][2]["text"]] == [True, True]
    assert asked["content"] == "and?"
    assert third["tool_call_id"] == "c"
    assert last["content"][1:] == [SENT_IMAGE]


def test_pictures_stay_where_a_vendor_takes_them() -> None:
    assert sent(tool(result(Part(text="see"), IMAGE)), quirks=TAKES_MEDIA) == [
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "see"}, SENT_IMAGE]}
    ]


def test_long_ids_still_pair() -> None:
    ids = ["call_" + "x" * 60, "call_" + "x" * 59 + "y", "call_1"]
    calls = [Part(tool_call=ToolCall(id=call_id, name="f", arguments_json="{}")) for call_id in ids]
    said = Message(role=Role.ROLE_ASSISTANT, parts=calls)
    answered = tool(*(result(Part(text="1"), call_id=call_id) for call_id in ids))
    asked, *answers = sent(said, answered, quirks=Quirks(longest_call_id=40))
    sent_ids = [call["id"] for call in asked["tool_calls"]]
    assert sent_ids == [answer["tool_call_id"] for answer in answers]
    assert len(set(sent_ids)) == 3
    assert max(map(len, sent_ids)) == 40
    assert sent_ids[2] == "call_1"


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (tool(), "messages[0].parts"),
        (tool(Part(text="3")), "messages[0].parts[0]"),
        (tool(result(Part(reasoning=Reasoning()))), "messages[0].parts[0].tool_result.parts[0]"),
        (tool(result(Part(media=Media()))), "messages[0].parts[0].tool_result.parts[0]"),
    ],
)
def test_what_is_no_result(message: Message, field: str) -> None:
    with pytest.raises(GatewayError) as caught:
        sent(message)
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, field)
    assert field in caught.value.message
