"""What is known of one content block while it streams, and the events that tell of it."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway_dialects.anthropic.client.output import ANSWER_TOOL
from gateway_dialects.kit.json import Json, decode_json, malformed

KNOWN_TYPES = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})


class Block:
    """What is known of one content block while it streams."""

    __slots__ = ("begun", "citations", "details", "kind", "length", "part_index", "pieces", "wrote")

    def __init__(self, begun: Json) -> None:
        self.begun = begun
        kind = begun.get("type")
        self.kind: str = kind if kind in KNOWN_TYPES else "opaque"
        if kind == "tool_use" and begun.get("name") == ANSWER_TOOL:
            self.kind = "answer"
        self.part_index = -1
        self.length = 0
        self.citations: list[Any] = []
        self.pieces: list[str] = []
        """Of an opaque block's input."""
        self.wrote = False
        """Whether a tool's arguments have begun."""
        self.details: Json = {}

    def whole(self) -> Json:
        """An opaque block with the input that came piece by piece. One that max_tokens cut stands in _raw, as it is."""
        text = "".join(self.pieces)
        if not text:
            return self.begun
        try:
            given = decode_json(text)
        except (msgspec.DecodeError, RecursionError):
            given = {"_raw": text}
        return {**self.begun, "input": given}


def decode_event(data: bytes) -> Json:
    try:
        message = decode_json(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise malformed(f"an event of the provider's stream is not JSON; it begins with {data[:80]!r}") from None
    if not isinstance(message, dict):
        raise malformed("an event of the provider's stream is not a JSON object")
    return message


def index_of(message: Json) -> int:
    index = message.get("index")
    if type(index) is not int:
        raise malformed("an event of the provider's stream does not say to which content block it belongs")
    return index


def merge_delta(into: Json, delta: Json) -> None:
    """Deltas of kinds that are not known here: texts and lists grow, anything else is set."""
    for name, value in delta.items():
        if name == "type" or value is None:
            continue
        known = into.get(name)
        grows = (isinstance(known, str) and isinstance(value, str)) or (isinstance(known, list) and isinstance(value, list))
        into[name] = known + value if grows else value
