"""A stream of events as the Responses API's: items one after another, each with a beginning, deltas and an end, whatever the
provider interleaves. The last event holds the whole response.

Source: https://platform.openai.com/docs/api-reference/responses-streaming and recorded streams.
"""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.reasons import GatewayError
from dragoman.v1.content_pb2 import Citation, Part
from dragoman.v1.stream_pb2 import CandidateFinish, Finished, PartDelta, PartFinished, PartStarted, Started, StreamResponse
from gateway_dialects.kit.accumulate import merge_details
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.openai_responses.render_items import ItemIds, call_type, is_blank, is_content
from gateway_dialects.openai_responses.render_response import (
    INCOMPLETE,
    add_details,
    begin,
    conclude,
    failed_error,
    response_id_of,
    stream_error,
)
from gateway_dialects.openai_responses.render_stream_items import (
    Piece,
    StreamedCall,
    StreamedMessage,
    StreamedReasoning,
    StreamedWhole,
)
from gateway_dialects.openai_responses.words import PICTURE, annotation_of, begins_item, details_of

StreamedItem = StreamedMessage | StreamedReasoning | StreamedCall | StreamedWhole
TEXT_TAIL = b',"logprobs":[]}\n\n'


class ChunkRenderer:
    """Renders one stream. Feed it every batch in order."""

    def __init__(self, *, echo: Json, fallback_id: str, now: int, holds_end: bool = False) -> None:
        """echo: ParsedCreate's. fallback_id (resp_...) and now (Unix seconds) stand in where the provider gives none.
        holds_end: the last event is left to end(), so that the response can be stored before its client knows of it."""
        self.response: Json = begin(fallback_id, "", now, echo)
        """The Response so far; complete once finished has come."""
        self._echo = echo
        self._holds_end = holds_end
        self._ids = ItemIds(fallback_id)
        self._number = 0
        self._out: list[bytes] = []
        self._parts: dict[int, tuple[StreamedItem, Piece | None]] = {}
        self._began: dict[int, Part] = {}
        self._open: list[StreamedItem] = []
        self._items: dict[int, Json] = {}
        self._count = 0
        self._text_head = b""
        """What precedes the number in a delta of the open text; empty unless there is one."""
        self._text_part = -1

    def render(self, batch: StreamResponse) -> bytes:
        """The SSE bytes of a batch, to be written at once."""
        for event in batch.events:
            match event.WhichOneof("event"):
                case "part_delta":
                    self._delta(event.part_delta)
                case "part_started":
                    self._part_started(event.part_started)
                case "part_finished":
                    self._part_finished(event.part_finished)
                case "started":
                    self._started(event.started)
                case "finished":
                    self._finished(event.finished)
                case _:
                    pass
        return self._written()

    def fail(self, failure: GatewayError) -> bytes:
        """The end of a stream that failed: an error event, from which the SDKs raise, and the failed response."""
        self._emit("error", stream_error(failure))
        self.response["status"], self.response["error"] = "failed", failed_error(failure)
        self.response["output"] = [self._items[index] for index in sorted(self._items)]
        self._emit("response.failed", {"response": self.response})
        return self._written()

    def end(self) -> bytes:
        """The event that was held back. Empty when the answer never ended."""
        if self.response["status"] != "in_progress":
            self._emit_end()
        return self._written()

    def _emit_end(self) -> None:
        self._emit(f"response.{self.response['status']}", {"response": self.response})

    def _written(self) -> bytes:
        written = b"".join(self._out)
        self._out.clear()
        return written

    def _emit(self, name: str, fields: Json) -> None:
        body = {"type": name, "sequence_number": self._number, **fields}
        self._number += 1
        self._out.append(b"event: %s\ndata: %s\n\n" % (name.encode(), encode_json(body)))

    def _started(self, started: Started) -> None:
        response_id = response_id_of(started.id, self.response["id"])
        self._ids = ItemIds(response_id)
        self.response["id"] = response_id
        self.response["model"] = started.model or started.route.model
        self.response["created_at"] = started.created or self.response["created_at"]
        add_details(self.response, started, self._echo)
        self._emit("response.created", {"response": self.response})
        self._emit("response.in_progress", {"response": self.response})

    def _part_started(self, started: PartStarted) -> None:
        if started.candidate_index:
            return
        part = self._began[started.part_index] = Part()
        part.CopyFrom(started.part)
        # A part that is empty now may stay so.
        if not is_blank(part):
            self._begin(part, started.part_index)

    def _begin(self, part: Part, part_index: int) -> None:
        """Begin a part: in the message that is open, or in an item of its own."""
        self._text_part = -1
        last = self._open[-1] if self._open else None
        if is_content(part):
            if not isinstance(last, StreamedMessage) or begins_item(part):
                last = StreamedMessage(self._next_id("message"), self._next_index(), part)
                self._begin_item(last)
            piece = last.add(part, self._emit)
            self._parts[part_index] = (last, piece)
            if piece.is_text:
                self._note_text(last, piece, part_index)
            return
        item = self._item_of(part)
        self._begin_item(item)
        self._parts[part_index] = (item, None)

    def _item_of(self, part: Part) -> StreamedReasoning | StreamedCall | StreamedWhole:
        match part.WhichOneof("kind"):
            case "reasoning":
                return StreamedReasoning(self._next_id("reasoning"), self._next_index(), part)
            case "tool_call":
                return StreamedCall(self._next_id(call_type(part)), self._next_index(), part)
            case "media":
                return StreamedWhole(self._next_id(PICTURE), self._next_index(), part)
            case _:
                return StreamedWhole(self._next_id("reasoning"), self._next_index(), part)

    def _next_id(self, kind: str) -> str:
        return self._ids.make(kind, self._count)

    def _next_index(self) -> int:
        self._count += 1
        return self._count - 1

    def _begin_item(self, item: StreamedItem) -> None:
        """An item ends where the next one begins, but for a tool call that has not all its arguments: only they can still
        be distinguished by their index."""
        for other in list(self._open):
            if not isinstance(other, StreamedCall) or other.is_whole:
                self._close(other, "completed")
        self._open.append(item)
        item.begin(self._emit)

    def _note_text(self, item: StreamedMessage, piece: Piece, part_index: int) -> None:
        self._text_part = part_index
        head = {"type": "response.output_text.delta", **item.place_of(piece)}
        self._text_head = b"event: response.output_text.delta\ndata: " + encode_json(head)[:-1] + b',"sequence_number":'

    def _delta(self, delta: PartDelta) -> None:
        if delta.candidate_index:
            return
        if (
            delta.part_index == self._text_part
            and delta.WhichOneof("delta") == "text"
            and not (delta.HasField("logprobs") or delta.citations or delta.provider_details_json)
        ):
            self._text_delta(delta)
            return
        if delta.part_index not in self._parts:
            if not (has_content(delta) or delta.citations):
                return
            self._begin(self._began[delta.part_index], delta.part_index)
        item, piece = self._parts[delta.part_index]
        if item.closed or (piece is not None and piece.closed):
            self._cite(item, piece, delta.citations)
            if isinstance(item, (StreamedCall, StreamedWhole)) or not has_content(delta):
                return  # A call's arguments were whole; what follows can only be white space.
            # What ended for another item cannot be opened again: the rest gets an item of its own.
            self._begin(continuation(self._began[delta.part_index]), delta.part_index)
            item, piece = self._parts[delta.part_index]
        self._grow(item, piece, delta)

    def _text_delta(self, delta: PartDelta) -> None:
        _, piece = self._parts[delta.part_index]
        if piece is not None:
            piece.texts.append(delta.text)
        self._out.append(b'%s%d,"delta":%s%s' % (self._text_head, self._number, encode_json(delta.text), TEXT_TAIL))
        self._number += 1

    def _grow(self, item: StreamedItem, piece: Piece | None, delta: PartDelta) -> None:
        match item:
            case StreamedReasoning():
                item.grow(delta, self._emit)
            case StreamedCall():
                if text := delta.arguments_json or delta.input:
                    item.grow(text, self._emit)
            case StreamedWhole():
                item.grow(delta, self._emit)
            case StreamedMessage():
                if piece is None:
                    return
                text = delta.text or delta.refusal or delta.transcript
                if text or delta.HasField("logprobs"):
                    item.grow(piece, text, self._emit, delta.logprobs.content)
                self._cite(item, piece, delta.citations)

    def _cite(self, item: StreamedItem, piece: Piece | None, citations: Iterable[Citation]) -> None:
        """Citations of a text: at once while it is open, else in what is still to be written of it."""
        if not isinstance(item, StreamedMessage) or piece is None or not piece.is_text:
            return
        for annotation in map(annotation_of, citations):
            if item.closed:
                for content in self._items[item.index]["content"][piece.place : piece.place + 1]:
                    content["annotations"].append(annotation)
            elif piece.closed:
                piece.annotations.append(annotation)
            else:
                item.annotate(piece, annotation, self._emit)

    def _part_finished(self, ended: PartFinished) -> None:
        if ended.candidate_index or ended.part_index not in self._parts:
            return
        item, piece = self._parts[ended.part_index]
        part = piece.part if piece else item_part(item)
        merge_details(part.provider_details_json, ended.provider_details_json)
        if ended.HasField("signature"):
            part.signature.CopyFrom(ended.signature)
        # A provider of this dialect marks where a message ends; others may go on with it.
        if piece is None or "item" in details_of(ended):
            self._close(item, "completed")

    def _close(self, item: StreamedItem, status: str) -> None:
        if item.closed:
            return
        self._open.remove(item)
        self._items[item.index] = item.close(self._emit, status)
        self._text_part = -1

    def _finished(self, finished: Finished) -> None:
        ending = finished.candidates[0] if finished.candidates else CandidateFinish()
        is_cut = ending.finish_reason in INCOMPLETE
        for item in list(self._open):
            self._close(item, "incomplete" if is_cut else "completed")
        add_details(self.response, finished, self._echo)
        usage = finished.usage if finished.HasField("usage") else None
        conclude(self.response, ending, [self._items[index] for index in sorted(self._items)], usage)
        if not self._holds_end:
            self._emit_end()


def has_content(delta: PartDelta) -> bool:
    """Whether it adds anything but citations."""
    name = delta.WhichOneof("delta")
    return bool(name and getattr(delta, name)) or delta.HasField("logprobs")


def item_part(item: StreamedItem) -> Part:
    return item.pieces[0].part if isinstance(item, StreamedMessage) else item.part


def continuation(part: Part) -> Part:
    """An empty part of the same kind and origin, for what comes after its item has ended."""
    match part.WhichOneof("kind"):
        case "reasoning":
            following = Part()
            following.reasoning.provider, following.reasoning.summary = part.reasoning.provider, part.reasoning.summary
            following.provider_details_json.update(part.provider_details_json)
            return following
        case "refusal":
            return Part(refusal="")
        case _:
            return Part(text="")
