"""Streamed answers of Anthropic's Messages API: a sans-IO machine.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming and recorded streams. Blocks that only this dialect
understands are gathered and told whole when they end: the contract's opaque parts do not grow.
"""

from __future__ import annotations

from typing import Any

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.anthropic.client.citations import annotations_of
from gateway_dialects.anthropic.client.details import DIALECT, set_details
from gateway_dialects.anthropic.client.errors import error_in_stream
from gateway_dialects.anthropic.client.response import (
    ENDING_FIELDS,
    MESSAGE_FIELDS,
    begin_reasoning,
    begin_tool_call,
    finish_reason,
    input_text,
    set_ending,
)
from gateway_dialects.anthropic.client.streamed import Block, decode_event, index_of, merge_delta
from gateway_dialects.anthropic.client.usage import decode_usage, service_tier_of
from gateway_dialects.kit.dialect import ServerSentEvent
from gateway_dialects.kit.json import Json, encode_json, malformed, text_of, unknown_fields
from gateway_dialects.kit.legacy import CHAT_FORM, SHAPE_ERRORS, misshapen

DELTA_EVENT_FIELDS = frozenset({"type", "delta", "usage"})


class AnthropicStreamDecoder:
    """See StreamDecoder."""

    def __init__(self) -> None:
        self.done = False
        self.complete = False
        self._started = False
        self._blocks: dict[int, Block] = {}
        self._part_count = 0
        self._thought_count = 0
        self._call_count = 0
        self._text_length = 0
        self._usage: Json = {}
        self._raw_finish = ""
        self._ending: Json = {}
        self._details: Json = {}
        self._annotations: list[Json] = []

    def feed(self, event: ServerSentEvent, batch: StreamResponse) -> None:
        if self.done:
            return
        message = decode_event(event.data)
        try:
            self._feed(message, batch)
        except SHAPE_ERRORS as error:
            raise misshapen(error) from error

    def _feed(self, message: Json, batch: StreamResponse) -> None:
        match message.get("type"):
            case "content_block_delta":
                self._delta(message, batch)
            case "content_block_start":
                self._block_start(message, batch)
            case "content_block_stop":
                self._block_stop(index_of(message), batch)
            case "message_start":
                self._message_start(message.get("message"), batch)
            case "message_delta":
                self._message_delta(message)
            case "message_stop":
                self.finish(batch)
            case "error":
                raise error_in_stream(message)
            case None if message.get("error"):
                raise error_in_stream(message)
            case _:
                pass  # ping, and kinds of the future.

    def finish(self, batch: StreamResponse) -> None:
        if self.done:
            return
        if not (self.complete and self._started):
            raise GatewayError(Reason.STREAM_INTERRUPTED, "the provider's stream ended before the answer was complete")
        try:
            self._conclude(batch)
        except SHAPE_ERRORS as error:
            raise misshapen(error) from error

    def _conclude(self, batch: StreamResponse) -> None:
        for index in list(self._blocks):
            self._block_stop(index, batch)
        self.done = True
        finished = batch.events.add().finished
        ending = finished.candidates.add()
        ending.raw_finish_reason = self._raw_finish
        ending.finish_reason = finish_reason(self._raw_finish, self._call_count > 0)
        set_ending(ending, self._ending, self._raw_finish, self._annotations)
        if self._usage:
            finished.usage.CopyFrom(decode_usage(self._usage))
            if tier := service_tier_of(self._usage):
                finished.service_tier = tier
        set_details(finished, self._details)

    def _message_start(self, message: Any, batch: StreamResponse) -> None:
        if not isinstance(message, dict):
            raise malformed("message_start of the provider's stream has no message")
        if self._started:
            raise malformed("the provider's stream began twice")
        self._started = True
        started = batch.events.add().started
        started.id, started.model = text_of(message.get("id")), text_of(message.get("model"))
        details = unknown_fields(message, MESSAGE_FIELDS | ENDING_FIELDS)
        if isinstance(usage := message.get("usage"), dict):
            self._usage = usage
            # The contract tells usage at the end; clients of this dialect want it at the beginning.
            details["$usage"] = usage
            if tier := service_tier_of(usage):
                started.service_tier = tier
        set_details(started, details)

    def _message_delta(self, message: Json) -> None:
        delta = message.get("delta")
        if isinstance(delta, dict):
            if isinstance(raw := delta.get("stop_reason"), str) and raw:
                self._raw_finish = raw
                self.complete = True
            self._ending.update({name: delta[name] for name in ENDING_FIELDS if delta.get(name) is not None})
            self._details.update(unknown_fields(delta, ENDING_FIELDS | {"stop_reason"}))
        if isinstance(usage := message.get("usage"), dict):
            # Cumulative: what comes later replaces what came before.
            self._usage = {**self._usage, **{name: value for name, value in usage.items() if value is not None}}
        self._details.update(unknown_fields(message, DELTA_EVENT_FIELDS))

    def _block_start(self, message: Json, batch: StreamResponse) -> None:
        begun = message.get("content_block")
        if not isinstance(begun, dict) or not self._started:
            raise malformed("a content block of the provider's stream begins without content or before the message")
        index = index_of(message)
        if index in self._blocks:
            raise malformed("a content block of the provider's stream begins twice")
        block = self._blocks[index] = Block(begun)
        match block.kind:
            case "text":
                self._start_text(block, batch)
            case "answer":
                self._start_part(block, batch).text = ""
            case "tool_use":
                self._call_count += 1
                self._start_part(block, batch).CopyFrom(begin_tool_call(begun))
            case "thinking" | "redacted_thinking":
                self._start_reasoning(block, batch)
            case _:
                pass  # Told when it is whole.

    def _start_part(self, block: Block, batch: StreamResponse) -> Part:
        """A new part event, whose part the caller fills in."""
        started = batch.events.add().part_started
        block.part_index = started.part_index = self._part_count
        self._part_count += 1
        return started.part

    def _start_text(self, block: Block, batch: StreamResponse) -> None:
        part = self._start_part(block, batch)
        part.text = ""
        begun = unknown_fields(block.begun, frozenset({"type", "text", "citations"}))
        set_details(part, begun)
        if text := text_of(block.begun.get("text")):
            self._text(block, text, batch)
        citations = block.begun.get("citations")
        for citation in citations if isinstance(citations, list) else ():
            self._cite(block, citation, batch)

    def _start_reasoning(self, block: Block, batch: StreamResponse) -> None:
        self._start_part(block, batch).CopyFrom(begin_reasoning(block.begun, self._thought_count))
        self._thought_count += 1
        for name, grown in (("thinking", "reasoning"), ("signature", "signature"), ("data", "encrypted")):
            if text := text_of(block.begun.get(name)):
                setattr(self._grow(block, batch), grown, text)

    def _delta(self, message: Json, batch: StreamResponse) -> None:
        block, delta = self._blocks.get(index_of(message)), message.get("delta")
        if block is None or not isinstance(delta, dict):
            raise malformed("a delta of the provider's stream belongs to no content block")
        match delta.get("type"):
            case "text_delta" if block.kind == "text":
                if text := text_of(delta.get("text")):
                    self._text(block, text, batch)
            case "input_json_delta" if block.kind != "text":
                self._input(block, text_of(delta.get("partial_json")), batch)
            case "thinking_delta" if block.kind == "thinking":
                if text := text_of(delta.get("thinking")):
                    self._grow(block, batch).reasoning = text
            case "signature_delta" if block.kind == "thinking":
                if text := text_of(delta.get("signature")):
                    self._grow(block, batch).signature = text
            case "citations_delta" if block.kind == "text":
                self._cite(block, delta.get("citation"), batch)
            case _:
                merge_delta(block.begun if block.kind == "opaque" else block.details, delta)

    def _grow(self, block: Block, batch: StreamResponse) -> Any:
        """A new delta event of the block's part."""
        delta = batch.events.add().part_delta
        if block.part_index:
            delta.part_index = block.part_index
        return delta

    def _text(self, block: Block, text: str, batch: StreamResponse) -> None:
        block.length += len(text)
        self._grow(block, batch).text = text

    def _input(self, block: Block, text: str, batch: StreamResponse) -> None:
        """A piece of a tool's arguments: of a call, of the answer tool, or of a server tool."""
        if not text:
            return
        block.wrote = True
        if block.kind == "tool_use":
            self._grow(block, batch).arguments_json = text
        elif block.kind == "answer":
            self._text(block, text, batch)
        else:
            block.pieces.append(text)

    def _cite(self, block: Block, citation: Any, batch: StreamResponse) -> None:
        block.citations.append(citation)
        set_details(self._grow(block, batch), {"citation": citation})

    def _block_stop(self, index: int, batch: StreamResponse) -> None:
        block = self._blocks.pop(index, None)
        if block is None:
            return
        if block.kind == "opaque":
            self._tell_opaque(block, batch)
        elif block.kind in ("tool_use", "answer") and not block.wrote:
            # Never begun with {}: what follows would be appended to it.
            self._input(block, input_text(block.begun.get("input")), batch)
        annotations = annotations_of(block.citations, self._text_length, self._text_length + block.length)
        if annotations:
            # OpenAI's accumulators take only list items that say their place.
            placed = [{"index": place, **item} for place, item in enumerate(annotations, len(self._annotations))]
            set_details(self._grow(block, batch), {"annotations": placed}, CHAT_FORM)
            self._annotations += annotations
        self._text_length += block.length
        ended = batch.events.add().part_finished
        ended.part_index = block.part_index
        if block.citations:
            block.details["citations"] = block.citations
        set_details(ended, block.details)

    def _tell_opaque(self, block: Block, batch: StreamResponse) -> None:
        opaque = self._start_part(block, batch).opaque
        opaque.dialect, opaque.json = DIALECT, encode_json(block.whole()).decode()
