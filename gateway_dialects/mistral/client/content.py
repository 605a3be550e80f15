"""One part of a message as one of Mistral's content chunks.

Source: https://docs.mistral.ai/api (chat completions: content chunks) and recorded requests.
"""

from __future__ import annotations

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO, Media, Opaque, Part
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.json import Json, decode_json
from gateway_dialects.kit.legacy import fields_of
from gateway_dialects.mistral.client.details import DIALECT, details_of
from gateway_dialects.mistral.client.ids import nine_of
from gateway_dialects.mistral.client.remarks import Remarks
from gateway_dialects.openai.encode_messages import encode_audio, media_kind, uri_of
from gateway_dialects.openai.words import DIALECT as OPENAI

NONE: frozenset[str] = frozenset()
THINKING_FIELDS = frozenset({"closed"})
CALL_FIELDS = frozenset({"index"})


def encode_chunk(part: Part, field: str, remarks: Remarks) -> Json | None:
    """The chunk, or None for what was left out with a warning. Raises GatewayError for content Mistral does not take."""
    match part.WhichOneof("kind"):
        case "text":
            encoded: Json = {"type": "text", "text": part.text}
        case "refusal":
            # Mistral has no word for it; to the model it is what it said.
            encoded = {"type": "text", "text": part.refusal}
        case "reasoning":
            return encode_thinking(part, field, remarks)
        case "media":
            return encode_media(part, field, remarks)
        case "opaque":
            return encode_opaque(part.opaque, field)
        case "tool_result":
            raise invalid(field, f"{field}: a tool result belongs in a message of ROLE_TOOL")
        case _:
            raise invalid(field, f"{field} has no kind that a message holds: set text, media, reasoning ...")
    return with_details(encoded, part, field, remarks)


def with_details(encoded: Json, part: Part, field: str, remarks: Remarks) -> Json:
    if not part.provider_details_json:
        return encoded
    return {**encoded, **fields_of(details_of(part, NONE, field, remarks))}


def encode_thinking(part: Part, field: str, remarks: Remarks) -> Json | None:
    reasoning, details = part.reasoning, details_of(part, THINKING_FIELDS, field, remarks)
    if (reasoning.signature or reasoning.encrypted) and reasoning.provider != DIALECT:
        remarks.leave_out(field, "it is signed reasoning of another provider")
        return None
    encoded: Json = {"type": "thinking", "thinking": [{"type": "text", "text": reasoning.text}]}
    if reasoning.signature:
        encoded["signature"] = reasoning.signature
    return {**encoded, **fields_of(details)}


def encode_opaque(opaque: Opaque, field: str) -> Json:
    if opaque.dialect not in (DIALECT, OPENAI):
        raise unsupported(field, f"content of the {opaque.dialect} dialect cannot be sent to Mistral")
    chunk: Json = decode_json(opaque.json)
    return chunk


def encode_media(part: Part, field: str, remarks: Remarks) -> Json:
    media, kind = part.media, media_kind(part.media)
    details = details_of(part, NONE, field, remarks)
    form = details.get("$form", "object")
    if kind == MEDIA_KIND_IMAGE:
        encoded: Json = {"type": "image_url", "image_url": encode_image(media, field, form)}
    elif kind == MEDIA_KIND_AUDIO:
        encoded = {"type": "input_audio", "input_audio": encode_sound(media, field, form)}
    elif kind == MEDIA_KIND_VIDEO:
        raise unsupported(field, "Mistral takes no video")
    elif media.WhichOneof("source") == "file_id":
        encoded = {"type": "file", "file_id": media.file_id}
    else:
        encoded = {"type": "document_url", "document_url": uri_of(media, field)}
        if media.filename:
            encoded["document_name"] = media.filename
    return {**encoded, **fields_of(details)}


def encode_image(media: Media, field: str, form: str) -> Json | str:
    url = uri_of(media, field)
    if form == "string":
        return url
    return {"url": url, "detail": media.detail} if media.detail else {"url": url}


def encode_sound(media: Media, field: str, form: str) -> Json | str:
    """By URL, as base64, or as an object of base64 and format."""
    uri = uri_of(media, field)
    if form == "uri" or not uri.startswith("data:"):
        return uri
    return uri.partition(",")[2] if form == "string" else encode_audio(media, field)


def encode_tool_call(part: Part, field: str, remarks: Remarks) -> Json:
    call = part.tool_call
    if call.HasField("input"):
        raise unsupported(field, "Mistral has no tools with free-form input")
    details = fields_of(details_of(part, CALL_FIELDS, field, remarks)) if part.provider_details_json else {}
    function = {"name": call.name, "arguments": call.arguments_json or "{}", **details.pop("function", {})}
    encoded: Json = {"type": "function", "function": function, **details}
    if call.id:
        encoded["id"] = nine_of(call.id)
    return encoded
