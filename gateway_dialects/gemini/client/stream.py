"""Streamed answers of Gemini's streamGenerateContent?alt=sse: a sans-IO machine.

Every event is a GenerateContentResponse that holds what is new of each candidate. Nothing marks the end: the answer is
complete once every candidate has told its finishReason, and what follows that (usage, sources) belongs to it too.
Source: https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent and recorded streams.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import FINISH_REASON_CONTENT_FILTER
from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import PartDelta, StreamResponse
from gateway_dialects.gemini.client.answer_parts import decode_logprobs, is_silent
from gateway_dialects.gemini.client.citations import annotations_of
from gateway_dialects.gemini.client.details import COMPATIBLE, set_details
from gateway_dialects.gemini.client.errors import error_in_body
from gateway_dialects.gemini.client.finish import check_finish, finish_note, finish_reason
from gateway_dialects.gemini.client.growing import CandidateState, delta_of, end_part, feed_part
from gateway_dialects.gemini.client.response import (
    ANSWER_FIELDS,
    CANDIDATE_FIELDS,
    candidate_details,
    content_of,
    created_of,
    index_of,
    list_of,
    refusal_of,
    set_tier,
)
from gateway_dialects.gemini.client.signatures import compatible
from gateway_dialects.gemini.client.usage import decode_usage
from gateway_dialects.kit.dialect import ServerSentEvent
from gateway_dialects.kit.json import Json, decode_json, malformed, text_of, unknown_fields
from gateway_dialects.kit.legacy import SHAPE_ERRORS, misshapen

IN_PIECES = frozenset({"citationMetadata", "logprobsResult"})
"""Fields of a candidate whose lists each chunk continues; of all others the last word counts."""


class GeminiStreamDecoder:
    """See StreamDecoder."""

    def __init__(self) -> None:
        self.done = False
        self.started = False
        self.response_id = ""
        self.candidates: dict[int, CandidateState] = {}
        self.refusal: Json | None = None
        """Why the prompt was refused, where it was."""
        self.usage: Json | None = None
        self.told: Json = {}
        self.late: Json = {}

    @property
    def complete(self) -> bool:
        if not self.candidates:
            return self.refusal is not None
        return all(state.raw_finish for state in self.candidates.values())

    def feed(self, event: ServerSentEvent, batch: StreamResponse) -> None:
        if self.done:
            return
        try:
            self.feed_chunk(decode_chunk(event.data), batch)
        except SHAPE_ERRORS as error:
            raise misshapen(error) from error

    def feed_chunk(self, chunk: Json, batch: StreamResponse) -> None:
        if "error" in chunk and (error := chunk["error"]):
            raise error_in_body(error)
        if not self.started:
            self.start(chunk, batch)
        for name in chunk:
            if name not in ANSWER_FIELDS and self.told.get(name) != chunk[name] and chunk[name] is not None:
                self.late[name] = chunk[name]
        if isinstance(usage := chunk.get("usageMetadata"), dict) and usage:
            self.usage = usage
        if "promptFeedback" in chunk and (refusal := refusal_of(chunk)):
            self.refusal = refusal
        for position, item in enumerate(list_of(chunk.get("candidates"), "candidates")):
            self.feed_candidate(item, position, batch)

    def finish(self, batch: StreamResponse) -> None:
        if self.done:
            return
        if not self.complete:
            raise GatewayError(Reason.STREAM_INTERRUPTED, "the provider's stream ended before the answer was complete")
        self.done = True
        states = sorted(self.candidates.values(), key=lambda state: state.index)
        messages = [end_candidate(state, batch) for state in states]
        finished = batch.events.add().finished
        for state, message in zip(states, messages, strict=True):
            ending = finished.candidates.add()
            ending.index, ending.raw_finish_reason = state.index, state.raw_finish
            ending.finish_reason = finish_reason(state.raw_finish, bool(state.calls))
            set_details(ending, {**state.details, **finish_note(state.raw_finish)})
            set_details(ending, {"message": message} if message else {}, COMPATIBLE)
        if not states and self.refusal is not None:
            ending = finished.candidates.add()
            ending.finish_reason = FINISH_REASON_CONTENT_FILTER
            ending.raw_finish_reason = text_of(self.refusal.get("blockReason"))
            set_details(ending, {"$blocked": True})
        if self.usage:
            finished.usage.CopyFrom(decode_usage(self.usage))
            set_tier(finished, self.usage)
        set_details(finished, self.late)

    def start(self, chunk: Json, batch: StreamResponse) -> None:
        self.started = True
        started = batch.events.add().started
        self.response_id = text_of(chunk.get("responseId"))
        started.id, started.model = self.response_id, text_of(chunk.get("modelVersion"))
        started.created = created_of(chunk)
        self.told = unknown_fields(chunk, ANSWER_FIELDS)
        set_details(started, self.told)

    def feed_candidate(self, item: Any, position: int, batch: StreamResponse) -> None:
        if not isinstance(item, dict):
            raise malformed(f"candidates[{position}] of the provider's stream is no object")
        index = index_of(item, position)
        state = self.candidates.get(index)
        if state is None:
            state = self.candidates[index] = CandidateState(index)
        content = content_of(item)
        before = len(batch.events)
        for piece in list_of(content.get("parts"), "parts"):
            if not isinstance(piece, dict):
                raise malformed("a part of the provider's stream is no object")
            if not is_silent(piece):
                feed_part(state, piece, self.response_id, batch)
        if raw := text_of(item.get("finishReason")):
            check_finish(raw, item)
            state.raw_finish = raw
        if len(content) > 2 or not item.keys() <= CANDIDATE_FIELDS:
            keep_details(state, item, content, batch, before)


def decode_chunk(data: bytes) -> Json:
    try:
        chunk = decode_json(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise malformed(f"an event of the provider's stream is not JSON; it begins with {data[:80]!r}") from None
    if isinstance(chunk, list) and len(chunk) == 1:
        # Errors come in a list from some endpoints.
        chunk = chunk[0]
    if not isinstance(chunk, dict):
        raise malformed(f"an event of the provider's stream is a JSON {type(chunk).__name__}, not an object")
    return chunk


def keep_details(state: CandidateState, item: Json, content: Json, batch: StreamResponse, before: int) -> None:
    details = candidate_details(item, content)
    if isinstance(logprobs := item.get("logprobsResult"), dict):
        delta = delta_since(state, batch, before)
        if delta is not None:
            delta.logprobs.CopyFrom(decode_logprobs(logprobs))
            set_details(delta, {"logprobsResult": logprobs})
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


def delta_since(state: CandidateState, batch: StreamResponse, before: int) -> PartDelta | None:
    """The last delta of words in this chunk: log-probabilities ride on it."""
    for position in range(len(batch.events) - 1, before - 1, -1):
        if batch.events[position].WhichOneof("event") == "part_delta":
            return batch.events[position].part_delta
    if state.open_key == "text":
        delta = delta_of(state, batch)
        delta.text = ""
        return delta
    return None


def end_candidate(state: CandidateState, batch: StreamResponse) -> Json:
    """Close the last part, and tell OpenAI's clients the sources while the message still runs. Returns what its message
    holds beyond the contract."""
    message = compatible(state.signature) if state.signature else {}
    annotations = annotations_of(state.details, [Part(text="".join(state.texts))]) if state.details else []
    if annotations and state.part_count:
        numbered = [{"index": index, **annotation} for index, annotation in enumerate(annotations)]
        set_details(delta_of(state, batch), {"annotations": numbered}, COMPATIBLE)
    if annotations:
        message["annotations"] = annotations
    end_part(state, batch)
    return message
