"""Streamed answers of Cohere's chat API: a sans-IO machine.

Source: https://docs.cohere.com/docs/streaming and recorded streams. Content blocks and tool calls are numbered apart; the
plan before tool calls has neither beginning nor end; citations come between the pieces of the text that they cite, or
after it, so that what may be cited ends only with the answer.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import FINISH_REASON_STOP
from dragoman.v1.content_pb2 import Opaque, Part
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.cohere.client.citations import Places, annotations_of, told_to_chat
from gateway_dialects.cohere.client.details import DIALECT, set_details
from gateway_dialects.cohere.client.errors import REASON_BY_FINISH, error_in_answer
from gateway_dialects.cohere.client.logprobs import decode_logprobs
from gateway_dialects.cohere.client.response import (
    FINISH_REASONS,
    MESSAGE_FIELDS,
    begin_tool_call,
    chat_ending,
    plan_part,
    set_ending,
)
from gateway_dialects.cohere.client.streamed import StreamedPart
from gateway_dialects.cohere.client.usage import decode_usage
from gateway_dialects.kit.dialect import ServerSentEvent
from gateway_dialects.kit.json import Json, decode_json, encode_json, malformed, text_of, unknown_fields
from gateway_dialects.kit.legacy import CHAT_FORM, SHAPE_ERRORS, misshapen

EVENT_FIELDS = frozenset({"id", "type", "delta"})
ENDING_FIELDS = frozenset({"finish_reason", "usage", "error", "error_type"})
BLOCK_FIELDS = frozenset({"type", "text", "thinking"})
OTHER_KIND = {"text": "thinking", "thinking": "text"}
"""Of the two kinds of block that grow, the other one."""


class CohereStreamDecoder:
    """See StreamDecoder."""

    def __init__(self) -> None:
        self.done = False
        self._started = False
        self._parts: list[StreamedPart] = []
        self._blocks: dict[int, StreamedPart] = {}
        self._calls: dict[int, StreamedPart] = {}
        self._plan: StreamedPart | None = None
        self._places = Places()
        self._gathered: dict[int, Json] = {}
        """Blocks of kinds that are not known here: they are told whole, for the contract's opaque parts do not grow."""
        self._message: Json = {}
        """Fields of the message that the contract does not name."""
        self._citations: list[Any] = []
        self._annotations: list[Json] = []
        self._logprobs: list[Any] = []

    @property
    def complete(self) -> bool:
        """What ends an answer also tells all about it."""
        return self.done

    def feed(self, event: ServerSentEvent, batch: StreamResponse) -> None:
        if self.done:
            return
        if event.data == b"[DONE]":
            self.finish(batch)
            return
        try:
            self._feed(decode_event(event.data), batch)
        except SHAPE_ERRORS as error:
            raise misshapen(error) from error

    def finish(self, batch: StreamResponse) -> None:
        if not self.done:
            raise GatewayError(Reason.STREAM_INTERRUPTED, "the provider's stream ended before the answer was complete")

    def _feed(self, event: Json, batch: StreamResponse) -> None:
        kind = event.get("type")
        if kind == "content-delta":
            self._content_delta(event, batch)
        elif kind == "tool-plan-delta":
            self._plan_delta(message_of(event), batch)
        elif kind == "tool-call-delta":
            self._call_delta(event, batch)
        elif kind == "message-start":
            self._start(batch, event)
        elif kind == "content-start":
            self._content_start(event, batch)
        elif kind == "content-end":
            self._tell_gathered(batch)
        elif kind == "tool-call-end":
            self._call_end(event, batch)
        elif kind == "tool-call-start":
            self._call_start(event, batch)
        elif kind == "citation-start":
            self._cite(message_of(event).get("citations"), batch)
        elif kind == "message-end":
            self._end(event, batch)
        elif kind is None and text_of(event.get("message")):
            raise error_in_answer(event)

    def _start(self, batch: StreamResponse, event: Json) -> None:
        if self._started:
            return
        self._started = True
        started = batch.events.add().started
        started.id = text_of(event.get("id"))
        set_details(started, unknown_fields(event, EVENT_FIELDS))
        message = (event.get("delta") or {}).get("message") or {}
        self._message = unknown_fields(message, MESSAGE_FIELDS)

    def _start_part(self, kind: str, part: Part, batch: StreamResponse) -> StreamedPart:
        """Ends the tool call before, and tells the new one's beginning."""
        self._start(batch, {})
        if self._gathered:
            self._tell_gathered(batch)
        if self._parts and self._parts[-1].kind == "call":
            self._parts[-1].end(batch)
        begun = batch.events.add().part_started
        begun.part_index = len(self._parts)
        begun.part.CopyFrom(part)
        offset = sum(known.length for known in self._parts if known.kind == "text")
        streamed = StreamedPart(kind, len(self._parts), offset)
        self._parts.append(streamed)
        return streamed

    def _content_start(self, event: Json, batch: StreamResponse) -> None:
        content = message_of(event).get("content")
        if not isinstance(content, dict):
            raise malformed("a content block of the provider's stream is not an object")
        self._start_block(index_of(event), content, batch)

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
        set_details(part, unknown_fields(content, BLOCK_FIELDS))
        block = self._blocks[index] = self._start_part(kind, part, batch)
        self._places.blocks[index] = block.index
        if kind == "text" and self._places.first_text is None:
            self._places.first_text = block.index
        if text := text_of(content.get(kind)):
            block.grow(text, batch)

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
            block.grow(text, batch)
        if not BLOCK_FIELDS.issuperset(content):
            merge(block.details, unknown_fields(content, BLOCK_FIELDS))
        if isinstance(logprobs := event.get("logprobs"), dict):
            self._logprobs.append(logprobs)
            delta = batch.events[before].part_delta if len(batch.events) > before else block.delta(batch)
            delta.logprobs.CopyFrom(decode_logprobs([logprobs]))
            set_details(delta, {"logprobs": logprobs})

    def _tell_gathered(self, batch: StreamResponse) -> None:
        gathered, self._gathered = self._gathered, {}
        for content in gathered.values():
            part = Part(opaque=Opaque(dialect=DIALECT, json=encode_json(content).decode()))
            self._start_part("opaque", part, batch).end(batch)

    def _plan_delta(self, message: Json, batch: StreamResponse) -> None:
        if not (text := text_of(message.get("tool_plan"))):
            return
        if self._plan is None:
            self._plan = self._start_part("plan", plan_part(""), batch)
            self._places.plan = self._plan.index
        self._plan.grow(text, batch)

    def _call_start(self, event: Json, batch: StreamResponse) -> None:
        call = message_of(event).get("tool_calls")
        if not isinstance(call, dict):
            raise malformed("a tool call of the provider's stream is not an object")
        begun = self._calls[index_of(event)] = self._start_part("call", begin_tool_call(call), batch)
        begun.grow(text_of((call.get("function") or {}).get("arguments")), batch)

    def _call_delta(self, event: Json, batch: StreamResponse) -> None:
        call, piece = self._calls.get(index_of(event)), message_of(event).get("tool_calls")
        if call is None or call.ended or not isinstance(piece, dict):
            raise malformed("a delta of the provider's stream belongs to no tool call")
        call.grow(text_of((piece.get("function") or {}).get("arguments")), batch)

    def _call_end(self, event: Json, batch: StreamResponse) -> None:
        if call := self._calls.get(index_of(event)):
            call.end(batch)

    def _cite(self, told: Any, batch: StreamResponse) -> None:
        for citation in told if isinstance(told, list) else [told]:
            if not isinstance(citation, dict):
                raise malformed("a citation of the provider's stream is not an object")
            self._citations.append(citation)
            place = self._places.of(citation)
            if place is None:
                continue
            part = self._parts[place]
            annotations = annotations_of([citation], part.offset) if part.kind == "text" else []
            self._annotations += annotations
            delta = part.delta(batch)
            set_details(delta, {"citation": citation})
            set_details(delta, told_to_chat([citation], annotations), CHAT_FORM)

    def _end(self, event: Json, batch: StreamResponse) -> None:
        delta = event.get("delta")
        raw = text_of(delta.get("finish_reason")) if isinstance(delta, dict) else ""
        if not isinstance(delta, dict) or not raw:
            raise malformed("the provider's stream ends without a finish_reason")
        if raw in REASON_BY_FINISH or text_of(delta.get("error")):
            raise error_in_answer(delta, raw)
        self._start(batch, {})
        self._tell_gathered(batch)
        placed, rest = self._places.share_out(self._citations)
        for part in self._parts:
            part.end(batch, placed.get(part.index))
        self.done = True
        finished = batch.events.add().finished
        ending = finished.candidates.add()
        ending.raw_finish_reason, ending.finish_reason = raw, FINISH_REASONS.get(raw, FINISH_REASON_STOP)
        if rest:
            self._message["citations"] = rest
        set_ending(ending, self._message, self._logprobs, raw)
        set_details(ending, chat_ending(raw, self._citations, self._annotations), CHAT_FORM)
        if isinstance(usage := delta.get("usage"), dict):
            finished.usage.CopyFrom(decode_usage(usage))
        set_details(finished, unknown_fields(event, EVENT_FIELDS) | unknown_fields(delta, ENDING_FIELDS))


def decode_event(data: bytes) -> Json:
    try:
        event = decode_json(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise malformed(f"an event of the provider's stream is not JSON; it begins with {data[:80]!r}") from None
    if not isinstance(event, dict):
        raise malformed("an event of the provider's stream is not a JSON object")
    return event


def message_of(event: Json) -> Json:
    message = (event.get("delta") or {}).get("message")
    if not isinstance(message, dict):
        raise malformed(f"a {event.get('type')} event of the provider's stream holds no message")
    return message


def index_of(event: Json) -> int:
    index = event.get("index", 0)
    if type(index) is not int:
        raise malformed("an event of the provider's stream does not say to which block it belongs")
    return index


def merge(into: Json, piece: Json) -> None:
    """What many deltas say of one block: texts grow, anything else is set."""
    for name, value in piece.items():
        known = into.get(name)
        into[name] = known + value if name != "type" and isinstance(known, str) and isinstance(value, str) else value
