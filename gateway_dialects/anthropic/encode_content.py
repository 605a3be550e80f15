"""Content blocks of requests: one part of a conversation each.

Source: https://platform.claude.com/docs/en/api/messages (vision, PDF support, files, citations) and recorded requests. Bytes
are sent as base64, text documents as text.
"""

from __future__ import annotations

import base64
from mimetypes import guess_type
from typing import Any, assert_never
from urllib.parse import unquote_to_bytes

import msgspec

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_AUDIO,
    MEDIA_KIND_FILE,
    MEDIA_KIND_IMAGE,
    MEDIA_KIND_VIDEO,
    CacheHint,
    Media,
    MediaKind,
    Part,
    ToolCall,
)
from gateway_dialects.anthropic.words import DIALECT, EPHEMERAL
from gateway_dialects.kit.diagnostics import Diagnostics, unsupported
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.json import Detailed, Json, details_of, is_object, object_of
from gateway_dialects.kit.sniff import sniffed, spelled

IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
TEXT_TYPES = frozenset({"application/json", "application/xml", "application/yaml", "application/x-yaml"})
"""Documents that are text although their type does not begin with text/."""
FILES_BETA = "files-api-2025-04-14"
"""The anthropic-beta that sources of type file need."""
SNIFFED_CHARACTERS = 24
LONGEST_SCHEME = 20


class RequestDiagnostics(Diagnostics):
    """Also collects beta features that the request needs, for the header anthropic-beta, in the order of their need."""

    __slots__ = ("betas",)

    def __init__(self) -> None:
        super().__init__()
        self.betas: list[str] = []

    def need_beta(self, name: str) -> None:
        if name not in self.betas:
            self.betas.append(name)


def encode_block(part: Part, field: str, diagnostics: RequestDiagnostics) -> Json | None:
    """A content block; None for what this API refuses: blank text, reasoning that it did not sign. Tool calls and results
    have functions of their own, as their ids concern the whole conversation."""
    match part.WhichOneof("kind"):
        case "text":
            return encode_text(part, part.text, field, diagnostics)
        case "refusal":
            return encode_text(part, part.refusal, field, diagnostics)
        case "media":
            return encode_media_block(part, field, diagnostics)
        case "reasoning":
            return encode_reasoning(part, field, diagnostics)
        case "opaque" if part.opaque.dialect == DIALECT:
            return add_fields(object_of(part.opaque.json, f"{field}.opaque.json"), part, field, diagnostics)
        case "opaque":
            raise unsupported(field, f"content of the {part.opaque.dialect} dialect cannot be sent to this provider")
        case "tool_call":
            raise invalid(field, f"{field}: a tool call belongs in a message of ROLE_ASSISTANT")
        case "tool_result":
            raise invalid(field, f"{field}: a tool result belongs in a message of ROLE_TOOL")
        case None:
            raise invalid(field, f"{field} has no kind: set text, media, tool_call ...")
        case unknown:
            assert_never(unknown)


def add_details(encoded: Json, holder: Detailed) -> Json:
    """The JSON with this dialect's details; what it has already is not replaced."""
    if not holder.provider_details_json:
        return encoded
    return {**encoded, **{name: value for name, value in details_of(holder, DIALECT).items() if name not in encoded}}


def add_fields(block: Json, part: Part, field: str, diagnostics: Diagnostics) -> Json:
    """The block with what any may have: details and cache_control."""
    block = add_details(block, part)
    if part.HasField("cache_hint"):
        block["cache_control"] = cache_control(part.cache_hint)
    if part.HasField("signature"):
        diagnostics.drop(f"{field}.signature", "this provider signs nothing but reasoning")
    return block


def cache_control(hint: CacheHint) -> Json:
    return {"type": EPHEMERAL, "ttl": hint.ttl} if hint.ttl else {"type": EPHEMERAL}


def encode_text(part: Part, text: str, field: str, diagnostics: Diagnostics) -> Json | None:
    """None for blank text, which the provider refuses."""
    if not text or text.isspace():
        return None
    block: Json = {"type": "text", "text": text}
    if part.citations:
        own = [details_of(citation, DIALECT) for citation in part.citations if DIALECT in citation.provider_details_json]
        if own:
            block["citations"] = own
        if len(own) < len(part.citations):
            diagnostics.drop(f"{field}.citations", "this provider takes back only citations that it gave itself")
    return add_fields(block, part, field, diagnostics)


def encode_media_block(part: Part, field: str, diagnostics: RequestDiagnostics) -> Json:
    block = encode_media(part.media, field)
    if block["source"]["type"] == "file":
        diagnostics.need_beta(FILES_BETA)
    if part.media.detail not in ("", "auto"):
        diagnostics.drop(f"{field}.detail", "this provider chooses an image's detail itself")
    return add_fields(block, part, field, diagnostics)


def encode_reasoning(part: Part, field: str, diagnostics: Diagnostics) -> Json | None:
    """A thinking block, unmodified. None for what Anthropic did not sign: it refuses that."""
    reasoning = part.reasoning
    if reasoning.provider != DIALECT or not (reasoning.signature or reasoning.encrypted):
        diagnostics.drop(field, "this provider takes back only reasoning that it signed itself")
        return None
    if reasoning.encrypted:
        block: Json = {"type": "redacted_thinking", "data": reasoning.encrypted}
    else:
        block = {"type": "thinking", "thinking": reasoning.text, "signature": reasoning.signature}
    return add_fields(block, part, field, diagnostics)


def encode_tool_use(part: Part, wire_id: str, field: str, diagnostics: Diagnostics) -> Json:
    call = part.tool_call
    block: Json = {"type": "tool_use", "id": wire_id, "name": call.name, "input": encode_input(call, field, diagnostics)}
    return add_fields(block, part, field, diagnostics)


def encode_input(call: ToolCall, field: str, diagnostics: Diagnostics) -> Any:
    given = input_of(call)
    if isinstance(given, dict) and "_raw" in given:
        diagnostics.warn(
            f"{field}.arguments", f"{field}: the arguments are not a JSON object; they were sent as text in _raw"
        )
    return given


def input_of(call: ToolCall) -> Any:
    """The arguments as the object that this API has, character for character where they are one. The text of broken ones is
    in _raw."""
    if call.HasField("input"):
        return {"input": call.input}
    text = call.arguments_json
    if not text or text.isspace():
        return {}
    return msgspec.Raw(text.encode()) if is_object(text) else {"_raw": text}


def encode_tool_result(part: Part, wire_id: str, field: str, diagnostics: RequestDiagnostics) -> Json:
    result = part.tool_result
    block: Json = {"type": "tool_result", "tool_use_id": wire_id}
    if result.is_error:
        block["is_error"] = True
    content: list[Json] = []
    for index, inner in enumerate(result.parts):
        where = f"{field}.tool_result.parts[{index}]"
        if inner.WhichOneof("kind") not in ("text", "media", "opaque"):
            raise invalid(where, f"{where}: a tool result may hold text, media and opaque parts")
        encoded = encode_block(inner, where, diagnostics)
        if encoded is not None:
            content.append(encoded)
    if content:
        block["content"] = content_of(content)
    return add_fields(block, part, field, diagnostics)


def content_of(blocks: list[Json]) -> str | list[Json]:
    """Plain text is sent as a string."""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        text: str = blocks[0]["text"]
        return text
    return blocks


def encode_media(media: Media, field: str) -> Json:
    """An image or document block. Raises GatewayError UNSUPPORTED for sound, video and other documents."""
    kind = media_kind(media)
    if kind == MEDIA_KIND_IMAGE:
        return {"type": "image", "source": image_source(media, field)}
    if kind == MEDIA_KIND_FILE:
        return encode_document(media, field)
    name = "sound" if kind == MEDIA_KIND_AUDIO else "video"
    raise unsupported(field, f"this provider takes no {name}")


def media_kind(media: Media) -> MediaKind.ValueType:
    """The kind as given, or judged from the media type; a picture sent as a file is a picture."""
    mime_type = media.mime_type.partition("/")[0]
    if mime_type == "image" and media.kind in (MEDIA_KIND_IMAGE, MEDIA_KIND_FILE, 0):
        return MEDIA_KIND_IMAGE
    if media.kind:
        return media.kind
    return {"audio": MEDIA_KIND_AUDIO, "video": MEDIA_KIND_VIDEO}.get(mime_type, MEDIA_KIND_FILE)


def image_source(media: Media, field: str) -> Json:
    if remote := remote_source(media, field):
        return remote
    mime_type, data = base64_of(media, field)
    mime_type = detected(data, field) or mime_type
    if mime_type not in IMAGE_TYPES:
        raise unsupported(field, f"this provider takes JPEG, PNG, GIF and WebP, not {mime_type or 'an unknown type'}")
    return {"type": "base64", "media_type": mime_type, "data": data}


def encode_document(media: Media, field: str) -> Json:
    source = document_source(media, field)
    if source.get("media_type") in IMAGE_TYPES:
        # Sent as a file of another type, or of none.
        return {"type": "image", "source": source}
    document: Json = {"type": "document", "source": source}
    if media.filename:
        document["title"] = media.filename
    return document


def document_source(media: Media, field: str) -> Json:
    if remote := remote_source(media, field):
        return remote
    if media.WhichOneof("source") == "data" and is_text(media.mime_type):
        return text_source(media.data, field)
    mime_type, data = base64_of(media, field)
    mime_type = detected(data, field) or mime_type
    if mime_type == "application/pdf" or mime_type in IMAGE_TYPES:
        return {"type": "base64", "media_type": mime_type, "data": data}
    if is_text(mime_type):
        return text_source(bytes_of(data, field), field)
    raise unsupported(field, f"this provider takes PDF and text documents, not {mime_type or 'an unknown type'}")


def remote_source(media: Media, field: str) -> Json | None:
    """The source of what the provider fetches itself; None: the bytes are here."""
    match media.WhichOneof("source"):
        case "file_id":
            return {"type": "file", "file_id": media.file_id}
        case "uri" if media.uri.startswith(("https:", "http:")):
            return {"type": "url", "url": media.uri}
        case "uri" if not media.uri.startswith("data:"):
            scheme, colon, _ = media.uri[:LONGEST_SCHEME].partition(":")
            if not colon:
                raise invalid(field, f"{field} is no URI: give a URL, or the bytes as a data: URI")
            raise unsupported(field, f"this provider cannot read {scheme}: URIs")
        case None:
            raise invalid(field, f"{field}.media has no source: set data, uri or file_id")
        case _:
            return None


def needs_bytes(media: Media, _model: str, _endpoint: Endpoint) -> bool:
    """See Dialect.needs_bytes. The provider fetches pictures and PDFs over https, and nothing else."""
    kind = media_kind(media)
    if kind not in (MEDIA_KIND_IMAGE, MEDIA_KIND_FILE):
        return False
    mime_type = media.mime_type or guess_type(media.uri.partition("?")[0])[0] or ""
    other = kind == MEDIA_KIND_FILE and (is_text(mime_type) or mime_type.startswith("image/"))
    return other or not media.uri.startswith("https:")


def base64_of(media: Media, field: str) -> tuple[str, str]:
    """The media type, in the provider's spelling, and the bytes in base64."""
    if media.WhichOneof("source") == "data":
        return spelled(media.mime_type), base64.b64encode(media.data).decode()
    head, comma, data = media.uri.partition(",")
    if not comma:
        raise invalid(field, f"{field} is not a data: URI: it has no comma")
    mime_type, *options = head.removeprefix("data:").split(";")
    if "base64" not in options:
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    return spelled(media.mime_type or mime_type), data


def detected(data: str, field: str) -> str:
    """The media type by the first bytes, for declared types are often wrong. Empty: unknown."""
    return sniffed(bytes_of(data[:SNIFFED_CHARACTERS], field))


def is_text(mime_type: str) -> bool:
    return mime_type.startswith("text/") or mime_type.partition(";")[0] in TEXT_TYPES


def text_source(octets: bytes, field: str) -> Json:
    try:
        return {"type": "text", "media_type": "text/plain", "data": octets.decode()}
    except UnicodeDecodeError:
        raise invalid(field, f"{field} is not UTF-8 text") from None


def bytes_of(data: str, field: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:  # binascii.Error is one.
        raise invalid(field, f"{field} does not hold valid base64") from None
