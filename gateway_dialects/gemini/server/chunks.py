"""A stream of events as Gemini's chunks: as server-sent events (?alt=sse), or as the elements of one JSON array.

Source: https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent and recorded streams. Nothing marks
the end: Google's SDKs raise at [DONE], and at comments. A function call comes whole. Google writes an error as bare JSON,
which its SDKs recognise only so.
"""

from __future__ import annotations

from dragoman.reasons import GatewayError
from dragoman.v1.stream_pb2 import CandidateFinish, Finished, PartDelta, PartFinished, PartStarted, Started
from gateway_dialects.gemini.server.details import details_of, fields_of
from gateway_dialects.gemini.server.errors import render_error
from gateway_dialects.gemini.server.render import (
    NOTHING,
    content_of,
    finish_word,
    is_blocked,
    render_logprobs,
    usage_of,
)
from gateway_dialects.gemini.server.streamed import StreamedPart
from gateway_dialects.kit.event_writer import EventWriter
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.kit.legacy import without_notes

KEEP_ALIVE = b"\r\n"
"""What may stand between chunks in either form while there is nothing to tell."""


class ChunkRenderer(EventWriter):
    """Renders one stream. Feed it every batch in order; a failure ends it with failed instead."""

    def __init__(self, *, fallback_id: str, sse: bool = True) -> None:
        self._fallback_id = fallback_id
        self._sse = sse
        self._open = b"data: " if sse else b"["
        self._end = b"\r\n\r\n" if sse else b""
        self._late: Json = {}
        self._text_head = b'{"candidates":[{"content":{"parts":[{"text":'
        self._text_tail = b""
        self._tail: Json = {}
        self._parts: dict[tuple[int, int], StreamedPart] = {}
        self._told_logprobs: set[int] = set()

    def fail(self, failure: GatewayError) -> bytes:
        """An error inside a stream. Nothing follows it."""
        if self._sse:
            # Google may write it bare; its JavaScript SDK then sees it only where it is alone in what was read at once.
            return b"data: " + render_error(failure) + self._end
        return self._opening() + render_error(failure) + b"]"

    def _opening(self) -> bytes:
        opening = self._open
        if not self._sse:
            self._open = b",\r\n"
        return opening

    def _started(self, started: Started, out: list[bytes]) -> None:
        extra = fields_of(started.provider_details_json)
        self._tail = {
            "modelVersion": started.model or started.route.model,
            "responseId": started.id or self._fallback_id,
            # A scalar describes the stream (createTime); a structure is told once.
            **{name: value for name, value in extra.items() if not isinstance(value, (dict, list))},
        }
        self._late = {name: value for name, value in extra.items() if isinstance(value, (dict, list))}
        self._text_tail = b'}],"role":"model"},"index":0}],' + encode_json(self._tail)[1:] + self._end

    def _delta(self, delta: PartDelta, out: list[bytes]) -> None:
        part = self._parts[delta.candidate_index, delta.part_index]
        is_plain = not (delta.candidate_index or delta.HasField("logprobs") or part.fields or self._late)
        if is_plain and delta.WhichOneof("delta") == "text":
            out.append(self._opening() + self._text_head + encode_json(delta.text) + self._text_tail)
            return
        piece = part.grow(delta)
        if piece is not None:
            self._piece(delta.candidate_index, piece, out, self._logprobs(delta))

    def _logprobs(self, delta: PartDelta) -> Json:
        if not delta.HasField("logprobs"):
            return {}
        self._told_logprobs.add(delta.candidate_index)
        told = details_of(delta.provider_details_json).get("logprobsResult")
        return {"logprobsResult": told or render_logprobs(delta.logprobs)}

    def _piece(self, index: int, piece: Json, out: list[bytes], fields: Json | None = None) -> None:
        candidate = {"content": {"parts": [piece], "role": "model"}, "index": index, **(fields or {})}
        self._chunk({"candidates": [candidate]}, out)

    def _chunk(self, body: Json, out: list[bytes]) -> None:
        late, self._late = self._late, {}
        out.append(self._opening() + encode_json({**body, **self._tail, **late}) + self._end)

    def _part_started(self, started: PartStarted, out: list[bytes]) -> None:
        part = StreamedPart(started.part)
        self._parts[started.candidate_index, started.part_index] = part
        if (piece := part.begin()) is not None:
            self._piece(started.candidate_index, piece, out)

    def _part_finished(self, ended: PartFinished, out: list[bytes]) -> None:
        self._end_part(ended.candidate_index, self._parts.get((ended.candidate_index, ended.part_index)), out)

    def _end_part(self, index: int, part: StreamedPart | None, out: list[bytes]) -> None:
        if part is not None and (piece := part.end()) is not None:
            self._piece(index, piece, out)

    def _finished(self, finished: Finished, out: list[bytes]) -> None:
        for (index, _), part in sorted(self._parts.items()):
            self._end_part(index, part, out)
        body: Json = {}
        if endings := [item for item in finished.candidates if not is_blocked(item.provider_details_json)]:
            body["candidates"] = [self._ending(item) for item in endings]
        if (usage := usage_of(finished)) is not None:
            body["usageMetadata"] = usage
        self._late.update(fields_of(finished.provider_details_json))
        self._chunk(body, out)
        if not self._sse:
            out.append(b"]")

    def _ending(self, ending: CandidateFinish) -> Json:
        details = details_of(ending.provider_details_json)
        if ending.index in self._told_logprobs:
            details.pop("logprobsResult", None)
        word = finish_word(ending.finish_reason, ending.raw_finish_reason, details)
        return {**content_of([NOTHING], details), "finishReason": word, "index": ending.index, **without_notes(details)}
