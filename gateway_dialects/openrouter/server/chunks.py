"""A stream of events as OpenRouter's chunks: OpenAI's, with what OpenRouter adds, and usage always."""

from __future__ import annotations

from dragoman.reasons import GatewayError
from dragoman.v1.stream_pb2 import Finished, PartStarted, Started, StreamEvent, StreamResponse
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.openai.server.chunks import ChunkRenderer
from gateway_dialects.openai.server.render import details_of, reasoning_items
from gateway_dialects.openrouter.server.answer import (
    seal_of_call,
    sealed_part,
    tell_finish,
    tell_origin,
    tell_reasoning,
    tell_usage,
)
from gateway_dialects.openrouter.server.errors import error_object

ALIVE = b": DRAGOMAN PROCESSING\n\n"
CHANGED = frozenset({"started", "part_started", "finished"})
"""Events that tell more here than OpenAI's face says."""


class OpenRouterRenderer:
    """Renders one stream. Feed it every batch in order."""

    def __init__(self, *, fallback_id: str, now: int) -> None:
        """fallback_id begins with gen-. now: Unix seconds."""
        self._fallback_id = fallback_id
        self._now = now
        self._plain = ChunkRenderer(include_usage=True, fallback_id=fallback_id, now=now, usage_nulls=False)
        self._head: Json = {}
        self._reasoning_counts: dict[int, int] = {}
        self._seals: list[bytes] = []
        """Chunks that tell the seals of tool calls, to be written before the calls."""

    def render(self, batch: StreamResponse) -> bytes:
        """The SSE bytes of a batch, to be written at once."""
        if any(event.WhichOneof("event") in CHANGED for event in batch.events):
            # The events are not ours to change.
            told = StreamResponse()
            told.CopyFrom(batch)
            for event in told.events:
                self._tell(event)
            batch = told
        seals, self._seals = b"".join(self._seals), []
        return seals + self._plain.render(batch)

    def fail(self, failure: GatewayError) -> bytes:
        """The failure that ends the stream, twice: as a choice that ends in it, as OpenRouter tells it, and without choices,
        where LangChain's client looks for it."""
        choice: Json = {"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None}
        ending = {**choice, "finish_reason": "error", "native_finish_reason": None}
        chunk: Json = {**self._head, "choices": [ending], "error": error_object(failure)}
        return b"".join(b"data: " + encode_json(told) + b"\n\n" for told in (chunk, {**chunk, "choices": []}))

    def _tell(self, event: StreamEvent) -> None:
        match event.WhichOneof("event"):
            case "started":
                self._started(event.started)
            case "part_started":
                self._part_started(event.part_started)
            case "finished":
                tell_ending(event.finished)
            case _:
                pass

    def _started(self, started: Started) -> None:
        tell_origin(started, started.route, self._fallback_id)
        self._head = {
            "id": started.id,
            "object": "chat.completion.chunk",
            "created": started.created or self._now,
            "model": started.model or started.route.model,
            "system_fingerprint": started.system_fingerprint if started.HasField("system_fingerprint") else None,
            "provider": started.route.provider,
        }

    def _part_started(self, started: PartStarted) -> None:
        if started.part.WhichOneof("kind") == "reasoning":
            tell_reasoning(started.part, self._next_index(started.candidate_index))
        elif seal := seal_of_call(started.part):
            part = sealed_part(seal, self._next_index(started.candidate_index))
            items = reasoning_items(part, details_of(part.provider_details_json))
            choice = {"index": started.candidate_index, "delta": {"reasoning_details": items}, "finish_reason": None}
            self._seals.append(b"data: " + encode_json({**self._head, "choices": [choice]}) + b"\n\n")

    def _next_index(self, candidate: int) -> int:
        count = self._reasoning_counts.get(candidate, 0)
        self._reasoning_counts[candidate] = count + 1
        return count


def tell_ending(finished: Finished) -> None:
    for candidate in finished.candidates:
        tell_finish(candidate)
    if finished.HasField("usage"):
        tell_usage(finished.usage)
