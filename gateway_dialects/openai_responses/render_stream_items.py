"""One item of a streamed answer: the events that it begins with, grows by and ends with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import PartDelta
from gateway_dialects.kit.json import UNREADABLE, Json, decode_json, list_at, text_of
from gateway_dialects.openai_responses.render_items import (
    call_item,
    call_type,
    content_piece,
    message_item,
    opaque_item,
    picture_item,
    reasoning_id,
    reasoning_item,
    render_tokens,
    shows_summary,
)
from gateway_dialects.openai_responses.words import CUSTOM_CALL, PartForm, annotation_of, details_of, form_of, item_fields

Emit = Callable[[str, Json], None]
"""(event type, fields): writes an event."""
IDENTITY = ("id", "type", "status", "role", "call_id", "name")
"""What an item is known by from its announcement on: the SDK's stream helper raises where it changes."""


class Piece:
    """One piece of a message's content."""

    def __init__(self, part: Part, place: int) -> None:
        self.part = part
        self.place = place
        kind = part.WhichOneof("kind")
        self.is_text = kind in ("text", "media")
        self.is_refusal = kind == "refusal"
        self.texts: list[str] = []
        self.tokens: list[Any] = []
        self.annotations: list[Any] = []
        self.closed = False

    def whole(self) -> Json:
        """The piece as it is now."""
        return content_piece(self.part, "".join(self.texts), self.tokens, list(self.annotations))


class StreamedMessage:
    """A message item."""

    def __init__(self, item_id: str, index: int, part: Part) -> None:
        self._fields = item_fields(details_of(part)) or {}
        self.item_id: str = self._fields.get("id", item_id)
        self.index = index
        self.closed = False
        self.pieces: list[Piece] = []

    def begin(self, emit: Emit) -> None:
        item = message_item(self.item_id, [], self._fields, "in_progress")
        emit("response.output_item.added", {"output_index": self.index, "item": item})

    def add(self, part: Part, emit: Emit) -> Piece:
        """Begin the next piece; the one before is complete."""
        if self.pieces:
            self._close_piece(self.pieces[-1], emit)
        piece = Piece(part, len(self.pieces))
        self.pieces.append(piece)
        emit("response.content_part.added", {**self.place_of(piece), "part": piece.whole()})
        given = part.text or part.refusal or part.media.transcript
        if given:
            self.grow(piece, given, emit)
        for citation in part.citations:
            self.annotate(piece, annotation_of(citation), emit)
        return piece

    def place_of(self, piece: Piece) -> Json:
        return {"item_id": self.item_id, "output_index": self.index, "content_index": piece.place}

    def grow(self, piece: Piece, text: str, emit: Emit, tokens: Any = ()) -> None:
        piece.texts.append(text)
        piece.tokens += tokens
        if piece.is_text:
            fields = {**self.place_of(piece), "delta": text, "logprobs": render_tokens(tokens)}
            emit("response.output_text.delta", fields)
        else:
            emit("response.refusal.delta", {**self.place_of(piece), "delta": text})

    def annotate(self, piece: Piece, annotation: Any, emit: Emit) -> None:
        fields = {**self.place_of(piece), "annotation_index": len(piece.annotations), "annotation": annotation}
        piece.annotations.append(annotation)
        emit("response.output_text.annotation.added", fields)

    def _close_piece(self, piece: Piece, emit: Emit) -> None:
        if piece.closed:
            return
        piece.closed = True
        whole = piece.whole()
        if piece.is_text:
            fields = {**self.place_of(piece), "text": whole["text"], "logprobs": whole["logprobs"]}
            emit("response.output_text.done", fields)
        elif piece.is_refusal:
            emit("response.refusal.done", {**self.place_of(piece), "refusal": whole["refusal"]})
        emit("response.content_part.done", {**self.place_of(piece), "part": whole})

    def close(self, emit: Emit, status: str) -> Json:
        """The whole item."""
        for piece in self.pieces:
            self._close_piece(piece, emit)
        self.closed = True
        first = self.pieces[0].part
        content = [] if form_of(first, PartForm).empty else [piece.whole() for piece in self.pieces]
        item = message_item(self.item_id, content, item_fields(details_of(first)) or {}, status)
        emit("response.output_item.done", {"output_index": self.index, "item": item})
        return item


class StreamedReasoning:
    """A reasoning item. Its texts are pieces of its summary, or of its content."""

    def __init__(self, item_id: str, index: int, part: Part) -> None:
        self.item_id = reasoning_id(part) or item_id
        self.index = index
        self.part = part
        self.closed = False
        self._is_summary = shows_summary(part)
        self._lengths: list[int] = []
        self._texts: list[str] = []

    def begin(self, emit: Emit) -> None:
        item = {"id": self.item_id, "type": "reasoning", "summary": []}
        emit("response.output_item.added", {"output_index": self.index, "item": item})
        if text := self.part.reasoning.text:
            self.part.reasoning.text = ""
            self._add(text, emit)

    def grow(self, delta: PartDelta, emit: Emit) -> None:
        match delta.WhichOneof("delta"):
            case "reasoning" if "summary_index" in details_of(delta):
                self.part.reasoning.text += delta.reasoning
                self._close_piece(emit)
            case "reasoning":
                self._add(delta.reasoning, emit)
            case "signature":
                self.part.reasoning.signature += delta.signature
            case "encrypted":
                self.part.reasoning.encrypted += delta.encrypted
            case _:
                pass

    def _place(self) -> Json:
        name = "summary_index" if self._is_summary else "content_index"
        return {"item_id": self.item_id, "output_index": self.index, name: len(self._lengths)}

    def _add(self, text: str, emit: Emit) -> None:
        if not self._texts:
            if self._is_summary:
                part: Json = {"type": "summary_text", "text": ""}
                emit("response.reasoning_summary_part.added", {**self._place(), "part": part})
            else:
                emit("response.content_part.added", {**self._place(), "part": {"type": "reasoning_text", "text": ""}})
        self._texts.append(text)
        self.part.reasoning.text += text
        name = "response.reasoning_summary_text.delta" if self._is_summary else "response.reasoning_text.delta"
        emit(name, {**self._place(), "delta": text})

    def _close_piece(self, emit: Emit) -> None:
        if not self._texts:
            return
        text = "".join(self._texts)
        if self._is_summary:
            emit("response.reasoning_summary_text.done", {**self._place(), "text": text})
            part: Json = {"type": "summary_text", "text": text}
            emit("response.reasoning_summary_part.done", {**self._place(), "part": part})
        else:
            emit("response.reasoning_text.done", {**self._place(), "text": text})
            emit("response.content_part.done", {**self._place(), "part": {"type": "reasoning_text", "text": text}})
        self._lengths.append(len(text))
        self._texts = []

    def close(self, emit: Emit, status: str) -> Json:
        self._close_piece(emit)
        self.closed = True
        item = reasoning_item(self.part, self.item_id)
        emit("response.output_item.done", {"output_index": self.index, "item": item})
        return item


class StreamedCall:
    """A function's or a custom tool's call."""

    def __init__(self, item_id: str, index: int, part: Part) -> None:
        self.item_id = text_of(details_of(part).get("id")) or item_id
        self.index = index
        self.part = part
        self.closed = False
        self._is_custom = call_type(part) == CUSTOM_CALL
        self._texts: list[str] = []

    def begin(self, emit: Emit) -> None:
        call = self.part.tool_call
        given = call.input if self._is_custom else call.arguments_json
        if self._is_custom:
            call.input = ""
        else:
            call.arguments_json = ""
        item = call_item(self.part, self.item_id, "in_progress")
        emit("response.output_item.added", {"output_index": self.index, "item": item})
        if given:
            self.grow(given, emit)

    def grow(self, text: str, emit: Emit) -> None:
        self._texts.append(text)
        name = "custom_tool_call_input" if self._is_custom else "function_call_arguments"
        fields = {"item_id": self.item_id, "output_index": self.index, "delta": text}
        emit(f"response.{name}.delta", fields)

    @property
    def is_whole(self) -> bool:
        """Whether nothing but white space can follow."""
        if self._is_custom:
            return False
        try:
            return isinstance(decode_json("".join(self._texts)), dict)
        except UNREADABLE:
            return False

    def close(self, emit: Emit, status: str) -> Json:
        self.closed = True
        text = "".join(self._texts)
        place = {"item_id": self.item_id, "output_index": self.index}
        if self._is_custom:
            self.part.tool_call.input = text
            emit("response.custom_tool_call_input.done", {**place, "input": text})
        else:
            self.part.tool_call.arguments_json = text or "{}"
            fields = {**place, "name": self.part.tool_call.name, "arguments": text or "{}"}
            emit("response.function_call_arguments.done", fields)
        item = call_item(self.part, self.item_id, status)
        emit("response.output_item.done", {"output_index": self.index, "item": item})
        return item


class StreamedWhole:
    """A picture, or an item that only one dialect understands: sent when it is whole, with its progress."""

    def __init__(self, item_id: str, index: int, part: Part) -> None:
        self.index = index
        self.part = part
        self.closed = False
        self._item_id = item_id
        self._events: list[Json] = []

    def begin(self, emit: Emit) -> None:
        """Nothing: what it is shows when it ends."""

    def grow(self, delta: PartDelta, emit: Emit) -> None:
        if delta.WhichOneof("delta") == "data":
            self.part.media.data += delta.data
        self._events += list_at(details_of(delta), "events")

    def close(self, emit: Emit, status: str) -> Json:
        self.closed = True
        item = self._item(status)
        begun = {name: item[name] for name in IDENTITY if name in item}
        if "status" in begun:
            begun["status"] = "in_progress"
        empty: Json = {name: [] for name in ("summary", "content") if name in item}
        emit("response.output_item.added", {"output_index": self.index, "item": {**begun, **empty}})
        for event in self._events:
            fields = {name: value for name, value in event.items() if name != "type"}
            emit(str(event.get("type")), {"output_index": self.index, **fields})
        emit("response.output_item.done", {"output_index": self.index, "item": item})
        return item

    def _item(self, status: str) -> Json:
        if self.part.WhichOneof("kind") == "media":
            return picture_item(self.part, self._item_id, status)
        return opaque_item(self.part, self._item_id)
