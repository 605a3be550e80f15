"""Reasoning that a model writes into its text between <think> and </think>, as parts of its own.

Servers without a parser for their models answer like this (vLLM, llama.cpp, Groq's raw format). It is separated only where
an operator says so: other models may well write these tags. Whitespace at the tags belongs to them.
"""

from collections.abc import Iterator
from typing import Literal

from dragoman.v1.chat_pb2 import ChatResponse, Logprobs
from dragoman.v1.content_pb2 import Part, Reasoning
from dragoman.v1.stream_pb2 import PartStarted, StreamEvent, StreamResponse
from gateway_dialects.kit.dialect import ServerSentEvent, StreamDecoder

OPENING, CLOSING = "<think>", "</think>"
Kind = Literal["reasoning", "text"]
Piece = tuple[Kind, str]


class TaggedText:
    """Divides a text that comes in deltas. Only a tag that the text begins with counts."""

    def __init__(self) -> None:
        self._mode: Literal["undecided", "reasoning", "text"] = "undecided"
        self._held = ""
        self._behind_tag = False

    def feed(self, text: str) -> list[Piece]:
        """What is certain by now; the rest is held back: it may be the beginning of a tag, or white space before one."""
        self._held += text
        if self._mode == "undecided":
            self._decide()
        pieces: list[Piece] = []
        if self._mode == "reasoning":
            pieces += self._reasoning()
        if self._mode == "text":
            pieces += self._text()
        return pieces

    def finish(self) -> list[Piece]:
        """The text is at its end, in the middle of a thought perhaps."""
        kind: Kind = "reasoning" if self._mode == "reasoning" else "text"
        held, self._held, self._mode = self._held, "", "text"
        return [(kind, held)] if held else []

    def _decide(self) -> None:
        begun = self._held.lstrip()
        if begun.startswith(OPENING):
            self._mode, self._behind_tag = "reasoning", True
            self._held = begun.removeprefix(OPENING)
        elif not OPENING.startswith(begun):
            self._mode = "text"

    def _reasoning(self) -> Iterator[Piece]:
        self._skip_space()
        text, closing, rest = self._held.partition(CLOSING)
        if closing:
            self._mode, self._behind_tag, self._held = "text", True, rest
            text = text.rstrip()
        else:
            text, self._held = divided(text)
        if text:
            yield "reasoning", text

    def _text(self) -> Iterator[Piece]:
        self._skip_space()
        if self._held:
            yield "text", self._held
        self._held = ""

    def _skip_space(self) -> None:
        if self._behind_tag:
            self._held = self._held.lstrip()
            self._behind_tag = not self._held


def divided(text: str) -> tuple[str, str]:
    """What is surely reasoning, and the end that may belong to a closing tag."""
    most = min(len(text), len(CLOSING) - 1)
    length = next((length for length in range(most, 0, -1) if CLOSING.startswith(text[-length:])), 0)
    sure = text[: len(text) - length].rstrip()
    return sure, text[len(sure) :]


def split_answer(response: ChatResponse) -> None:
    """Divide the first text of every candidate of a whole answer."""
    for candidate in response.candidates:
        parts = list(candidate.parts)
        place = next((index for index, part in enumerate(parts) if part.WhichOneof("kind") == "text"), None)
        if place is None:
            continue
        tagged = TaggedText()
        pieces = tagged.feed(parts[place].text) + tagged.finish()
        if any(kind == "reasoning" for kind, _ in pieces) or "".join(text for _, text in pieces) != parts[place].text:
            del candidate.parts[:]
            candidate.parts.extend([*parts[:place], *divided_part(parts[place], pieces), *parts[place + 1 :]])


def divided_part(whole: Part, pieces: list[Piece]) -> Iterator[Part]:
    reasoning, text = ("".join(text for kind, text in pieces if kind == wanted) for wanted in ("reasoning", "text"))
    if reasoning:
        part = empty_part(whole, "reasoning")
        part.reasoning.text = reasoning
        yield part
    if text or not pieces:
        part = empty_part(whole, "text")
        part.text = text
        yield part


def empty_part(whole: Part, kind: Kind) -> Part:
    """A part of this kind. Details of the whole go to the text."""
    if kind == "reasoning":
        return Part(reasoning=Reasoning())
    return Part(text="", provider_details_json=whole.provider_details_json)


class CandidateParts:
    """Where the parts of one candidate go, now that one of them may become two."""

    def __init__(self) -> None:
        self.places: dict[int, int] = {}
        self.count = 0
        self.tagged: TaggedText | None = None
        self.tagged_place = -1
        self.whole = Part()
        self.opened: dict[str, int] = {}
        self.logprobs = Logprobs()

    def next_place(self) -> int:
        self.count += 1
        return self.count - 1


class InlineThinkingDecoder:
    """A StreamDecoder around another one."""

    def __init__(self, inner: StreamDecoder) -> None:
        self._inner = inner
        self._candidates: dict[int, CandidateParts] = {}

    @property
    def complete(self) -> bool:
        return self._inner.complete

    @property
    def done(self) -> bool:
        return self._inner.done

    def feed(self, event: ServerSentEvent, batch: StreamResponse) -> None:
        decoded = StreamResponse()
        try:
            self._inner.feed(event, decoded)
        finally:
            self._pass_on(decoded, batch)

    def finish(self, batch: StreamResponse) -> None:
        decoded = StreamResponse()
        self._inner.finish(decoded)
        self._pass_on(decoded, batch)

    def _pass_on(self, decoded: StreamResponse, batch: StreamResponse) -> None:
        for event in decoded.events:
            match event.WhichOneof("event"):
                case "part_started":
                    self._started(event.part_started, batch)
                case "part_delta":
                    self._delta(event, batch)
                case "part_finished":
                    self._finished(event, batch)
                case _:
                    batch.events.append(event)

    def _started(self, started: PartStarted, batch: StreamResponse) -> None:
        index = started.candidate_index
        state = self._candidates.setdefault(index, CandidateParts())
        if started.part.WhichOneof("kind") == "text" and state.tagged is None:
            state.tagged, state.tagged_place = TaggedText(), started.part_index
            state.whole.CopyFrom(started.part)
            emit(state, index, state.tagged.feed(started.part.text), batch)
            return
        if state.tagged is not None and not state.opened:
            # What follows must not overtake a text that was held back.
            emit(state, index, state.tagged.finish(), batch)
        state.places[started.part_index] = state.next_place()
        moved = batch.events.add().part_started
        moved.CopyFrom(started)
        moved.part_index = state.places[started.part_index]

    def _delta(self, event: StreamEvent, batch: StreamResponse) -> None:
        delta = event.part_delta
        state = self._candidates[delta.candidate_index]
        if state.tagged is None or delta.part_index != state.tagged_place:
            delta.part_index = state.places[delta.part_index]
            batch.events.append(event)
            return
        state.logprobs.MergeFrom(delta.logprobs)
        before = len(batch.events)
        emit(state, delta.candidate_index, state.tagged.feed(delta.text), batch)
        if delta.provider_details_json and len(batch.events) > before and batch.events[-1].HasField("part_delta"):
            batch.events[-1].part_delta.provider_details_json.update(delta.provider_details_json)

    def _finished(self, event: StreamEvent, batch: StreamResponse) -> None:
        finished = event.part_finished
        state = self._candidates[finished.candidate_index]
        if state.tagged is None or finished.part_index != state.tagged_place:
            finished.part_index = state.places[finished.part_index]
            batch.events.append(event)
            return
        emit(state, finished.candidate_index, state.tagged.finish(), batch)
        if not state.opened:
            open_part(state, finished.candidate_index, "text", batch)
        for kind, place in state.opened.items():
            ended = batch.events.add().part_finished
            ended.candidate_index, ended.part_index = finished.candidate_index, place
            if kind == "text":
                ended.provider_details_json.update(finished.provider_details_json)


def emit(state: CandidateParts, index: int, pieces: list[Piece], batch: StreamResponse) -> None:
    for kind, text in pieces:
        if kind not in state.opened:
            open_part(state, index, kind, batch)
        delta = batch.events.add().part_delta
        delta.candidate_index, delta.part_index = index, state.opened[kind]
        if kind == "reasoning":
            delta.reasoning = text
        else:
            delta.text = text
        if state.logprobs.content or state.logprobs.refusal:
            delta.logprobs.CopyFrom(state.logprobs)
            state.logprobs.Clear()


def open_part(state: CandidateParts, index: int, kind: Kind, batch: StreamResponse) -> None:
    state.opened[kind] = state.next_place()
    started = batch.events.add().part_started
    started.candidate_index, started.part_index = index, state.opened[kind]
    started.part.CopyFrom(empty_part(state.whole, kind))
