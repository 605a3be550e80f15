"""One item of a streamed answer: which parts it becomes, and how much of it was sent on.

An item becomes a part with its first text, not with its announcement: until then another provider can still take over.
Items of built-in tools are sent when they are whole, followed by the events of their progress: opaque parts have no deltas.
"""

from typing import Any

from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import PartDelta, StreamResponse
from gateway_dialects.kit.json import Json, as_list, list_at, malformed, text_of, unknown_fields
from gateway_dialects.openai.decode_response import arguments_of
from gateway_dialects.openai_responses import decode_items as items
from gateway_dialects.openai_responses import words
from gateway_dialects.openai_responses.words import PartForm, set_details, set_form

PLACE = frozenset({"sequence_number", "output_index", "obfuscation"})
"""An event's place in the provider's stream, which is another in ours."""
TEXTS = {
    "response.output_text.delta": ("text", "delta"),
    "response.output_text.done": ("text", "text"),
    "response.refusal.delta": ("refusal", "delta"),
    "response.refusal.done": ("refusal", "refusal"),
}
"""Events of a message's texts: the kind of its part, and the event's field that holds the delta or the whole text."""
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


class Text:
    """A text that comes in deltas."""

    __slots__ = ("citations", "field", "index", "length", "logprobs")

    def __init__(self, index: int, field: str) -> None:
        """index: of its part. field: of PartDelta."""
        self.index = index
        self.field = field
        self.length = self.logprobs = self.citations = 0
        """How much of it was sent."""

    def grow(self, text: str, batch: StreamResponse) -> PartDelta:
        delta = batch.events.add().part_delta
        delta.part_index = self.index
        setattr(delta, self.field, text)
        self.length += len(text)
        return delta

    def complete(self, whole: str, batch: StreamResponse) -> None:
        """Send the rest, of which the deltas did not come."""
        if len(whole) > self.length:
            self.grow(whole[self.length :], batch)


class StreamedMessage:
    """A message item: each piece of its content is a part."""

    def __init__(self, item: Json, parts: Parts) -> None:
        self._item = item
        self._parts = parts
        self._pieces: dict[int, Text] = {}

    def feed(self, name: str, event: Json, batch: StreamResponse) -> None:
        """One event about this item. Events of the begin and end of a piece hold nothing that the whole item lacks."""
        place = place_of(event, "content_index")
        piece = self._pieces.get(place)
        if found := TEXTS.get(name):
            kind, field = found
            piece = piece or self._begin(place, new_text(kind), batch)
            given = event.get(field)
            text = given if isinstance(given, str) else ""
            if field != "delta":
                piece.complete(text, batch)
                return
            delta = piece.grow(text, batch)
            if (logprobs := event.get("logprobs")) and isinstance(logprobs, list):
                delta.logprobs.CopyFrom(items.decode_logprobs(logprobs))
                piece.logprobs += len(logprobs)
        elif name == "response.output_text.annotation.added" and piece and isinstance(event.get("annotation"), dict):
            delta_of(piece.index, batch).citations.append(words.citation_of(event["annotation"]))
            piece.citations += 1

    def _begin(self, place: int, part: Part, batch: StreamResponse) -> Text:
        if not self._pieces:
            set_details(part, {"item": unknown_fields(self._item, words.MESSAGE_FIELDS | {"status"})})
        piece = self._pieces[place] = Text(self._parts.start(part, batch), part.WhichOneof("kind") or "")
        return piece

    def settle(self, item: Json, batch: StreamResponse) -> None:
        """The item is complete: send the rest of it."""
        content = as_list(item.get("content"), "content of a message")
        fields = unknown_fields(item, words.MESSAGE_FIELDS)
        for place, given in enumerate(content):
            self._settle_piece(place, given, batch)
        if not self._pieces:
            index = self._begin(0, Part(text=""), batch).index
            finish(index, {"item": fields}, batch, PartForm(empty=True))
            return
        first = next(iter(self._pieces.values()))
        # The first one ends last: with it ends the item.
        for place, piece in reversed(self._pieces.items()):
            details, form = items.rest_of_piece(content[place]) if place < len(content) else ({}, NO_FORM)
            finish(piece.index, {**details, "item": fields} if piece is first else details, batch, form)

    def _settle_piece(self, place: int, given: Any, batch: StreamResponse) -> None:
        part = items.decode_content(given)
        if part.HasField("opaque"):
            set_form(part, PartForm(piece=True))
            self._begin(place, part, batch)
            return
        piece = self._pieces.get(place) or self._begin(place, new_text(part.WhichOneof("kind")), batch)
        piece.complete(part.text or part.refusal, batch)
        if late := list_at(given, "logprobs")[piece.logprobs :]:
            piece.grow("", batch).logprobs.CopyFrom(items.decode_logprobs(late))
        if uncited := items.citations_of(given)[piece.citations :]:
            delta_of(piece.index, batch).citations.extend(uncited)


class StreamedReasoning:
    """A reasoning item: its summaries, or its thoughts, are one part."""

    def __init__(self, item: Json, parts: Parts) -> None:
        self._item = item
        self._parts = parts
        self._part_index = -1
        self._is_summary = True
        self._lengths: dict[int, int] = {}

    def feed(self, name: str, event: Json, batch: StreamResponse) -> None:
        subject, _, verb = name.rpartition(".")
        is_summary = subject == "response.reasoning_summary_text"
        if not is_summary and subject != "response.reasoning_text":
            return
        place = place_of(event, "summary_index" if is_summary else "content_index")
        if verb == "delta":
            self._grow(place, text_of(event.get("delta")), is_summary, batch)
        elif verb == "done":
            self._complete(place, text_of(event.get("text")), is_summary, batch)

    def _begin(self, is_summary: bool, batch: StreamResponse) -> None:
        if self._part_index < 0:
            self._is_summary = is_summary
            self._part_index = self._parts.start(items.begin_reasoning(self._item, is_summary=is_summary), batch)

    def _grow(self, place: int, text: str, is_summary: bool, batch: StreamResponse) -> None:
        self._begin(is_summary, batch)
        if is_summary is not self._is_summary or not text:
            return
        if self._lengths and place not in self._lengths:
            gap = delta_of(self._part_index, batch)
            gap.reasoning = words.SUMMARY_GAP
            set_details(gap, {"summary_index": place})
        delta_of(self._part_index, batch).reasoning = text
        self._lengths[place] = self._lengths.get(place, 0) + len(text)

    def _complete(self, place: int, whole: str, is_summary: bool, batch: StreamResponse) -> None:
        if rest := whole[self._lengths.get(place, 0) :]:
            self._grow(place, rest, is_summary, batch)

    def settle(self, item: Json, batch: StreamResponse) -> None:
        summaries, thoughts = items.texts_of(item, "summary"), items.texts_of(item, "content")
        self._begin(bool(summaries) or not thoughts, batch)
        for place, text in enumerate(summaries if self._is_summary else thoughts):
            self._complete(place, text, self._is_summary, batch)
        if encrypted := text_of(item.get("encrypted_content")):
            delta_of(self._part_index, batch).encrypted = encrypted
        details, form = items.rest_of_reasoning(item, is_summary=self._is_summary)
        finish(self._part_index, details, batch, form)


class StreamedCall:
    """A tool call."""

    def __init__(self, item: Json, parts: Parts, batch: StreamResponse) -> None:
        part = items.begin_call(item)
        if item_id := text_of(item.get("id")):
            set_details(part, {"id": item_id})
        self._is_custom = item["type"] == words.CUSTOM_CALL
        self._text = Text(parts.start(part, batch), "input" if self._is_custom else "arguments_json")

    def feed(self, name: str, event: Json, batch: StreamResponse) -> None:
        if name.endswith(".delta"):
            if text := text_of(event.get("delta")):
                self._text.grow(text, batch)
        elif name.endswith(".done"):
            self._text.complete(text_of(event.get("input" if self._is_custom else "arguments")), batch)

    def settle(self, item: Json, batch: StreamResponse) -> None:
        whole = text_of(item.get("input")) if self._is_custom else arguments_of(item.get("arguments"))
        if self._is_custom or self._text.length == 0 or whole != "{}":
            self._text.complete(whole, batch)
        finish(self._text.index, unknown_fields(item, words.CALL_FIELDS), batch)


class StreamedWhole:
    """An item that is sent when it is whole, with the events of its progress."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._events: list[Json] = []

    def feed(self, name: str, event: Json, batch: StreamResponse) -> None:
        self._events.append({key: value for key, value in event.items() if key not in PLACE})

    def settle(self, item: Json, batch: StreamResponse) -> None:
        for part in items.decode_item(item):
            index = self._parts.start(part, batch)
            if self._events:
                set_details(delta_of(index, batch), {"events": self._events})
            finish(index, {}, batch)


StreamedItem = StreamedMessage | StreamedReasoning | StreamedCall | StreamedWhole


def new_text(kind: str | None) -> Part:
    return Part(refusal="") if kind == "refusal" else Part(text="")


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
