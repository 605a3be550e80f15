"""Streamed answers of the Messages API: a sans-IO decoder.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming and recorded streams. A block that only this dialect
understands is collected until it ends, and is one event then: the contract's opaque parts have no deltas.
"""

import re
from typing import Any

from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import PartDelta, StreamResponse
from gateway_dialects.anthropic import decode_response as whole
from gateway_dialects.anthropic.decode_errors import error_in_stream
from gateway_dialects.anthropic.words import ANSWER_TOOL, DIALECT
from gateway_dialects.kit import json
from gateway_dialects.kit.call_ids import complete_call
from gateway_dialects.kit.event_decoder import LESSONS, EventDecoder
from gateway_dialects.kit.finish import check_finish
from gateway_dialects.kit.json import Json
from gateway_dialects.kit.text_template import Padding

KNOWN_TYPES = ("text", "thinking", "redacted_thinking", "tool_use")
DELTA_EVENT_FIELDS = frozenset({"type", "delta", "usage"})
DELTAS_OF_REASONING = (("thinking", "reasoning"), ("signature", "signature"), ("data", "encrypted"))
"""Fields of a thinking block, and which delta of the contract holds them."""


class Block:
    """A content block while it streams."""

    __slots__ = ("begun", "details", "kind", "part_index", "pieces", "wrote")

    def __init__(self, begun: Json) -> None:
        self.begun = begun
        kind = begun.get("type")
        self.kind: str = kind if kind in KNOWN_TYPES else "opaque"
        if kind == "tool_use" and begun.get("name") == ANSWER_TOOL:
            self.kind = "answer"
        self.part_index = -1
        self.pieces: list[str] = []
        """Of an opaque block's input."""
        self.wrote = False
        """Whether a tool's arguments have begun."""
        self.details: Json = {}

    def whole(self) -> Json:
        """An opaque block with the input that came piece by piece. One that max_tokens cut is in _raw, as it is."""
        text = "".join(self.pieces)
        if not text:
            return self.begun
        try:
            given = json.decode_json(text)
        except json.UNREADABLE:
            given = {"_raw": text}
        return {**self.begun, "input": given}


class AnthropicStreamDecoder(EventDecoder):
    """See StreamDecoder."""

    lessons = LESSONS
    padding = Padding(re.compile(rb"\}( *)\}$"), bytes.isspace)

    def __init__(self) -> None:
        super().__init__()
        self._started = False
        self._answer_id = ""
        self._blocks: dict[int, Block] = {}
        self._part_count = 0
        self._call_count = 0
        self._usage: Json = {}
        self._raw_finish = ""
        self._ending: Json = {}
        self._details: Json = {}

    @property
    def complete(self) -> bool:
        return bool(self._raw_finish and self._started)

    def decode(self, message: Json, batch: StreamResponse) -> None:
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

    def conclude(self, batch: StreamResponse) -> None:
        for index in list(self._blocks):
            self._block_stop(index, batch)
        finished = batch.events.add().finished
        ending = finished.candidates.add()
        ending.raw_finish_reason = self._raw_finish
        ending.finish_reason = whole.finish_reason(self._raw_finish, self._call_count > 0)
        whole.set_ending(ending, self._ending, self._raw_finish)
        if self._usage:
            whole.set_usage(finished, self._usage)
        json.set_details(finished, self._details, DIALECT)

    def _message_start(self, message: Any, batch: StreamResponse) -> None:
        if not isinstance(message, dict):
            raise json.malformed("message_start of the provider's stream has no message")
        if self._started:
            raise json.malformed("the provider's stream began twice")
        self._started = True
        started = batch.events.add().started
        started.id, started.model = json.text_of(message.get("id")), json.text_of(message.get("model"))
        self._answer_id = started.id
        details = json.unknown_fields(message, whole.MESSAGE_FIELDS | whole.ENDING_FIELDS)
        usage = message.get("usage")
        if isinstance(usage, dict) and usage:
            self._usage = usage
            # The contract has usage at the end only; clients of this dialect need it at the beginning.
            details["usage"] = usage
            if tier := whole.service_tier_of(usage):
                started.service_tier = tier
        json.set_details(started, details, DIALECT)

    def _message_delta(self, message: Json) -> None:
        delta = message.get("delta")
        if isinstance(delta, dict):
            self._raw_finish = json.text_of(delta.get("stop_reason")) or self._raw_finish
            check_finish(self._raw_finish)
            self._ending.update({name: delta[name] for name in whole.ENDING_FIELDS if delta.get(name) is not None})
            self._details.update(json.unknown_fields(delta, whole.ENDING_FIELDS | {"stop_reason"}))
        if isinstance(usage := message.get("usage"), dict):
            # Cumulative: what comes later replaces what came before.
            self._usage = {**self._usage, **{name: value for name, value in usage.items() if value is not None}}
        self._details.update(json.unknown_fields(message, DELTA_EVENT_FIELDS))

    def _block_start(self, message: Json, batch: StreamResponse) -> None:
        begun = message.get("content_block")
        if not isinstance(begun, dict) or not self._started:
            raise json.malformed("a content block of the provider's stream begins without content or before the message")
        index = index_of(message)
        if index in self._blocks:
            raise json.malformed("a content block of the provider's stream begins twice")
        block = self._blocks[index] = Block(begun)
        match block.kind:
            case "text":
                self._start_text(block, batch)
            case "answer":
                self._start_part(block, batch).text = ""
            case "tool_use":
                self._start_call(block, batch)
            case "thinking" | "redacted_thinking":
                self._start_reasoning(block, batch)
            case _:
                pass  # Emitted when it is whole.

    def _start_part(self, block: Block, batch: StreamResponse) -> Part:
        """A new part event, whose part the caller fills in."""
        started = batch.events.add().part_started
        block.part_index = started.part_index = self._part_count
        self._part_count += 1
        return started.part

    def _start_call(self, block: Block, batch: StreamResponse) -> None:
        part = whole.begin_tool_call(block.begun)
        complete_call(part.tool_call, self._answer_id, 0, self._call_count)
        self._call_count += 1
        self._start_part(block, batch).CopyFrom(part)

    def _start_text(self, block: Block, batch: StreamResponse) -> None:
        part = self._start_part(block, batch)
        part.text = ""
        json.set_details(part, json.unknown_fields(block.begun, {"type", "text", "citations"}), DIALECT)
        if text := json.text_of(block.begun.get("text")):
            self._add_delta(block, batch).text = text
        self._cite(block, block.begun.get("citations"), batch)

    def _start_reasoning(self, block: Block, batch: StreamResponse) -> None:
        self._start_part(block, batch).CopyFrom(whole.begin_reasoning(block.begun))
        for name, field in DELTAS_OF_REASONING:
            if text := json.text_of(block.begun.get(name)):
                setattr(self._add_delta(block, batch), field, text)

    def only_text(self, message: Json) -> str | None:
        """See EventDecoder.only_text."""
        match message:
            case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": str(text)}}:
                return text
            case {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": str(text)}}:
                return text
            case _:
                return None

    def _delta(self, message: Json, batch: StreamResponse) -> None:
        block, delta = self._blocks.get(index_of(message)), message.get("delta")
        if block is None or not isinstance(delta, dict):
            raise json.malformed("a delta of the provider's stream belongs to no content block")
        match delta.get("type"):
            case "text_delta" if block.kind == "text":
                if text := json.text_of(delta.get("text")):
                    self._add_delta(block, batch).text = text
            case "input_json_delta" if block.kind != "text":
                self._input(block, json.text_of(delta.get("partial_json")), batch)
            case "thinking_delta" if block.kind == "thinking":
                if text := json.text_of(delta.get("thinking")):
                    self._add_delta(block, batch).reasoning = text
            case "signature_delta" if block.kind == "thinking":
                if text := json.text_of(delta.get("signature")):
                    self._add_delta(block, batch).signature = text
            case "citations_delta" if block.kind == "text":
                self._cite(block, [delta.get("citation")], batch)
            case _:
                merge_delta(block.begun if block.kind == "opaque" else block.details, delta)

    def _add_delta(self, block: Block, batch: StreamResponse) -> PartDelta:
        """A new delta event of the block's part."""
        delta = batch.events.add().part_delta
        if block.part_index:
            delta.part_index = block.part_index
        return delta

    def _input(self, block: Block, text: str, batch: StreamResponse) -> None:
        """A piece of a tool's arguments: of a call, of the answer tool, or of a server tool."""
        if not text:
            return
        block.wrote = True
        if block.kind == "tool_use":
            self._add_delta(block, batch).arguments_json = text
        elif block.kind == "answer":
            self._add_delta(block, batch).text = text
        else:
            block.pieces.append(text)

    def _cite(self, block: Block, citations: Any, batch: StreamResponse) -> None:
        if decoded := whole.decode_citations(citations):
            self._add_delta(block, batch).citations.extend(decoded)

    def _block_stop(self, index: int, batch: StreamResponse) -> None:
        block = self._blocks.pop(index, None)
        if block is None:
            return
        if block.kind == "opaque":
            opaque = self._start_part(block, batch).opaque
            opaque.dialect, opaque.json = DIALECT, json.json_text(block.whole())
        elif block.kind in ("tool_use", "answer") and not block.wrote:
            # Never begun with {}: what follows would be appended to it.
            self._input(block, whole.input_text(block.begun.get("input")), batch)
        ended = batch.events.add().part_finished
        ended.part_index = block.part_index
        json.set_details(ended, block.details, DIALECT)


def index_of(message: Json) -> int:
    index = message.get("index")
    if type(index) is not int:
        raise json.malformed("an event of the provider's stream does not say to which content block it belongs")
    return index


def merge_delta(into: Json, delta: Json) -> None:
    """Merges a delta of a kind that is not known here: texts and lists are appended, anything else is set."""
    for name, value in delta.items():
        if name == "type" or value is None:
            continue
        known = into.get(name)
        appends = isinstance(known, (str, list)) and type(known) is type(value)
        into[name] = known + value if appends else value
