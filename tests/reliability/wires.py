"""The answer of a provider in each language that a provider speaks, whole and as the frames of a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import Candidate, ChatResponse, FinishReason
from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import (
    CandidateFinish,
    Finished,
    PartDelta,
    PartFinished,
    PartStarted,
    Started,
    StreamEvent,
    StreamResponse,
)
from dragoman.v1.usage_pb2 import Usage
from tests.properties.faces import FACES, Face

PIECES = ("Quartz", " jumps", " över", " vixens", " 🌍", " lazily")
"""None is part of another, or of the frames around them."""
TEXT = "".join(PIECES)
USAGE = Usage(input_tokens=3, output_tokens=6, total_tokens=9)


@dataclass(frozen=True)
class Wire:
    """One language."""

    face: Face

    @property
    def name(self) -> str:
        return self.face.name

    def whole(self, text: str = TEXT) -> bytes:
        candidate = Candidate(parts=[Part(text=text)], finish_reason=FinishReason.FINISH_REASON_STOP)
        return self.face.render(ChatResponse(id="x", model="m", created=7, candidates=[candidate], usage=USAGE))

    @cached_property
    def frames(self) -> Sequence[bytes]:
        return self.frames_of(PIECES)

    @cached_property
    def first_content(self) -> int:
        """The number of the first frame with content."""
        return next(index for index, frame in enumerate(self.frames) if PIECES[0].encode() in frame)

    @cached_property
    def last_content(self) -> int:
        return next(index for index, frame in enumerate(self.frames) if PIECES[-1].encode() in frame)

    def frames_of(self, pieces: Sequence[str]) -> Sequence[bytes]:
        sent = self.face.write(StreamResponse(events=[event]) for event in events_of(pieces))
        return split(sent)

    def failure(self) -> Sequence[bytes]:
        """The frames that say, inside a stream, that the provider is overloaded."""
        sent = self.face.chunks().fail(GatewayError(Reason.UPSTREAM_OVERLOADED, "Overloaded"))
        return split(sent)


def split(sent: bytes) -> Sequence[bytes]:
    """The frames; Gemini's lines end in CRLF."""
    return [frame + b"\n\n" for frame in sent.replace(b"\r\n", b"\n").split(b"\n\n") if frame]


def events_of(pieces: Sequence[str]) -> Iterator[StreamEvent]:
    yield StreamEvent(started=Started(id="x", model="m", created=7))
    yield StreamEvent(part_started=PartStarted(part=Part(text="")))
    for piece in pieces:
        yield StreamEvent(part_delta=PartDelta(text=piece))
    yield StreamEvent(part_finished=PartFinished())
    finish = CandidateFinish(finish_reason=FinishReason.FINISH_REASON_STOP)
    yield StreamEvent(finished=Finished(candidates=[finish], usage=USAGE))


WIRES = tuple(Wire(face) for face in FACES)
OPENAI = next(wire for wire in WIRES if wire.name == "openai")
