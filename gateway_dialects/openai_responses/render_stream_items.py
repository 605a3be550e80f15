"""One item of a streamed answer: the events that it begins with, grows by and ends with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dragoman.v1.chat_pb2 import TokenLogprob
from dragoman.v1.content_pb2 import Citation, Part
from dragoman.v1.stream_pb2 import PartDelta
from gateway_dialects.kit.json import Json, is_object, list_at
from gateway_dialects.openai_responses import render_items as items
from gateway_dialects.openai_responses.words import PartForm, annotation_of, details_of, form_of, item_fields

Emit = Callable[[str, Json], None]
"""(event type, fields): writes an event."""
IDENTITY = ("id", "type", "status", "role", "call_id", "name", "namespace")
"""What an item is known by from its announcement on: the SDK's stream helper raises where it changes."""
SUMMARY = ("response.reasoning_summary_text", "response.reasoning_summary_part", "summary_index", "summary_text")
CONTENT = ("response.reasoning_text", "response.content_part", "content_index", "reasoning_text")
"""Of reasoning: the events of a text, those of the piece that holds it, the field of its place, and its type."""


class Item:
    """What all items have in common. One is announced as it is made, if that need not wait."""

    def __init__(self, emit: Emit, item_id: str, index: int, part: Part) -> None:
        """part: the first of the item."""
        self.place: Json = {"item_id": item_id, "output_index": index}
        self.item_id = item_id
        self.index = index
        self.part = part
        self.closed = False
        self._emit = emit

    def _announce(self, item: Json) -> None:
        self._emit("response.output_item.added", {"output_index": self.index, "item": item})

    def _end(self, item: Json) -> Json:
        self.closed = True
        self._emit("response.output_item.done", {"output_index": self.index, "item": item})
        return item


class StreamedMessage(Item):
    """A message item."""

    def __init__(self, emit: Emit, item_id: str, index: int, part: Part) -> None:
        super().__init__(emit, item_id, index, part)
        self._pieces: list[Piece] = []
        self._announce(items.message_item(item_id, [], item_fields(part), "in_progress"))

    def add(self, part: Part) -> Piece:
        """Begin the next piece; the one before is complete."""
        if self._pieces:
            self._pieces[-1].close()
        piece = Piece(self._emit, self, part, len(self._pieces))
        self._pieces.append(piece)
        return piece

    def close(self, status: str) -> Json:
        """The whole item."""
        self._pieces[-1].close()
        content = [] if form_of(self.part, PartForm).empty else [piece.whole() for piece in self._pieces]
        return self._end(items.message_item(self.item_id, content, item_fields(self.part), status))


class Piece:
    """One piece of a message's content."""

    def __init__(self, emit: Emit, message: StreamedMessage, part: Part, place: int) -> None:
        self.message = message
        self.part = part
        self.place: Json = {**message.place, "content_index": place}
        self.is_text = part.WhichOneof("kind") in ("text", "media")
        self.texts: list[str] = []
        self.closed = False
        self._emit = emit
        self._tokens: list[TokenLogprob] = []
        self._annotations: list[Json] = []
        emit("response.content_part.added", {**self.place, "part": self.whole()})
        if given := part.text or part.refusal or part.media.transcript:
            self._add(given)
        self.cite(part.citations)

    def whole(self) -> Json:
        """The piece as it is now; its list of annotations is the one that later ones are added to."""
        return items.content_piece(self.part, "".join(self.texts), self._tokens, self._annotations)

    def grow(self, delta: PartDelta) -> None:
        text = delta.text or delta.refusal or delta.transcript
        if text or delta.HasField("logprobs"):
            self._add(text, delta.logprobs.content)
        self.cite(delta.citations)

    def _add(self, text: str, tokens: Sequence[TokenLogprob] = ()) -> None:
        self.texts.append(text)
        self._tokens += tokens
        fields = {**self.place, "delta": text}
        if self.is_text:
            self._emit("response.output_text.delta", {**fields, "logprobs": items.render_tokens(tokens)})
        else:
            self._emit("response.refusal.delta", fields)

    def cite(self, citations: Iterable[Citation]) -> None:
        """Citations of a text: at once while it is open, else in what is still to be written of it."""
        for annotation in map(annotation_of, citations if self.is_text else ()):
            if not self.closed:
                fields = {**self.place, "annotation_index": len(self._annotations), "annotation": annotation}
                self._emit("response.output_text.annotation.added", fields)
            self._annotations.append(annotation)

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        whole = self.whole()
        if self.is_text:
            fields = {"text": whole["text"], "logprobs": whole["logprobs"]}
            self._emit("response.output_text.done", {**self.place, **fields})
        elif self.part.HasField("refusal"):
            self._emit("response.refusal.done", {**self.place, "refusal": whole["refusal"]})
        self._emit("response.content_part.done", {**self.place, "part": whole})


class StreamedReasoning(Item):
    """A reasoning item. Its texts are pieces of its summary, or of its content."""

    def __init__(self, emit: Emit, item_id: str, index: int, part: Part) -> None:
        super().__init__(emit, item_id, index, part)
        self._text, self._piece, self._index, self._type = SUMMARY if items.shows_summary(part) else CONTENT
        self._count = 0
        self._texts: list[str] = []
        self._announce({"id": item_id, "type": "reasoning", "summary": []})
        if text := part.reasoning.text:
            part.reasoning.text = ""
            self._add(text)

    def grow(self, delta: PartDelta) -> None:
        reasoning = self.part.reasoning
        match delta.WhichOneof("delta"):
            case "reasoning" if delta.provider_details_json and "summary_index" in details_of(delta):
                reasoning.text += delta.reasoning
                self._close_piece()
            case "reasoning":
                self._add(delta.reasoning)
            case "signature":
                reasoning.signature += delta.signature
            case "encrypted":
                reasoning.encrypted += delta.encrypted

    def _write(self, name: str, fields: Json) -> None:
        self._emit(name, {**self.place, self._index: self._count, **fields})

    def _add(self, text: str) -> None:
        if not self._texts:
            self._write(f"{self._piece}.added", {"part": {"type": self._type, "text": ""}})
        self._texts.append(text)
        self.part.reasoning.text += text
        self._write(f"{self._text}.delta", {"delta": text})

    def _close_piece(self) -> None:
        if not self._texts:
            return
        text = "".join(self._texts)
        self._write(f"{self._text}.done", {"text": text})
        self._write(f"{self._piece}.done", {"part": {"type": self._type, "text": text}})
        self._count += 1
        self._texts = []

    def close(self, status: str) -> Json:
        self._close_piece()
        return self._end(items.reasoning_item(self.part, self.item_id))


class StreamedCall(Item):
    """A function's or a custom tool's call."""

    def __init__(self, emit: Emit, item_id: str, index: int, part: Part) -> None:
        super().__init__(emit, item_id, index, part)
        self._texts: list[str] = []
        self._field, self._event = "arguments", "function_call_arguments"
        if part.tool_call.HasField("input"):
            self._field, self._event = "input", "custom_tool_call_input"
        self._announce({**items.call_item(part, item_id, "in_progress"), self._field: ""})
        if given := part.tool_call.input or part.tool_call.arguments_json:
            self._add(given)

    def grow(self, delta: PartDelta) -> None:
        if text := delta.arguments_json or delta.input:
            self._add(text)

    def _add(self, text: str) -> None:
        self._texts.append(text)
        self._emit(f"response.{self._event}.delta", {**self.place, "delta": text})

    @property
    def is_whole(self) -> bool:
        """Whether nothing but white space can follow."""
        return self._field == "arguments" and is_object("".join(self._texts))

    def close(self, status: str) -> Json:
        call, text = self.part.tool_call, "".join(self._texts)
        if self._field == "input":
            call.input = text
            self._emit("response.custom_tool_call_input.done", {**self.place, "input": text})
        else:
            call.arguments_json = text or "{}"
            fields = {"name": call.name, "arguments": call.arguments_json}
            self._emit("response.function_call_arguments.done", {**self.place, **fields})
        return self._end(items.call_item(self.part, self.item_id, status))


class StreamedWhole(Item):
    """A picture, or an item that only one dialect understands: sent when it is whole, with its progress."""

    def __init__(self, emit: Emit, item_id: str, index: int, part: Part) -> None:
        super().__init__(emit, item_id, index, part)
        self._events: list[Any] = []

    def grow(self, delta: PartDelta) -> None:
        if delta.data:
            self.part.media.data += delta.data
        self._events += list_at(details_of(delta), "events")

    def close(self, status: str) -> Json:
        is_media = self.part.WhichOneof("kind") == "media"
        item = (
            items.picture_item(self.part, self.item_id, status) if is_media else items.opaque_item(self.part, self.item_id)
        )
        begun = {name: item[name] for name in IDENTITY if name in item}
        if "status" in begun:
            begun["status"] = "in_progress"
        self._announce({**begun, **{name: [] for name in ("summary", "content") if name in item}})
        for event in self._events:
            fields = {name: value for name, value in event.items() if name != "type"}
            self._emit(str(event.get("type")), {"output_index": self.index, **fields})
        return self._end(item)
