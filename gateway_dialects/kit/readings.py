"""What content that only one dialect understands says to the models of any other.

A dialect's record has a ForOthers, since it alone knows its JSON; kit.foreign_content applies it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dragoman.v1.content_pb2 import Part
from gateway_dialects.kit.json import Json, list_at, object_of, text_of

ForOthers = Callable[[Part], Sequence[Part] | None]
"""(an opaque part of the dialect's, or media with its details) -> parts that any dialect can carry and that say the same;
empty: there is nothing that another model can read, and it may be left out; None: without it the question is another one,
so that dialects that cannot send it refuse. An opaque part's JSON is
an object."""
LEFT_OUT: Sequence[Part] = ()


def opaque_object(part: Part) -> Json:
    """The JSON of an opaque part. Raises GatewayError INVALID_REQUEST for anything but an object."""
    return object_of(part.opaque.json, "opaque.json")


def plain_reading(part: Part) -> Sequence[Part] | None:
    """The texts in an opaque part, wherever APIs put them; media stays as it is."""
    if not part.HasField("opaque"):
        return [part]
    return spoken("\n".join(texts_in(opaque_object(part))))


def spoken(text: str) -> Sequence[Part]:
    """A part of the text; none where it is blank."""
    return [Part(text=text)] if text.strip() else LEFT_OUT


def texts_in(block: Json) -> Iterator[str]:
    """The text of a block, or those of its content, which is a text or a list of blocks."""
    if text := text_of(block.get("text")):
        yield text
    yield from texts_of(block.get("content"))


def texts_of(content: Any) -> Iterator[str]:
    """The texts in what APIs call content: a text, a block, or a list of blocks."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        yield from texts_in(content)
    else:
        for block in content if isinstance(content, list) else ():
            if isinstance(block, dict):
                yield from texts_in(block)


def fenced(code: str, language: str = "") -> str:
    """Code as models write it in text."""
    return f"```{language}\n{code.rstrip()}\n```"


def names_in(blocks: Json, list_name: str, name: str) -> list[str]:
    """The texts of one field in a list of objects."""
    return [text_of(item.get(name)) for item in list_at(blocks, list_name) if isinstance(item, dict) and item.get(name)]
