"""What is the same in the events of a stream that differ in one text only, as most do: such an event costs a search and a
string, and no object."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from dragoman.v1.stream_pb2 import PartDelta, StreamEvent, StreamResponse
from gateway_dialects.kit.json import UNREADABLE, Json, decode_strictly, encode_json

PROBE = "probe"
decode_text = msgspec.json.Decoder(str).decode


class Padding(NamedTuple):
    """Where a provider puts what differs from event to event and means nothing."""

    place: re.Pattern[bytes]
    """Searched for in what follows the text; its group is the padding."""
    allows: Callable[[bytes], bool]
    """Whether these bytes, which are not none, are padding there."""


class TextTemplate:
    """One event's bytes around its text, and the delta that it became."""

    __slots__ = ("_allows", "_begin", "_delta", "_end", "_head", "_kind", "_middle", "_wires")

    def __init__(self, head: bytes, tail: bytes, delta: PartDelta, padding: Padding | None) -> None:
        self._head, self._begin = head, len(head)
        self._middle, self._end = tail, b""
        self._allows: Callable[[bytes], bool] = nothing
        if padding is not None and (found := padding.place.search(tail)):
            self._middle, self._end, self._allows = tail[: found.start(1)], tail[found.end(1) :], padding.allows
        self._delta, self._kind = delta, delta.WhichOneof("delta") or ""
        self._wires: dict[int, bytes] = {}
        """How a batch with only this delta begins on the wire, before its text, by the text's bytes."""

    def add(self, data: bytes, batch: StreamResponse) -> bool:
        """Add the delta of an event, if that is the template's but for its text. An empty text is left to the decoder."""
        if not data.startswith(self._head) or not data.endswith(self._end):
            return False
        stop = len(data) - len(self._end)
        place = data.rfind(self._middle, self._begin, stop)
        padding = data[place + len(self._middle) : stop]
        if place < 0 or (padding and not self._allows(padding)):
            return False
        try:
            # Strictly one JSON string: with the same bytes before and after it, the event has the same form.
            text = decode_text(data[self._begin : place])
        except UNREADABLE:
            return False
        if not text:
            return False
        written = text.encode()
        # A merge makes no Python object for the event and its delta: a third of what they cost.
        batch.MergeFromString((self._wires.get(len(written)) or self._wire(len(written))) + written)
        return True

    def _wire(self, size: int) -> bytes:
        """The text is last on the wire, for its field has a higher number than those of its place."""
        setattr(self._delta, self._kind, "x" * size)
        wire = StreamResponse(events=[StreamEvent(part_delta=self._delta)]).SerializeToString(deterministic=True)
        self._wires[size] = wire[:-size]
        return wire[:-size]


def nothing(padding: bytes) -> bool:
    """No padding but none."""
    return False


def learn(
    data: bytes, text: str, delta: PartDelta, text_of: Callable[[Json], str | None], padding: Padding | None
) -> TextTemplate | None:
    """The template of an event that became this delta and nothing else. text_of: the text of such an event. None: the delta
    has more than this text, or the place of the text in the bytes is not certain."""
    plain = PartDelta(candidate_index=delta.candidate_index, part_index=delta.part_index)
    kind, written = delta.WhichOneof("delta"), encode_json(text)
    head, found, tail = data.partition(written)
    if not found or kind not in ("text", "reasoning", "refusal"):
        return None
    setattr(plain, kind, text)
    try:
        probed = decode_strictly(head + encode_json(PROBE) + tail)
    except UNREADABLE:
        return None
    if type(probed) is not dict or plain != delta or text_of(probed) != PROBE:
        return None
    return TextTemplate(head, tail, plain, padding)
