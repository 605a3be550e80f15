"""One delta of a streamed choice: the parts that it begins and what it adds to them."""

import base64
from dataclasses import dataclass, field
from typing import Any

from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, Media, Part
from dragoman.v1.stream_pb2 import PartDelta, StreamResponse
from gateway_dialects.kit.json import Json, json_text, list_at, malformed, text_of, unknown_fields
from gateway_dialects.openai import decode_response
from gateway_dialects.openai.decode_tool_calls import StreamedCall, StreamedCalls, begin, inner_of
from gateway_dialects.openai.message_fields import SIGNER, citation_of, take_signature
from gateway_dialects.openai.pictures import pictures_in
from gateway_dialects.openai.words import DIALECT, set_details

PartKey = str | tuple[str, object]
"""The key of a part among those of a candidate: text, refusal, audio, ("reasoning", index), ("tool", position)."""


@dataclass(slots=True)
class CandidateState:
    """What is known of one candidate while it streams."""

    index: int
    parts: dict[PartKey, int] = field(default_factory=dict)
    calls: StreamedCalls = field(default_factory=StreamedCalls)
    part_details: dict[int, Json] = field(default_factory=dict)
    raw_finish: str = ""
    signature: str = ""
    """Gemini's, over the text."""
    details: Json = field(default_factory=dict)
    message_details: Json = field(default_factory=dict)


TEXT, REFUSAL = Part(text=""), Part(refusal="")
AUDIO = Part(media=Media(kind=MEDIA_KIND_AUDIO))
"""Parts as they begin."""


def add_delta(state: CandidateState, key: PartKey, batch: StreamResponse, empty: Part = TEXT) -> PartDelta:
    """A new delta of the part with this key, which begins as an empty one where there is none."""
    if key not in state.parts:
        start_part(state, key, batch).CopyFrom(empty)
    part_index = state.parts[key]
    delta = batch.events.add().part_delta
    if state.index:
        delta.candidate_index = state.index
    if part_index:
        delta.part_index = part_index
    return delta


def finish_parts(state: CandidateState, answer_id: str, batch: StreamResponse) -> None:
    for call in state.calls.rest(answer_id, state.index):
        begin_call(state, call, batch)
    signed = state.parts.get("text") if state.signature else None
    if state.signature and signed is None:
        merge(state.message_details, {"extra_content": {"google": {"thought_signature": state.signature}}})
    for part_index in state.parts.values():
        ended = batch.events.add().part_finished
        ended.candidate_index, ended.part_index = state.index, part_index
        if part_index == signed:
            ended.signature.provider, ended.signature.value = SIGNER, state.signature
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
        add_delta(state, "text", batch).text = content
        return
    if not isinstance(content, list):
        raise malformed("content of the provider's stream is neither text nor a list")
    for item in content:
        part = decode_response.decode_content_item(item)
        match part.WhichOneof("kind"):
            case "text":
                add_delta(state, "text", batch).text = part.text
            case "reasoning":
                feed_reasoning_piece(state, ("reasoning", 0), part, batch)
            case _:
                start_part(state, ("opaque", len(state.parts)), batch).CopyFrom(part)


def feed_reasoning(state: CandidateState, delta: Json, batch: StreamResponse) -> None:
    present = decode_response.strings_with_reasoning(delta)
    if items := list_at(delta, "reasoning_details"):
        for item in items:
            part = decode_response.decode_reasoning_item(item, present)
            if part.HasField("opaque"):
                start_part(state, ("opaque", len(state.parts)), batch).CopyFrom(part)
            else:
                feed_reasoning_piece(state, item_key(item, part), part, batch)
    elif present:
        key = ("reasoning", 0)
        if key not in state.parts:
            begun = start_part(state, key, batch)
            begun.CopyFrom(decode_response.reasoning_of_strings(delta, present))
            begun.reasoning.text = ""
        add_delta(state, key, batch).reasoning = delta[present[0]]


def item_key(item: Json, part: Part) -> PartKey:
    """Items of one index are pieces of one part, but for one with an id of its own: encrypted reasoning, or the signature of
    a tool call, whose id it has."""
    index = item.get("index", 0)
    place = index if isinstance(index, (int, str)) else 0
    return ("reasoning", (place, part.reasoning.id) if part.reasoning.id else place)


def feed_reasoning_piece(state: CandidateState, key: PartKey, piece: Part, batch: StreamResponse) -> None:
    """Append a piece of reasoning to its part: text, signature and encrypted content, each in a delta of its own."""
    found = piece.reasoning
    text, signature, encrypted = found.text, found.signature, found.encrypted
    found.text = found.signature = found.encrypted = ""
    if text:
        add_delta(state, key, batch, piece).reasoning = text
    if signature:
        add_delta(state, key, batch, piece).signature = signature
    if encrypted:
        add_delta(state, key, batch, piece).encrypted = encrypted


def feed_pictures(state: CandidateState, delta: Json, batch: StreamResponse) -> None:
    """Each comes whole."""
    for part in pictures_in(delta):
        start_part(state, ("picture", len(state.parts)), batch).CopyFrom(part)


def feed_audio(state: CandidateState, audio: Json, batch: StreamResponse) -> None:
    if data := audio.get("data"):
        try:
            add_delta(state, "audio", batch, AUDIO).data = base64.b64decode(text_of(data), validate=True)
        except ValueError:
            raise malformed("audio of the provider's stream is not base64") from None
    if transcript := text_of(audio.get("transcript")):
        add_delta(state, "audio", batch, AUDIO).transcript = transcript
    if extra := unknown_fields(audio, decode_response.AUDIO_FIELDS):
        details = add_delta(state, "audio", batch, AUDIO)
        details.provider_details_json[DIALECT] = json_text({"audio": extra})
        state.part_details.setdefault(state.parts["audio"], {}).update(extra)


def feed_tool_call(state: CandidateState, call: Any, batch: StreamResponse) -> None:
    if (known := state.calls.continued(call)) is not None:
        # The short way for a piece of arguments, as most are.
        if text := call["function"]["arguments"]:
            add_delta(state, known.key, batch).arguments_json = text
        return
    inner, text = inner_of(call)
    known = state.calls.call_of(call, inner, text)
    if known.begun:
        if text:
            feed_arguments(state, known, text, batch)
        return
    known.hold(call, inner, text)
    for ready in state.calls.ready():
        begin_call(state, ready, batch)


def feed_arguments(state: CandidateState, call: StreamedCall, text: str, batch: StreamResponse) -> None:
    delta = add_delta(state, call.key, batch)
    if call.kind == "custom":
        delta.input = text
    else:
        delta.arguments_json = text


def begin_call(state: CandidateState, call: StreamedCall, batch: StreamResponse) -> None:
    """Begins the part of a call, with the arguments that came so far."""
    call.begun = True
    start_part(state, call.key, batch).CopyFrom(begin(call))
    if text := call.arguments():
        feed_arguments(state, call, text, batch)


def feed_logprobs(state: CandidateState, logprobs: Any, batch: StreamResponse, before: int) -> None:
    """Log-probabilities ride on the delta that this chunk produced; without one, on an empty delta of the text."""
    if not isinstance(logprobs, dict):
        return
    decoded = decode_response.decode_logprobs(logprobs)
    if decoded.content or decoded.refusal:
        delta_since(state, batch, before).logprobs.CopyFrom(decoded)


def feed_extra(state: CandidateState, extra: Json, batch: StreamResponse, before: int) -> None:
    """Citations and signatures; and delta fields the contract does not name: shown live on this delta, and stored for the
    whole answer."""
    if isinstance(extra.get("annotations"), list):
        feed_annotations(state, extra, batch, before)
    if "extra_content" in extra:
        state.signature = take_signature(extra) or state.signature
    if not extra:
        return
    delta_since(state, batch, before).provider_details_json[DIALECT] = json_text(extra)
    for name, value in extra.items():
        known = state.message_details.get(name)
        if isinstance(known, list) and isinstance(value, list):
            # What belongs to a message comes in pieces (annotations); what belongs to a chunk is repeated whole.
            extra[name] = known + value
    merge(state.message_details, extra)


def feed_annotations(state: CandidateState, extra: Json, batch: StreamResponse, before: int) -> None:
    """Take the citations out of the annotations of a delta. They belong to the text."""
    annotations = extra.pop("annotations")
    decoded = [citation_of(annotation) for annotation in annotations]
    if found := [citation for citation in decoded if citation is not None]:
        texts = [event.part_delta for event in batch.events[before:] if event.part_delta.HasField("text")]
        delta = texts[-1] if texts else add_delta(state, "text", batch)
        delta.citations.extend(found)
    if len(found) < len(annotations):
        extra["annotations"] = [item for item, citation in zip(annotations, decoded, strict=True) if citation is None]


def merge(into: Json, late: Json) -> None:
    """Merge what later chunks hold: objects are merged, anything else is replaced."""
    for name, value in late.items():
        known = into.get(name)
        into[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value


def delta_since(state: CandidateState, batch: StreamResponse, before: int) -> PartDelta:
    for position in range(len(batch.events) - 1, before - 1, -1):
        if batch.events[position].WhichOneof("event") == "part_delta":
            return batch.events[position].part_delta
    delta = add_delta(state, "text", batch)
    delta.text = ""
    return delta
