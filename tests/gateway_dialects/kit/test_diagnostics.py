"""What of provider_details_json is reported where another dialect's provider answers."""

from __future__ import annotations

from dragoman.v1.chat_pb2 import ChatRequest, FunctionTool, ReasoningSettings, ResponseFormat, Tool, ToolChoice
from dragoman.v1.content_pb2 import Message, Part
from gateway_dialects.kit.diagnostics import Diagnostics

PLACE = "messages[0].parts[0]"
OTHER = {"other": '{"x":1}'}


def reported(details: str, *before: str, dialect: str = "other") -> list[str]:
    """Of a part with these details."""
    diagnostics = Diagnostics()
    for field in before:
        diagnostics.drop(field)
    diagnostics.drop_foreign_details(Part(text="a", provider_details_json={dialect: details}), PLACE, "own")
    return [warning.field for warning in diagnostics.warnings[len(before) :]]


def test_settings() -> None:
    request = ChatRequest(
        tools=[Tool(function=FunctionTool(name="f"), provider_details_json=OTHER)],
        tool_choice=ToolChoice(provider_details_json=OTHER),
        response_format=ResponseFormat(provider_details_json=OTHER),
        reasoning=ReasoningSettings(provider_details_json=OTHER),
    )
    diagnostics = Diagnostics()
    diagnostics.drop_foreign_settings(request, "own")
    assert [warning.field for warning in diagnostics.warnings] == [
        "tools[0].x",
        "tool_choice.x",
        "response_format.x",
        "reasoning.x",
    ]
    assert diagnostics.warnings[0].message == "tools[0].x was left out: this provider does not know it"


def test_a_message_has_its_own_names() -> None:
    diagnostics = Diagnostics()
    message = Message(provider_details_json={"other": '{"audio":{"id":"a"},"annotations":[]}'})
    diagnostics.drop_foreign_details(message, "messages[0]", "own")
    assert [warning.field for warning in diagnostics.warnings] == ["messages[0].audio"]


def test_what_is_inside_of_an_object_is_named() -> None:
    assert reported('{"function":{"x":1,"y":null}}') == [f"{PLACE}.function.x"]


def test_what_is_lost_to_nobody() -> None:
    assert reported('{"x":1}', dialect="own") == []
    assert reported('{"x":1}', dialect="other.form") == []
    assert reported('{"x":null,"annotations":[],"extra":{},"id":"a","index":0,"logprobs":[1]}') == []
    assert reported('{"item":{"id":"a","status":"completed"}}') == []


def test_what_was_reported_as_a_whole_is_not_reported_again() -> None:
    assert reported('{"x":1}') == [f"{PLACE}.x"]
    assert reported('{"x":1}', PLACE) == []
