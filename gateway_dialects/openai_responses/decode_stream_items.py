"""One item of a streamed answer: which parts it becomes, and how much of it was sent on.

An item becomes a part with its first text, not with its announcement: until then another provider can still take over.
Items of built-in tools are sent when they are whole, followed by the events of their progress: opaque parts have no deltas.
"""

from __future__ import annotations

from typing import Any, Protocol

from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import PartDelta, StreamResponse
from gateway_dialects.kit.json import Json, as_list, list_at, malformed, text_of, unknown_fields
from gateway_dialects.openai.decode_response import arguments_of
from gateway_dialects.openai_responses.decode_items import (
    begin_call,
    begin_reasoning,
    citations_of,
    decode_content,
    decode_item,
    decode_logprobs,
    rest_of_piece,
    rest_of_reasoning,
    texts_of,
)
from gateway_dialects.openai_responses.words import (
    CALL_FIELDS,
    CUSTOM_CALL,
    MESSAGE_FIELDS,
    SUMMARY_GAP,
    PartForm,
    set_citation,
    set_details,
    set_form,
)

PLACE = frozenset({"sequence_number", "output_index", "obfuscation"})
"""An event's place in the provider's stream, which is another in ours."""
NO_FORM = PartForm()


class Parts:
    """Numbers the parts of one answer and writes their events."""

    def __init__(self) -> None:
        self.count = 0

    def start(self, part: Part, batch: StreamResponse) -> int:
        started = batch.events.add().part_started
        started.part_index = self.count
        started.part.CopyFrom(part)
        self.count += 1
        return started.part_index


def delta_of(index: int, batch: StreamResponse) -> PartDelta:
    delta = batch.events.add().part_delta
    delta.part_index = index
    return delta


def finish(index: int, details: Json, batch: StreamResponse, form: PartForm = NO_FORM) -> None:
    finished = batch.events.add().part_finished
    finished.part_index = index
    set_details(finished, details)
    set_form(finished, form)


class StreamedItem(Protocol):
    """What the decoder needs of an item."""

    def feed(self, name: str, event: Json, batch: StreamResponse) -> None:
        """One event about this item."""

    def settle(self, item: Json, batch: StreamResponse) -> None:
        """The item is complete: send the rest of it."""


class Piece:
    """One piece of a message's content, or of reasoning: its part and how much of it was sent."""

    __slots__ = ("citations", "index", "length", "logprobs")

    def __init__(self, index: int) -> None:
        self.index = index
        self.length = 0
        self.logprobs = 0
        self.citations = 0


class StreamedMessage:
    """A message item: each piece of its content is a part."""

    def __init__(self, item: Json, parts: Parts) -> None:
        self._item = item
        self._parts = parts
        self._pieces: dict[int, Piece] = {}

    def feed(self, name: str, event: Json, batch: StreamResponse) -> None:
        place = place_of(event, "content_index")
        match name:
            case "response.output_text.delta":
                self._grow(place, "text", text_of(event.get("delta")), batch, event.get("logprobs"))
            case "response.refusal.delta":
                self._grow(place, "refusal", text_of(event.get("delta")), batch)
            case "response.output_text.done":
                self._complete(place, "text", text_of(event.get("text")), batch)
            case "response.refusal.done":
                self._complete(place, "refusal", text_of(event.get("refusal")), batch)
            case "response.output_text.annotation.added":
                annotation = event.get("annotation")
                if place in self._pieces and isinstance(annotation, dict):
                    set_citation(delta_of(self._pieces[place].index, batch).citations.add(), annotation)
                    self._pieces[place].citations += 1
            case _:
                pass  # The whole item repeats what these events say of a piece's begin and end.

    def _grow(self, place: int, kind: str, text: str, batch: StreamResponse, logprobs: Any = None) -> None:
        piece = self._pieces.get(place)
        if piece is None:
            piece = self._begin(place, Part(text="") if kind == "text" else Part(refusal=""), batch)
        delta = batch.events.add().part_delta
        delta.part_index = piece.index
        if kind == "text":
            delta.text = text
        else:
            delta.refusal = text
        piece.length += len(text)
        if logprobs and isinstance(logprobs, list):
            delta.logprobs.CopyFrom(decode_logprobs(logprobs))
            piece.logprobs += len(logprobs)

    def _begin(self, place: int, part: Part, batch: StreamResponse) -> Piece:
        if not self._pieces:
            set_details(part, {"item": unknown_fields(self._item, MESSAGE_FIELDS | {"status"})})
        piece = self._pieces[place] = Piece(self._parts.start(part, batch))
        return piece

    def _complete(self, place: int, kind: str, whole: str, batch: StreamResponse) -> None:
        """Send the rest of a text of which some deltas did not come."""
        sent = self._pieces[place].length if place in self._pieces else 0
        if len(whole) > sent or place not in self._pieces:
            self._grow(place, kind, whole[sent:], batch)

    def settle(self, item: Json, batch: StreamResponse) -> None:
        content = as_list(item.get("content"), "content of a message")
        fields = unknown_fields(item, MESSAGE_FIELDS)
        for place, given in enumerate(content):
            self._settle_piece(place, given, batch)
        if not self._pieces:
            index = self._begin(0, Part(text=""), batch).index
            finish(index, {"item": fields}, batch, PartForm(empty=True))
            return
        first = min(self._pieces.values(), key=lambda piece: piece.index)
        # The first one ends last: with it ends the item.
        for place, piece in reversed(self._pieces.items()):
            details, form = rest_of_piece(content[place]) if place < len(content) else ({}, NO_FORM)
            finish(piece.index, {**details, "item": fields} if piece is first else details, batch, form)

    def _settle_piece(self, place: int, given: Any, batch: StreamResponse) -> None:
        part = decode_content(given)
        kind = part.WhichOneof("kind")
        if kind == "opaque":
            set_form(part, PartForm(piece=True))
            self._begin(place, part, batch)
            return
        self._complete(place, kind or "text", part.text or part.refusal, batch)
        piece = self._pieces[place]
        logprobs = list_at(given, "logprobs")
        if len(logprobs) > piece.logprobs:
            delta = delta_of(piece.index, batch)
            delta.text = ""
            delta.logprobs.CopyFrom(decode_logprobs(logprobs[piece.logprobs :]))
        if late := list(citations_of(given))[piece.citations :]:
            delta_of(piece.index, batch).citations.extend(late)


class StreamedReasoning:
    """A reasoning item: its summaries, or its thoughts, are one part."""

    def __init__(self, item: Json, parts: Parts) -> None:
        self._item = item
        self._parts = parts
        self._part_index = -1
        self._is_summary = True
        self._pieces: dict[int, Piece] = {}

    def feed(self, name: str, event: Json, batch: StreamResponse) -> None:
        is_summary = name.startswith("response.reasoning_summary_text.")
        if not is_summary and not name.startswith("response.reasoning_text."):
            return
        place = place_of(event, "summary_index" if is_summary else "content_index")
        if name.endswith(".delta"):
            self._grow(place, text_of(event.get("delta")), is_summary, batch)
        elif name.endswith(".done"):
            self._complete(place, text_of(event.get("text")), is_summary, batch)

    def _begin(self, is_summary: bool, batch: StreamResponse) -> None:
        if self._part_index < 0:
            self._is_summary = is_summary
            self._part_index = self._parts.start(begin_reasoning(self._item, is_summary=is_summary), batch)

    def _grow(self, place: int, text: str, is_summary: bool, batch: StreamResponse) -> None:
        self._begin(is_summary, batch)
        if is_summary is not self._is_summary or not text:
            return
        if place not in self._pieces:
            if self._pieces:
                gap = delta_of(self._part_index, batch)
                gap.reasoning = SUMMARY_GAP
                set_details(gap, {"summary_index": place})
            self._pieces[place] = Piece(self._part_index)
        delta_of(self._part_index, batch).reasoning = text
        self._pieces[place].length += len(text)

    def _complete(self, place: int, whole: str, is_summary: bool, batch: StreamResponse) -> None:
        sent = self._pieces[place].length if place in self._pieces else 0
        if len(whole) > sent:
            self._grow(place, whole[sent:], is_summary, batch)

    def settle(self, item: Json, batch: StreamResponse) -> None:
        summaries, thoughts = texts_of(item, "summary"), texts_of(item, "content")
        self._begin(bool(summaries) or not thoughts, batch)
        for place, text in enumerate(summaries if self._is_summary else thoughts):
            self._complete(place, text, self._is_summary, batch)
        if encrypted := text_of(item.get("encrypted_content")):
            delta_of(self._part_index, batch).encrypted = encrypted
        details, form = rest_of_reasoning(item, is_summary=self._is_summary)
        finish(self._part_index, details, batch, form)


class StreamedCall:
    """A tool call."""

    def __init__(self, item: Json, parts: Parts, batch: StreamResponse) -> None:
        part = begin_call(item)
        if item_id := text_of(item.get("id")):
            set_details(part, {"id": item_id})
        self._is_custom = item["type"] == CUSTOM_CALL
        self._part_index = parts.start(part, batch)
        self._length = 0

    def feed(self, name: str, event: Json, batch: StreamResponse) -> None:
        if name.endswith(".delta"):
            self._grow(text_of(event.get("delta")), batch)
        elif name.endswith(".done"):
            self._complete(text_of(event.get("input" if self._is_custom else "arguments")), batch)

    def _grow(self, text: str, batch: StreamResponse) -> None:
        if not text:
            return
        delta = delta_of(self._part_index, batch)
        if self._is_custom:
            delta.input = text
        else:
            delta.arguments_json = text
        self._length += len(text)

    def _complete(self, whole: str, batch: StreamResponse) -> None:
        if len(whole) > self._length:
            self._grow(whole[self._length :], batch)

    def settle(self, item: Json, batch: StreamResponse) -> None:
        if self._is_custom:
            self._complete(text_of(item.get("input")), batch)
        else:
            whole = arguments_of(item.get("arguments"))
            if self._length == 0 or whole != "{}":
                self._complete(whole, batch)
        finish(self._part_index, unknown_fields(item, CALL_FIELDS), batch)


class StreamedWhole:
    """An item that is sent when it is whole, with the events of its progress."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._events: list[Json] = []

    def feed(self, name: str, event: Json, batch: StreamResponse) -> None:
        self._events.append({key: value for key, value in event.items() if key not in PLACE})

    def settle(self, item: Json, batch: StreamResponse) -> None:
        for part in decode_item(item):
            index = self._parts.start(part, batch)
            if self._events:
                set_details(delta_of(index, batch), {"events": self._events})
            finish(index, {}, batch)


def place_of(event: Json, name: str) -> int:
    place = event.get(name, 0)
    if type(place) is not int or place < 0:
        raise malformed(f"{name} of an event of the provider's stream is not a number from 0")
    return place


def begin_item(item: Json, parts: Parts, batch: StreamResponse) -> StreamedItem:
    match item["type"]:
        case "message":
            return StreamedMessage(item, parts)
        case "reasoning":
            return StreamedReasoning(item, parts)
        case "function_call" | "custom_tool_call":
            return StreamedCall(item, parts, batch)
        case _:
            return StreamedWhole(parts)
