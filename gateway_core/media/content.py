"""Content of media: data: URIs (RFC 2397) as clients write them, and the types that bytes have."""

import binascii
from dataclasses import dataclass
from urllib.parse import unquote, unquote_to_bytes

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO, Media, MediaKind
from gateway_core.media.places import Place, is_data_uri
from gateway_dialects.kit.sniff import HEAD_BYTES, PDF_MARK, agree, framed, sniffed, spelled

KINDS = {
    MEDIA_KIND_IMAGE: ("an image", frozenset({"image"})),
    MEDIA_KIND_AUDIO: ("sound", frozenset({"audio", "video"})),
    MEDIA_KIND_VIDEO: ("a video", frozenset({"video", "audio"})),
}
"""What each kind is called, and the main types its bytes may show: the containers of sound and video are the same ones."""
SOUNDING = frozenset({MEDIA_KIND_AUDIO, MEDIA_KIND_VIDEO})
ANYTHING: frozenset[str] = frozenset()
SVG = "image/svg+xml"
PDF = "application/pdf"
MAX_HEAD_LENGTH = 1024
"""Of a data: URI, up to its comma."""


@dataclass(frozen=True, slots=True)
class DataUri:
    """What a data: URI holds."""

    mime_type: str
    """As declared, with its parameters. Empty when nothing is."""
    data: bytes
    clean: bool
    """Whether it is written as everyone reads it: providers take a URI with white space or escapes in its base64 for
    broken."""


class MalformedDataUri(Exception):
    """Why it cannot be read, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes, and the type they have."""

    data: bytes
    mime_type: str


def correction_of(place: Place) -> Content | None:
    """The content with its right type. None: it is right already, or not in the request. Raises GatewayError INVALID_REQUEST
    for content that cannot be read or is of another kind than declared."""
    media = place.media
    match media.WhichOneof("source"):
        case "data":
            return corrected_bytes(media, place.field)
        case "uri" if is_data_uri(media.uri[:5]):
            return corrected_uri(media, place.field)
        case _:
            return None


def corrected_bytes(media: Media, field: str) -> Content | None:
    data = media.data
    mime_type = settled_type(media.kind, spelled(media.mime_type), data, field)
    return None if mime_type in ("", bare(media.mime_type)) else Content(data, mime_type)


def corrected_uri(media: Media, field: str) -> Content | None:
    try:
        uri = parse_data_uri(media.uri)
    except MalformedDataUri as error:
        raise invalid(field, f"{field} {error}") from None
    mime_type = settled_type(media.kind, spelled(media.mime_type) or spelled(uri.mime_type), uri.data, field)
    # Some dialects read the type that the URI declares, others the one beside it.
    declared = {bare(uri.mime_type), bare(media.mime_type) or bare(uri.mime_type)}
    if uri.clean and declared <= {mime_type or bare(uri.mime_type)}:
        return None
    return Content(uri.data, mime_type or bare(uri.mime_type))


def settled_type(kind: MediaKind.ValueType, declared: str, data: bytes, field: str) -> str:
    """The type of the bytes: what they show, or else what was declared (spelled). Raises GatewayError INVALID_REQUEST for
    bytes that are not of their kind."""
    if not data:
        raise invalid(field, f"{field} is empty: it has no bytes")
    found = sniffed(data[:HEAD_BYTES])
    if not found and (kind in SOUNDING or declared.startswith("audio/")):
        found = framed(data)
    check_kind(kind, declared, found, data, field)
    if not found or (declared and agree(declared, found)):
        return declared
    return fitting(kind, found)


def check_kind(kind: MediaKind.ValueType, declared: str, found: str, data: bytes, field: str) -> None:
    """A file may be anything; a picture, a sound or a film is one."""
    if found:
        name, main_types = KINDS.get(kind, ("", ANYTHING))
        if main_types and found.partition("/")[0] not in main_types:
            raise invalid(field, f"{field} should be {name}, but its bytes are {found}")
    elif kind == MEDIA_KIND_IMAGE or declared.startswith("image/"):
        if declared != SVG or data.lstrip()[:1] != b"<":
            raise invalid(field, f"{field} should be an image, but its bytes are no type of image")
    elif declared == PDF and PDF_MARK not in data[:HEAD_BYTES]:
        raise invalid(field, f"{field} should be a PDF, but its bytes are not one")


def fitting(kind: MediaKind.ValueType, found: str) -> str:
    """What a container is called that holds sound alone, or pictures too."""
    main_type, _, subtype = found.partition("/")
    if kind == MEDIA_KIND_AUDIO and main_type == "video" and subtype in ("mp4", "webm"):
        return f"audio/{subtype}"
    if kind == MEDIA_KIND_VIDEO and main_type == "audio" and subtype in ("mp4", "ogg"):
        return f"video/{subtype}"
    return found


def bare(mime_type: str) -> str:
    """Without parameters, else as it is spelled."""
    return mime_type.partition(";")[0]


def parse_data_uri(uri: str) -> DataUri:
    """uri: one that is_data_uri. Raises MalformedDataUri."""
    comma = uri.find(",", 0, MAX_HEAD_LENGTH)
    if comma < 0:
        raise MalformedDataUri("is not a data: URI: it has no comma")
    head = uri[len("data:") : comma]
    mime_type, _, last = head.rpartition(";")
    if last.strip().lower() != "base64":
        return DataUri(head, unquote_to_bytes(uri[comma + 1 :]), uri.startswith("data:"))
    payload = uri[comma + 1 :]
    data = decode_base64(payload)
    if data is not None:
        return DataUri(mime_type, data, uri.startswith("data:") and last == "base64")
    data = decode_base64("".join(unquote(payload).split()))
    if data is None:
        raise MalformedDataUri("does not hold valid base64")
    return DataUri(mime_type, data, False)


def decode_base64(base64: str) -> bytes | None:
    # Even a strict decoder takes padding that is not needed.
    if len(base64) % 4 or base64.endswith("==="):
        return None
    try:
        return binascii.a2b_base64(base64, strict_mode=True)
    except ValueError:
        return None
