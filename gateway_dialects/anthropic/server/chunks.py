"""A stream of events as Anthropic's message events: exactly one block is open at a time, whatever the provider interleaves.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming and recorded streams. The SDKs drop events without
an event line, and need message_stop, usage.input_tokens at the beginning and usage.output_tokens at the end.
"""

from __future__ import annotations

from dragoman.reasons import GatewayError
from dragoman.v1.stream_pb2 import Finished, PartDelta, PartFinished, PartStarted, Started
from gateway_dialects.anthropic.server.details import DIALECT, details_of, fields_of
from gateway_dialects.anthropic.server.errors import render_error_event
from gateway_dialects.anthropic.server.render import render_usage, stop_reason, unknown_usage
from gateway_dialects.anthropic.server.streamed import StreamedBlock
from gateway_dialects.kit.event_writer import EventWriter
from gateway_dialects.kit.json import Json, encode_json

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
IN_DELTA = frozenset({"container"})
"""Answer fields that message_delta tells inside its delta."""


class ChunkRenderer(EventWriter):
    """Renders one stream. Feed it every batch in order."""

    def __init__(self, *, fallback_id: str, input_tokens: int = 0, request_id: str = "") -> None:
        """input_tokens: an estimate, told where the provider does not say at the beginning."""
        self._fallback_id = fallback_id
        self._request_id = request_id
        self._input_tokens = input_tokens
        self._parts: dict[int, StreamedBlock] = {}
        self._waiting: list[StreamedBlock] = []
        self._open: StreamedBlock | None = None
        self._text_head = b""
        """What precedes the text in a delta of the open block; empty unless that is text."""
        self._text_part = -1
        self._count = 0

    def fail(self, error: GatewayError) -> bytes:
        """See StreamWriter.fail."""
        return render_error_event(error, self._request_id)

    def _started(self, started: Started, out: list[bytes]) -> None:
        details = details_of(started.provider_details_json)
        message: Json = {
            "id": started.id or self._fallback_id,
            "type": "message",
            "role": "assistant",
            "model": started.model or started.route.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": details.get("$usage") or unknown_usage(self._input_tokens),
            **fields_of(started.provider_details_json),
        }
        out += (sse("message_start", {"message": message}), PING)

    def _part_started(self, started: PartStarted, out: list[bytes]) -> None:
        if started.candidate_index:
            return
        block = self._parts[started.part_index] = StreamedBlock(started.part, started.part_index)
        self._waiting.append(block)
        self._advance(out)

    def _part_finished(self, ended: PartFinished, out: list[bytes]) -> None:
        block = self._parts.get(ended.part_index)
        if block is not None and not ended.candidate_index:
            block.finished = True
            self._advance(out)

    def _delta(self, delta: PartDelta, out: list[bytes]) -> None:
        if delta.candidate_index:
            return
        if delta.part_index == self._text_part and not delta.provider_details_json and delta.WhichOneof("delta") == "text":
            out.append(self._text_head + encode_json(delta.text) + b"}}\n\n")
            return
        block = self._parts[delta.part_index]
        if block.closed:
            if block.kind == "tool_call":
                return  # Its arguments were whole; what follows can only be white space.
            if delta.WhichOneof("delta") is None and DIALECT not in delta.provider_details_json:
                return  # Another dialect's late word on it, which shows nothing here.
            # What has been closed for another part cannot be opened again: the rest gets a block of its own.
            block = self._parts[delta.part_index] = StreamedBlock(block.part, delta.part_index, is_continuation=True)
            self._waiting.append(block)
        block.grow(delta)
        if block is self._open:
            self._flush(block, out)
        else:
            self._advance(out)

    def _advance(self, out: list[bytes]) -> None:
        """Close what may be closed and open what waits, in order."""
        while True:
            following = next((block for block in self._waiting if block.ready), None)
            if self._open is not None:
                if not self._open.finished and (following is None or not self._open.may_close):
                    return
                self._close(self._open, out)
            if following is None:
                return
            self._waiting.remove(following)
            self._show(following, out)

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
        self._advance(out)
        delta: Json = {"stop_reason": None, "stop_sequence": None}
        if finished.candidates:
            ending = finished.candidates[0]
            refused = any(block.kind == "refusal" for block in self._parts.values())
            delta["stop_reason"] = stop_reason(ending.finish_reason, ending.raw_finish_reason, refused=refused)
            delta.update(fields_of(ending.provider_details_json))
        late = fields_of(finished.provider_details_json)
        delta.update({name: value for name, value in late.items() if name in IN_DELTA})
        usage = render_usage(finished.usage) if finished.HasField("usage") else unknown_usage(self._input_tokens)
        rest = {name: value for name, value in late.items() if name not in IN_DELTA}
        out += (sse("message_delta", {"delta": delta, "usage": usage, **rest}), sse("message_stop", {}))


def sse(name: str, body: Json) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), encode_json({"type": name, **body}))
