"""Attachments: what they are, and their bytes in base64."""

import base64
from urllib.parse import unquote_to_bytes

from dragoman.reasons import GatewayError, invalid
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, MEDIA_KIND_FILE, MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO, Media, MediaKind
from gateway_dialects.kit.sniff import sniffed, spelled

KINDS = {"image": MEDIA_KIND_IMAGE, "audio": MEDIA_KIND_AUDIO, "video": MEDIA_KIND_VIDEO}
"""By the main type of the media type; any other is a file."""
TEXT_TYPES = frozenset({"application/json", "application/xml", "application/yaml", "application/x-yaml"})
"""Documents that are text although their type does not begin with text/."""
SNIFFED_CHARACTERS = 24


def kind_of(mime_type: str) -> MediaKind.ValueType:
    return KINDS.get(mime_type.partition("/")[0], MEDIA_KIND_FILE)


def media_kind(media: Media) -> MediaKind.ValueType:
    """The kind as given, or by the media type; a picture sent as a file is a picture."""
    kind = kind_of(media.mime_type)
    if kind == MEDIA_KIND_IMAGE and media.kind == MEDIA_KIND_FILE:
        return kind
    return media.kind or kind


def is_text(mime_type: str) -> bool:
    return mime_type.startswith("text/") or mime_type.partition(";")[0] in TEXT_TYPES


def is_web_address(media: Media) -> bool:
    return media.WhichOneof("source") == "uri" and media.uri.startswith(("https:", "http:"))


def no_source(field: str) -> GatewayError:
    return invalid(field, f"{field}.media has no source: set data, uri or file_id")


def base64_of(media: Media) -> str:
    """The bytes of media that an answer holds: as data or as a data: URI."""
    return media.uri.partition(",")[2] if media.uri else base64.b64encode(media.data).decode()


def data_uri(media: Media) -> str:
    """The URI; bytes as a data: URI."""
    return media.uri or f"data:{media.mime_type};base64,{base64.b64encode(media.data).decode()}"


def read_data_uri(uri: str, field: str) -> tuple[str, str]:
    """The media type, which may be empty, and the bytes in base64 (RFC 2397). Raises GatewayError INVALID_REQUEST."""
    head, comma, data = uri.partition(",")
    if not comma:
        raise invalid(field, f"{field} is not a data: URI: it has no comma")
    mime_type, *options = head.removeprefix("data:").split(";")
    return mime_type, data if "base64" in options else base64.b64encode(unquote_to_bytes(data)).decode()


def typed_bytes(media: Media, field: str) -> tuple[str, str]:
    """The media type as registries spell it, and the bytes in base64, of data or a data: URI. The type is what the first
    bytes show, for declared types are often wrong. Raises GatewayError INVALID_REQUEST for what is no base64."""
    if media.WhichOneof("source") == "data":
        declared, data = "", base64.b64encode(media.data).decode()
    else:
        declared, data = read_data_uri(media.uri, field)
    return sniffed(bytes_of(data[:SNIFFED_CHARACTERS], field)) or spelled(media.mime_type or declared), data


def bytes_of(data: str, field: str) -> bytes:
    """Raises GatewayError INVALID_REQUEST for what is no base64."""
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:  # binascii.Error is one.
        raise invalid(field, f"{field} does not hold valid base64") from None


def text_of_bytes(octets: bytes, field: str) -> str:
    """Raises GatewayError INVALID_REQUEST for what is no UTF-8."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise invalid(field, f"{field} is not UTF-8 text") from None
