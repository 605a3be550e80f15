"""What items and pieces of content that only the Responses API understands say to others."""

from collections.abc import Sequence

from dragoman.v1.content_pb2 import Part
from gateway_dialects.kit.json import text_of
from gateway_dialects.kit.readings import opaque_object, plain_reading

REFERENCE = "item_reference"
"""An item that the provider stores: without it the conversation is another one."""


def for_others(part: Part) -> Sequence[Part] | None:
    """See ForOthers."""
    if part.HasField("opaque") and text_of(opaque_object(part).get("type")) in ("", REFERENCE):
        return None
    return plain_reading(part)
