"""One part of a streamed answer: what it grows by, what is said about it, and when it ends."""

from __future__ import annotations

from typing import Any

from dragoman.v1.stream_pb2 import PartDelta, StreamResponse
from gateway_dialects.cohere.client.details import set_details
from gateway_dialects.kit.json import Json


class StreamedPart:
    """What is known of a part while it streams."""

    __slots__ = ("_held", "details", "ended", "index", "kind", "length", "offset")

    def __init__(self, kind: str, index: int, offset: int) -> None:
        self.kind = kind
        """text, thinking, plan, call or opaque."""
        self.index = index
        self.offset = offset
        """Where its text begins in the whole text, in characters."""
        self.length = 0
        self.details: Json = {}
        """Fields of its deltas that the contract does not name."""
        self.ended = False
        self._held: str | None = "" if kind == "call" else None
        """The beginning of a call's arguments that may still turn out to be null; None: it is none."""

    def delta(self, batch: StreamResponse) -> PartDelta:
        """A new delta event."""
        delta = batch.events.add().part_delta
        if self.index:
            delta.part_index = self.index
        return delta

    def grow(self, text: str, batch: StreamResponse) -> None:
        if self.kind == "text":
            self.length += len(text)
            self.delta(batch).text = text
        elif self.kind in ("thinking", "plan"):
            self.delta(batch).reasoning = text
        elif self._held is not None:
            self._held += text
            if not "null".startswith(self._held.strip()):
                text, self._held = self._held, None
                self.delta(batch).arguments_json = text
        elif text:
            self.delta(batch).arguments_json = text

    def end(self, batch: StreamResponse, citations: list[Any] | None = None) -> None:
        if self.ended:
            return
        self.ended = True
        if self._held is not None:
            # A tool that takes nothing: Cohere writes nothing, or null.
            held = self._held.strip()
            self.delta(batch).arguments_json = "{}" if held in ("", "null") else self._held
        ended = batch.events.add().part_finished
        ended.part_index = self.index
        set_details(ended, {**self.details, "citations": citations} if citations else self.details)
