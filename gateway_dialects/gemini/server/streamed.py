"""One part of a streamed answer: what of it can be told at once, and what only when it is whole."""

from __future__ import annotations

import base64

from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import PartDelta
from gateway_dialects.gemini.server.details import DIALECT, fields_of
from gateway_dialects.gemini.server.parts import SIGNATURE
from gateway_dialects.gemini.server.render import render_part, with_fields
from gateway_dialects.gemini.server.seals import seal_of
from gateway_dialects.kit.json import Json

WHOLE = frozenset({"tool_call", "media", "opaque"})
"""Kinds that are told once they are whole. Sound is the exception: it is told as it comes."""


class StreamedPart:
    """A part from its beginning to its end."""

    __slots__ = ("_arguments", "_ended", "_length", "fields", "kind", "part")

    def __init__(self, part: Part) -> None:
        self.part = Part()
        self.part.CopyFrom(part)
        self.kind = part.WhichOneof("kind") or "text"
        self.fields: Json = {}
        """Fields that have not been told; the first piece carries them."""
        if self.kind in ("text", "reasoning", "media") and part.provider_details_json:
            self.fields = fields_of(part.provider_details_json)
        self._arguments: list[str] = []
        self._ended = False
        self._length = 0
        """Of the reasoning that was told, in characters."""

    def begin(self) -> Json | None:
        """What the part began with, if that can be told."""
        match self.kind:
            case "text" | "refusal" if text := self.part.text or self.part.refusal:
                return self._words(text)
            case "reasoning" if self.part.reasoning.text:
                return self._words(self.part.reasoning.text)
            case _:
                return None

    def grow(self, delta: PartDelta) -> Json | None:
        """What a delta adds, if that can be told; the rest is kept."""
        match delta.WhichOneof("delta"):
            case "text":
                return self._words(delta.text)
            case "refusal":
                return self._words(delta.refusal)
            case "reasoning":
                return self._words(delta.reasoning)
            case "arguments_json":
                self._arguments.append(delta.arguments_json)
            case "input":
                self.part.tool_call.input += delta.input
            case "data":
                return self._sound(delta.data)
            case "transcript":
                self.part.media.transcript += delta.transcript
            case "signature":
                self.part.reasoning.signature += delta.signature
            case "encrypted":
                self.part.reasoning.encrypted += delta.encrypted
            case None:
                pass
        return None

    def end(self) -> Json | None:
        """What is left to tell."""
        if self._ended:
            return None
        self._ended = True
        if self.kind in WHOLE:
            return self._whole()
        if self.kind == "reasoning":
            return self._seal()
        return self._words("") if self.fields else None

    def _words(self, text: str) -> Json:
        fields, self.fields = self.fields, {}
        if self.kind == "reasoning":
            self._length += len(text)
            return {"text": text, "thought": True, **fields}
        return {"text": text, **fields}

    def _seal(self) -> Json | None:
        """The end of reasoning: its own fields if no word has carried them, or the seal of another provider."""
        if DIALECT in self.part.provider_details_json:
            return self._words("") if self.fields else None
        seal = seal_of(self.part, self._length)
        return {"text": "", "thought": True, SIGNATURE: seal} if seal else None

    def _sound(self, data: bytes) -> Json:
        media = self.part.media
        self._length += len(data)
        fields, self.fields = self.fields, {}
        return with_fields({"inlineData": {"mimeType": media.mime_type, "data": base64.b64encode(data).decode()}}, fields)

    def _whole(self) -> Json | None:
        if self._arguments:
            self.part.tool_call.arguments_json += "".join(self._arguments)
        if self.kind == "media" and self._length:
            return {"text": "", **metadata} if (metadata := self._transcript()) else None
        return render_part(self.part)

    def _transcript(self) -> Json:
        rendered = render_part(self.part)
        return {"partMetadata": rendered["partMetadata"]} if self.part.media.transcript else {}
