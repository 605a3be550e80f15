"""Conversations that began elsewhere, in the form and order that Mistral takes."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_AUDIO,
    MEDIA_KIND_FILE,
    MEDIA_KIND_IMAGE,
    MEDIA_KIND_VIDEO,
    ROLE_ASSISTANT,
    ROLE_DEVELOPER,
    ROLE_SYSTEM,
    ROLE_TOOL,
    ROLE_USER,
    CacheHint,
    Citation,
    Media,
    Message,
    Opaque,
    Part,
    Reasoning,
    Role,
    ToolCall,
    ToolResult,
)
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.mistral import CLIENT as MISTRAL
from gateway_dialects.mistral.words import nine_of

ENDPOINT = Endpoint("mistral", "mistral", "https://api.mistral.ai/v1")
CLOSED = {"openai": '{"closed":true}'}


def sent(*messages: Message) -> tuple[list[dict[str, Any]], list[str]]:
    """The messages as they are sent, and the fields that were left out."""
    upstream, warnings = MISTRAL.encode_chat(ChatRequest(messages=messages), "m", ENDPOINT, False)
    return json.loads(upstream.body)["messages"], [warning.field for warning in warnings]


def said(role: Role.ValueType, *parts: Part) -> Message:
    return Message(role=role, parts=parts or [Part(text="x")])


def answered(call_id: str, text: str = "Sun") -> Message:
    return said(ROLE_TOOL, Part(tool_result=ToolResult(tool_call_id=call_id, parts=[Part(text=text)])))


def called(call_id: str, arguments: str = "{}") -> Part:
    return Part(tool_call=ToolCall(id=call_id, name="f", arguments_json=arguments))


def one(part: Part) -> Any:
    messages, left_out = sent(said(ROLE_USER, Part(text="Look:"), part))
    assert left_out == []
    return messages[0]["content"][1]


def roles(*given: Role.ValueType) -> list[str]:
    messages = [answered("c") if role == ROLE_TOOL else said(role) for role in given]
    return [message["role"] for message in sent(*messages)[0]]


@given(st.text(max_size=60))
def test_every_id_becomes_nine_letters_or_digits(call_id: str) -> None:
    assert re.fullmatch("[A-Za-z0-9]{9}", nine_of(call_id))
    assert nine_of(nine_of(call_id)) == nine_of(call_id)


def test_ids_of_other_providers_pair_in_every_turn() -> None:
    ids = ["call_Yq3YyCDtCbwWJbZjkMBuFSkm", "toolu_01A09q90qw90lq917835lq9", "Jc4AR31Hp"]
    history = [said(ROLE_USER), said(ROLE_ASSISTANT, *map(called, ids)), *map(answered, ids), said(ROLE_ASSISTANT)]
    first = sent(*history)[0]
    later = sent(*history, said(ROLE_USER), said(ROLE_ASSISTANT, called("call_9")), answered("call_9"))[0]

    calls = [call["id"] for call in first[1]["tool_calls"]]
    assert calls == [message["tool_call_id"] for message in first[2:5]]
    assert calls[2] == "Jc4AR31Hp"
    assert len(set(calls)) == 3
    assert later[:5] == first[:5]


def test_a_call_without_id_or_arguments() -> None:
    messages, _ = sent(said(ROLE_USER), said(ROLE_ASSISTANT, called("", "")), answered(""))

    assert messages[1]["tool_calls"] == [{"type": "function", "function": {"name": "f", "arguments": "{}"}}]
    assert messages[2] == {"role": "tool", "content": "Sun"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([ROLE_DEVELOPER, ROLE_SYSTEM, ROLE_USER], ["system", "system", "user"]),
        ([ROLE_USER, ROLE_SYSTEM, ROLE_USER], ["user", "system", "user"]),
        ([ROLE_USER, ROLE_ASSISTANT, ROLE_SYSTEM, ROLE_USER], ["user", "assistant", "user", "user"]),
        ([ROLE_TOOL, ROLE_USER], ["tool", "assistant", "user"]),
        ([ROLE_TOOL, ROLE_SYSTEM, ROLE_SYSTEM, ROLE_USER], ["tool", "assistant", "user", "system", "user"]),
        ([ROLE_TOOL, ROLE_TOOL, ROLE_ASSISTANT, ROLE_USER], ["tool", "tool", "assistant", "user"]),
    ],
)
def test_roles_come_in_an_order_that_is_accepted(given: list[Role.ValueType], expected: list[str]) -> None:
    assert roles(*given) == expected


def test_words_between_a_tool_and_the_user() -> None:
    messages, _ = sent(answered("c"), said(ROLE_USER))

    assert messages[1] == {"role": "assistant", "content": "OK"}


def test_an_answer_to_be_continued_says_so() -> None:
    begun = said(ROLE_ASSISTANT, Part(text="Autumn"))
    denied = Message(role=ROLE_ASSISTANT, parts=[Part(text="A")], provider_details_json={"openai": '{"prefix":false}'})

    assert sent(said(ROLE_USER), begun)[0][1] == {"role": "assistant", "content": "Autumn", "prefix": True}
    assert sent(said(ROLE_USER), denied)[0][1]["prefix"] is False
    assert "prefix" not in sent(said(ROLE_USER), said(ROLE_ASSISTANT, called("c")))[0][1]


def test_participants_have_no_names() -> None:
    messages, left_out = sent(Message(role=ROLE_USER, name="ann", parts=[Part(text="Hi")]))

    assert messages == [{"role": "user", "content": "Hi"}]
    assert left_out == ["messages[0].name"]


def test_a_refusal_is_what_the_model_said() -> None:
    assert sent(said(ROLE_ASSISTANT, Part(refusal="No.")), said(ROLE_USER))[0][0]["content"] == "No."


def test_reasoning_stands_in_the_content() -> None:
    own = Part(reasoning=Reasoning(text="Six.", signature="s", provider="mistral"), provider_details_json=CLOSED)
    messages, left_out = sent(
        said(ROLE_ASSISTANT, Part(reasoning=Reasoning(text="hm")), own, Part(text="6")), said(ROLE_USER)
    )

    assert messages[0]["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "thinking", "thinking": [{"type": "text", "text": "Six."}], "signature": "s", "closed": True},
        {"type": "text", "text": "6"},
    ]
    assert left_out == []


@pytest.mark.parametrize(
    "reasoning",
    [Reasoning(text="a", signature="s"), Reasoning(text="a", signature="s", provider="anthropic"), Reasoning(encrypted="e")],
)
def test_what_another_provider_sealed_is_left_out(reasoning: Reasoning) -> None:
    messages, left_out = sent(said(ROLE_ASSISTANT, Part(reasoning=reasoning), Part(text="6")), said(ROLE_USER))

    assert messages[0]["content"] == "6"
    assert left_out == ["messages[0].parts[0]"]


@pytest.mark.parametrize(
    ("media", "chunk"),
    [
        (
            Media(kind=MEDIA_KIND_IMAGE, uri="https://x/a.png", detail="low"),
            {"type": "image_url", "image_url": {"url": "https://x/a.png", "detail": "low"}},
        ),
        (
            Media(data=b"\0", mime_type="image/png"),
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        ),
        (
            Media(kind=MEDIA_KIND_FILE, uri="data:application/pdf;base64,AA==", filename="a.pdf"),
            {"type": "document_url", "document_url": "data:application/pdf;base64,AA==", "document_name": "a.pdf"},
        ),
        (Media(kind=MEDIA_KIND_FILE, file_id="f-1"), {"type": "file", "file_id": "f-1"}),
        (
            Media(kind=MEDIA_KIND_AUDIO, data=b"\0", mime_type="audio/mpeg"),
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}},
        ),
        (Media(kind=MEDIA_KIND_AUDIO, uri="https://x/a.mp3"), {"type": "input_audio", "input_audio": "https://x/a.mp3"}),
    ],
)
def test_media(media: Media, chunk: object) -> None:
    assert one(Part(media=media)) == chunk


def test_what_mistral_does_not_know_of_a_part_is_left_out() -> None:
    """It caches by itself: of a cache hint there is no warning."""
    part = Part(text="Hi", cache_hint=CacheHint(), citations=[Citation(uri="https://x")])
    part.signature.provider = "gemini"
    messages, left_out = sent(Message(role=ROLE_USER, parts=[part], provider_details_json={"openai": '{"id":7}'}))

    assert messages == [{"role": "user", "content": "Hi"}]
    assert left_out == ["messages[0].id", "messages[0].parts[0].citations", "messages[0].parts[0].signature"]


def test_details_of_other_dialects_are_theirs() -> None:
    part = Part(text="Hi", provider_details_json={"anthropic": '{"cache_control":{}}', "mistral": '{"new":1}'})

    assert one(part) == {"type": "text", "text": "Hi", "new": 1}
    assert one(Part(opaque=Opaque(dialect="mistral", json='{"type":"reference","reference_ids":[1]}'))) == {
        "type": "reference",
        "reference_ids": [1],
    }


@pytest.mark.parametrize(
    ("message", "field", "reason"),
    [
        (
            said(ROLE_USER, Part(media=Media(kind=MEDIA_KIND_VIDEO, uri="https://x"))),
            "messages[0].parts[0]",
            Reason.UNSUPPORTED,
        ),
        (said(ROLE_USER, Part(opaque=Opaque(dialect="anthropic", json="{}"))), "messages[0].parts[0]", Reason.UNSUPPORTED),
        (said(ROLE_ASSISTANT, Part(tool_call=ToolCall(name="f", input="x"))), "messages[0].parts[0]", Reason.UNSUPPORTED),
        (said(ROLE_USER, Part(media=Media(kind=MEDIA_KIND_IMAGE))), "messages[0].parts[0]", Reason.INVALID_REQUEST),
        (said(ROLE_USER, Part()), "messages[0].parts[0]", Reason.INVALID_REQUEST),
        (said(ROLE_USER, Part(tool_result=ToolResult())), "messages[0].parts[0]", Reason.INVALID_REQUEST),
        (said(ROLE_TOOL), "messages[0].parts[0]", Reason.INVALID_REQUEST),
        (
            said(ROLE_TOOL, Part(tool_result=ToolResult(parts=[Part(refusal="no")]))),
            "messages[0].parts[0].tool_result.parts[0]",
            Reason.INVALID_REQUEST,
        ),
        (Message(), "messages[0].role", Reason.INVALID_REQUEST),
        (Message(role=ROLE_USER, provider_details_json={"mistral": "{"}), "", Reason.INVALID_REQUEST),
        (
            said(ROLE_USER, Part(opaque=Opaque(dialect="openai", json="{}{}"))),
            "messages[0].parts[0]",
            Reason.INVALID_REQUEST,
        ),
        (Message(role=ROLE_USER, provider_details_json={"mistral.form": '{"content":1}'}), "", Reason.INVALID_REQUEST),
    ],
)
def test_what_cannot_be_sent(message: Message, field: str, reason: Reason) -> None:
    with pytest.raises(GatewayError) as caught:
        sent(message)
    assert (caught.value.field, caught.value.reason) == (field, reason)


def test_a_turn_of_which_nothing_is_left_is_not_sent() -> None:
    thought = Part(reasoning=Reasoning(text="hm", signature="s", provider="anthropic"))
    messages, left_out = sent(said(ROLE_USER), said(ROLE_ASSISTANT, thought), said(ROLE_USER))
    assert [message["role"] for message in messages] == ["user", "user"]
    assert left_out == ["messages[1].parts[0]", "messages[1]"]
