"""One item of a streamed answer as it grows: the events that it begins with, grows by and ends with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import PartDelta
from gateway_dialects.kit.json import Json, decode_json, encode_json
from gateway_dialects.openai_responses.render_items import (
    call_item,
    call_type,
    message_item,
    reasoning_item,
    render_content,
    render_tokens,
    shows_summary,
)
from gateway_dialects.openai_responses.server_details import details_of

Emit = Callable[[str, Json], None]
"""(event type, fields): writes an event."""


def keep_details(part: Part, late: Any) -> None:
    """What became known of a part at its end; objects grow to the second level, as accumulate.py has it."""
    for dialect, text in late.items():
        known = part.provider_details_json.get(dialect)
        part.provider_details_json[dialect] = text if known is None else merged(known, text)


def merged(known_json: str, late_json: str) -> str:
    known, late = decode_json(known_json), decode_json(late_json)
    for name, value in late.items():
        inner = known.get(name)
        known[name] = {**inner, **value} if isinstance(inner, dict) and isinstance(value, dict) else value
    return encode_json(known).decode()


class Piece:
    """One piece of a message's content."""

    def __init__(self, part: Part, place: int) -> None:
        self.part = part
        self.place = place
        self.is_text = part.WhichOneof("kind") != "refusal"
        self.texts: list[str] = []
        self.tokens: list[Any] = []
        self.annotations: list[Any] = []
        self.closed = False

    def whole(self) -> Json:
        """The piece as it is now."""
        text = "".join(self.texts)
        part = Part(text=text) if self.is_text else Part(refusal=text)
        for dialect, details in self.part.provider_details_json.items():
            part.provider_details_json[dialect] = details
        content = render_content(part, self.tokens)
        if self.annotations and not content.get("annotations"):
            content["annotations"] = self.annotations
        return content


class StreamedMessage:
    """A message item."""

    def __init__(self, item_id: str, index: int, part: Part) -> None:
        self._fields: Json = details_of(part.provider_details_json).get("item", {})
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
        else:
            emit("response.refusal.done", {**self.place_of(piece), "refusal": whole["refusal"]})
        emit("response.content_part.done", {**self.place_of(piece), "part": whole})

    def close(self, emit: Emit, status: str) -> Json:
        """The whole item."""
        for piece in self.pieces:
            self._close_piece(piece, emit)
        self.closed = True
        details = details_of(self.pieces[0].part.provider_details_json)
        content = [] if details.get("$empty") else [piece.whole() for piece in self.pieces]
        item = message_item(self.item_id, content, details.get("item", {}), status)
        emit("response.output_item.done", {"output_index": self.index, "item": item})
        return item


class StreamedReasoning:
    """A reasoning item. Its texts are pieces of its summary, or of its content."""

    def __init__(self, item_id: str, index: int, part: Part) -> None:
        self.item_id: str = details_of(part.provider_details_json).get("id", item_id)
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
            self._say(text, emit)

    def grow(self, delta: PartDelta, emit: Emit) -> None:
        match delta.WhichOneof("delta"):
            case "reasoning" if "$piece" in details_of(delta.provider_details_json):
                self.part.reasoning.text += delta.reasoning
                self._close_piece(emit)
            case "reasoning":
                self._say(delta.reasoning, emit)
            case "signature":
                self.part.reasoning.signature += delta.signature
            case "encrypted":
                self.part.reasoning.encrypted += delta.encrypted
            case _:
                pass

    def _place(self) -> Json:
        name = "summary_index" if self._is_summary else "content_index"
        return {"item_id": self.item_id, "output_index": self.index, name: len(self._lengths)}

    def _say(self, text: str, emit: Emit) -> None:
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
        self.item_id: str = details_of(part.provider_details_json).get("id", item_id)
        self.index = index
        self.part = part
        self.closed = False
        self._is_custom = call_type(part) == "custom_tool_call"
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
        except (msgspec.DecodeError, RecursionError):
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
