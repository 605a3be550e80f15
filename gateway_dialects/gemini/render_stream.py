"""A stream of events as Gemini's chunks: as server-sent events (?alt=sse), or as the elements of one JSON array.

Source: https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent and recorded streams. Nothing marks
the end: Google's SDKs raise at [DONE], and at comments. A function call comes whole. Google writes an error as bare JSON:
@google/genai recognises it up to 1.x only so, and only where it is alone in what was read at once; later versions and other
clients read it as an event.
"""

import base64

from dragoman.reasons import GatewayError
from dragoman.v1.content_pb2 import Part, Signature
from dragoman.v1.stream_pb2 import CandidateFinish, Finished, PartDelta, PartFinished, PartStarted, Started
from gateway_dialects.gemini import render_answer
from gateway_dialects.gemini.render_answer import render_error, render_part, usage_of
from gateway_dialects.gemini.words import DIALECT, SIGNATURE, add_own_fields
from gateway_dialects.kit.accumulate import append
from gateway_dialects.kit.carried_state import is_native
from gateway_dialects.kit.event_writer import EventWriter
from gateway_dialects.kit.json import Json, details_of, encode_json

KEEP_ALIVE = b"\r\n"
"""What is written between chunks of either form during silence."""


class ChunkRenderer(EventWriter):
    """Renders one stream. Feed it every batch in order; a failure ends it with fail instead."""

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
        self._with_logprobs: set[int] = set()
        """Candidates whose log-probabilities were written."""

    def fail(self, failure: GatewayError) -> bytes:
        """An error inside a stream. Behind an event, ServedChat.abort writes it bare and ends the connection."""
        if self._sse:
            return b"data: " + render_error(failure) + self._end
        return self._opening() + render_error(failure) + b"]"

    def _opening(self) -> bytes:
        opening = self._open
        if not self._sse:
            self._open = b",\r\n"
        return opening

    def _started(self, started: Started, out: list[bytes]) -> None:
        extra = details_of(started, DIALECT)
        self._tail = {
            "modelVersion": started.model or started.route.model,
            "responseId": started.id or self._fallback_id,
            # A scalar describes the stream (createTime); a structure is written once.
            **{name: value for name, value in extra.items() if not isinstance(value, (dict, list))},
        }
        self._late = {name: value for name, value in extra.items() if isinstance(value, (dict, list))}
        self._text_tail = b'}],"role":"model"},"index":0}],' + encode_json(self._tail)[1:] + self._end

    def _delta(self, delta: PartDelta, out: list[bytes]) -> None:
        part = self._parts[delta.candidate_index, delta.part_index]
        text = delta.text
        has_more = delta.candidate_index or part.fields or self._late or delta.HasField("logprobs") or delta.citations
        if text and not has_more:
            part.texts.append(text)
            out.append(self._opening() + self._text_head + encode_json(text) + self._text_tail)
            return
        fields: Json = {}
        if delta.HasField("logprobs"):
            self._with_logprobs.add(delta.candidate_index)
            own = details_of(delta, DIALECT).get("logprobsResult")
            fields["logprobsResult"] = own or render_answer.render_logprobs(delta.logprobs)
        self._piece(delta.candidate_index, part.add(delta), out, **fields)

    def _piece(self, index: int, piece: Json | None, out: list[bytes], **fields: Json) -> None:
        """A chunk of one piece of a part, where there is one."""
        if piece is not None:
            candidate = {"content": {"parts": [piece], "role": "model"}, "index": index, **fields}
            self._chunk({"candidates": [candidate]}, out)

    def _chunk(self, body: Json, out: list[bytes]) -> None:
        late, self._late = self._late, {}
        out.append(self._opening() + encode_json({**body, **self._tail, **late}) + self._end)

    def _part_started(self, started: PartStarted, out: list[bytes]) -> None:
        part = self._parts[started.candidate_index, started.part_index] = StreamedPart(started.part)
        self._piece(started.candidate_index, part.begin(), out)

    def _part_finished(self, ended: PartFinished, out: list[bytes]) -> None:
        part = self._parts.get((ended.candidate_index, ended.part_index))
        if part is not None:
            if ended.HasField("signature"):
                part.sign(ended.signature)
            self._piece(ended.candidate_index, part.end(), out)

    def _finished(self, finished: Finished, out: list[bytes]) -> None:
        for (index, _), part in sorted(self._parts.items()):
            self._piece(index, part.end(), out)
        body: Json = {}
        if endings := [item for item in finished.candidates if not render_answer.is_absent(item)]:
            body["candidates"] = [self._ending(item) for item in endings]
        if (usage := usage_of(finished)) is not None:
            body["usageMetadata"] = usage
        self._late.update(details_of(finished, DIALECT))
        self._chunk(body, out)
        if not self._sse:
            out.append(b"]")

    def _ending(self, ending: CandidateFinish) -> Json:
        details = details_of(ending, DIALECT)
        if ending.index in self._with_logprobs:
            details.pop("logprobsResult", None)
        parts = [part for (index, _), part in sorted(self._parts.items()) if index == ending.index and part.kind == "text"]
        render_answer.add_grounding(details, [("".join(part.texts), part.part.citations) for part in parts])
        return render_answer.render_ending(ending, [render_answer.NOTHING], details)


WHOLE = frozenset({"tool_call", "media", "opaque"})
"""Kinds that are written once they are whole. Sound is the exception: it is written as it comes."""


class StreamedPart:
    """One part of a streamed answer: what of it can be written at once, and what only when it is whole."""

    __slots__ = ("_arguments", "_ended", "_length", "fields", "kind", "part", "texts")

    def __init__(self, part: Part) -> None:
        self.part = Part()
        self.part.CopyFrom(part)
        self.kind = part.WhichOneof("kind") or "text"
        self.fields: Json = {}
        """Fields that have not been written; the first piece carries them."""
        if self.kind in ("text", "reasoning", "media"):
            self.fields = add_own_fields({}, part)
            if part.reasoning.signature and is_native(part, DIALECT):
                self.fields[SIGNATURE] = part.reasoning.signature
        self.texts: list[str] = []
        self._arguments: list[str] = []
        self._ended = False
        self._length = 0
        """Of the reasoning that was written, in characters; of sound, in bytes."""

    def begin(self) -> Json | None:
        """What the part began with, if that can be written."""
        text = self.part.text or self.part.refusal or self.part.reasoning.text
        return self._text(text) if text else None

    def add(self, delta: PartDelta) -> Json | None:
        """What a delta adds, if that can be written."""
        self.part.citations.extend(delta.citations)
        match delta.WhichOneof("delta"):
            case "text" | "refusal" | "reasoning":
                return self._text(delta.text or delta.refusal or delta.reasoning)
            case "data":
                return self._sound(delta.data)
            case "arguments_json":
                self._arguments.append(delta.arguments_json)
            case kind:
                append(self.part, delta)
                if kind == "signature" and is_native(self.part, DIALECT):
                    self.fields[SIGNATURE] = self.part.reasoning.signature
        return None

    def sign(self, signature: Signature) -> None:
        """A signature that came at the part's end."""
        self.part.signature.CopyFrom(signature)
        if signature.provider == DIALECT and self.kind == "text":
            self.fields[SIGNATURE] = signature.value

    def end(self) -> Json | None:
        """What is left to write."""
        if self._ended:
            return None
        self._ended = True
        if self.kind in WHOLE:
            return self._whole()
        if self.kind == "reasoning" and not is_native(self.part, DIALECT):
            signature = render_answer.signature_of_thought(self.part, self._length)
            return {"text": "", "thought": True, SIGNATURE: signature} if signature else None
        return self._text("") if self.fields else None

    def _text(self, text: str) -> Json:
        fields, self.fields = self.fields, {}
        if self.kind == "reasoning":
            self._length += len(text)
            return {"text": text, "thought": True, **fields}
        self.texts.append(text)
        return {"text": text, **fields}

    def _sound(self, data: bytes) -> Json:
        self._length += len(data)
        fields, self.fields = self.fields, {}
        blob: Json = {"mimeType": self.part.media.mime_type, "data": base64.b64encode(data).decode()}
        blob.update(fields.pop("inlineData", {}))
        return {"inlineData": blob, **fields}

    def _whole(self) -> Json | None:
        if self._arguments:
            self.part.tool_call.arguments_json += "".join(self._arguments)
        if self.kind != "media" or not self._length:
            return render_part(self.part)
        metadata = render_part(self.part).get("partMetadata") if self.part.media.transcript else None
        return {"text": "", "partMetadata": metadata} if metadata else None
