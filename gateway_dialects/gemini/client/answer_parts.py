"""Parts and log-probabilities of an answer. Source: https://ai.google.dev/api/caching#Part and recorded answers."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

from dragoman.v1.chat_pb2 import Logprobs, TokenLogprob
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_AUDIO,
    MEDIA_KIND_FILE,
    MEDIA_KIND_IMAGE,
    MEDIA_KIND_VIDEO,
    Media,
    Opaque,
    Part,
    Reasoning,
    ToolCall,
)
from gateway_dialects.gemini.client.details import COMPATIBLE, DIALECT, set_details
from gateway_dialects.gemini.client.signatures import FIELD, compatible
from gateway_dialects.kit.json import Json, encode_json, text_of, unknown_fields

TEXT_FIELDS = frozenset({"text"})
THOUGHT_FIELDS = frozenset({"text", "thought"})
CALL_FIELDS = frozenset({"id", "name", "args"})
BLOB_FIELDS = frozenset({"mimeType", "data"})
FILE_FIELDS = frozenset({"mimeType", "fileUri"})
KINDS = {"image": MEDIA_KIND_IMAGE, "audio": MEDIA_KIND_AUDIO, "video": MEDIA_KIND_VIDEO}


def is_silent(piece: Json) -> bool:
    """An empty text without a seal says nothing: streams end with one."""
    return piece.get("text") == "" and len(piece) == 1


def decode_part(piece: Json, place: tuple[str, int, int]) -> Part:
    """A part. place: the answer's id, the candidate, and how many calls came before, which name a call without an id."""
    match piece:
        case {"text": str(text), "thought": True}:
            part, rest = Part(reasoning=Reasoning(text=text, summary=True)), unknown_fields(piece, THOUGHT_FIELDS)
            set_details(part, rest or {"$thought": True})
            return part
        case {"thought": True}:
            return opaque(piece)
        case {"text": str(text)}:
            part = Part(text=text)
            set_details(part, unknown_fields(piece, TEXT_FIELDS))
            return part
        case {"functionCall": dict(call)}:
            return decode_call(piece, call, place)
        case {"inlineData": dict(blob)}:
            return decode_blob(piece, blob)
        case {"fileData": dict(file)}:
            mime_type = text_of(file.get("mimeType"))
            part = Part(media=Media(kind=kind_of(mime_type), mime_type=mime_type, uri=text_of(file.get("fileUri"))))
            set_details(part, rest_of(piece, "fileData", file, FILE_FIELDS))
            return part
        case _:
            return opaque(piece)


def opaque(piece: Json) -> Part:
    return Part(opaque=Opaque(dialect=DIALECT, json=encode_json(piece).decode()))


def rest_of(piece: Json, name: str, inner: Json, known: frozenset[str]) -> Json:
    rest = unknown_fields(piece, frozenset({name}))
    if extra := unknown_fields(inner, known):
        rest[name] = extra
    return rest


def decode_call(piece: Json, call: Json, place: tuple[str, int, int]) -> Part:
    args = encode_json(call.get("args") or {}).decode()
    name = text_of(call.get("name"))
    details = rest_of(piece, "functionCall", call, CALL_FIELDS)
    call_id = text_of(call.get("id"))
    if not call_id:
        call_id = made_up_id(place, name, args)
        details["$id"] = False
    part = Part(tool_call=ToolCall(id=call_id, name=name, arguments_json=args))
    set_details(part, details)
    if signature := text_of(piece.get(FIELD)):
        set_details(part, compatible(signature), COMPATIBLE)
    return part


def made_up_id(place: tuple[str, int, int], name: str, args: str) -> str:
    """An id that the same answer always gets, streamed or not, and hardly another one."""
    seed = "\0".join((*map(str, place), name, args))
    return "call_" + hashlib.blake2b(seed.encode(), digest_size=9).hexdigest()


def kind_of(mime_type: str) -> Any:
    return KINDS.get(mime_type.partition("/")[0], MEDIA_KIND_FILE)


def decode_blob(piece: Json, blob: Json) -> Part:
    mime_type, data = text_of(blob.get("mimeType")), text_of(blob.get("data"))
    part = Part(media=Media(kind=kind_of(mime_type), mime_type=mime_type))
    try:
        part.media.data = base64.b64decode(data.translate(URL_SAFE), validate=True)
    except (binascii.Error, ValueError):
        part.media.uri = f"data:{mime_type};base64,{data}"
    set_details(part, rest_of(piece, "inlineData", blob, BLOB_FIELDS))
    return part


URL_SAFE = str.maketrans("-_", "+/")
"""JSON of protocol buffers takes either alphabet."""


def decode_logprobs(result: Json) -> Logprobs:
    chosen = result.get("chosenCandidates")
    tops = result.get("topCandidates")
    logprobs = Logprobs()
    for position, item in enumerate(chosen if isinstance(chosen, list) else ()):
        token = logprobs.content.add()
        decode_token(token, item)
        top = tops[position] if isinstance(tops, list) and position < len(tops) else None
        others = top.get("candidates") if isinstance(top, dict) else None
        for other in others if isinstance(others, list) else ():
            decode_token(token.top.add(), other)
    return logprobs


def decode_token(token: TokenLogprob, item: Any) -> None:
    if isinstance(item, dict):
        token.token = text_of(item.get("token"))
        value = item.get("logProbability")
        token.logprob = float(value) if isinstance(value, (int, float)) else 0.0
