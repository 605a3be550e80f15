"""Streams of events as clients of the Messages API read them: exactly one block is open at a time, whatever the provider
interleaves.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming and recorded streams. The SDKs drop events without
an event line, and need message_stop, usage.input_tokens at the beginning and usage.output_tokens at the end.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from typing import Any

from dragoman.reasons import GatewayError
from dragoman.v1.content_pb2 import Citation, Part, Reasoning
from dragoman.v1.stream_pb2 import Finished, PartDelta, PartFinished, PartStarted, Started
from gateway_dialects.anthropic import render_response as whole
from gateway_dialects.anthropic.encode_content import input_of
from gateway_dialects.anthropic.words import DIALECT
from gateway_dialects.kit.accumulate import append
from gateway_dialects.kit.event_writer import EventWriter
from gateway_dialects.kit.json import Json, details_of, encode_json, is_object, json_text

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
IN_DELTA = frozenset({"container"})
"""Answer fields that message_delta has inside its delta."""
DELTAS: Mapping[str, tuple[str, str]] = {
    "text": ("text_delta", "text"),
    "refusal": ("text_delta", "text"),
    "reasoning": ("thinking_delta", "thinking"),
    "signature": ("signature_delta", "signature"),
    "arguments_json": ("input_json_delta", "partial_json"),
}
"""By the contract's delta, this dialect's: its type and the field that holds the text."""
COLLECTED = frozenset({"media", "opaque"})
"""Kinds whose blocks have no deltas here: they are shown once they are whole."""


class ChunkRenderer(EventWriter):
    """Writes one stream."""

    def __init__(self, *, fallback_id: str, input_tokens: int = 0, request_id: str = "") -> None:
        """input_tokens: an estimate, for providers that give none at the beginning."""
        self._fallback_id = fallback_id
        self._request_id = request_id
        self._input_tokens = input_tokens
        self._parts: dict[int, StreamedBlock] = {}
        self._waiting: dict[int, StreamedBlock] = {}
        """By the order in which they came; not yet ready."""
        self._ready: list[tuple[int, StreamedBlock]] = []
        """A heap: the first that came is shown first."""
        self._came = 0
        self._open: StreamedBlock | None = None
        self._text_head = b""
        """What precedes the text in a delta of the open block; empty unless that is text."""
        self._text_part = -1
        self._count = 0

    def fail(self, error: GatewayError) -> bytes:
        """See StreamWriter.fail."""
        return whole.render_error_event(error, self._request_id)

    def _started(self, started: Started, out: list[bytes]) -> None:
        message: Json = {
            "id": started.id or self._fallback_id,
            "type": "message",
            "role": "assistant",
            "model": started.model or started.route.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": whole.unknown_usage(self._input_tokens),
            **details_of(started, DIALECT),
        }
        out += (sse("message_start", {"message": message}), PING)

    def _part_started(self, started: PartStarted, out: list[bytes]) -> None:
        if started.candidate_index:
            return
        self._carry_signature(started.part)
        block = self._parts[started.part_index] = StreamedBlock(started.part, started.part_index)
        self._wait(block)
        self._advance(out)

    def _wait(self, block: StreamedBlock) -> None:
        self._came += 1
        block.order = self._came
        self._waiting[block.order] = block
        self._look_at(block)

    def _look_at(self, block: StreamedBlock) -> None:
        """Move one that can be opened now to those that are ready. What else waits has not changed: to look at all of them
        for every delta would make long streams slow."""
        if block.order in self._waiting and block.ready:
            heapq.heappush(self._ready, (block.order, self._waiting.pop(block.order)))

    def _carry_signature(self, part: Part) -> None:
        """Another provider's signature of a tool call has a block of its own."""
        if carrier := whole.carried_signature(part):
            block = StreamedBlock(Part(reasoning=Reasoning(provider=DIALECT, signature=carrier)), -1)
            block.finished = True
            self._wait(block)

    def _part_finished(self, ended: PartFinished, out: list[bytes]) -> None:
        block = self._parts.get(ended.part_index)
        if block is not None and not ended.candidate_index:
            block.finished = True
            if ended.HasField("signature"):
                block.part.signature.CopyFrom(ended.signature)
                self._carry_signature(block.part)
            self._look_at(block)
            self._advance(out)

    def _delta(self, delta: PartDelta, out: list[bytes]) -> None:
        if delta.candidate_index:
            return
        if delta.part_index == self._text_part and delta.WhichOneof("delta") == "text" and not delta.citations:
            out.append(self._text_head + encode_json(delta.text) + b"}}\n\n")
            return
        block = self._parts[delta.part_index]
        if block.closed:
            if block.kind == "tool_call":
                return  # Its arguments were whole; what follows can only be white space.
            if delta.WhichOneof("delta") is None and not (delta.citations and block.kind == "text"):
                return  # Nothing that is shown here.
            # What has been closed for another part cannot be opened again: the rest gets a block of its own.
            block = self._parts[delta.part_index] = StreamedBlock(block.part, delta.part_index, is_continuation=True)
            self._wait(block)
        block.add(delta)
        self._look_at(block)
        if block is self._open:
            self._flush(block, out)
        else:
            self._advance(out)

    def _advance(self, out: list[bytes]) -> None:
        """Closes what may be closed and opens what waits, in order."""
        while True:
            if self._open is not None:
                if not self._open.finished and not (self._ready and self._open.may_close):
                    return
                self._close(self._open, out)
            if not self._ready:
                return
            self._show(heapq.heappop(self._ready)[1], out)

    def _show(self, block: StreamedBlock, out: list[bytes]) -> None:
        self._open = block
        block.index = self._count
        self._count += 1
        out.append(sse("content_block_start", {"index": block.index, "content_block": block.begin()}))
        self._flush(block, out)
        if block.kind == "text":
            self._text_part = block.part_index
            self._text_head = (
                b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
                b'"delta":{"type":"text_delta","text":' % block.index
            )

    def _flush(self, block: StreamedBlock, out: list[bytes]) -> None:
        for delta in block.pending:
            out.append(sse("content_block_delta", {"index": block.index, "delta": delta}))
        block.pending.clear()

    def _close(self, block: StreamedBlock, out: list[bytes]) -> None:
        if last := block.end():
            out.append(sse("content_block_delta", {"index": block.index, "delta": last}))
        out.append(sse("content_block_stop", {"index": block.index}))
        block.closed = True
        self._open, self._text_part = None, -1

    def _finished(self, finished: Finished, out: list[bytes]) -> None:
        for block in self._parts.values():
            block.finished = True
            self._look_at(block)
        self._advance(out)
        delta: Json = {"stop_reason": None, "stop_sequence": None}
        if finished.candidates:
            ending = finished.candidates[0]
            refused = any(block.kind == "refusal" for block in self._parts.values())
            delta["stop_reason"] = whole.stop_reason(ending.finish_reason, ending.raw_finish_reason, refused=refused)
            delta.update(details_of(ending, DIALECT))
        late = details_of(finished, DIALECT)
        delta.update({name: value for name, value in late.items() if name in IN_DELTA})
        usage = whole.render_usage(finished.usage) if finished.HasField("usage") else whole.unknown_usage(self._input_tokens)
        rest = {name: value for name, value in late.items() if name not in IN_DELTA}
        out += (sse("message_delta", {"delta": delta, "usage": usage, **rest}), sse("message_stop", {}))


class StreamedBlock:
    """The content block of one part. While another block is open it collects its deltas."""

    __slots__ = ("_arguments", "closed", "finished", "index", "kind", "order", "part", "part_index", "pending")

    def __init__(self, part: Part, part_index: int, *, is_continuation: bool = False) -> None:
        self.part = Part()
        self.part_index = part_index
        self.kind = part.WhichOneof("kind") or "text"
        if not is_continuation:
            self.part.CopyFrom(part)
        elif self.kind == "reasoning":
            self.part.reasoning.provider = part.reasoning.provider
        self.index = self.order = -1
        self.finished = False
        self.closed = False
        self.pending: list[Json] = []
        """This dialect's deltas that are not written yet."""
        self._arguments: list[str] = []
        self._begin()

    def _begin(self) -> None:
        """Turns what the part began with into deltas, so that a block always begins empty."""
        part = self.part
        self._write("text", part.text or part.refusal)
        self._write("arguments_json", part.tool_call.arguments_json)
        self._write("reasoning", part.reasoning.text)
        if whole.is_own(part):
            self._write("signature", part.reasoning.signature)
        if self.kind in ("text", "refusal"):
            self._cite(part.citations)

    @property
    def ready(self) -> bool:
        """Whether it can be opened. Whether reasoning is redacted shows only in its deltas."""
        if self.finished:
            return True
        if self.kind == "reasoning":
            return bool(self.pending)
        return self.kind not in COLLECTED and not self.part.tool_call.HasField("input")

    @property
    def may_close(self) -> bool:
        """Whether another block may follow although the part has not ended: most providers end all parts at the very end.
        A tool call must have all its arguments, for its block cannot be opened again."""
        if self.kind != "tool_call":
            return True
        return bool(self._arguments) and self._arguments[-1].rstrip().endswith("}") and is_object("".join(self._arguments))

    def add(self, delta: PartDelta) -> None:
        """Collects a delta as this dialect's, if it is shown as such."""
        kind = delta.WhichOneof("delta") or ""
        if kind in DELTAS and (kind != "signature" or whole.is_own(self.part)):
            self._write(kind, getattr(delta, kind))
        else:
            append(self.part, delta)
        if delta.citations and self.kind == "text":
            self._cite(delta.citations)

    def _write(self, kind: str, text: str) -> None:
        if text:
            name, field = DELTAS[kind]
            self.pending.append({"type": name, field: text})
        if kind == "arguments_json":
            self._arguments.append(text)

    def _cite(self, citations: Iterable[Citation]) -> None:
        self.pending += [{"type": "citations_delta", "citation": whole.render_citation(citation)} for citation in citations]

    def begin(self) -> Json:
        """The content_block of its content_block_start."""
        part = self.part
        fields = details_of(part, DIALECT) if part.provider_details_json else {}
        match self.kind:
            case "tool_call":
                if part.tool_call.HasField("input"):
                    self._write("arguments_json", json_text(input_of(part.tool_call)))
                return {**whole.begin_tool_use(part.tool_call), **fields}
            case "reasoning" if part.reasoning.encrypted and whole.is_own(part):
                return {"type": "redacted_thinking", "data": part.reasoning.encrypted, **fields}
            case "reasoning":
                return {"type": "thinking", "thinking": "", "signature": "", **fields}
            case "media":
                return whole.render_media(part.media)
            case "opaque":
                return self._begin_opaque()
            case _:
                return {"type": "text", "text": "", **fields}

    def _begin_opaque(self) -> Json:
        """A server tool's input is streamed, as Anthropic does: accumulators take it from deltas."""
        block = whole.render_opaque(self.part.opaque)
        given: Any = block.get("input")
        if isinstance(given, dict) and given and block.get("type") != "opaque":
            self._write("arguments_json", json_text(given))
            return {**block, "input": {}}
        return block

    def end(self) -> Json | None:
        """A last delta before the block closes: the packed state of another provider's reasoning."""
        if self.kind != "reasoning" or whole.is_own(self.part):
            return None
        signature = whole.signature_of(self.part)
        return {"type": "signature_delta", "signature": signature} if signature else None


def sse(name: str, body: Json) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), encode_json({"type": name, **body}))
