"""Streamed answers: a sans-IO machine.

Source: https://docs.cohere.com/docs/streaming and recorded streams. Content blocks and tool calls are numbered apart; the
plan before tool calls has neither beginning nor end; citations come between the pieces of the text that they cite, or
after it, so that what may be cited ends only with the answer.
"""

from typing import Any

from dragoman.v1.content_pb2 import Opaque, Part
from dragoman.v1.stream_pb2 import PartDelta, StreamResponse
from gateway_dialects.cohere import decode_response as whole
from gateway_dialects.cohere.decode_errors import error_in_answer
from gateway_dialects.cohere.words import DIALECT, FAILED_FINISHES, FINISH_REASONS, CitedParts, read_citation
from gateway_dialects.kit.call_ids import complete_call
from gateway_dialects.kit.event_decoder import EventDecoder
from gateway_dialects.kit.finish import check_finish, meaning_of, with_calls
from gateway_dialects.kit.json import Json, as_object, json_text, malformed, object_at, set_details, text_of, unknown_fields

EVENT_FIELDS = frozenset({"id", "type", "delta"})
ENDING_FIELDS = frozenset({"finish_reason", "usage", "error", "error_type"})
OTHER_KIND = {"text": "thinking", "thinking": "text"}
"""Of the two kinds of block that have deltas, the other one."""


class StreamedPart:
    """What is known of a part while it streams."""

    __slots__ = ("_held", "details", "ended", "index", "kind")

    def __init__(self, kind: str, index: int) -> None:
        self.kind = kind
        """text, thinking, plan, call or opaque."""
        self.index = index
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

    def append(self, text: str, batch: StreamResponse) -> None:
        if self.kind == "text":
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

    def end(self, batch: StreamResponse) -> None:
        if self.ended:
            return
        self.ended = True
        if self._held is not None:
            # A tool that takes nothing: Cohere writes nothing, or null.
            held = self._held.strip()
            self.delta(batch).arguments_json = "{}" if held in ("", "null") else self._held
        ended = batch.events.add().part_finished
        ended.part_index = self.index
        set_details(ended, self.details, DIALECT)


class CohereStreamDecoder(EventDecoder):
    """See StreamDecoder. What ends an answer has its usage too."""

    def __init__(self) -> None:
        super().__init__()
        self._started = False
        self._answer_id = ""
        self._parts: list[StreamedPart] = []
        self._blocks: dict[int, StreamedPart] = {}
        self._calls: dict[int, StreamedPart] = {}
        self._cited = CitedParts()
        self._unplaced: list[Json] = []
        """Citations of no part that has begun."""
        self._gathered: dict[int, Json] = {}
        """Blocks of unknown types, emitted once they are whole: the contract's opaque parts have no deltas."""
        self._message: Json = {}
        """Fields of the message that the contract does not name."""
        self._logprobs: list[Any] = []

    def decode(self, message: Json, batch: StreamResponse) -> None:
        match message.get("type"):
            case "content-delta":
                self._content_delta(message, batch)
            case "tool-plan-delta":
                self._plan_delta(message_of(message), batch)
            case "tool-call-delta":
                self._call_delta(message, batch)
            case "message-start":
                self._start(batch, message)
            case "content-start":
                content = as_object(message_of(message).get("content"), "a content block")
                self._start_block(index_of(message), content, batch)
            case "content-end":
                self._emit_gathered(batch)
            case "tool-call-end":
                if call := self._calls.get(index_of(message)):
                    call.end(batch)
            case "tool-call-start":
                self._call_start(message, batch)
            case "citation-start":
                self._cite(message_of(message).get("citations"), batch)
            case "message-end":
                self._end(message, batch)
            case None if text_of(message.get("message")):
                raise error_in_answer(message)

    def _start(self, batch: StreamResponse, event: Json) -> None:
        if self._started:
            return
        self._started = True
        started = batch.events.add().started
        self._answer_id = started.id = text_of(event.get("id"))
        set_details(started, unknown_fields(event, EVENT_FIELDS), DIALECT)
        self._message = unknown_fields(object_at(object_at(event, "delta"), "message"), whole.MESSAGE_FIELDS)

    def _start_part(self, kind: str, part: Part, batch: StreamResponse) -> StreamedPart:
        """Ends the tool call before it."""
        self._start(batch, {})
        if self._gathered:
            self._emit_gathered(batch)
        if self._parts and self._parts[-1].kind == "call":
            self._parts[-1].end(batch)
        begun = batch.events.add().part_started
        begun.part_index = len(self._parts)
        begun.part.CopyFrom(part)
        streamed = StreamedPart(kind, len(self._parts))
        self._parts.append(streamed)
        return streamed

    def _start_block(self, index: int, content: Json, batch: StreamResponse) -> None:
        kind = content.get("type") or ("thinking" if "thinking" in content else "text")
        part = Part()
        if kind == "text":
            part.text = ""
        elif kind == "thinking":
            part.reasoning.provider = DIALECT
        else:
            self._gathered[index] = content
            return
        set_details(part, unknown_fields(content, whole.BLOCK_FIELDS), DIALECT)
        block = self._blocks[index] = self._start_part(kind, part, batch)
        self._cited.add_block(index, block.index, part.WhichOneof("kind"))
        if text := text_of(content.get(kind)):
            block.append(text, batch)

    def _content_delta(self, event: Json, batch: StreamResponse) -> None:
        index, content = index_of(event), message_of(event).get("content")
        if not isinstance(content, dict):
            raise malformed("a delta of the provider's stream holds no content")
        if index in self._gathered:
            merge(self._gathered[index], content)
            return
        block = self._blocks.get(index)
        if block is None or text_of(content.get(OTHER_KIND[block.kind])):
            self._start_block(index, {"type": "thinking" if "thinking" in content else "text"}, batch)
            block = self._blocks[index]
        before = len(batch.events)
        if text := text_of(content.get(block.kind)):
            block.append(text, batch)
        if not whole.BLOCK_FIELDS.issuperset(content):
            merge(block.details, unknown_fields(content, whole.BLOCK_FIELDS))
        if isinstance(logprobs := event.get("logprobs"), dict):
            self._logprobs.append(logprobs)
            delta = batch.events[before].part_delta if len(batch.events) > before else block.delta(batch)
            delta.logprobs.CopyFrom(whole.decode_logprobs([logprobs]))
            set_details(delta, {"logprobs": logprobs}, DIALECT)

    def _emit_gathered(self, batch: StreamResponse) -> None:
        gathered, self._gathered = self._gathered, {}
        for content in gathered.values():
            part = Part(opaque=Opaque(dialect=DIALECT, json=json_text(content)))
            self._start_part("opaque", part, batch).end(batch)

    def _plan_delta(self, message: Json, batch: StreamResponse) -> None:
        if not (text := text_of(message.get("tool_plan"))):
            return
        if self._cited.plan is None:
            self._cited.plan = self._start_part("plan", whole.plan_part(""), batch).index
        self._parts[self._cited.plan].append(text, batch)

    def _call_start(self, event: Json, batch: StreamResponse) -> None:
        call = as_object(message_of(event).get("tool_calls"), "a tool call")
        part = whole.begin_tool_call(call)
        complete_call(part.tool_call, self._answer_id, 0, len(self._calls))
        begun = self._calls[index_of(event)] = self._start_part("call", part, batch)
        begun.append(arguments_of(call), batch)

    def _call_delta(self, event: Json, batch: StreamResponse) -> None:
        call, piece = self._calls.get(index_of(event)), message_of(event).get("tool_calls")
        if call is None or call.ended or not isinstance(piece, dict):
            raise malformed("a delta of the provider's stream belongs to no tool call")
        call.append(arguments_of(piece), batch)

    def _cite(self, given: Any, batch: StreamResponse) -> None:
        for citation in given if isinstance(given, list) else [given]:
            place = self._cited.place_of(as_object(citation, "a citation"))
            if place is None:
                self._unplaced.append(citation)
            else:
                self._parts[place].delta(batch).citations.extend(read_citation(citation))

    def _end(self, event: Json, batch: StreamResponse) -> None:
        delta = object_at(event, "delta")
        raw = text_of(delta.get("finish_reason"))
        if not raw:
            raise malformed("the provider's stream ends without a finish_reason")
        if raw in FAILED_FINISHES or text_of(delta.get("error")):
            raise error_in_answer(delta, raw)
        check_finish(raw)
        self._start(batch, {})
        self._emit_gathered(batch)
        early, self._unplaced = self._unplaced, []
        self._cite(early, batch)
        for part in self._parts:
            part.end(batch)
        self.done = True
        finished = batch.events.add().finished
        ending = finished.candidates.add()
        ending.raw_finish_reason = raw
        ending.finish_reason = with_calls(meaning_of(raw, FINISH_REASONS), bool(self._calls))
        if self._unplaced:
            self._message["citations"] = self._unplaced
        whole.set_ending(ending, self._message, self._logprobs, raw)
        if isinstance(usage := delta.get("usage"), dict):
            finished.usage.CopyFrom(whole.decode_usage(usage))
        late = unknown_fields(event, EVENT_FIELDS) | unknown_fields(delta, ENDING_FIELDS)
        set_details(finished, late, DIALECT)


def message_of(event: Json) -> Json:
    delta = event.get("delta")
    message = delta.get("message") if isinstance(delta, dict) else None
    if not isinstance(message, dict):
        raise malformed(f"a {event.get('type')} event of the provider's stream holds no message")
    return message


def index_of(event: Json) -> int:
    index = event.get("index", 0)
    if type(index) is not int:
        raise malformed("an event of the provider's stream does not say to which block it belongs")
    return index


def arguments_of(call: Json) -> str:
    """The piece of a call's arguments in an event."""
    return text_of(object_at(call, "function").get("arguments"))


def merge(into: Json, piece: Json) -> None:
    """Add a delta to a block: texts are appended, anything else is set."""
    for name, value in piece.items():
        known = into.get(name)
        into[name] = known + value if name != "type" and isinstance(known, str) and isinstance(value, str) else value
