"""Streamed answers of OpenAI's chat completions API and of its compatible vendors: a sans-IO machine.

Source: https://platform.openai.com/docs/api-reference/chat-streaming and recorded streams. Vendors differ in where
usage comes (last chunk, a chunk of its own, every chunk, x_groq), in whether tool deltas have an index or an id, and in
how they end.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

import msgspec

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import FINISH_REASON_STOP
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, Part
from dragoman.v1.stream_pb2 import PartDelta, StreamResponse
from gateway_dialects.kit.dialect import ServerSentEvent
from gateway_dialects.kit.json import Json, decode_json, encode_json, malformed, text_of, unknown_fields
from gateway_dialects.kit.legacy import SHAPE_ERRORS, misshapen
from gateway_dialects.openai.decode_errors import error_in_body
from gateway_dialects.openai.decode_response import (
    CHOICE_FIELDS,
    FINISH_REASONS,
    MESSAGE_FIELDS,
    REASONING_STRINGS,
    decode_content_item,
    decode_logprobs,
    decode_reasoning_item,
    int_of,
    reasoning_notes,
    set_marks,
)
from gateway_dialects.openai.decode_usage import decode_usage
from gateway_dialects.openai.words import DIALECT, set_details

CHUNK_FIELDS = frozenset(
    {
        "id",
        "object",
        "created",
        "model",
        "choices",
        "usage",
        "system_fingerprint",
        "service_tier",
        "error",
        # Random padding against traffic analysis, meaningless once the stream is framed anew.
        "obfuscation",
    }
)
MARKS = ("system_fingerprint", "service_tier")
PartKey = str | tuple[str, object]
"""What tells one part of a candidate from another: text, refusal, audio, ("reasoning", index), ("tool", index or id)."""


class CandidateState:
    """What is known of one candidate while it streams."""

    __slots__ = ("bare_tools", "details", "index", "message_details", "part_details", "parts", "raw_finish", "tool_slots")

    def __init__(self, index: int) -> None:
        self.index = index
        self.parts: dict[PartKey, int] = {}
        self.tool_slots: dict[object, tuple[str, PartKey]] = {}
        self.bare_tools: set[PartKey] = set()
        self.part_details: dict[int, Json] = {}
        self.raw_finish = ""
        self.details: Json = {}
        self.message_details: Json = {}


class OpenAIStreamDecoder:
    """See StreamDecoder."""

    def __init__(self) -> None:
        self.done = False
        self.started = False
        self.candidates: dict[int, CandidateState] = {}
        self.usage: Json | None = None
        self.details: Json = {}
        self.marks: Json = {}
        self.late_marks: Json = {}

    @property
    def complete(self) -> bool:
        return bool(self.candidates) and all(state.raw_finish for state in self.candidates.values())

    def feed(self, event: ServerSentEvent, batch: StreamResponse) -> None:
        if self.done:
            return
        if event.data == b"[DONE]":
            self.finish(batch)
            return
        try:
            self.feed_chunk(decode_chunk(event.data), batch)
        except SHAPE_ERRORS as error:
            raise misshapen(error) from error

    def feed_chunk(self, chunk: Json, batch: StreamResponse) -> None:
        if "error" in chunk and (error := chunk["error"]):
            raise error_in_body(error)
        choices = chunk.get("choices") or ()
        if not self.started and (choices or chunk.get("id")):
            self.start(chunk, batch)
        else:
            self.keep_late(chunk)
        usage = chunk.get("usage") or report_of_groq(chunk)
        if isinstance(usage, dict):
            self.usage = usage
        for choice in choices:
            self.feed_choice(choice, batch)

    def finish(self, batch: StreamResponse) -> None:
        if self.done:
            return
        if not self.complete:
            raise GatewayError(Reason.STREAM_INTERRUPTED, "the provider's stream ended before the answer was complete")
        self.done = True
        try:
            self.conclude(batch)
        except SHAPE_ERRORS as error:
            raise misshapen(error) from error

    def conclude(self, batch: StreamResponse) -> None:
        for state in self.candidates.values():
            finish_parts(state, batch)
        finished = batch.events.add().finished
        for state in sorted(self.candidates.values(), key=lambda state: state.index):
            ending = finished.candidates.add()
            ending.index, ending.raw_finish_reason = state.index, state.raw_finish
            ending.finish_reason = FINISH_REASONS.get(state.raw_finish, FINISH_REASON_STOP)
            if state.message_details:
                state.details["message"] = state.message_details
            set_details(ending, state.details)
        if self.usage:
            decode_usage(finished.usage, self.usage)
        set_marks(finished, self.late_marks)
        set_details(finished, self.details)

    def start(self, chunk: Json, batch: StreamResponse) -> None:
        self.started = True
        started = batch.events.add().started
        started.id, started.model = text_of(chunk.get("id")), text_of(chunk.get("model"))
        started.created = int_of(chunk.get("created"))
        set_marks(started, chunk)
        self.marks = {name: chunk[name] for name in MARKS if chunk.get(name) is not None}
        self.keep_details(chunk)
        set_details(started, self.details)
        self.details = {}

    def keep_late(self, chunk: Json) -> None:
        """What a later chunk tells of the whole answer."""
        if not CHUNK_FIELDS.issuperset(chunk):
            self.keep_details(chunk)
        for name in MARKS:
            if (mark := chunk.get(name)) is not None and mark != self.marks.get(name):
                self.marks[name] = self.late_marks[name] = mark

    def keep_details(self, chunk: Json) -> None:
        merge(self.details, unknown_fields(chunk, CHUNK_FIELDS))

    def feed_choice(self, choice: Any, batch: StreamResponse) -> None:
        if not isinstance(choice, dict):
            raise malformed("a choice of the provider's stream is not an object")
        index = choice.get("index", 0)
        state = self.candidates.get(index)
        if state is None:
            state = self.candidates.setdefault(int_of(index), CandidateState(int_of(index)))
        delta = choice.get("delta")
        if delta or choice.get("logprobs"):
            self.feed_delta(state, delta or {}, choice, batch)
        if reason := choice.get("finish_reason"):
            if reason == "error":
                raise error_in_body(choice.get("error") or {"message": "the provider reports that generation failed"})
            state.raw_finish = str(reason)
        if not CHOICE_FIELDS.issuperset(choice):
            merge(state.details, unknown_fields(choice, CHOICE_FIELDS))

    def feed_delta(self, state: CandidateState, delta: Json, choice: Json, batch: StreamResponse) -> None:
        before = len(batch.events)
        if "reasoning_content" in delta or "reasoning" in delta or "reasoning_details" in delta:
            feed_reasoning(state, delta, batch)
        content = delta.get("content")
        if content:
            feed_content(state, content, batch)
        if refusal := delta.get("refusal"):
            grow(state, "refusal", batch, empty_refusal).refusal = refusal
        if audio := delta.get("audio"):
            feed_audio(state, audio, batch)
        if calls := delta.get("tool_calls"):
            for call in calls:
                feed_tool_call(state, call, batch)
        if logprobs := choice.get("logprobs"):
            feed_logprobs(state, logprobs, batch, before)
        if not MESSAGE_FIELDS.issuperset(delta) and (extra := unknown_fields(delta, MESSAGE_FIELDS)):
            feed_extra(state, extra, batch, before)


def decode_chunk(data: bytes) -> Json:
    try:
        chunk = decode_json(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise malformed(f"an event of the provider's stream is not JSON; it begins with {data[:80]!r}") from None
    if not isinstance(chunk, dict):
        raise malformed("an event of the provider's stream is not a JSON object")
    return chunk


def report_of_groq(chunk: Json) -> Json | None:
    """The usage that Groq tells in a place of its own. Raises GatewayError where it tells why it stopped instead."""
    groq = chunk.get("x_groq")
    if not isinstance(groq, dict):
        return None
    if error := groq.get("error"):
        raise error_in_body(error)
    return groq.get("usage")


def empty_text(part: Part) -> None:
    part.text = ""


def empty_refusal(part: Part) -> None:
    part.refusal = ""


def empty_audio(part: Part) -> None:
    part.media.kind = MEDIA_KIND_AUDIO


def grow(state: CandidateState, key: PartKey, batch: StreamResponse, begin: Callable[[Part], None]) -> PartDelta:
    """A new delta event of the part with this key, which begins here if it has not begun."""
    part_index = state.parts.get(key)
    if part_index is None:
        begin(start_part(state, key, batch))
        part_index = state.parts[key]
    delta = batch.events.add().part_delta
    if state.index:
        delta.candidate_index = state.index
    if part_index:
        delta.part_index = part_index
    return delta


def finish_parts(state: CandidateState, batch: StreamResponse) -> None:
    for key in state.bare_tools:
        # A tool that takes nothing is called with {}, also when no delta ever said so.
        grow(state, key, batch, empty_text).arguments_json = "{}"
    for part_index in state.parts.values():
        ended = batch.events.add().part_finished
        ended.candidate_index, ended.part_index = state.index, part_index
        if details := state.part_details.get(part_index):
            set_details(ended, details)


def start_part(state: CandidateState, key: PartKey, batch: StreamResponse) -> Part:
    """A new part event, whose part the caller fills in."""
    state.parts[key] = len(state.parts)
    event = batch.events.add().part_started
    event.candidate_index, event.part_index = state.index, state.parts[key]
    return event.part


def feed_content(state: CandidateState, content: Any, batch: StreamResponse) -> None:
    if isinstance(content, str):
        grow(state, "text", batch, empty_text).text = content
        return
    if not isinstance(content, list):
        raise malformed("content of the provider's stream is neither text nor a list")
    for item in content:
        part = decode_content_item(item)
        match part.WhichOneof("kind"):
            case "text":
                grow(state, "text", batch, empty_text).text = part.text
            case "reasoning":
                feed_reasoning_text(state, ("reasoning", 0), part, batch)
            case _:
                start_part(state, ("opaque", len(state.parts)), batch).CopyFrom(part)


def feed_reasoning(state: CandidateState, delta: Json, batch: StreamResponse) -> None:
    present = [name for name in REASONING_STRINGS if isinstance(delta.get(name), str) and delta[name]]
    items = delta.get("reasoning_details")
    if isinstance(items, list) and items:
        for position, item in enumerate(items):
            key = ("reasoning", item.get("index", 0) if isinstance(item, dict) else position)
            part = decode_reasoning_item(item, present[0] if present else None)
            feed_reasoning_text(state, key, part, batch)
    elif present:
        part = Part()
        part.reasoning.text = delta[present[0]]
        if notes := reasoning_notes(present):
            set_details(part, notes)
        feed_reasoning_text(state, ("reasoning", 0), part, batch)


def feed_reasoning_text(state: CandidateState, key: PartKey, piece: Part, batch: StreamResponse) -> None:
    """Append a piece of reasoning to its part: text, seal and encrypted content, each in a delta of its own."""

    def begin(part: Part) -> None:
        part.reasoning.summary = piece.reasoning.summary
        for dialect, details in piece.provider_details_json.items():
            part.provider_details_json[dialect] = details

    reasoning = piece.reasoning
    if reasoning.text:
        grow(state, key, batch, begin).reasoning = reasoning.text
    if reasoning.signature:
        grow(state, key, batch, begin).signature = reasoning.signature
    if reasoning.encrypted:
        grow(state, key, batch, begin).encrypted = reasoning.encrypted


def feed_audio(state: CandidateState, audio: Json, batch: StreamResponse) -> None:
    if data := audio.get("data"):
        try:
            grow(state, "audio", batch, empty_audio).data = base64.b64decode(data, validate=True)
        except (binascii.Error, TypeError):
            raise malformed("audio of the provider's stream is not base64") from None
    if transcript := audio.get("transcript"):
        grow(state, "audio", batch, empty_audio).transcript = transcript
    if extra := unknown_fields(audio, frozenset({"data", "transcript"})):
        details = grow(state, "audio", batch, empty_audio)
        details.provider_details_json[DIALECT] = encode_json({"audio": extra}).decode()
        state.part_details.setdefault(state.parts["audio"], {}).update(extra)


def feed_tool_call(state: CandidateState, call: Any, batch: StreamResponse) -> None:
    if not isinstance(call, dict):
        raise malformed("a tool call of the provider's stream is not an object")
    custom = call.get("custom")
    inner = custom or call.get("function") or {}
    key = tool_key(state, call)
    if key not in state.parts:
        begin_tool_call(state, key, call, inner, batch)
    if custom:
        if text := inner.get("input"):
            grow(state, key, batch, empty_text).input = text
        return
    arguments = inner.get("arguments")
    if arguments:
        state.bare_tools.discard(key)
        text = arguments if isinstance(arguments, str) else encode_json(arguments).decode()
        grow(state, key, batch, empty_text).arguments_json = text


def tool_key(state: CandidateState, call: Json) -> PartKey:
    """Which call a delta belongs to. Some vendors give no index (Google, Mistral); some give 0 to every parallel call, each
    with an id of its own."""
    call_id = text_of(call.get("id"))
    slot = call.get("index")
    if slot is None:
        slot = call_id or next(reversed(state.tool_slots), "")
    known_id, key = state.tool_slots.get(slot, ("", None))
    if key is None or (call_id and known_id and call_id != known_id):
        key = ("tool", f"{slot}:{call_id}")
        state.tool_slots[slot] = (call_id, key)
    return key


def begin_tool_call(state: CandidateState, key: PartKey, call: Json, inner: Json, batch: StreamResponse) -> None:
    part = start_part(state, key, batch)
    part.tool_call.id, part.tool_call.name = text_of(call.get("id")), text_of(inner.get("name"))
    if call.get("custom"):
        part.tool_call.input = ""
    else:
        state.bare_tools.add(key)
    details = unknown_fields(call, frozenset({"id", "type", "index", "function", "custom"}))
    if extra := unknown_fields(inner, frozenset({"name", "arguments", "input"})):
        details["custom" if call.get("custom") else "function"] = extra
    set_details(part, details)


def feed_logprobs(state: CandidateState, logprobs: Any, batch: StreamResponse, before: int) -> None:
    """Log-probabilities ride on the delta that this chunk produced; without one, on an empty delta of the text."""
    if not isinstance(logprobs, dict):
        return
    decoded = decode_logprobs(logprobs)
    if decoded.content or decoded.refusal:
        delta_since(state, batch, before).logprobs.CopyFrom(decoded)


def feed_extra(state: CandidateState, extra: Json, batch: StreamResponse, before: int) -> None:
    """Delta fields the contract does not name: shown live on this delta, and kept for the whole answer."""
    delta_since(state, batch, before).provider_details_json[DIALECT] = encode_json(extra).decode()
    for name, value in extra.items():
        known = state.message_details.get(name)
        if isinstance(known, list) and isinstance(value, list):
            # What belongs to a message comes in pieces (annotations); what belongs to a chunk is repeated whole.
            extra[name] = known + value
    merge(state.message_details, extra)


def merge(into: Json, late: Json) -> None:
    """What many chunks say of one thing: objects grow, anything else is replaced."""
    for name, value in late.items():
        known = into.get(name)
        into[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value


def delta_since(state: CandidateState, batch: StreamResponse, before: int) -> PartDelta:
    for position in range(len(batch.events) - 1, before - 1, -1):
        if batch.events[position].WhichOneof("event") == "part_delta":
            return batch.events[position].part_delta
    delta = grow(state, "text", batch, empty_text)
    delta.text = ""
    return delta
