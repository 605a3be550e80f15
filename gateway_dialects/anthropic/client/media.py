"""Images and documents as this dialect's blocks.

Source: https://platform.claude.com/docs (vision, PDF support, files). Bytes travel as base64, text documents as text.
"""

from __future__ import annotations

import base64
import binascii
from mimetypes import guess_type
from urllib.parse import unquote_to_bytes

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_AUDIO,
    MEDIA_KIND_FILE,
    MEDIA_KIND_IMAGE,
    MEDIA_KIND_VIDEO,
    Media,
    MediaKind,
)
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.json import Json
from gateway_dialects.kit.sniff import sniffed, spelled

IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
TEXT_TYPES = frozenset({"application/json", "application/xml", "application/yaml", "application/x-yaml"})
"""Documents that are text although their type does not begin with text/."""
FILES_BETA = "files-api-2025-04-14"
"""The anthropic-beta that sources of type file need."""
SNIFFED_CHARACTERS = 24
LONGEST_SCHEME = 20


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
    """Kind as told, or judged from the media type; a picture sent as a file is a picture."""
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
    mime_type = shown(data, field) or mime_type
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
    mime_type = shown(data, field) or mime_type
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
    told = media.mime_type or guess_type(media.uri.partition("?")[0])[0] or ""
    other = kind == MEDIA_KIND_FILE and (is_text(told) or told.startswith("image/"))
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


def shown(data: str, field: str) -> str:
    """The type that the first bytes show, for declared types are often wrong; empty when they show none."""
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
    except (binascii.Error, ValueError):
        raise invalid(field, f"{field} does not hold valid base64") from None
