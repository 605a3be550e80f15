"""Pictures, where the operator does not want any."""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO, Media
from gateway_core.errors import invalid
from gateway_core.media.data_uri import is_data_uri
from gateway_core.media.places import Place

PICTURES = frozenset({MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO})
PICTURE_TYPES = ("image/", "video/")


def check_vision(places: Iterable[Place]) -> None:
    """Raises GatewayError INVALID_REQUEST for the first picture, moving ones included, whatever kind it is sent as."""
    for place in places:
        if is_picture(place.media):
            message = f"{place.field} holds an image, and this gateway takes none: its operator has set ENABLE_VISION=false"
            raise invalid(place.field, message)


def is_picture(media: Media) -> bool:
    if media.kind in PICTURES or media.mime_type.lower().startswith(PICTURE_TYPES):
        return True
    uri = media.uri[:64]
    return is_data_uri(uri) and uri[len("data:") :].lower().startswith(PICTURE_TYPES)
