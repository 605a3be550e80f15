"""A stream of events as OpenAI's chat.completion.chunk events. Whatever repeats in every chunk is encoded once a stream.

Source: https://platform.openai.com/docs/api-reference/chat-streaming and recorded streams.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

from dragoman.reasons import GatewayError
from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import CandidateFinish, Finished, PartDelta, PartFinished, PartStarted, Started
from gateway_dialects.kit.event_writer import EventWriter
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.openai import render_response
from gateway_dialects.openai.legacy_functions import with_function_call
from gateway_dialects.openai.message_fields import add_signature, annotation_of, encrypted_item, signature_item
from gateway_dialects.openai.pictures import FIELD, is_drawn, picture_item
from gateway_dialects.openai.words import DIALECT, details_of

DONE = b"data: [DONE]\n\n"
FIRST_DELTA: Json = {"role": "assistant", "content": "", "refusal": None}
NOWHERE = render_response.ReasoningPlaces({}, False, ())


@dataclass(slots=True)
class StreamedPart:
    """What the renderer remembers of a part that has begun."""

    index: int
    """Among the message's tool calls or its reasoning, by the part's kind."""
    is_text: bool = False
    base: int = 0
    """Of text: where it begins in the content, in characters."""
    late_citations: list[Json] = field(default_factory=list)
    """Citations of the whole part, whose end is not known yet."""
    places: render_response.ReasoningPlaces = NOWHERE
    """Of reasoning."""
    summary: bool = False


@dataclass(slots=True)
class WrittenCandidate:
    """How much of a candidate has been written."""

    length: int = 0
    """Of the content, in characters."""
    annotations: int = 0
    opaque: int = 0
    pictures: int = 0
    reasoning: int = 0
    tool_calls: int = 0


class ChunkRenderer(EventWriter):
    """Renders one stream. Feed it every batch in order; finished is followed by [DONE]."""

    def __init__(
        self,
        *,
        include_usage: bool,
        fallback_id: str,
        now: int,
        usage_nulls: bool = True,
        style: render_response.Style = render_response.OPENAI,
    ) -> None:
        """usage_nulls: whether usage is null in all chunks but the last, as in OpenAI's."""
        self.include_usage = include_usage
        self._usage_nulls = include_usage and usage_nulls
        self._fallback_id = fallback_id
        self._now = now
        self._style = style
        self.head: Json = {}
        """The fields of every chunk."""
        self._late: Json = {}
        self._head = b""
        self._text_head = b""
        self._text_tail = b""
        self._tail = b""
        self._plain = PartDelta()
        """A text and nothing else, of the first candidate and of the part that the last delta was of."""
        self._parts: dict[tuple[int, int], StreamedPart] = {}
        self._candidates: dict[int, WrittenCandidate] = {}

    def fail(self, error: GatewayError) -> bytes:
        """See StreamWriter.fail."""
        return render_response.render_error_event(error)

    def _started(self, started: Started, out: list[bytes]) -> None:
        head = render_response.chat_head(started, "chat.completion.chunk", self._fallback_id, self._now, self._style)
        if DIALECT in started.provider_details_json:
            # A scalar describes the stream (OpenRouter's provider); a structure is sent once.
            for name, value in details_of(started).items():
                (self._late if isinstance(value, (dict, list)) else head)[name] = value
        self.head = head
        self._head = b"data: " + encode_json(head)[:-1] + b',"choices":['
        self._tail = b'],"usage":null}\n\n' if self._usage_nulls else b"]}\n\n"
        self._text_head = self._head + b'{"index":0,"delta":{"content":'
        self._text_tail = b'},"logprobs":null,"finish_reason":null}' + self._tail

    def _delta(self, delta: PartDelta, out: list[bytes]) -> None:
        text, plain = delta.text, self._plain
        plain.text = text
        if plain == delta and not self._late:
            # One comparison says what seven questions would.
            self._candidates[0].length += len(text)
            out.append(self._text_head + encode_json(text) + self._text_tail)
            return
        plain.part_index = delta.part_index
        kind = delta.WhichOneof("delta")
        index, citations, details = delta.candidate_index, delta.citations, delta.provider_details_json
        part = self._parts[index, delta.part_index]
        if kind == "text":
            self._candidates[index].length += len(text)
        body: Json = DELTA_RENDERERS[kind](delta, part) if kind else {}
        if citations:
            body.update(self._cite(index, part, delta))
        if details:
            body.update(details_of(delta))
        logprobs = render_response.render_logprobs(delta.logprobs) if delta.HasField("logprobs") else None
        if body or logprobs:
            self._choice(index, body, out, logprobs=logprobs)

    def _cite(self, index: int, part: StreamedPart, delta: PartDelta) -> Json:
        """The citations of a delta as annotations. Those of the whole part wait for its end."""
        own = [annotation for citation in delta.citations if (annotation := details_of(citation))]
        others = [citation for citation in delta.citations if DIALECT not in citation.provider_details_json]
        placed = [annotation_of(citation, part.base, 0) for citation in others if citation.HasField("start_index")]
        part.late_citations += [
            annotation_of(citation, part.base, 0) for citation in others if not citation.HasField("start_index")
        ]
        annotations = [*own, *self._numbered(index, placed)]
        return {"annotations": annotations} if annotations else {}

    def _numbered(self, index: int, annotations: list[Json]) -> list[Json]:
        """OpenAI's accumulators take only list items that have an index."""
        written = self._candidates[index]
        first = written.annotations
        written.annotations += len(annotations)
        return [{"index": place, **annotation} for place, annotation in enumerate(annotations, first)]

    def _choice(
        self, index: int, delta: Json, out: list[bytes], *, logprobs: Json | None = None, ending: Json | None = None
    ) -> None:
        if self._style.legacy_functions:
            delta = with_function_call(delta)
        choice: Json = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": None}
        if ending:
            choice.update(ending)
        out.append(self._late_chunk([choice]) if self._late else self._head + encode_json(choice) + self._tail)

    def _late_chunk(self, choices: list[Json], usage: Json | None = None) -> bytes:
        """A chunk with the fields that are sent once."""
        body: Json = {**self.head, "choices": choices, **self._late}
        if usage or self._usage_nulls:
            body["usage"] = usage
        self._late = {}
        return b"data: " + encode_json(body) + b"\n\n"

    def _begin_candidate(self, index: int, out: list[bytes]) -> WrittenCandidate:
        if (written := self._candidates.get(index)) is None:
            written = self._candidates[index] = WrittenCandidate()
            self._choice(index, FIRST_DELTA, out)
        return written

    def _part_started(self, started: PartStarted, out: list[bytes]) -> None:
        index, part = started.candidate_index, started.part
        written = self._begin_candidate(index, out)
        self._parts[index, started.part_index] = begun = StreamedPart(written.tool_calls)
        match part.WhichOneof("kind"):
            case "text":
                begun.is_text, begun.base = True, written.length
                written.length += len(part.text)
                body: Json = {"content": part.text} if part.text else {}
                if part.HasField("signature"):
                    add_signature(body, part)
                if body:
                    self._choice(index, body, out)
            case "tool_call":
                written.tool_calls += 1
                if self._style.openrouter and part.HasField("signature"):
                    self._sign(index, part, written, out)
                self._choice(index, {"tool_calls": [{"index": begun.index, **render_response.render_tool_call(part)}]}, out)
            case "reasoning":
                begun.places = render_response.reasoning_places(part, self._style, written.reasoning)
                begun.summary = part.reasoning.summary
                written.reasoning += 1
            case "opaque":
                self._choice(
                    index, {"opaque": [{"index": written.opaque, **render_response.render_opaque(part.opaque)}]}, out
                )
                written.opaque += 1
            case "media" if is_drawn(part):
                self._choice(index, {FIELD: [{"index": written.pictures, **picture_item(part)}]}, out)
                written.pictures += 1
            case _:
                pass

    def _sign(self, index: int, part: Part, written: WrittenCandidate, out: list[bytes]) -> None:
        """OpenRouter's clients carry the signature of a tool call among reasoning_details."""
        form = render_response.signature_form(part.signature.provider, written.reasoning)
        written.reasoning += 1
        self._choice(index, {"reasoning_details": [signature_item(part, form)]}, out)

    def _part_finished(self, ended: PartFinished, out: list[bytes]) -> None:
        index = ended.candidate_index
        part = self._parts[index, ended.part_index]
        body: Json = {}
        if part.late_citations:
            body["annotations"] = self._numbered(index, ended_at(part.late_citations, self._candidates[index].length))
        if ended.HasField("signature"):
            signed: Json = {}
            add_signature(signed, Part(signature=ended.signature))
            if part.is_text:
                body.update(signed)
            elif signed:
                body["tool_calls"] = [{"index": part.index, **signed}]
        if body:
            self._choice(index, body, out)

    def _finished(self, finished: Finished, out: list[bytes]) -> None:
        if DIALECT in finished.provider_details_json:
            self._late.update(details_of(finished))
        for name in ("system_fingerprint", "service_tier"):
            if finished.HasField(name):
                self._late[name] = getattr(finished, name)
        usage = render_response.render_usage(finished.usage, self._style) if finished.HasField("usage") else None
        for ending in finished.candidates:
            self._ending(ending, out)
        if self.include_usage and usage:
            out.append(self._late_chunk([], usage))
        out.append(DONE)

    def _ending(self, ending: CandidateFinish, out: list[bytes]) -> None:
        self._begin_candidate(ending.index, out)
        details = details_of(ending) if DIALECT in ending.provider_details_json else {}
        details.pop("message", None)
        self._choice(ending.index, {}, out, ending={**render_response.finish_fields(ending, self._style), **details})


def ended_at(annotations: list[Json], end: int) -> list[Json]:
    """Annotations of a whole part, which ends there in the content."""
    for annotation in annotations:
        annotation[annotation["type"]]["end_index"] = end
    return annotations


def reasoning_delta(delta: PartDelta, part: StreamedPart) -> Json:
    head, has_items, strings = part.places
    text = delta.reasoning
    body: Json = dict.fromkeys(strings, text)
    if has_items:
        body["reasoning_details"] = [{**head, "summary" if part.summary else "text": text}]
    return body


def signature_delta(delta: PartDelta, part: StreamedPart) -> Json:
    return {"reasoning_details": [{**part.places.head, "signature": delta.signature}]}


def encrypted_delta(delta: PartDelta, part: StreamedPart) -> Json:
    return {"reasoning_details": [encrypted_item(part.places.head, delta.encrypted)]}


DELTA_RENDERERS: dict[str, Callable[[PartDelta, StreamedPart], Json]] = {
    "text": lambda delta, part: {"content": delta.text},
    "refusal": lambda delta, part: {"refusal": delta.refusal},
    "arguments_json": lambda delta, part: {
        "tool_calls": [{"index": part.index, "function": {"arguments": delta.arguments_json}}]
    },
    "input": lambda delta, part: {"tool_calls": [{"index": part.index, "custom": {"input": delta.input}}]},
    "data": lambda delta, part: {"audio": {"data": base64.b64encode(delta.data).decode()}},
    "transcript": lambda delta, part: {"audio": {"transcript": delta.transcript}},
    "reasoning": reasoning_delta,
    "signature": signature_delta,
    "encrypted": encrypted_delta,
}
