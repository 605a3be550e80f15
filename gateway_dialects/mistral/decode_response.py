"""Answers, whole and streamed.

They have OpenAI's form, and what the contract does not name is stored under its name, so that OpenAI's clients see it too.
What differs is the content, which may be a list of thinking, text and references. In streams, content comes in lists or as a
string, thinking may be resumed after text, whole tool calls come in one chunk, usage comes with the last choice, and p is
random padding. Source: https://docs.mistral.ai/api (chat completions) and recorded answers.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import PartDelta, StreamResponse
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.json import Json, decode_body, list_at, object_at, unknown_fields
from gateway_dialects.mistral.words import DIALECT
from gateway_dialects.openai.decode_delta import CandidateState, PartKey
from gateway_dialects.openai.decode_response import decode_answer, is_text
from gateway_dialects.openai.decode_response import read_usage as read_openai_usage
from gateway_dialects.openai.decode_stream import OpenAIStreamDecoder
from gateway_dialects.openai.words import set_details

THINKING_FIELDS = frozenset({"type", "thinking", "signature"})
TEXT: PartKey = "text"
THINKING: PartKey = ("reasoning", 0)


def decode_chat(body: bytes) -> ChatResponse:
    """See Dialect.chat."""
    answer = decode_body(body)
    for choice in list_at(answer, "choices"):
        message = object_at(choice, "message") if isinstance(choice, dict) else {}
        if isinstance(content := message.get("content"), list):
            message["content"] = [piece for item in content for piece in pieces_of(item)]
    response = decode_answer(answer)
    for candidate in response.candidates:
        claim(candidate.parts)
    include_all(response.usage)
    return response


def claim(parts: Iterable[Part]) -> None:
    """Set the provider of reasoning: its signature goes back to Mistral alone."""
    for part in parts:
        if part.HasField("reasoning"):
            part.reasoning.provider = DIALECT


def pieces_of(item: Any) -> Iterator[Any]:
    """A thinking chunk may hold references among its text: each run of text is a chunk of its own, and so is the rest."""
    inner = item.get("thinking") if isinstance(item, dict) and item.get("type") == "thinking" else None
    if not isinstance(inner, list) or all(map(is_text, inner)):
        yield item
        return
    fields = dict(item)
    for is_plain, run in groupby(inner, is_text):
        for chunks in [list(run)] if is_plain else [[chunk] for chunk in run]:
            yield {**fields, "thinking": chunks}
            # The fields of the whole come once.
            fields = {"type": "thinking"}


def include_all(usage: Usage) -> None:
    """The tokens of audio are in the total and not among prompt_tokens."""
    if usage.input_audio_tokens and usage.total_tokens > usage.input_tokens + usage.output_tokens:
        usage.input_tokens = usage.total_tokens - usage.output_tokens


def read_usage(raw: Json) -> Usage:
    """See Dialect.read_usage."""
    usage = read_openai_usage(raw)
    include_all(usage)
    return usage


class MistralStreamDecoder(OpenAIStreamDecoder):
    """See StreamDecoder."""

    def decode(self, chunk: Json, batch: StreamResponse) -> None:
        chunk.pop("p", None)
        super().decode(chunk, batch)

    def feed_delta(self, state: CandidateState, delta: Json, choice: Json, batch: StreamResponse) -> None:
        # The position of the choice, which its index says already.
        delta.pop("index", None)
        content, before = delta.get("content"), len(batch.events)
        if isinstance(content, list):
            pieces = [piece for item in content for piece in pieces_of(item)]
            for position, piece in enumerate(pieces, 1):
                # Log-probabilities belong to the last of them.
                self.feed_piece(state, piece, choice if position == len(pieces) else {}, batch)
            delta, choice = {**delta, "content": None}, {} if pieces else choice
        elif content and THINKING in state.parts:
            end_run(state, THINKING)
        super().feed_delta(state, delta, choice, batch)
        if THINKING in state.parts:
            claim(event.part_started.part for event in batch.events[before:] if event.HasField("part_started"))

    def feed_piece(self, state: CandidateState, piece: Any, choice: Json, batch: StreamResponse) -> None:
        """One chunk of a content list. Where the kind changes, a new part begins."""
        kind = piece.get("type") if isinstance(piece, dict) else None
        if kind != "text":
            end_run(state, TEXT)
        if kind != "thinking":
            end_run(state, THINKING)
        before, is_begun = len(batch.events), THINKING in state.parts
        super().feed_delta(state, {"content": [piece]}, choice, batch)
        if kind != "thinking" or THINKING not in state.parts:
            return
        claim(event.part_started.part for event in batch.events[before:] if event.HasField("part_started"))
        if is_begun and (late := unknown_fields(piece, THINKING_FIELDS)):
            state.part_details.setdefault(state.parts[THINKING], {}).update(late)
            set_details(self.delta_of(state, batch, before), late)

    def delta_of(self, state: CandidateState, batch: StreamResponse, before: int) -> PartDelta:
        """The delta that a piece of thinking made; a new one where it held no text, or a reference."""
        part_index = state.parts[THINKING]
        for event in batch.events[before:]:
            if event.HasField("part_delta") and event.part_delta.part_index == part_index:
                return event.part_delta
        delta = batch.events.add().part_delta
        delta.candidate_index, delta.part_index, delta.reasoning = state.index, part_index, ""
        return delta

    def conclude(self, batch: StreamResponse) -> None:
        super().conclude(batch)
        include_all(batch.events[-1].finished.usage)


def end_run(state: CandidateState, key: PartKey) -> None:
    """What comes next under this key is a part of its own."""
    part_index = state.parts.pop(key, None)
    if part_index is not None:
        state.parts["ended", part_index] = part_index
