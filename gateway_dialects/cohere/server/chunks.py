"""A stream of events as Cohere's chat events.

Source: https://docs.cohere.com/docs/streaming and recorded streams. Content blocks and tool calls are numbered apart, each
from 0; the plan before tool calls has no number; an event line names each event's type.
"""

from __future__ import annotations

from dragoman.reasons import GatewayError
from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import Finished, PartDelta, PartFinished, PartStarted, Started
from gateway_dialects.cohere.server.details import details_of, fields_of
from gateway_dialects.cohere.server.errors import render_error_event
from gateway_dialects.cohere.server.render import (
    finish_reason,
    is_plan,
    render_block,
    render_logprobs,
    render_usage,
    seal_of,
)
from gateway_dialects.kit.event_writer import EventWriter
from gateway_dialects.kit.json import Json, encode_json, json_text

DONE = b"data: [DONE]\n\n"
GATHERED = frozenset({"media", "opaque"})
"""Kinds whose blocks do not grow here: they are shown once they are whole."""


class StreamedPart:
    """What the renderer remembers of a part that has begun."""

    __slots__ = ("ended", "index", "kind", "part", "text_head")

    def __init__(self, part: Part, kind: str, index: int) -> None:
        self.part = Part()
        self.part.CopyFrom(part)
        self.kind = kind
        """text, reasoning, plan, tool_call, media or opaque."""
        self.index = index
        """Among the content blocks, or among the tool calls."""
        self.ended = False
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
        self._cited: list[Json] = []
        """Citations that were told live."""
        self._citations: list[Json] = []
        """Those of the parts that ended, told live or not."""

    def fail(self, error: GatewayError) -> bytes:
        """See StreamWriter.fail."""
        return render_error_event(error, self._fallback_id)

    def _started(self, started: Started, out: list[bytes]) -> None:
        message: Json = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        fields = fields_of(started.provider_details_json)
        body = {"id": started.id or self._fallback_id, "delta": {"message": message}, **fields}
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

    def _start_call(self, streamed: StreamedPart, out: list[bytes]) -> None:
        call, extra = streamed.part.tool_call, fields_of(streamed.part.provider_details_json)
        inner = {"name": call.name, "arguments": "", **extra.pop("function", {})}
        told = {"id": call.id, "type": "function", **extra, "function": inner}
        out.append(sse("tool-call-start", {"index": streamed.index, "delta": {"message": {"tool_calls": told}}}))
        if call.arguments_json:
            out.append(call_delta(streamed.index, call.arguments_json))

    def _start_block(self, streamed: StreamedPart, out: list[bytes]) -> None:
        """A block begins empty, and what it began with is its first delta."""
        if streamed.kind in GATHERED:
            return
        part = streamed.part
        text, name = (
            (part.reasoning.text, "thinking") if streamed.kind == "reasoning" else (part.text or part.refusal, "text")
        )
        fields = fields_of(part.provider_details_json)
        out.append(content("content-start", streamed.index, {"type": name, name: "", **fields}))
        if text:
            out.append(content("content-delta", streamed.index, {name: text}))

    def _delta(self, delta: PartDelta, out: list[bytes]) -> None:
        if delta.candidate_index:
            return
        part = self._parts[delta.part_index]
        kind = delta.WhichOneof("delta")
        if kind == "text" and not delta.provider_details_json and not delta.HasField("logprobs"):
            out.append(part.text_head + encode_json(delta.text) + b"}}}}\n\n")
            return
        details = details_of(delta.provider_details_json) if delta.provider_details_json else {}
        logprobs = details.get("logprobs")
        if logprobs is None and delta.HasField("logprobs"):
            logprobs = merged_logprobs(delta)
        self._grow(delta, kind, part, logprobs, out)
        if "citation" in details:
            self._cited.append(details["citation"])
            self._cite(details["citation"], out)

    def _grow(self, delta: PartDelta, kind: str | None, part: StreamedPart, logprobs: Json | None, out: list[bytes]) -> None:
        match kind:
            case "text" | "refusal":
                out.append(content("content-delta", part.index, {"text": delta.text or delta.refusal}, logprobs))
            case "reasoning" if part.kind == "plan":
                out.append(plan_delta(delta.reasoning))
            case "reasoning":
                out.append(content("content-delta", part.index, {"thinking": delta.reasoning}, logprobs))
            case "arguments_json":
                out.append(call_delta(part.index, delta.arguments_json))
            case "signature" | "encrypted":
                setattr(part.part.reasoning, kind, getattr(part.part.reasoning, kind) + getattr(delta, kind))
            case "input":
                part.part.tool_call.input += delta.input
            case "data":
                part.part.media.data += delta.data
            case "transcript":
                part.part.media.transcript += delta.transcript
            case _ if logprobs is not None:
                name = "thinking" if part.kind == "reasoning" else "text"
                out.append(content("content-delta", part.index, {name: ""}, logprobs))
            case _:
                pass

    def _cite(self, citation: Json, out: list[bytes]) -> None:
        index = self._citation_count
        self._citation_count += 1
        out.append(sse("citation-start", {"index": index, "delta": {"message": {"citations": citation}}}))
        out.append(sse("citation-end", {"index": index}))

    def _cite_the_rest(self, out: list[bytes]) -> None:
        for citation in self._citations:
            if citation in self._cited:
                self._cited.remove(citation)
            else:
                self._cite(citation, out)

    def _part_finished(self, ended: PartFinished, out: list[bytes]) -> None:
        part = self._parts.get(ended.part_index)
        if part is not None and not ended.candidate_index:
            late = fields_of(ended.provider_details_json)
            self._citations += late.pop("citations", [])
            self._end_part(part, late, out)

    def _end_part(self, part: StreamedPart, late: Json, out: list[bytes]) -> None:
        if part.ended or part.kind == "plan":
            return
        part.ended = True
        if part.kind == "tool_call":
            if part.part.tool_call.HasField("input"):
                out.append(call_delta(part.index, json_text({"input": part.part.tool_call.input})))
            out.append(sse("tool-call-end", {"index": part.index}))
            return
        if part.kind in GATHERED:
            out.append(content("content-start", part.index, render_block(part.part)))
        if part.kind == "reasoning":
            late = {**seal_of(part.part.reasoning), **late}
        if late:
            out.append(content("content-delta", part.index, late))
        out.append(sse("content-end", {"index": part.index}))

    def _finished(self, finished: Finished, out: list[bytes]) -> None:
        for part in self._parts.values():
            self._end_part(part, {}, out)
        delta: Json = {"finish_reason": "COMPLETE", "usage": {}}
        if finished.candidates:
            ending = finished.candidates[0]
            fields = fields_of(ending.provider_details_json)
            # The logprobs were told with the pieces that they are of.
            fields.pop("logprobs", None)
            self._citations += fields.get("message", {}).pop("citations", [])
            self._cite_the_rest(out)
            delta["finish_reason"] = finish_reason(ending.finish_reason, ending.raw_finish_reason)
            delta.update({name: value for name, value in fields.items() if value != {}})
        if finished.HasField("usage"):
            delta["usage"] = render_usage(finished.usage)
        delta.update(fields_of(finished.provider_details_json))
        out += (sse("message-end", {"delta": delta}), DONE)


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
    items = render_logprobs(delta.logprobs)
    if not items:
        return None
    text = "".join(item["text"] for item in items)
    return {"text": text, "token_ids": [], "logprobs": [number for item in items for number in item["logprobs"]]}
