"""A tool's failure in words, for dialects that have no other mark of it."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.v1.content_pb2 import Part, ToolResult

MARK = "Error: "
"""What tools themselves begin with when they fail, and models know."""


def told_parts(result: ToolResult) -> Sequence[Part]:
    """The parts of a result, in which the first text says that the tool failed where it did."""
    if not result.is_error:
        return result.parts
    parts = [Part.FromString(part.SerializeToString()) for part in result.parts]
    first = next((part for part in parts if part.WhichOneof("kind") == "text"), None)
    if first is None:
        parts.append(Part(text="Error"))
    elif not first.text.lstrip().lower().startswith("error"):
        first.text = MARK + first.text
    return parts
