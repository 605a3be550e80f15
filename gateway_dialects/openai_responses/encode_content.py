"""One part of a conversation as content of a message or of a tool's output.

Source: https://platform.openai.com/docs/api-reference/responses/create (input) and recorded requests.
"""

from __future__ import annotations

import base64
from typing import assert_never

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO, Media, Part
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.json import Json, decode_object
from gateway_dialects.kit.legacy import fields_of
from gateway_dialects.openai.encode_messages import encode_audio, media_kind
from gateway_dialects.openai_responses.words import DIALECT, details_of

NOT_CONTENT = frozenset({"item"})


def encode_content(part: Part, field: str, text_type: str) -> Json:
    """A content object. text_type: input_text, or output_text in what the assistant said. Raises GatewayError naming the
    field for what this dialect cannot carry there."""
    match part.WhichOneof("kind"):
        case "text":
            return with_fields({"type": text_type, "text": part.text}, part)
        case "refusal":
            return with_fields({"type": "refusal", "refusal": part.refusal}, part)
        case "media":
            return with_fields(encode_media(part.media, field), part)
        case "opaque" if part.opaque.dialect == DIALECT:
            return decode_object(part.opaque.json)
        case "opaque":
            raise foreign(part, field)
        case "reasoning" | "tool_call":
            raise invalid(field, f"{field}: reasoning and tool calls belong in a message of ROLE_ASSISTANT")
        case "tool_result":
            raise invalid(field, f"{field}: a tool result belongs in a message of ROLE_TOOL")
        case None:
            raise invalid(field, f"{field} has no kind: set text, media, tool_call ...")
        case unknown:
            assert_never(unknown)


def foreign(part: Part, field: str) -> Exception:
    return unsupported(field, f"content of the {part.opaque.dialect} dialect cannot be sent to this provider")


def with_fields(encoded: Json, part: Part) -> Json:
    if part.provider_details_json:
        own = fields_of(details_of(part))
        encoded.update({name: value for name, value in own.items() if name not in NOT_CONTENT})
    return encoded


def encode_media(media: Media, field: str) -> Json:
    kind = media_kind(media)
    if kind == MEDIA_KIND_AUDIO:
        return {"type": "input_audio", "input_audio": encode_audio(media, field)}
    if kind == MEDIA_KIND_VIDEO:
        raise unsupported(field, "this provider takes no video")
    if kind == MEDIA_KIND_IMAGE:
        name, value = source_of(media, field)
        image: Json = {"type": "input_image", "file_id" if name == "file_id" else "image_url": value}
        if media.detail:
            image["detail"] = media.detail
        return image
    return {"type": "input_file", **encode_file(media, field)}


def needs_bytes(media: Media, _model: str, _endpoint: Endpoint) -> bool:
    """See Dialect.needs_bytes."""
    return bool(media_kind(media) == MEDIA_KIND_AUDIO)


def encode_file(media: Media, field: str) -> Json:
    name, value = source_of(media, field)
    if name == "file_id":
        return {"file_id": value, **({"filename": media.filename} if media.filename else {})}
    if not value.startswith("data:"):
        return {"file_url": value, **({"filename": media.filename} if media.filename else {})}
    # The provider refuses a document's bytes without a name.
    return {"filename": media.filename or f"document{suffix_of(value)}", "file_data": value}


def suffix_of(uri: str) -> str:
    subtype = uri[5:100].partition(",")[0].partition(";")[0].partition("/")[2]
    return f".{subtype}" if subtype.isalnum() and subtype != "plain" else ".txt" if subtype == "plain" else ""


def source_of(media: Media, field: str) -> tuple[str, str]:
    """(uri or file_id, its value); bytes as a data: URI."""
    match media.WhichOneof("source"):
        case "uri":
            return "uri", media.uri
        case "data":
            return "uri", f"data:{media.mime_type};base64,{base64.b64encode(media.data).decode()}"
        case "file_id":
            return "file_id", media.file_id
        case _:
            raise invalid(field, f"{field}.media has no source: set data, uri or file_id")
