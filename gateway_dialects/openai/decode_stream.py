"""Streamed answers of OpenAI's chat completions API and of its compatible vendors: a sans-IO machine.

Source: https://platform.openai.com/docs/api-reference/chat-streaming and recorded streams. Vendors differ in where
usage comes (last chunk, a chunk of its own, every chunk, x_groq), in whether tool deltas have an index or an id, and in
how they end.
"""

import re
from typing import Any

from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.kit.event_decoder import LESSONS, EventDecoder
from gateway_dialects.kit.finish import check_finish, meaning_of, with_calls
from gateway_dialects.kit.json import Json, as_list, int_of, json_text, malformed, text_of, unknown_fields
from gateway_dialects.kit.text_template import Padding
from gateway_dialects.openai import decode_delta as deltas
from gateway_dialects.openai.decode_delta import CandidateState, add_delta, finish_parts, merge
from gateway_dialects.openai.decode_errors import error_in_body
from gateway_dialects.openai.decode_response import CHOICE_FIELDS, MARKS, MESSAGE_FIELDS, decode_usage, set_marks
from gateway_dialects.openai.pictures import FIELD
from gateway_dialects.openai.words import set_details

CHUNK_FIELDS = frozenset(
    {
        *("id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier", "error"),
        # Random padding against traffic analysis, meaningless once the stream is framed anew.
        "obfuscation",
    }
)


class OpenAIStreamDecoder(EventDecoder):
    """See StreamDecoder."""

    lessons = LESSONS
    padding = Padding(re.compile(rb',"obfuscation":"([A-Za-z0-9]*)"\}$'), bytes.isalnum)

    def __init__(self) -> None:
        super().__init__()
        self.started = False
        self.answer_id = ""
        self.candidates: dict[int, CandidateState] = {}
        self.usage: Json | None = None
        self.details: Json = {}
        self.marks: Json = {}
        self.late_marks: Json = {}

    @property
    def complete(self) -> bool:
        return bool(self.candidates) and all(state.raw_finish for state in self.candidates.values())

    def decode(self, message: Json, batch: StreamResponse) -> None:
        if "error" in message and (error := message["error"]):
            raise error_in_body(error)
        choices = message.get("choices") or ()
        if choices and type(choices) is not list:
            raise malformed("choices of the provider's stream is not a list")
        if not self.started and (choices or message.get("id")):
            self.start(message, batch)
        else:
            self.keep_late(message)
        if "usage" in message or "x_groq" in message:
            usage = message.get("usage") or report_of_groq(message)
            if isinstance(usage, dict):
                self.usage = usage
        for choice in choices:
            self.feed_choice(choice, batch)

    def conclude(self, batch: StreamResponse) -> None:
        for state in self.candidates.values():
            finish_parts(state, self.answer_id, batch)
        finished = batch.events.add().finished
        for state in sorted(self.candidates.values(), key=lambda state: state.index):
            ending = finished.candidates.add()
            ending.index, ending.raw_finish_reason = state.index, state.raw_finish
            ending.finish_reason = with_calls(meaning_of(state.raw_finish), state.calls.has_begun)
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
        self.answer_id = started.id
        started.created = int_of(chunk.get("created"), 31)
        set_marks(started, chunk)
        self.marks = {name: chunk[name] for name in MARKS if chunk.get(name) is not None}
        self.keep_details(chunk)
        set_details(started, self.details)
        self.details = {}

    def keep_late(self, chunk: Json) -> None:
        """The fields of a later chunk that are about the whole answer."""
        if not CHUNK_FIELDS.issuperset(chunk):
            self.keep_details(chunk)
        for name in MARKS:
            if name in chunk and (mark := chunk[name]) is not None and mark != self.marks.get(name):
                self.marks[name] = self.late_marks[name] = mark

    def keep_details(self, chunk: Json) -> None:
        merge(self.details, unknown_fields(chunk, CHUNK_FIELDS))

    def only_text(self, message: Json) -> str | None:
        """See EventDecoder.only_text."""
        match message.get("choices"):
            case [{"delta": dict(delta)} as choice] if not (choice.get("logprobs") or choice.get("finish_reason")):
                pass
            case _:
                return None
        found = [value for name, value in delta.items() if value and name != "role"]
        text = found[0] if len(found) == 1 and MESSAGE_FIELDS.issuperset(delta) else None
        return text if type(text) is str else None

    def feed_choice(self, choice: Any, batch: StreamResponse) -> None:
        if not isinstance(choice, dict):
            raise malformed("a choice of the provider's stream is not an object")
        index = choice.get("index", 0)
        state = self.candidates.get(index) if type(index) is int else None
        if state is None:
            index = int_of(index, 31)
            state = self.candidates.setdefault(index, CandidateState(index))
        delta = choice.get("delta")
        if delta or (choice.get("logprobs")):
            if delta and type(delta) is not dict:
                raise malformed("a delta of the provider's stream is not an object")
            self.feed_delta(state, delta or {}, choice, batch)
        if reason := choice.get("finish_reason"):
            if error := choice.get("error"):
                raise error_in_body(error)
            state.raw_finish = reason if type(reason) is str else json_text(reason)
            check_finish(state.raw_finish)
        if not CHOICE_FIELDS.issuperset(choice):
            merge(state.details, unknown_fields(choice, CHOICE_FIELDS))
            if isinstance(usage := choice.get("usage"), dict):
                self.usage = usage

    def feed_delta(self, state: CandidateState, delta: Json, choice: Json, batch: StreamResponse) -> None:
        """Asks for fields with `in`: most deltas have a text and nothing else."""
        before = len(batch.events)
        if "reasoning_content" in delta or "reasoning" in delta or "reasoning_details" in delta:
            deltas.feed_reasoning(state, delta, batch)
        if "content" in delta and (content := delta["content"]):
            deltas.feed_content(state, content, batch)
        if "refusal" in delta and (refusal := delta["refusal"]) and type(refusal) is str:
            add_delta(state, "refusal", batch, deltas.REFUSAL).refusal = refusal
        if "audio" in delta and type(audio := delta["audio"]) is dict:
            deltas.feed_audio(state, audio, batch)
        if FIELD in delta:
            deltas.feed_pictures(state, delta, batch)
        if "tool_calls" in delta:
            for call in as_list(delta["tool_calls"], "tool_calls"):
                deltas.feed_tool_call(state, call, batch)
        if "logprobs" in choice and (logprobs := choice["logprobs"]):
            deltas.feed_logprobs(state, logprobs, batch, before)
        if not MESSAGE_FIELDS.issuperset(delta) and (extra := unknown_fields(delta, MESSAGE_FIELDS)):
            deltas.feed_extra(state, extra, batch, before)


def report_of_groq(chunk: Json) -> Json | None:
    """Groq's usage, which is in x_groq. Raises GatewayError for the error that may be there instead."""
    groq = chunk.get("x_groq")
    if not isinstance(groq, dict):
        return None
    if error := groq.get("error"):
        raise error_in_body(error)
    return groq.get("usage")
