"""Streamed answers as Mistral's completion chunks.

What its clients rely on: whole tool calls in one chunk, usage on the chunk that ends the last choice, never a chunk without
choices, finish_reason in every chunk, thinking in lists and text in strings. Source: recorded streams.
"""

from collections.abc import Mapping
from typing import Any

from dragoman.reasons import GatewayError
from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import Finished, PartDelta, PartFinished, PartStarted, Started
from gateway_dialects.kit.accumulate import append
from gateway_dialects.kit.event_writer import EventWriter
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.mistral import render_response as whole
from gateway_dialects.openai.message_fields import annotation_of
from gateway_dialects.openai.render_response import render_logprobs, render_tool_call
from gateway_dialects.openai.words import details_of

DONE = b"data: [DONE]\n\n"
ERROR_ENDING = {"index": 0, "delta": None, "finish_reason": "error"}


class StreamedPart:
    """What the renderer remembers of a part that has begun."""

    __slots__ = ("base", "call", "citations", "head")

    def __init__(self, part: Part, base: int) -> None:
        # A copy: deltas are added to it, and the event is not ours.
        self.head = Part()
        self.head.CopyFrom(part)
        self.call = self.head if part.WhichOneof("kind") == "tool_call" else None
        self.base = base
        """Of text: where it begins in the content, in characters."""
        self.citations = list(self.head.citations)


class ChunkRenderer(EventWriter):
    """Renders one stream. Feed it every batch in order; finished is followed by [DONE]."""

    def __init__(self, *, fallback_id: str, now: int) -> None:
        self._fallback_id = fallback_id
        self._now = now
        self._head = b""
        self._text_head = b""
        self._sent: frozenset[str] = frozenset()
        self._parts: dict[tuple[int, int], StreamedPart] = {}
        self._call_counts: dict[int, int] = {}
        self._lengths: dict[int, int] = {}
        """Of the text of each candidate, in characters."""

    def fail(self, error: GatewayError) -> bytes:
        """See StreamWriter.fail."""
        return render_error_event(error)

    def _started(self, started: Started, out: list[bytes]) -> None:
        head: Json = {
            **details_of(started),
            "id": started.id or self._fallback_id,
            "object": "chat.completion.chunk",
            "created": started.created or self._now,
            "model": started.model or started.route.model,
        }
        self._sent = frozenset(head)
        self._head = b"data: " + encode_json(head)[:-1] + b',"choices":['
        self._text_head = self._head + b'{"index":0,"delta":{"content":'

    def _part_started(self, started: PartStarted, out: list[bytes]) -> None:
        index, part = started.candidate_index, started.part
        self._introduce(index, out)
        self._parts[index, started.part_index] = StreamedPart(part, self._lengths[index])
        kind = part.WhichOneof("kind")
        if kind == "opaque" or (kind == "media" and (part.media.uri or part.media.data)):
            self._choice(index, {"content": [whole.render_chunk(part)]}, out)
        elif kind == "text" and part.text:
            self._lengths[index] += len(part.text)
            self._choice(index, {"content": part.text}, out)

    def _introduce(self, index: int, out: list[bytes]) -> None:
        if index not in self._lengths:
            self._lengths[index] = 0
            self._choice(index, {"role": "assistant", "content": ""}, out)

    def _delta(self, delta: PartDelta, out: list[bytes]) -> None:
        kind = delta.WhichOneof("delta")
        index = delta.candidate_index
        is_plain = not (index or delta.HasField("logprobs") or delta.provider_details_json or delta.citations)
        if kind == "text":
            text = delta.text
            self._lengths[index] += len(text)
            if is_plain:
                out.append(self._text_head + encode_json(text) + b'},"finish_reason":null}]}\n\n')
                return
        part = self._parts[index, delta.part_index]
        part.citations += delta.citations
        if part.call is not None:
            append(part.call, delta)
            return
        body = content_of(delta, part)
        logprobs = render_logprobs(delta.logprobs) if delta.HasField("logprobs") else None
        if body or logprobs:
            self._choice(index, body, out, logprobs=logprobs)

    def _part_finished(self, finished: PartFinished, out: list[bytes]) -> None:
        """A call is written when it is whole, and so are citations; all else has been written."""
        index = finished.candidate_index
        part = self._parts[index, finished.part_index]
        if part.call is not None:
            if finished.HasField("signature"):
                part.call.signature.CopyFrom(finished.signature)
            position = self._call_counts.get(index, 0)
            self._call_counts[index] = position + 1
            self._choice(index, {"tool_calls": [{**render_tool_call(part.call), "index": position}]}, out)
        elif part.citations and part.head.HasField("text"):
            length = self._lengths[index] - part.base
            annotations = [annotation_of(citation, part.base, length) for citation in part.citations]
            self._choice(index, {"annotations": annotations}, out)

    def _finished(self, finished: Finished, out: list[bytes]) -> None:
        late = {name: value for name, value in details_of(finished).items() if name not in self._sent}
        for position, ending in enumerate(finished.candidates, 1):
            self._introduce(ending.index, out)
            details = details_of(ending)
            delta = {"content": "", **details.pop("message", {})}
            reason = whole.finish_reason(ending.finish_reason, ending.raw_finish_reason)
            beside = {**late, "usage": whole.render_usage(finished.usage)} if position == len(finished.candidates) else None
            self._choice(ending.index, delta, out, ending={**details, "finish_reason": reason}, beside=beside)
        out.append(DONE)

    def _choice(
        self,
        index: int,
        delta: Json,
        out: list[bytes],
        *,
        logprobs: Json | None = None,
        ending: Mapping[str, Any] | None = None,
        beside: Json | None = None,
    ) -> None:
        choice: Json = {"index": index, "delta": delta, "finish_reason": None, **(ending or {})}
        if logprobs:
            choice["logprobs"] = logprobs
        tail = b"]," + encode_json(beside)[1:] if beside else b"]}"
        out.append(self._head + encode_json(choice) + tail + b"\n\n")


def content_of(delta: PartDelta, part: StreamedPart) -> Json:
    """The delta of a choice. Fields of a piece of thinking go into its chunk."""
    details = details_of(delta)
    match delta.WhichOneof("delta"):
        case "reasoning" | "signature":
            piece = Part()
            piece.CopyFrom(part.head)
            piece.reasoning.text, piece.reasoning.signature = delta.reasoning, delta.signature
            # The fields of the whole come with its first piece.
            part.head = Part(reasoning=part.head.reasoning)
            return {"content": [{**whole.render_thinking(piece), **details}]}
        case "text" | "refusal" | "transcript" as kind:
            return {**details, "content": getattr(delta, kind)}
        case _:
            return details


def render_error_event(failure: GatewayError) -> bytes:
    """An error inside a stream. Mistral's clients know no such event: its own SDKs raise from whatever is no chunk, and
    LangChain's client passes by all that has no choices. Nothing follows it."""
    error = whole.error_envelope(failure)
    return b"data: " + encode_json({**error, "error": error, "choices": [ERROR_ENDING]}) + b"\n\n"
