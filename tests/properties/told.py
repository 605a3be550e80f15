"""What a conversation says: read from the contract, to be looked for in what is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_DEVELOPER, ROLE_SYSTEM, Media, Part, ToolCall, ToolResult

MARKER = re.compile(r"m\d+m")


@dataclass
class Told:
    """Everything in its order."""

    system: list[str] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)
    """By the user and the assistant, refusals included."""
    calls: list[ToolCall] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)
    media: list[Media] = field(default_factory=list)
    thoughts: list[Part] = field(default_factory=list)


def read(request: ChatRequest) -> Told:
    told = Told()
    for message in request.messages:
        words = told.system if message.role in (ROLE_SYSTEM, ROLE_DEVELOPER) else told.spoken
        for part in message.parts:
            read_part(part, words, told)
    return told


def read_part(part: Part, words: list[str], told: Told) -> None:
    match part.WhichOneof("kind"):
        case "text":
            words.append(part.text)
        case "refusal":
            words.append(part.refusal)
        case "tool_call":
            told.calls.append(part.tool_call)
        case "tool_result":
            told.results.append(part.tool_result)
            told.media.extend(inner.media for inner in part.tool_result.parts if inner.HasField("media"))
        case "media":
            told.media.append(part.media)
        case "reasoning":
            told.thoughts.append(part)
        case _:
            pass


def texts_of(result: ToolResult) -> list[str]:
    return [part.text for part in result.parts if part.WhichOneof("kind") == "text"]


def strings_in(value: object) -> Iterator[str]:
    """Every string of a JSON value, keys left out, in order."""
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from strings_in(item)
        case list():
            for item in value:
                yield from strings_in(item)
        case _:
            pass


def keys_in(value: object) -> Iterator[str]:
    match value:
        case dict():
            for name, item in value.items():
                yield name
                yield from keys_in(item)
        case list():
            for item in value:
                yield from keys_in(item)
        case _:
            pass


def marker_of(text: str) -> str:
    found = MARKER.search(text)
    assert found, f"{text!r} has no marker"
    return found[0]


def order_of(markers: Sequence[str], strings: Sequence[str]) -> list[str]:
    """Those of the markers that stand in the strings, in the order in which they stand there."""
    wanted = set(markers)
    return [found for text in strings for found in MARKER.findall(text) if found in wanted]
