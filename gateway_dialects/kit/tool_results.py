"""Results of tools in a conversation: where they are, what they hold and how a failure is shown."""

from collections.abc import Iterator

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import Message, Part, ToolResult

MARK = "Error: "
"""What tools themselves begin with when they fail, and models know."""


def results_in(message: Message, field: str) -> Iterator[tuple[str, Part]]:
    """The parts of a message of ROLE_TOOL with their places. Raises GatewayError INVALID_REQUEST for any other part."""
    for index, part in enumerate(message.parts):
        place = f"{field}.parts[{index}]"
        if part.WhichOneof("kind") != "tool_result":
            raise invalid(place, f"{place}: a message of ROLE_TOOL holds tool_result parts")
        yield place, part


def parts_in(result: ToolResult, place: str, *, mark_failure: bool = True) -> Iterator[tuple[str, Part]]:
    """The parts of a result with their places. place: of the part that holds it. mark_failure: whether the first text of a
    failed tool says so, for dialects that have no other mark of it. Raises GatewayError INVALID_REQUEST for a part
    that no result holds."""
    marked = mark_failure and result.is_error
    for index, part in enumerate(with_mark(result) if marked else result.parts):
        inner = f"{place}.tool_result.parts[{index}]"
        if part.WhichOneof("kind") not in ("text", "media", "opaque"):
            raise invalid(inner, f"{inner}: a tool result may hold text, media and opaque parts")
        yield inner, part


def with_mark(result: ToolResult) -> list[Part]:
    parts = [Part.FromString(part.SerializeToString()) for part in result.parts]
    first = next((part for part in parts if part.WhichOneof("kind") == "text"), None)
    if first is None:
        parts.append(Part(text="Error"))
    elif not first.text.lstrip().lower().startswith("error"):
        first.text = MARK + first.text
    return parts
