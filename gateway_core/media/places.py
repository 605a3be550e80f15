"""Where in a request there is media, and whether it is a picture."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dragoman.reasons import GatewayError, invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO, Media, Part

PICTURES = frozenset({MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO})
PICTURE_TYPES = ("image/", "video/")
SHOWS_PICTURE = re.compile(
    r'"type"\s*:\s*"(?:image|image_url|input_image|computer_screenshot|image_generation_call|video|video_url)"'
    r'|"(?:mimeType|mime_type|media_type)"\s*:\s*"(?:image|video)/|"data:(?:image|video)/'
).search
"""A picture in the JSON of content that only one dialect understands."""
_is_data_uri = re.compile("data:", re.IGNORECASE).match


@dataclass(frozen=True, slots=True)
class Place:
    """A media part."""

    field: str
    """messages[0].parts[1], for messages to whoever wrote it."""
    media: Media
    """The request's own, not a copy."""


def media_of(request: ChatRequest) -> tuple[Place, ...]:
    """In their order, those in tools' results too."""
    return tuple(Place(field, part.media) for field, part in parts_of(request) if part.WhichOneof("kind") == "media")


def parts_of(request: ChatRequest) -> Iterator[tuple[str, Part]]:
    """(field, part), those in tools' results in place of these."""
    for index, message in enumerate(request.messages):
        yield from _within(message.parts, f"messages[{index}].parts")


def _within(parts: Iterable[Part], field: str) -> Iterator[tuple[str, Part]]:
    for index, part in enumerate(parts):
        if part.WhichOneof("kind") == "tool_result":
            yield from _within(part.tool_result.parts, f"{field}[{index}].tool_result.parts")
        else:
            yield f"{field}[{index}]", part


def check_vision(places: Iterable[Place]) -> None:
    """Raises GatewayError INVALID_REQUEST for the first picture, moving ones included, whatever kind it is sent as."""
    for place in places:
        if is_picture(place.media):
            raise disabled(place.field)


def check_opaque(request: ChatRequest) -> None:
    """The same for content that is carried as it is."""
    for field, part in parts_of(request):
        if part.HasField("opaque") and SHOWS_PICTURE(part.opaque.json):
            raise disabled(field)


def disabled(field: str) -> GatewayError:
    message = f"{field} holds an image, and this gateway takes none: its operator has set ENABLE_VISION=false"
    return invalid(field, message)


def is_picture(media: Media) -> bool:
    if media.kind in PICTURES or media.mime_type.lower().startswith(PICTURE_TYPES):
        return True
    uri = media.uri[:64]
    return is_data_uri(uri) and uri[len("data:") :].lower().startswith(PICTURE_TYPES)


def is_data_uri(uri: str) -> bool:
    return _is_data_uri(uri) is not None
