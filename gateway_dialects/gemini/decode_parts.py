"""Parts of an answer, their sources and log-probabilities.

Sources: https://ai.google.dev/api/caching#Part, https://ai.google.dev/gemini-api/docs/google-search (groundingMetadata) and
recorded answers.
"""

import base64
from collections.abc import Iterable, Iterator
from typing import Any

from dragoman.v1.chat_pb2 import Logprobs, TokenLogprob
from dragoman.v1.content_pb2 import Citation, Media, Opaque, Part, Reasoning, ToolCall
from gateway_dialects.gemini.words import DIALECT, SIGNATURE, PartForm, standard_base64
from gateway_dialects.kit.call_ids import made_up_id
from gateway_dialects.kit.json import Json, float_of, json_text, list_at, set_details, set_form, text_of, unknown_fields
from gateway_dialects.kit.media import kind_of

INNER_FIELDS = {
    "functionCall": frozenset({"id", "name", "args"}),
    "functionResponse": frozenset({"id", "name", "response", "parts"}),
    "inlineData": frozenset({"mimeType", "data"}),
    "fileData": frozenset({"mimeType", "fileUri"}),
}
"""The fields of the object in a Part that the contract names, by the Part's kind."""


def is_silent(piece: Json) -> bool:
    """An empty text without a signature says nothing: streams end with one."""
    return piece.get("text") == "" and len(piece) == 1


def late_signature(piece: Json) -> str:
    """The signature of a Part that holds nothing else: it signs the text before it."""
    return text_of(piece.get(SIGNATURE)) if len(piece) == 2 and piece.get("text") == "" else ""


def decode_part(piece: Json, place: tuple[str, int, int] | None) -> Part:
    """place: the answer's id, the candidate, and how many calls came before, which name a call without an id. None: a client
    wrote the Part, so that calls remain without one, and base64 as it is."""
    match piece:
        case {"text": str(text), "thought": True}:
            signature = text_of(piece.get(SIGNATURE))
            part = Part(reasoning=Reasoning(text=text, summary=True, provider=DIALECT, signature=signature))
            set_details(part, unknown_fields(piece, {"text", "thought", SIGNATURE}), DIALECT)
            return part
        case {"thought": True}:
            return opaque(piece)
        case {"text": str(text)}:
            part = Part(text=text)
            if len(piece) == 1:
                return part
            set_details(part, unknown_fields(piece, {"text", SIGNATURE}), DIALECT)
        case {"functionCall": dict(call)}:
            part = decode_call(call, place)
            set_rest(part, piece, "functionCall")
        case {"inlineData": dict(blob)}:
            part = decode_blob(blob, is_answer=place is not None)
            set_rest(part, piece, "inlineData")
        case {"fileData": dict(file)}:
            part = decode_file(file)
            set_rest(part, piece, "fileData")
        case _:
            return opaque(piece)
    sign(part, text_of(piece.get(SIGNATURE)))
    return part


def opaque(piece: Json) -> Part:
    return Part(opaque=Opaque(dialect=DIALECT, json=json_text(piece)))


def set_rest(part: Part, piece: Json, kind: str) -> None:
    """Sets what the contract does not name of a Part, and of the object that it holds."""
    rest = unknown_fields(piece, {kind, SIGNATURE})
    if extra := unknown_fields(piece[kind], INNER_FIELDS[kind]):
        rest[kind] = extra
    set_details(part, rest, DIALECT)


def sign(part: Part, signature: str) -> None:
    if signature:
        part.signature.provider, part.signature.value = DIALECT, signature


def decode_call(call: Json, place: tuple[str, int, int] | None) -> Part:
    name, call_id, args = text_of(call.get("name")), text_of(call.get("id")), json_text(call.get("args") or {})
    part = Part(tool_call=ToolCall(id=call_id, name=name, arguments_json=args))
    if not call_id:
        set_form(part, DIALECT, PartForm(no_id=True))
        part.tool_call.id = made_up_id(*place, name, args) if place else ""
    return part


def decode_file(file: Json) -> Part:
    mime_type = text_of(file.get("mimeType"))
    part = Part(media=Media(kind=kind_of(mime_type), mime_type=mime_type, uri=text_of(file.get("fileUri"))))
    if "mimeType" not in file:
        set_form(part, DIALECT, PartForm(no_mime_type=True))
    return part


def decode_blob(blob: Json, *, is_answer: bool) -> Part:
    """The bytes of an answer. Those of a request are not decoded: doing that to megabytes only to encode them again helps
    nobody."""
    mime_type, data = text_of(blob.get("mimeType")), text_of(blob.get("data"))
    part = Part(media=Media(kind=kind_of(mime_type), mime_type=mime_type))
    try:
        if is_answer:
            part.media.data = base64.b64decode(standard_base64(data), validate=True)
        else:
            part.media.uri = f"data:{mime_type};base64,{standard_base64(data)}"
    except ValueError:  # binascii.Error is one.
        part.media.uri = f"data:{mime_type};base64,{data}"
    return part


def decode_logprobs(result: Json) -> Logprobs:
    tops = list_at(result, "topCandidates")
    logprobs = Logprobs()
    for position, item in enumerate(list_at(result, "chosenCandidates")):
        token = logprobs.content.add()
        decode_token(token, item)
        top = tops[position] if position < len(tops) else None
        for other in list_at(top, "candidates") if isinstance(top, dict) else ():
            decode_token(token.top.add(), other)
    return logprobs


def decode_token(token: TokenLogprob, item: Any) -> None:
    if isinstance(item, dict):
        token.token, token.logprob = text_of(item.get("token")), float_of(item.get("logProbability"))


def add_citations(parts: Iterable[Part], grounding: Json) -> None:
    """Adds the citations of a candidate's groundingMetadata to its text parts."""
    start = 0
    for part in parts:
        if part.WhichOneof("kind") == "text":
            text = part.text.encode()
            part.citations.extend(citations_of(grounding, text, start))
            start += len(text)


def citations_of(grounding: Json, text: bytes, start: int) -> Iterator[Citation]:
    """The citations of one text part. text: in UTF-8, since segments count bytes over all texts of the answer. start: bytes
    of the texts before it. Metadata of an unknown form gives none."""
    chunks = list_at(grounding, "groundingChunks")
    for support in list_at(grounding, "groundingSupports"):
        match support:
            case {"segment": {"endIndex": int(last), **segment}, "groundingChunkIndices": [*indices]}:
                first = segment.get("startIndex", 0)
                if not isinstance(first, int) or last <= start or first >= start + len(text):
                    continue
                place = [characters(text, first - start), characters(text, last - start)]
                for index in indices:
                    if isinstance(index, int) and 0 <= index < len(chunks) and (found := source_of(chunks[index])):
                        found.start_index, found.end_index = place
                        yield found


def source_of(chunk: Any) -> Citation | None:
    """A page, a place on a map, or a document that was searched; a document may have no address."""
    for source in chunk.values() if isinstance(chunk, dict) else ():
        if isinstance(source, dict):
            citation = Citation(
                uri=text_of(source.get("uri")),
                title=text_of(source.get("title")),
                cited_text=text_of(source.get("text")),
                source_id=text_of(source.get("documentName")) or text_of(source.get("fileSearchStore")),
            )
            if citation.uri or citation.source_id:
                citation.provider_details_json[DIALECT] = json_text(chunk)
                return citation
    return None


def characters(text: bytes, octets: int) -> int:
    return len(text[: max(octets, 0)].decode(errors="ignore"))
