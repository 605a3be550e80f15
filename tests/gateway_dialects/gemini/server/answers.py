"""Answers of providers that speak other dialects, in the contract's terms."""

from __future__ import annotations

import json
from typing import Any

from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import Finished, PartDelta, PartFinished, PartStarted, Started, StreamEvent, StreamResponse
from gateway_dialects.gemini.render_stream import ChunkRenderer


def started(**fields: Any) -> StreamEvent:
    return StreamEvent(started=Started(**fields))


def begun(index: int, part: Part, candidate: int = 0) -> StreamEvent:
    return StreamEvent(part_started=PartStarted(part_index=index, part=part, candidate_index=candidate))


def grown(index: int, candidate: int = 0, **delta: Any) -> StreamEvent:
    return StreamEvent(part_delta=PartDelta(part_index=index, candidate_index=candidate, **delta))


def ended(index: int, candidate: int = 0) -> StreamEvent:
    return StreamEvent(part_finished=PartFinished(part_index=index, candidate_index=candidate))


def finished(**fields: Any) -> StreamEvent:
    return StreamEvent(finished=Finished(**fields))


def rendered(*events: StreamEvent) -> list[dict[str, Any]]:
    """The chunks of a stream of these events, each of which came in a batch of its own."""
    renderer = ChunkRenderer(fallback_id="fallback", sse=False)
    chunks: list[dict[str, Any]] = json.loads(b"".join(renderer.render(StreamResponse(events=[event])) for event in events))
    return chunks


def parts_of(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every part, in the order it came, but for the empty one at the end."""
    found = [part for chunk in chunks for candidate in chunk.get("candidates", []) for part in candidate["content"]["parts"]]
    return [part for part in found if part != {"text": ""}]
