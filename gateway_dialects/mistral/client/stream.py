"""Streamed answers of Mistral's chat completions API: OpenAI's machine, and what Mistral does in its own way.

Thinking and text come in lists or text as a string, thinking may be taken up again behind text, whole tool calls come in one
chunk, usage comes with the last choice, and p is random padding. Source: recorded streams.
"""

from __future__ import annotations

from typing import Any

from dragoman.v1.stream_pb2 import PartDelta, StreamResponse
from gateway_dialects.kit.json import Json
from gateway_dialects.mistral.client.response import claim, fields_beside, include_all, pieces_of
from gateway_dialects.openai.decode_stream import CandidateState, OpenAIStreamDecoder, PartKey
from gateway_dialects.openai.words import set_details

TEXT: PartKey = "text"
THINKING: PartKey = ("reasoning", 0)


class MistralStreamDecoder(OpenAIStreamDecoder):
    """See StreamDecoder."""

    def feed_chunk(self, chunk: Json, batch: StreamResponse) -> None:
        chunk.pop("p", None)
        super().feed_chunk(chunk, batch)

    def feed_delta(self, state: CandidateState, delta: Json, choice: Json, batch: StreamResponse) -> None:
        # The position of the choice, which its index tells already.
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
        if is_begun and (late := fields_beside(piece)):
            state.part_details.setdefault(state.parts[THINKING], {}).update(late)
            set_details(self.delta_of(state, batch, before), late)

    def delta_of(self, state: CandidateState, batch: StreamResponse, before: int) -> PartDelta:
        """The delta that a piece of thinking made; a new one where it held no text."""
        if len(batch.events) > before:
            return batch.events[-1].part_delta
        delta = batch.events.add().part_delta
        delta.candidate_index, delta.part_index, delta.reasoning = state.index, state.parts[THINKING], ""
        return delta

    def conclude(self, batch: StreamResponse) -> None:
        super().conclude(batch)
        include_all(batch.events[-1].finished.usage)


def end_run(state: CandidateState, key: PartKey) -> None:
    """What comes next under this key is a part of its own."""
    part_index = state.parts.pop(key, None)
    if part_index is not None:
        state.parts["ended", part_index] = part_index
