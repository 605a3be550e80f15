"""The parts of a streamed candidate: what begins, grows and ends them."""

from __future__ import annotations

from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, Part
from dragoman.v1.stream_pb2 import PartDelta, StreamResponse
from gateway_dialects.gemini.client.answer_parts import decode_part
from gateway_dialects.gemini.client.details import COMPATIBLE, DIALECT, set_details
from gateway_dialects.gemini.client.signatures import FIELD, compatible
from gateway_dialects.kit.json import Json

WHOLE = "whole"


class CandidateState:
    """What is known of one candidate while it streams."""

    __slots__ = ("calls", "details", "index", "open_key", "part_count", "raw_finish", "signature", "texts")

    def __init__(self, index: int) -> None:
        self.index = index
        self.part_count = 0
        self.open_key: object = None
        """What tells the part that is not over from the next; WHOLE if it does not grow. None: all are over."""
        self.calls = 0
        self.raw_finish = ""
        self.details: Json = {}
        self.signature = ""
        """The last seal over words of the answer."""
        self.texts: list[str] = []


def feed_part(state: CandidateState, piece: Json, response_id: str, batch: StreamResponse) -> None:
    """A part of a chunk: the next piece of the part before it, or another one."""
    text = piece.get("text")
    if isinstance(text, str) and len(piece) == 1:
        if state.open_key != "text":
            begin_part(state, "text", batch).text = ""
        state.texts.append(text)
        delta_of(state, batch).text = text
        return
    part = decode_part(piece, (response_id, state.index, state.calls))
    match part.WhichOneof("kind"):
        case "reasoning":
            feed_reasoning(state, part, batch)
        case "text":
            feed_signed_text(state, part, piece, batch)
        case "tool_call":
            feed_call(state, part, batch)
        case "media" if part.media.kind == MEDIA_KIND_AUDIO and part.media.data:
            feed_sound(state, part, batch)
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
    """Gemini's parts follow one another, so a part is over when the next begins."""
    if state.open_key is not None:
        ended = batch.events.add().part_finished
        ended.candidate_index, ended.part_index = state.index, state.part_count - 1
        state.open_key = None


def delta_of(state: CandidateState, batch: StreamResponse) -> PartDelta:
    delta = batch.events.add().part_delta
    delta.candidate_index, delta.part_index = state.index, state.part_count - 1
    return delta


def feed_reasoning(state: CandidateState, part: Part, batch: StreamResponse) -> None:
    """Thoughts grow; one that is signed is a part of its own, as it must be given back."""
    text, part.reasoning.text = part.reasoning.text, ""
    is_plain = FIELD not in part.provider_details_json[DIALECT]
    if not is_plain or state.open_key != "thought":
        begin_part(state, "thought" if is_plain else WHOLE, batch).CopyFrom(part)
    delta_of(state, batch).reasoning = text


def feed_signed_text(state: CandidateState, part: Part, piece: Json, batch: StreamResponse) -> None:
    text, part.text = part.text, ""
    begin_part(state, WHOLE, batch).CopyFrom(part)
    state.texts.append(text)
    delta = delta_of(state, batch)
    delta.text = text
    if isinstance(signature := piece.get(FIELD), str):
        state.signature = signature
        set_details(delta, compatible(signature), COMPATIBLE)


def feed_call(state: CandidateState, part: Part, batch: StreamResponse) -> None:
    state.calls += 1
    arguments, part.tool_call.arguments_json = part.tool_call.arguments_json, ""
    begin_part(state, WHOLE, batch).CopyFrom(part)
    delta_of(state, batch).arguments_json = arguments


def feed_sound(state: CandidateState, part: Part, batch: StreamResponse) -> None:
    data, part.media.data = part.media.data, b""
    key = WHOLE if part.provider_details_json else ("sound", part.media.mime_type)
    if key == WHOLE or state.open_key != key:
        begin_part(state, key, batch).CopyFrom(part)
    delta_of(state, batch).data = data
