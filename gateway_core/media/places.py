"""Where in a request there is media."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Media, Part


@dataclass(frozen=True, slots=True)
class Place:
    """A media part."""

    field: str
    """messages[0].parts[1], for messages to whoever wrote it."""
    media: Media
    """The request's own, not a copy."""


def holds_media(request: ChatRequest) -> bool:
    """Asked of every call, so it does nothing else."""
    for message in request.messages:
        parts = message.parts
        # Most messages are one text; to look at that costs half of a loop.
        if len(parts) == 1 and parts[0].HasField("text"):
            continue
        for part in parts:
            kind = part.WhichOneof("kind")
            if kind == "media" or (kind == "tool_result" and any(one.HasField("media") for one in part.tool_result.parts)):
                return True
    return False


def media_of(request: ChatRequest) -> tuple[Place, ...]:
    """In the order in which they stand, those in tools' results too."""
    return tuple(Place(field, part.media) for field, part in parts_of(request) if part.WhichOneof("kind") == "media")


def parts_of(request: ChatRequest) -> Iterator[tuple[str, Part]]:
    """(field, part), those in tools' results in place of these."""
    for index, message in enumerate(request.messages):
        yield from _within(message.parts, f"messages[{index}].parts")


def _within(parts: Iterable[Part], field: str) -> Iterator[tuple[str, Part]]:
    for index, part in enumerate(parts):
        if part.WhichOneof("kind") == "tool_result":
            yield from _within(part.tool_result.parts, f"{field}[{index}].tool_result.parts")
        else:
            yield f"{field}[{index}]", part
