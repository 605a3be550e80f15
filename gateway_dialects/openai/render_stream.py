"""A stream of events as OpenAI's chat.completion.chunk events. Whatever repeats in every chunk is encoded once a stream.

Source: https://platform.openai.com/docs/api-reference/chat-streaming and recorded streams.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from dragoman.reasons import GatewayError
from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import CandidateFinish, Finished, PartDelta, PartStarted, Started
from gateway_dialects.kit.event_writer import EventWriter
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.openai.render_errors import render_error_event
from gateway_dialects.openai.render_response import (
    details_of,
    encrypted_item,
    fields_of,
    finish_reason,
    reasoning_items,
    render_logprobs,
    render_opaque,
    render_tool_call,
    render_usage,
)

DONE = b"data: [DONE]\n\n"


class StreamedPart:
    """What the renderer remembers of a part that has begun."""

    __slots__ = ("also", "details", "field", "summary", "tool_index")

    def __init__(self, part: Part, tool_index: int) -> None:
        self.tool_index = tool_index
        self.details = details_of(part.provider_details_json)
        self.field: str = self.details.get("$field", "reasoning_content")
        self.also: str = self.details.get("$also", "")
        self.summary = part.WhichOneof("kind") == "reasoning" and part.reasoning.summary


class ChunkRenderer(EventWriter):
    """Renders one stream. Feed it every batch in order; finished is followed by [DONE]."""

    def __init__(self, *, include_usage: bool, fallback_id: str, now: int, usage_nulls: bool = True) -> None:
        """usage_nulls: whether the other chunks say null where the last one tells the usage, as OpenAI's do."""
        self.include_usage = include_usage
        self._usage_nulls = include_usage and usage_nulls
        self._fallback_id = fallback_id
        self._now = now
        self._fields: Json = {}
        self._late: Json = {}
        self._head = b""
        self._text_head = b""
        self._text_tail = b""
        self._tail = b""
        self._parts: dict[tuple[int, int], StreamedPart] = {}
        self._tool_counts: dict[int, int] = {}
        self._opaque_counts: dict[int, int] = {}
        self._candidates: set[int] = set()

    def fail(self, error: GatewayError) -> bytes:
        """See StreamWriter.fail."""
        return render_error_event(error)

    def _started(self, started: Started, out: list[bytes]) -> None:
        extra = fields_of(started.provider_details_json)
        head: Json = {
            "id": started.id or self._fallback_id,
            "object": "chat.completion.chunk",
            "created": started.created or self._now,
            "model": started.model or started.route.model,
            "system_fingerprint": started.system_fingerprint if started.HasField("system_fingerprint") else None,
        }
        if started.HasField("service_tier"):
            head["service_tier"] = started.service_tier
        # A scalar describes the stream (OpenRouter's provider); a structure is told once.
        head.update({name: value for name, value in extra.items() if not isinstance(value, (dict, list))})
        self._late = {name: value for name, value in extra.items() if isinstance(value, (dict, list))}
        self._fields = head
        self._head = b"data: " + encode_json(head)[:-1] + b',"choices":['
        self._tail = b'],"usage":null}\n\n' if self._usage_nulls else b"]}\n\n"
        self._text_head = self._head + b'{"index":0,"delta":{"content":'
        self._text_tail = b'},"logprobs":null,"finish_reason":null}' + self._tail

    def _delta(self, delta: PartDelta, out: list[bytes]) -> None:
        kind = delta.WhichOneof("delta")
        is_plain = not (delta.candidate_index or delta.provider_details_json or delta.HasField("logprobs"))
        if kind == "text" and is_plain and not self._late:
            out.append(self._text_head + encode_json(delta.text) + self._text_tail)
            return
        part = self._parts[delta.candidate_index, delta.part_index]
        body: Json = DELTA_RENDERERS[kind](delta, part) if kind else {}
        if delta.provider_details_json:
            body.update(fields_of(delta.provider_details_json))
        logprobs = render_logprobs(delta.logprobs) if delta.HasField("logprobs") else None
        self._choice(delta.candidate_index, body, out, logprobs=logprobs)

    def _choice(
        self, index: int, delta: Json, out: list[bytes], *, logprobs: Json | None = None, ending: Json | None = None
    ) -> None:
        choice: Json = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": None}
        if ending:
            choice.update(ending)
        out.append(self._late_chunk([choice]) if self._late else self._head + encode_json(choice) + self._tail)

    def _late_chunk(self, choices: list[Json], usage: Json | None = None) -> bytes:
        """A chunk with what is told once."""
        body: Json = {**self._fields, "choices": choices, **self._late}
        if usage or self._usage_nulls:
            body["usage"] = usage
        self._late = {}
        return b"data: " + encode_json(body) + b"\n\n"

    def _part_started(self, started: PartStarted, out: list[bytes]) -> None:
        index, part = started.candidate_index, started.part
        if index not in self._candidates:
            self._candidates.add(index)
            self._choice(index, {"role": "assistant", "content": "", "refusal": None}, out)
        kind = part.WhichOneof("kind")
        tool_index = self._tool_counts.get(index, 0)
        self._parts[index, started.part_index] = StreamedPart(part, tool_index)
        if kind == "tool_call":
            self._tool_counts[index] = tool_index + 1
            self._choice(index, {"tool_calls": [{"index": tool_index, **render_tool_call(part)}]}, out)
        elif kind == "opaque":
            # OpenAI's accumulators take only list items that say their place.
            place = self._opaque_counts.get(index, 0)
            self._opaque_counts[index] = place + 1
            self._choice(index, {"opaque": [{"index": place, **render_opaque(part.opaque)}]}, out)
        elif kind == "text" and part.text:
            self._choice(index, {"content": part.text}, out)

    def _finished(self, finished: Finished, out: list[bytes]) -> None:
        self._late.update(fields_of(finished.provider_details_json))
        for name in ("system_fingerprint", "service_tier"):
            if finished.HasField(name):
                self._late[name] = getattr(finished, name)
        usage = render_usage(finished.usage) if finished.HasField("usage") else None
        for ending in finished.candidates:
            self._ending(ending, out)
        if self.include_usage and usage:
            out.append(self._late_chunk([], usage))
        out.append(DONE)

    def _ending(self, ending: CandidateFinish, out: list[bytes]) -> None:
        if ending.index not in self._candidates:
            self._candidates.add(ending.index)
            self._choice(ending.index, {"role": "assistant", "content": "", "refusal": None}, out)
        details = fields_of(ending.provider_details_json)
        details.pop("message", None)
        reason = finish_reason(ending.finish_reason, ending.raw_finish_reason)
        self._choice(ending.index, {}, out, ending={**details, "finish_reason": reason})


def reasoning_delta(delta: PartDelta, part: StreamedPart) -> Json:
    if part.field == "reasoning_details":
        piece = Part()
        piece.reasoning.text, piece.reasoning.summary = delta.reasoning, part.summary
        body: Json = {"reasoning_details": reasoning_items(piece, part.details)}
    else:
        body = {"reasoning_content" if part.field == "content" else part.field: delta.reasoning}
    if part.also:
        body[part.also] = delta.reasoning
    return body


def sealed_delta(delta: PartDelta, part: StreamedPart) -> Json:
    """A signature or encrypted reasoning: clients that give reasoning back need it."""
    item = {key: value for key, value in part.details.items() if not key.startswith("$")}
    sealed = {**item, "signature": delta.signature} if delta.signature else encrypted_item(item, delta.encrypted)
    return {"reasoning_details": [sealed]}


DELTA_RENDERERS: dict[str, Callable[[PartDelta, StreamedPart], Json]] = {
    "text": lambda delta, part: {"content": delta.text},
    "refusal": lambda delta, part: {"refusal": delta.refusal},
    "arguments_json": lambda delta, part: {
        "tool_calls": [{"index": part.tool_index, "function": {"arguments": delta.arguments_json}}]
    },
    "input": lambda delta, part: {"tool_calls": [{"index": part.tool_index, "custom": {"input": delta.input}}]},
    "data": lambda delta, part: {"audio": {"data": base64.b64encode(delta.data).decode()}},
    "transcript": lambda delta, part: {"audio": {"transcript": delta.transcript}},
    "reasoning": reasoning_delta,
    "signature": sealed_delta,
    "encrypted": sealed_delta,
}
