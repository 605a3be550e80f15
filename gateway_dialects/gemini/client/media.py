"""Pictures, sounds, films and documents as Gemini takes them: bytes in the request, or a URI that Google can read.

Source: https://ai.google.dev/gemini-api/docs/file-input-methods.
"""

from __future__ import annotations

import base64
import mimetypes
from urllib.parse import unquote_to_bytes, urlsplit

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO, Media
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.gemini.client.families import Family, family_of
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.json import Json

DEFAULT_TYPES = {MEDIA_KIND_IMAGE: "image/jpeg", MEDIA_KIND_AUDIO: "audio/mp3", MEDIA_KIND_VIDEO: "video/mp4"}
DOCUMENT = "application/pdf"
NORMALISED = {"image/jpg": "image/jpeg", "audio/x-wav": "audio/wav", "audio/wave": "audio/wav"}
UPLOADED = "https://generativelanguage.googleapis.com/"
VIDEO_HOSTS = ("www.youtube.com", "youtube.com", "youtu.be", "m.youtube.com")
RESOLUTIONS = {
    "low": "MEDIA_RESOLUTION_LOW",
    "medium": "MEDIA_RESOLUTION_MEDIUM",
    "high": "MEDIA_RESOLUTION_HIGH",
}


def encode_media(media: Media, field: str, url: str, family: Family, warnings: list[Warning]) -> Json:
    """inlineData or fileData. url: the endpoint's, to which the ids of uploaded files belong."""
    encoded = encode_source(media, field, url)
    if media.detail in RESOLUTIONS and family.resolution_of_parts:
        encoded["mediaResolution"] = {"level": RESOLUTIONS[media.detail]}
    elif media.detail not in ("", "auto"):
        warnings.append(Warning(field=f"{field}.media.detail", message="this model takes no detail; it was left out"))
    return encoded


def encode_source(media: Media, field: str, url: str) -> Json:
    match media.WhichOneof("source"):
        case "data":
            return inline(media.mime_type or default_type(media), base64.b64encode(media.data).decode())
        case "uri" if media.uri.startswith("data:"):
            return encode_data_uri(media, field)
        case "uri":
            return encode_uri(media, url)
        case "file_id":
            # Google's Files API knows a file as files/ID, and by the URI that ends so.
            return {"fileData": with_type(media.mime_type, f"{url}/{media.file_id}")}
        case _:
            raise invalid(field, f"{field}.media has no source: set data, uri or file_id")


def inline(mime_type: str, data: str) -> Json:
    return {"inlineData": {"mimeType": NORMALISED.get(mime_type, mime_type), "data": data}}


def encode_data_uri(media: Media, field: str) -> Json:
    """RFC 2397. Base64 is passed on as it is: the provider checks it."""
    head, comma, data = media.uri.partition(",")
    if not comma:
        raise invalid(field, f"{field}: the data: URI has no comma")
    mime_type, *parameters = head.removeprefix("data:").split(";")
    if "base64" not in parameters:
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    return inline(media.mime_type or mime_type or default_type(media), data)


def encode_uri(media: Media, url: str) -> Json:
    """Google knows the type of a file that was uploaded to it, and of its own films."""
    parts = urlsplit(media.uri)
    if media.mime_type or parts.hostname in VIDEO_HOSTS or media.uri.startswith((f"{url}/", UPLOADED)):
        return {"fileData": with_type(media.mime_type, media.uri)}
    guessed = mimetypes.guess_type(parts.path)[0] or mimetypes.guess_type(media.filename)[0]
    return {"fileData": with_type(guessed or default_type(media), media.uri)}


def needs_bytes(media: Media, model: str, endpoint: Endpoint) -> bool:
    """See Dialect.needs_bytes. Google fetches https URLs whose type it is told; its own files and films it just reads."""
    if media.uri.startswith((f"{endpoint.url}/", UPLOADED)) or host_of(media.uri) in VIDEO_HOSTS:
        return False
    return not (media.mime_type and media.uri.startswith("https:") and family_of(model).reads_urls)


def host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def with_type(mime_type: str, uri: str) -> Json:
    return {"mimeType": NORMALISED.get(mime_type, mime_type), "fileUri": uri} if mime_type else {"fileUri": uri}


def default_type(media: Media) -> str:
    return DEFAULT_TYPES.get(media.kind, DOCUMENT)
