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


def document_text(media: Media, field: str) -> str | None:
    """The text of a document that is text and whose bytes are here, below its name, for APIs that take such documents as
    words only. None: it is something else. Raises GatewayError INVALID_REQUEST for bytes that are no text."""
    is_data = media.WhichOneof("source") == "data"
    if media_kind(media) != MEDIA_KIND_FILE or not (is_data or media.uri.startswith("data:")):
        return None
    declared, data = (media.mime_type, "") if is_data else read_data_uri(media.uri, field)
    if not is_text(media.mime_type or declared):
        return None
    text = text_of_bytes(media.data if is_data else bytes_of(data, field), field)
    return f"{media.filename}:\n{text}" if media.filename else text


def document_name(media: Media, uri: str) -> str:
    """The name of a document that is sent as a data: URI: the client's, or one with the suffix of its type, since some APIs
    refuse bytes without a name."""
    if media.filename:
        return media.filename
    subtype = uri[5:100].partition(",")[0].partition(";")[0].partition("/")[2]
    return "document" + (".txt" if subtype == "plain" else f".{subtype}" if subtype.isalnum() else "")


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
