"""Pictures that models draw, which OpenRouter writes into the field images of a message or delta; LiteLLM does the same.

Source: https://openrouter.ai/docs/features/multimodal/image-generation.
"""

from collections.abc import Iterator

from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE, Media, Part
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.json import Json, object_at, objects_at, text_of, unknown_fields
from gateway_dialects.kit.media import data_uri, media_kind
from gateway_dialects.openai.words import details_of, set_details

FIELD = "images"


def is_drawn(part: Part) -> bool:
    """Whether an assistant's part is a picture that goes there."""
    return part.HasField("media") and media_kind(part.media) == MEDIA_KIND_IMAGE


def takes_back(part: Part, endpoint: Endpoint) -> bool:
    """See Dialect.takes_back."""
    return endpoint.quirks.drawn_images and is_drawn(part) and part.media.WhichOneof("source") != "file_id"


def pictures_in(message: Json) -> Iterator[Part]:
    """Of a message or delta; what is no picture is left."""
    for item in objects_at(message, FIELD):
        if uri := text_of(object_at(item, "image_url").get("url")):
            part = Part(media=Media(kind=MEDIA_KIND_IMAGE, uri=uri))
            if uri.startswith("data:"):
                part.media.mime_type = uri[5:200].partition(",")[0].partition(";")[0]
            set_details(part, unknown_fields(item, {"type", "image_url"}))
            yield part


def picture_item(part: Part) -> Json:
    return {"type": "image_url", "image_url": {"url": data_uri(part.media)}, **details_of(part)}
