"""How a feature of the table in docs/providers.md is asked for: a request, and what is read of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse, FunctionTool, Tool
from dragoman.v1.content_pb2 import Media, MediaKind, Message, Part, Role, ToolCall, ToolResult
from tests.properties.columns import CHAT

SCHEMA = '{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}'
HI = Part(text="Hi")


@dataclass(frozen=True)
class Feature:
    """One row."""

    title: str
    request: ChatRequest
    places: Mapping[str, str]
    """By column: where it stands in the body, natively. * stands for every item of a list, | for one place or another."""
    base: ChatRequest = field(default_factory=lambda: asking())
    """The same without the feature."""
    how: Mapping[str, str] = field(default_factory=dict)
    """By column: how it is done where there is no such place."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """By folder of fixtures: the answer that gives it."""
    given: Callable[[ChatResponse], bool] = lambda answer: True
    """Whether an answer gives it."""


def asking(*parts: Part, **fields: object) -> ChatRequest:
    message = Message(role=Role.ROLE_USER, parts=[HI, *parts])
    return ChatRequest(messages=[message], **fields)  # type: ignore[arg-type]


def chat(place: str, **others: str) -> dict[str, str]:
    """The same place in every column of OpenAI's chat form; others by dialect, in which _ stands for -."""
    return {**dict.fromkeys(CHAT, place), **{name.replace("_", "-"): other for name, other in others.items()}}


def tool(**fields: object) -> Tool:
    return Tool(function=FunctionTool(name="f", parameters_json=SCHEMA, **fields))  # type: ignore[arg-type]


def media(kind: MediaKind.ValueType, mime_type: str, content: bytes | str) -> Part:
    if isinstance(content, str):
        return Part(media=Media(kind=kind, mime_type=mime_type, uri=content))
    return Part(media=Media(kind=kind, mime_type=mime_type, data=content))


def calls(answer: ChatResponse) -> int:
    return sum(part.HasField("tool_call") for part in answer.candidates[0].parts)


def text(answer: ChatResponse) -> str:
    return "".join(part.text for part in answer.candidates[0].parts)


def answered(*parts: Part, is_error: bool = False) -> ChatRequest:
    """A conversation in which a tool answers so."""
    call = Part(tool_call=ToolCall(id="call_1", name="f", arguments_json="{}"))
    result = Part(tool_result=ToolResult(tool_call_id="call_1", parts=[Part(text="done"), *parts], is_error=is_error))
    turns = [Message(role=Role.ROLE_ASSISTANT, parts=[call]), Message(role=Role.ROLE_TOOL, parts=[result])]
    return ChatRequest(messages=[*asking().messages, *turns], tools=[tool()])
