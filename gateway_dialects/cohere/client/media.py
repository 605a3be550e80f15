"""Pictures and text documents in the words of this dialect.

Source: https://docs.cohere.com/docs/image-inputs and recorded requests. There is no sound, no video and no PDF.
"""

from __future__ import annotations

import base64
import binascii
from mimetypes import guess_type
from urllib.parse import unquote_to_bytes

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, MEDIA_KIND_FILE, MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO, Media, MediaKind
from gateway_dialects.cohere.client.remarks import Remarks
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.json import Json
from gateway_dialects.kit.sniff import sniffed, spelled

IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
TEXT_TYPES = frozenset({"application/json", "application/xml", "application/yaml", "application/x-yaml"})
"""Documents that are text although their type does not begin with text/."""
DETAILS = frozenset({"auto", "low", "high"})
SNIFFED_CHARACTERS = 24


def media_kind(media: Media) -> MediaKind.ValueType:
    """Kind as told, or judged from the media type; a picture sent as a file is a picture."""
    main_type = media.mime_type.partition("/")[0]
    if main_type == "image" and media.kind in (MEDIA_KIND_IMAGE, MEDIA_KIND_FILE, 0):
        return MEDIA_KIND_IMAGE
    if media.kind:
        return media.kind
    return {"audio": MEDIA_KIND_AUDIO, "video": MEDIA_KIND_VIDEO}.get(main_type, MEDIA_KIND_FILE)


def encode_image(media: Media, field: str, remarks: Remarks) -> Json:
    """An image_url block. Raises GatewayError for what is no picture or cannot be reached."""
    kind = media_kind(media)
    if kind != MEDIA_KIND_IMAGE:
        name = {MEDIA_KIND_AUDIO: "sound", MEDIA_KIND_VIDEO: "video"}.get(kind, "such document")
        raise unsupported(field, f"this provider takes no {name}")
    image: Json = {"url": image_url(media, field)}
    if media.detail in DETAILS:
        image["detail"] = media.detail
    elif media.detail:
        remarks.leave_out(f"{field}.detail", f"this provider does not know the detail {media.detail!r}")
    return {"type": "image_url", "image_url": image}


def image_url(media: Media, field: str) -> str:
    if media.WhichOneof("source") == "uri" and media.uri.startswith(("https:", "http:")):
        return media.uri
    mime_type, data = base64_of(media, field)
    mime_type = shown(data) or mime_type
    if mime_type not in IMAGE_TYPES:
        raise unsupported(field, f"this provider takes JPEG, PNG, GIF and WebP, not {mime_type or 'an unknown type'}")
    return f"data:{mime_type};base64,{data}"


def text_document(media: Media, field: str) -> str | None:
    """The text of a document that is text; None: it is something else. Raises GatewayError for PDF and the like."""
    if media_kind(media) != MEDIA_KIND_FILE:
        return None
    if media.WhichOneof("source") == "uri" and media.uri.startswith(("https:", "http:")):
        raise unsupported(field, "this provider cannot fetch documents: send the text itself")
    mime_type, data = base64_of(media, field)
    mime_type = shown(data) or mime_type
    if not (mime_type.startswith("text/") or mime_type in TEXT_TYPES):
        raise unsupported(field, f"this provider takes text documents, not {mime_type or 'an unknown type'}")
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise invalid(field, f"{field} is not UTF-8 text") from None


def needs_bytes(media: Media, _model: str, _endpoint: Endpoint) -> bool:
    """See Dialect.needs_bytes. The provider fetches pictures; a document it takes only as text."""
    told = media.mime_type or guess_type(media.uri.partition("?")[0])[0]
    return media_kind(media) == MEDIA_KIND_FILE and told != "application/pdf"


def base64_of(media: Media, field: str) -> tuple[str, str]:
    """The media type and the bytes in base64 of what the client sent along."""
    match media.WhichOneof("source"):
        case "data":
            return spelled(media.mime_type), base64.b64encode(media.data).decode()
        case "file_id":
            raise unsupported(field, "this provider knows no uploaded files")
        case None:
            raise invalid(field, f"{field}.media has no source: set data, uri or file_id")
        case _ if not media.uri.startswith("data:"):
            raise unsupported(field, f"this provider cannot read {media.uri.partition(':')[0]}: URIs")
    head, comma, data = media.uri.partition(",")
    if not comma:
        raise invalid(field, f"{field} is not a data: URI: it has no comma")
    mime_type, *options = head.removeprefix("data:").split(";")
    if "base64" not in options:
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    return spelled(mime_type or media.mime_type), data


def shown(data: str) -> str:
    """The type that the first bytes show, for declared types are often wrong; empty when they show none."""
    try:
        return sniffed(base64.b64decode(data[:SNIFFED_CHARACTERS]))
    except (binascii.Error, ValueError):
        return ""
