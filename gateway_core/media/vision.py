"""Pictures, where the operator does not want any."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dragoman.reasons import GatewayError, invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO, Media
from gateway_core.media.data_uri import is_data_uri
from gateway_core.media.places import Place, parts_of

PICTURES = frozenset({MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO})
PICTURE_TYPES = ("image/", "video/")


SHOWS_PICTURE = re.compile(
    r'"type"\s*:\s*"(?:image|image_url|input_image|computer_screenshot|image_generation_call|video|video_url)"'
    r'|"(?:mimeType|mime_type|media_type)"\s*:\s*"(?:image|video)/|"data:(?:image|video)/'
).search
"""How pictures stand in the JSON of content that only one dialect understands."""


def check_vision(places: Iterable[Place]) -> None:
    """Raises GatewayError INVALID_REQUEST for the first picture, moving ones included, whatever kind it is sent as."""
    for place in places:
        if is_picture(place.media):
            raise unwanted(place.field)


def check_opaque(request: ChatRequest) -> None:
    """The same for content that is carried as it is."""
    for field, part in parts_of(request):
        if part.HasField("opaque") and SHOWS_PICTURE(part.opaque.json):
            raise unwanted(field)


def unwanted(field: str) -> GatewayError:
    message = f"{field} holds an image, and this gateway takes none: its operator has set ENABLE_VISION=false"
    return invalid(field, message)


def is_picture(media: Media) -> bool:
    if media.kind in PICTURES or media.mime_type.lower().startswith(PICTURE_TYPES):
        return True
    uri = media.uri[:64]
    return is_data_uri(uri) and uri[len("data:") :].lower().startswith(PICTURE_TYPES)
