"""One content block of a streamed answer: what it begins with, what it grows by, and when it may be shown."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import PartDelta
from gateway_dialects.anthropic.server.details import fields_of
from gateway_dialects.anthropic.server.render import begin_tool_use, foreign_details, input_of, render_media, render_opaque
from gateway_dialects.anthropic.server.seals import is_own, signature_of
from gateway_dialects.kit.json import Json, decode_json, json_text

GATHERED = frozenset({"media", "opaque"})
"""Kinds whose blocks do not grow here: they are shown once they are whole."""


class StreamedBlock:
    """The block of one part. While another block is open it keeps what it grows by."""

    __slots__ = ("_arguments", "closed", "finished", "index", "kind", "part", "part_index", "pending", "shown")

    def __init__(self, part: Part, part_index: int, *, is_continuation: bool = False) -> None:
        self.part = Part()
        self.part_index = part_index
        self.kind = part.WhichOneof("kind") or "text"
        if not is_continuation:
            self.part.CopyFrom(part)
        elif self.kind == "reasoning":
            self.part.reasoning.provider = part.reasoning.provider
        self.index = -1
        self.finished = False
        self.closed = False
        self.shown = False
        """Whether it has anything to show yet."""
        self.pending: list[Json] = []
        self._arguments: list[str] = []
        self._begin()

    def _begin(self) -> None:
        """Turn what the part began with into growth, so that a block always begins empty."""
        part = self.part
        match self.kind:
            case "text" | "refusal":
                text = part.text or part.refusal
                if text:
                    self.pending.append({"type": "text_delta", "text": text})
            case "tool_call" if part.tool_call.arguments_json:
                self._argue(part.tool_call.arguments_json)
            case "reasoning":
                if part.reasoning.text:
                    self.pending.append({"type": "thinking_delta", "thinking": part.reasoning.text})
                    self.shown = True
                if part.reasoning.signature and is_own(part):
                    self.pending.append({"type": "signature_delta", "signature": part.reasoning.signature})
                    self.shown = True
            case _:
                pass

    @property
    def ready(self) -> bool:
        """Whether it can be opened. Whether reasoning is sealed shows only when it grows."""
        if self.finished:
            return True
        if self.kind == "reasoning":
            return self.shown
        return self.kind not in GATHERED and not self.part.tool_call.HasField("input")

    @property
    def may_close(self) -> bool:
        """Whether another block may follow although the part has not ended: most dialects tell the ends only at the very
        end. A tool call must have all its arguments, for its block cannot be opened again."""
        if self.kind != "tool_call":
            return True
        try:
            return isinstance(decode_json("".join(self._arguments)), dict)
        except (msgspec.DecodeError, RecursionError):
            return False

    def grow(self, delta: PartDelta) -> None:
        """Keep a delta as this dialect's delta, if it is shown as one."""
        reasoning = self.part.reasoning
        match delta.WhichOneof("delta"):
            case "text":
                self.pending.append({"type": "text_delta", "text": delta.text})
            case "refusal":
                self.pending.append({"type": "text_delta", "text": delta.refusal})
            case "arguments_json":
                self._argue(delta.arguments_json)
            case "input":
                self.part.tool_call.input += delta.input
            case "reasoning":
                self.pending.append({"type": "thinking_delta", "thinking": delta.reasoning})
                self.shown = True
            case "signature" if is_own(self.part):
                self.pending.append({"type": "signature_delta", "signature": delta.signature})
                self.shown = True
            case "signature":
                reasoning.signature += delta.signature
            case "encrypted":
                reasoning.encrypted += delta.encrypted
            case "data":
                self.part.media.data += delta.data
            case "transcript":
                self.part.media.transcript += delta.transcript
            case None:
                pass
        if delta.provider_details_json and "citation" in (fields := fields_of(delta.provider_details_json)):
            self.pending.append({"type": "citations_delta", "citation": fields["citation"]})

    def _argue(self, text: str) -> None:
        self._arguments.append(text)
        self.pending.append({"type": "input_json_delta", "partial_json": text})

    def begin(self) -> Json:
        """The content_block of its content_block_start."""
        part = self.part
        fields = fields_of(part.provider_details_json) if part.provider_details_json else {}
        match self.kind:
            case "tool_call":
                if part.tool_call.HasField("input"):
                    self.pending.append({"type": "input_json_delta", "partial_json": json_text(input_of(part.tool_call))})
                return {**begin_tool_use(part.tool_call), **fields}
            case "reasoning" if part.reasoning.encrypted and is_own(part):
                return {"type": "redacted_thinking", "data": part.reasoning.encrypted, **fields}
            case "reasoning":
                return {"type": "thinking", "thinking": "", "signature": "", **fields}
            case "media":
                return render_media(part.media)
            case "opaque":
                return self._begin_opaque()
            case _:
                return {"type": "text", "text": "", **fields}

    def _begin_opaque(self) -> Json:
        """A server tool's input is streamed, as Anthropic does: accumulators take it from deltas."""
        block = render_opaque(self.part.opaque)
        given: Any = block.get("input")
        if isinstance(given, dict) and given and block.get("type") != "opaque":
            self.pending.append({"type": "input_json_delta", "partial_json": json_text(given)})
            return {**block, "input": {}}
        return block

    def end(self) -> Json | None:
        """A last delta before the block closes: the seal of another provider's reasoning."""
        if self.kind != "reasoning" or is_own(self.part):
            return None
        signature = signature_of(self.part, foreign_details(self.part.provider_details_json))
        return {"type": "signature_delta", "signature": signature} if signature else None
