"""What blocks that only Cohere understands say to others. Source: https://docs.cohere.com/reference/chat (documents)."""

from collections.abc import Sequence

from dragoman.v1.content_pb2 import Part
from gateway_dialects.kit.json import object_at, text_of
from gateway_dialects.kit.readings import opaque_object, plain_reading, spoken


def for_others(part: Part) -> Sequence[Part] | None:
    """See ForOthers. A document is an object of texts."""
    if not part.HasField("opaque"):
        return [part]
    document = object_at(opaque_object(part), "document")
    fields = object_at(document, "data") or document
    lines = [f"{name}: {text}" for name, value in fields.items() if (text := text_of(value))]
    return spoken("\n".join(lines)) if lines else plain_reading(part)
