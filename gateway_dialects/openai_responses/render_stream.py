"""A stream of events as the Responses API's: items one after another, each with a beginning, deltas and an end, whatever the
provider interleaves. The last event holds the whole response.

Source: https://platform.openai.com/docs/api-reference/responses-streaming and recorded streams.
"""

from collections.abc import Callable
from typing import TypeVar

from dragoman.reasons import GatewayError
from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import CandidateFinish, Finished, PartDelta, PartFinished, PartStarted, Started, StreamResponse
from gateway_dialects.kit.accumulate import merge_details
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.openai_responses import render_response
from gateway_dialects.openai_responses import render_stream_items as items
from gateway_dialects.openai_responses.render_items import id_of, is_blank, is_content
from gateway_dialects.openai_responses.words import INCOMPLETE, details_of, item_fields

StreamedItem = items.StreamedMessage | items.StreamedReasoning | items.StreamedCall | items.StreamedWhole
StreamedPart = items.Piece | items.StreamedReasoning | items.StreamedCall | items.StreamedWhole
ItemT = TypeVar("ItemT", bound=StreamedItem)
TEXT_TAIL = b',"logprobs":[]}\n\n'


class ChunkRenderer:
    """Renders one stream. Feed it every batch in order."""

    def __init__(self, *, echo: Json, fallback_id: str, now: int, holds_end: bool = False) -> None:
        """echo: ParsedCreate's. fallback_id (resp_...) and now (Unix seconds) stand in where the provider gives none.
        holds_end: the last event is left to end(), so that the response can be stored before its client knows of it."""
        self.response: Json = render_response.begin(fallback_id, "", now, echo)
        """The Response so far; complete once finished has come."""
        self._echo = echo
        self._holds_end = holds_end
        self._number = 0
        self._out: list[bytes] = []
        self._parts: dict[int, StreamedPart] = {}
        self._began: dict[int, Part] = {}
        self._open: list[StreamedItem] = []
        self._items: dict[int, Json] = {}
        self._count = 0
        self._text_part = -1
        """The index of the part that is the open text; -1: there is none."""
        self._text_head = b""
        """What precedes the number in one of its deltas."""
        self._texts: list[str] = []
        """Its deltas so far."""

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
        self._emit("error", render_response.stream_error(failure))
        self.response["status"], self.response["error"] = "failed", render_response.failed_error(failure)
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
        self.response["id"] = render_response.response_id_of(started.id, self.response["id"])
        self.response["model"] = started.model or started.route.model
        self.response["created_at"] = started.created or self.response["created_at"]
        render_response.add_details(self.response, started, self._echo)
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

    def _begin(self, part: Part, part_index: int) -> StreamedPart:
        """Begin a part: in the message that is open, or in an item of its own."""
        self._text_part = -1
        begun: StreamedPart
        if is_content(part):
            message = self._open[-1] if self._open else None
            if not isinstance(message, items.StreamedMessage) or item_fields(part) is not None:
                message = self._open_item(items.StreamedMessage, part)
            begun = message.add(part)
            if begun.is_text:
                self._note_text(begun, part_index)
        elif part.HasField("reasoning"):
            begun = self._open_item(items.StreamedReasoning, part)
        elif part.HasField("tool_call"):
            begun = self._open_item(items.StreamedCall, part)
        else:
            begun = self._open_item(items.StreamedWhole, part)
        self._parts[part_index] = begun
        return begun

    def _open_item(self, make: Callable[[items.Emit, str, int, Part], ItemT], part: Part) -> ItemT:
        """An item ends where the next one begins, but for a tool call that has not all its arguments: only they can still
        be distinguished by their index."""
        for other in list(self._open):
            if not isinstance(other, items.StreamedCall) or other.is_whole:
                self._close(other, "completed")
        item = make(self._emit, id_of(part, self.response["id"], self._count), self._count, part)
        self._count += 1
        self._open.append(item)
        return item

    def _note_text(self, piece: items.Piece, part_index: int) -> None:
        self._text_part, self._texts = part_index, piece.texts
        head = {"type": "response.output_text.delta", **piece.place}
        self._text_head = b"event: response.output_text.delta\ndata: " + encode_json(head)[:-1] + b',"sequence_number":'

    def _delta(self, delta: PartDelta) -> None:
        if delta.candidate_index:
            return
        index = delta.part_index
        if (
            index == self._text_part
            and delta.WhichOneof("delta") == "text"
            and not (delta.HasField("logprobs") or delta.citations or delta.provider_details_json)
        ):
            self._texts.append(delta.text)
            self._out.append(b'%s%d,"delta":%s%s' % (self._text_head, self._number, encode_json(delta.text), TEXT_TAIL))
            self._number += 1
            return
        part = self._parts.get(index)
        if part is None:
            if not (has_content(delta) or delta.citations):
                return
            part = self._begin(self._began[index], index)
        if part.closed:
            if isinstance(part, items.Piece):
                part.cite(delta.citations)
            if isinstance(part, (items.StreamedCall, items.StreamedWhole)) or not has_content(delta):
                return  # A call's arguments were whole; what follows can only be white space.
            # What ended for another item cannot be opened again: the rest gets an item of its own.
            part = self._begin(continuation(self._began[index]), index)
        part.grow(delta)

    def _part_finished(self, ended: PartFinished) -> None:
        if ended.candidate_index or ended.part_index not in self._parts:
            return
        begun = self._parts[ended.part_index]
        merge_details(begun.part.provider_details_json, ended.provider_details_json)
        if ended.HasField("signature"):
            begun.part.signature.CopyFrom(ended.signature)
        if not isinstance(begun, items.Piece):
            self._close(begun, "completed")
        elif "item" in details_of(ended):
            # A provider of this dialect marks where a message ends; others may go on with it.
            self._close(begun.message, "completed")

    def _close(self, item: StreamedItem, status: str) -> None:
        if item.closed:
            return
        self._open.remove(item)
        self._items[item.index] = item.close(status)
        self._text_part = -1

    def _finished(self, finished: Finished) -> None:
        ending = finished.candidates[0] if finished.candidates else CandidateFinish()
        for item in list(self._open):
            self._close(item, "incomplete" if ending.finish_reason in INCOMPLETE else "completed")
        output = [self._items[index] for index in sorted(self._items)]
        render_response.conclude(self.response, finished, ending, output, self._echo)
        if not self._holds_end:
            self._emit_end()


def has_content(delta: PartDelta) -> bool:
    """Whether it adds anything but citations."""
    name = delta.WhichOneof("delta")
    return bool(name and getattr(delta, name)) or delta.HasField("logprobs")


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
