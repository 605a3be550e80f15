"""Answers of a provider of this dialect, whole and streamed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.stream_pb2 import StreamEvent, StreamResponse
from gateway_dialects.anthropic import CLIENT as ANTHROPIC
from gateway_dialects.kit.dialect import ServerSentEvent

Json = dict[str, Any]

USAGE: Json = {"input_tokens": 10, "output_tokens": 5}
MESSAGE: Json = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": USAGE,
}
STOP: Json = {"type": "message_stop"}


def decode(*content: Json, **fields: Any) -> ChatResponse:
    """A whole answer."""
    answer = {**MESSAGE, "content": list(content), "stop_reason": "end_turn", **fields}
    return ANTHROPIC.chat.decode(json.dumps(answer).encode(), "p")


def start(**fields: Any) -> Json:
    return {"type": "message_start", "message": {**MESSAGE, **fields}}


def block(index: int, begun: Json, *deltas: Json, open: bool = False) -> list[Json]:
    """The events of one content block."""
    return [
        {"type": "content_block_start", "index": index, "content_block": begun},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        *([] if open else [{"type": "content_block_stop", "index": index}]),
    ]


def text(index: int, *pieces: str, **fields: Any) -> list[Json]:
    return block(index, {"type": "text", "text": "", **fields}, *({"type": "text_delta", "text": piece} for piece in pieces))


def tool(index: int, call_id: str, name: str, *pieces: str) -> list[Json]:
    begun = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
    return block(index, begun, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))


def end(stop_reason: str | None = "end_turn", usage: Json | None = None, **delta: Any) -> Json:
    told = {"output_tokens": 5} if usage is None else usage
    return {"type": "message_delta", "delta": {"stop_reason": stop_reason, "stop_sequence": None, **delta}, "usage": told}


def read(events: Iterable[Json], finish: bool = True) -> list[StreamEvent]:
    """What the decoder makes of these events, and of the end after them."""
    decoder, batch = ANTHROPIC.stream.decoder(), StreamResponse()
    for event in events:
        decoder.feed(ServerSentEvent(json.dumps(event).encode(), event.get("type", "")), batch)
    if finish:
        decoder.finish(batch)
    return list(batch.events)


def wire(events: Iterable[Json]) -> bytes:
    """The bytes of a text/event-stream."""
    return b"".join(b"event: %s\ndata: %s\n\n" % (event["type"].encode(), json.dumps(event).encode()) for event in events)
