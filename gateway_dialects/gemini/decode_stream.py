"""Streamed answers of Gemini's streamGenerateContent?alt=sse: a sans-IO machine.

Every event is a GenerateContentResponse that holds what is new of each candidate. Nothing marks the end: the answer is
complete once every candidate has its finishReason, and what follows that (usage, sources) belongs to it too.
Source: https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent and recorded streams.
"""

from typing import Any

from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, Part
from dragoman.v1.stream_pb2 import PartDelta, StreamResponse
from gateway_dialects.gemini import decode_answer
from gateway_dialects.gemini.decode_answer import ANSWER_FIELDS, CANDIDATE_FIELDS, check_finish, index_of
from gateway_dialects.gemini.decode_errors import error_in_body
from gateway_dialects.gemini.decode_parts import citations_of, decode_logprobs, decode_part, is_silent, late_signature
from gateway_dialects.gemini.words import DIALECT
from gateway_dialects.kit.event_decoder import EventDecoder
from gateway_dialects.kit.json import Json, as_list, malformed, object_at, set_details, text_of, unknown_fields

IN_PIECES = frozenset({"citationMetadata", "logprobsResult"})
"""Fields of a candidate whose lists each chunk continues; of all others the last value counts."""
TEXT = "text"
WHOLE = "whole"


class GeminiStreamDecoder(EventDecoder):
    """See StreamDecoder."""

    def __init__(self) -> None:
        super().__init__()
        self.started = False
        self.response_id = ""
        self.candidates: dict[int, CandidateState] = {}
        self.refusal: Json = {}
        """Why the prompt was refused, where it was."""
        self.usage: Json | None = None
        self.early: Json = {}
        self.late: Json = {}
        """Fields of the answer that came after the first chunk."""

    @property
    def complete(self) -> bool:
        if not self.candidates:
            return bool(self.refusal)
        return all(state.raw_finish for state in self.candidates.values())

    def decode(self, message: Json, batch: StreamResponse) -> None:
        if "error" in message and (error := message["error"]):
            raise error_in_body(error)
        if not self.started:
            self.start(message, batch)
        for name in message:
            if name not in ANSWER_FIELDS and self.early.get(name) != message[name] and message[name] is not None:
                self.late[name] = message[name]
        if isinstance(usage := message.get("usageMetadata"), dict) and usage:
            self.usage = usage
        if "promptFeedback" in message and (refusal := decode_answer.refusal_of(message)):
            self.refusal = refusal
        for position, item in enumerate(as_list(message.get("candidates"), "candidates")):
            self.feed_candidate(item, position, batch)

    def conclude(self, batch: StreamResponse) -> None:
        states = sorted(self.candidates.values(), key=lambda state: state.index)
        for state in states:
            end_part(state, batch)
        finished = batch.events.add().finished
        for state in states:
            ending = finished.candidates.add()
            ending.index = state.index
            decode_answer.end_candidate(ending, state.raw_finish, bool(state.calls), state.details)
        if not states:
            decode_answer.end_refused(finished.candidates.add(), self.refusal)
        if self.usage:
            decode_answer.set_usage(finished, self.usage)
        set_details(finished, self.late, DIALECT)

    def start(self, chunk: Json, batch: StreamResponse) -> None:
        self.started = True
        started = batch.events.add().started
        self.response_id = text_of(chunk.get("responseId"))
        started.id, started.model = self.response_id, text_of(chunk.get("modelVersion"))
        started.created = decode_answer.created_of(chunk)
        self.early = unknown_fields(chunk, ANSWER_FIELDS)
        set_details(started, self.early, DIALECT)

    def feed_candidate(self, item: Any, position: int, batch: StreamResponse) -> None:
        if not isinstance(item, dict):
            raise malformed(f"candidates[{position}] of the provider's stream is not an object")
        index = index_of(item, position)
        state = self.candidates.get(index)
        if state is None:
            state = self.candidates[index] = CandidateState(index)
        content = item.get("content")
        if not isinstance(content, dict):
            content = {}
        if has_more := len(content) > 2 or not item.keys() <= CANDIDATE_FIELDS:
            # Sources come before the parts: a text that ends in this chunk has its citations then.
            add_details(state, decode_answer.candidate_details(item, content))
        before = len(batch.events)
        for piece in as_list(content.get("parts"), "parts"):
            if not isinstance(piece, dict):
                raise malformed("a part of the provider's stream is not an object")
            if not is_silent(piece):
                feed_part(state, piece, self.response_id, batch)
        if raw := text_of(item.get("finishReason")):
            check_finish(raw, item)
            state.raw_finish = raw
        if has_more and (logprobs := object_at(item, "logprobsResult")):
            add_logprobs(state, logprobs, batch, before)


class CandidateState:
    """What is known of one candidate while it streams."""

    __slots__ = ("calls", "details", "index", "open_key", "part_count", "raw_finish", "signature", "text_before", "texts")

    def __init__(self, index: int) -> None:
        self.index = index
        self.part_count = 0
        self.open_key: object = None
        """What tells the part that is not finished from the next; WHOLE if nothing continues it. None: all are finished."""
        self.calls = 0
        self.raw_finish = ""
        self.details: Json = {}
        self.signature = ""
        """The signature of the open part, where it came after the part began."""
        self.texts: list[str] = []
        """The pieces of the open text part."""
        self.text_before = 0
        """Bytes of the text parts before it."""


def feed_part(state: CandidateState, piece: Json, response_id: str, batch: StreamResponse) -> None:
    """A part of a chunk: the next piece of the part before it, or another one."""
    text = piece.get("text")
    if isinstance(text, str) and len(piece) == 1:
        if state.open_key != TEXT:
            begin_part(state, TEXT, batch).text = ""
        state.texts.append(text)
        delta_of(state, batch).text = text
        return
    if state.open_key == TEXT and (signature := late_signature(piece)):
        state.signature, state.open_key = signature, WHOLE
        return
    part = decode_part(piece, (response_id, state.index, state.calls))
    match part.WhichOneof("kind"):
        case "reasoning":
            text, part.reasoning.text = part.reasoning.text, ""
            continue_part(state, part, "thought", batch)
            delta_of(state, batch).reasoning = text
        case "text":
            text, part.text = part.text, ""
            begin_part(state, WHOLE, batch).CopyFrom(part)
            state.texts.append(text)
            delta_of(state, batch).text = text
        case "tool_call":
            state.calls += 1
            arguments, part.tool_call.arguments_json = part.tool_call.arguments_json, ""
            begin_part(state, WHOLE, batch).CopyFrom(part)
            delta_of(state, batch).arguments_json = arguments
        case "media" if part.media.kind == MEDIA_KIND_AUDIO and part.media.data:
            data, part.media.data = part.media.data, b""
            continue_part(state, part, ("sound", part.media.mime_type), batch)
            delta_of(state, batch).data = data
        case _:
            begin_part(state, WHOLE, batch).CopyFrom(part)


def begin_part(state: CandidateState, key: object, batch: StreamResponse) -> Part:
    """A new part event, whose part the caller fills in."""
    end_part(state, batch)
    event = batch.events.add().part_started
    event.candidate_index, event.part_index = state.index, state.part_count
    state.part_count += 1
    state.open_key = key
    return event.part


def end_part(state: CandidateState, batch: StreamResponse) -> None:
    """Gemini's parts follow one another, so a part is finished when the next begins."""
    if state.open_key is None:
        return
    if state.texts:
        add_stream_citations(state, batch)
    ended = batch.events.add().part_finished
    ended.candidate_index, ended.part_index = state.index, state.part_count - 1
    if state.signature:
        ended.signature.provider, ended.signature.value = DIALECT, state.signature
        state.signature = ""
    state.open_key = None


def add_stream_citations(state: CandidateState, batch: StreamResponse) -> None:
    """The citations of the open text part, as far as its sources are known. Those that come after it remain in the
    candidate's groundingMetadata."""
    text = "".join(state.texts).encode()
    state.texts.clear()
    grounding = object_at(state.details, "groundingMetadata")
    if citations := list(citations_of(grounding, text, state.text_before)) if grounding else []:
        delta_of(state, batch).citations.extend(citations)
    state.text_before += len(text)


def delta_of(state: CandidateState, batch: StreamResponse) -> PartDelta:
    delta = batch.events.add().part_delta
    delta.candidate_index, delta.part_index = state.index, state.part_count - 1
    return delta


def continue_part(state: CandidateState, part: Part, key: object, batch: StreamResponse) -> None:
    """Begins a part unless the open one has the same key. One that is signed is a part of its own, as it must be given
    back."""
    if part.provider_details_json or part.HasField("signature") or part.reasoning.signature:
        key = WHOLE
    if key == WHOLE or state.open_key != key:
        begin_part(state, key, batch).CopyFrom(part)


def add_details(state: CandidateState, details: Json) -> None:
    for name, value in details.items():
        known = state.details.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            state.details[name] = joined(known, value) if name in IN_PIECES else {**known, **value}
        else:
            state.details[name] = value


def joined(known: Json, value: Json) -> Json:
    """Both objects, their lists one after the other."""
    whole = {**known, **value}
    for name, item in known.items():
        if isinstance(item, list) and isinstance(value.get(name), list):
            whole[name] = item + value[name]
    return whole


def add_logprobs(state: CandidateState, logprobs: Json, batch: StreamResponse, before: int) -> None:
    """Puts log-probabilities on the last delta of this chunk, whose first event has the position before."""
    delta = None
    for position in range(len(batch.events) - 1, before - 1, -1):
        if batch.events[position].WhichOneof("event") == "part_delta":
            delta = batch.events[position].part_delta
            break
    if delta is None and state.open_key == TEXT:
        delta = delta_of(state, batch)
        delta.text = ""
    if delta is not None:
        delta.logprobs.CopyFrom(decode_logprobs(logprobs))
        set_details(delta, {"logprobsResult": logprobs}, DIALECT)
