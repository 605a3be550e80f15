"""Streamed answers as Cohere's chat events.

Source: https://docs.cohere.com/docs/streaming and recorded streams. Content blocks and tool calls are numbered apart, each
from 0; the plan before tool calls has no number; an event line names each event's type.
"""

from collections.abc import Iterable

from dragoman.reasons import GatewayError
from dragoman.v1.content_pb2 import Citation, Part
from dragoman.v1.stream_pb2 import Finished, PartDelta, PartFinished, PartStarted, Started
from gateway_dialects.cohere import render_response as whole
from gateway_dialects.cohere.words import DIALECT, arguments_of, is_own, is_plan, write_citations, write_tool_call
from gateway_dialects.kit.accumulate import append
from gateway_dialects.kit.event_writer import EventWriter
from gateway_dialects.kit.json import Json, details_of, encode_json

DONE = b"data: [DONE]\n\n"
GATHERED = frozenset({"media", "opaque"})
"""Kinds whose blocks have no deltas here: they are written once they are whole."""


class StreamedPart:
    """What the renderer remembers of a part that has begun."""

    __slots__ = ("ended", "index", "kind", "part", "pieces", "text_head")

    def __init__(self, part: Part, kind: str, index: int) -> None:
        # A copy: its citations wait here, and the event is not ours.
        self.part = Part()
        self.part.CopyFrom(part)
        del self.part.citations[:]
        self.kind = kind
        """text, reasoning, plan, tool_call, media or opaque."""
        self.index = index
        """Among the content blocks, or among the tool calls."""
        self.ended = False
        self.pieces: list[str] = []
        """The text after what the part began with."""
        self.text_head = b'event: content-delta\ndata: {"type":"content-delta","index":%d,' % index
        self.text_head += b'"delta":{"message":{"content":{"text":'


class ChunkRenderer(EventWriter):
    """Renders one stream. Feed it every batch in order; finished is followed by [DONE]."""

    def __init__(self, *, fallback_id: str) -> None:
        self._fallback_id = fallback_id
        self._parts: dict[int, StreamedPart] = {}
        self._block_count = 0
        self._call_count = 0
        self._citation_count = 0

    def fail(self, error: GatewayError) -> bytes:
        """See StreamWriter.fail."""
        return render_error_event(error, self._fallback_id)

    def _started(self, started: Started, out: list[bytes]) -> None:
        message: Json = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        body = {"id": started.id or self._fallback_id, "delta": {"message": message}, **details_of(started, DIALECT)}
        out.append(sse("message-start", body))

    def _part_started(self, started: PartStarted, out: list[bytes]) -> None:
        if started.candidate_index:
            return
        part = started.part
        kind = "plan" if is_plan(part) else part.WhichOneof("kind") or "text"
        if kind == "tool_call":
            streamed = StreamedPart(part, kind, self._call_count)
            self._call_count += 1
            self._start_call(streamed, out)
        elif kind == "plan":
            streamed = StreamedPart(part, kind, 0)
            if part.reasoning.text:
                out.append(plan_delta(part.reasoning.text))
        else:
            streamed = StreamedPart(part, "text" if kind == "refusal" else kind, self._block_count)
            self._block_count += 1
            self._start_block(streamed, out)
        self._parts[started.part_index] = streamed
        if part.citations:
            self._cite(streamed, part.citations, out)

    def _start_call(self, streamed: StreamedPart, out: list[bytes]) -> None:
        head = write_tool_call(streamed.part, "")
        out.append(sse("tool-call-start", {"index": streamed.index, "delta": {"message": {"tool_calls": head}}}))
        if arguments := streamed.part.tool_call.arguments_json:
            out.append(call_delta(streamed.index, arguments))

    def _start_block(self, streamed: StreamedPart, out: list[bytes]) -> None:
        """A block begins empty, and what it began with is its first delta."""
        if streamed.kind in GATHERED:
            return
        part = streamed.part
        is_thought = streamed.kind == "reasoning"
        name, text = ("thinking", part.reasoning.text) if is_thought else ("text", part.text or part.refusal)
        out.append(content("content-start", streamed.index, {"type": name, name: "", **details_of(part, DIALECT)}))
        if text:
            out.append(content("content-delta", streamed.index, {name: text}))

    def _delta(self, delta: PartDelta, out: list[bytes]) -> None:
        if delta.candidate_index:
            return
        part = self._parts[delta.part_index]
        kind = delta.WhichOneof("delta")
        if kind == "text" and not delta.provider_details_json and not delta.HasField("logprobs"):
            text = delta.text
            part.pieces.append(text)
            out.append(part.text_head + encode_json(text) + b"}}}}\n\n")
        else:
            logprobs = details_of(delta, DIALECT).get("logprobs")
            if logprobs is None and delta.HasField("logprobs"):
                logprobs = merged_logprobs(delta)
            self._append(delta, kind, part, logprobs, out)
        if delta.citations:
            self._cite(part, delta.citations, out)

    def _append(
        self, delta: PartDelta, kind: str | None, part: StreamedPart, logprobs: Json | None, out: list[bytes]
    ) -> None:
        match kind:
            case "text" | "refusal":
                part.pieces.append(delta.text or delta.refusal)
                out.append(content("content-delta", part.index, {"text": part.pieces[-1]}, logprobs))
            case "reasoning":
                part.pieces.append(delta.reasoning)
                if part.kind == "plan":
                    out.append(plan_delta(delta.reasoning))
                else:
                    out.append(content("content-delta", part.index, {"thinking": delta.reasoning}, logprobs))
            case "arguments_json":
                out.append(call_delta(part.index, delta.arguments_json))
            case None if logprobs is not None:
                name = "thinking" if part.kind == "reasoning" else "text"
                out.append(content("content-delta", part.index, {name: ""}, logprobs))
            case _:
                append(part.part, delta)

    def _cite(self, part: StreamedPart, citations: Iterable[Citation], out: list[bytes]) -> None:
        """Cohere's own at once; another provider's when the part is whole, for they may come before what they cite."""
        for citation in citations:
            if is_own(citation):
                self._write_citations(write_citations([citation], part.part, block_of(part)), out)
            else:
                part.part.citations.append(citation)

    def _write_citations(self, citations: Iterable[Json], out: list[bytes]) -> None:
        for citation in citations:
            index = self._citation_count
            self._citation_count += 1
            out.append(sse("citation-start", {"index": index, "delta": {"message": {"citations": citation}}}))
            out.append(sse("citation-end", {"index": index}))

    def _part_finished(self, ended: PartFinished, out: list[bytes]) -> None:
        part = self._parts.get(ended.part_index)
        if part is not None and not ended.candidate_index:
            self._end_part(part, details_of(ended, DIALECT), out)

    def _end_part(self, part: StreamedPart, late: Json, out: list[bytes]) -> None:
        if part.ended:
            return
        part.ended = True
        if part.kind == "tool_call":
            if part.part.tool_call.HasField("input"):
                out.append(call_delta(part.index, arguments_of(part.part.tool_call)))
            out.append(sse("tool-call-end", {"index": part.index}))
            return
        if part.part.citations:
            complete_text(part)
            self._write_citations(write_citations(part.part.citations, part.part, block_of(part)), out)
        if part.kind == "plan":
            return
        if part.kind in GATHERED:
            out.append(content("content-start", part.index, whole.render_block(part.part)))
        if part.kind == "reasoning":
            late = {**whole.signed_fields(part.part), **late}
        if late:
            out.append(content("content-delta", part.index, late))
        out.append(sse("content-end", {"index": part.index}))

    def _finished(self, finished: Finished, out: list[bytes]) -> None:
        for part in self._parts.values():
            self._end_part(part, {}, out)
        delta: Json = {"finish_reason": "COMPLETE", "usage": {}}
        if finished.candidates:
            ending = finished.candidates[0]
            fields = details_of(ending, DIALECT)
            # The logprobs were written with the text that they are of.
            fields.pop("logprobs", None)
            self._write_citations(fields.get("message", {}).pop("citations", []), out)
            delta["finish_reason"] = whole.finish_reason(ending.finish_reason, ending.raw_finish_reason)
            delta.update({name: value for name, value in fields.items() if value != {}})
        if finished.HasField("usage"):
            delta["usage"] = whole.render_usage(finished.usage)
        delta.update(details_of(finished, DIALECT))
        out += (sse("message-end", {"delta": delta}), DONE)


def block_of(part: StreamedPart) -> int | None:
    """See write_citations."""
    return None if part.kind == "plan" else part.index


def complete_text(part: StreamedPart) -> None:
    """Add the deltas to the part."""
    text = "".join(part.pieces)
    match part.part.WhichOneof("kind"):
        case "text":
            part.part.text += text
        case "reasoning":
            part.part.reasoning.text += text
        case "refusal":
            part.part.refusal += text
        case _:
            pass


def render_error_event(failure: GatewayError, request_id: str = "") -> bytes:
    """An error inside a stream: the answer ends in ERROR, as Cohere's own do. Nothing follows it."""
    error = whole.error_object(failure)
    delta = {"finish_reason": "ERROR", "error": error.pop("message"), **error, "usage": {}}
    event = {**({"id": request_id} if request_id else {}), "delta": delta}
    return sse("message-end", event) + DONE


def sse(name: str, body: Json) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), encode_json({"type": name, **body}))


def content(name: str, index: int, block: Json, logprobs: Json | None = None) -> bytes:
    event: Json = {"index": index, "delta": {"message": {"content": block}}}
    return sse(name, event if logprobs is None else {**event, "logprobs": logprobs})


def call_delta(index: int, arguments: str) -> bytes:
    return sse(
        "tool-call-delta", {"index": index, "delta": {"message": {"tool_calls": {"function": {"arguments": arguments}}}}}
    )


def plan_delta(text: str) -> bytes:
    return sse("tool-plan-delta", {"delta": {"message": {"tool_plan": text}}})


def merged_logprobs(delta: PartDelta) -> Json | None:
    """One item for all tokens of a delta, for this dialect's streams have one."""
    items = whole.render_logprobs(delta.logprobs)
    if not items:
        return None
    text = "".join(item["text"] for item in items)
    return {"text": text, "token_ids": [], "logprobs": [number for item in items for number in item["logprobs"]]}
