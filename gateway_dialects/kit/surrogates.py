"""Halves of characters in JSON: lone UTF-16 surrogates, which JavaScript and some servers write where they cut a text in the
middle of an emoji. No UTF-8 has them, so strict decoders refuse the whole text.

A half that has its other half in a later event of a stream is joined with it; any other becomes U+FFFD, the replacement
character (https://www.unicode.org/faq/utf_bom.html#utf8-5). None of this runs for JSON that a strict decoder reads.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

Json = dict[str, Any]
Place = tuple[object, ...]

ESCAPES = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|\\.",
    re.DOTALL,
)
INDEXES = ("index", "output_index", "content_index", "summary_index", "item_id")
"""Fields that tell which text of several an event continues."""
MOST_HELD = 8
"""Events that wait for the other half of a character."""


def repaired(body: bytes) -> bytes:
    """The JSON with U+FFFD in place of each lone half. What is not UTF-8 is returned as it is."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    return ESCAPES.sub(lambda found: "\\ufffd" if found["half"] else found[0], text).encode()


def whole(text: str) -> str:
    """The text with its halves joined, and U+FFFD in place of those that stand alone."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


decode_with_halves = json.JSONDecoder(parse_constant=refuse_constant).decode
"""Decodes JSON whose strings may hold halves. Raises ValueError, or RecursionError."""


class HalfJoiner:
    """Holds back the event that ends with the first half of a character until another event continues the same text."""

    def __init__(self) -> None:
        self._held: list[Json] = []

    def feed(self, message: Json) -> Iterator[Json]:
        """One event in; those out that need not wait any longer, in order."""
        self._held.append(message)
        return self._ready(len(self._held) > MOST_HELD)

    def finish(self) -> Iterator[Json]:
        """The events that are still held: nothing continues them."""
        return self._ready(True)

    def __bool__(self) -> bool:
        return bool(self._held)

    def _ready(self, forced: bool) -> Iterator[Json]:
        while self._held and (self._join_first() or forced):
            yield with_whole_texts(self._held.pop(0))

    def _join_first(self) -> bool:
        """Moves the half that the first event ends with to the text that continues it. False: that has not come yet."""
        first, *later = self._held
        for place, holder, name in list(texts_in(first, place_of(first))):
            half = holder[name][-1:]
            if not is_first_half(half):
                continue
            following = first_text_at(place, later)
            if following is None:
                return False
            next_holder, next_name = following
            if is_second_half(next_holder[next_name][0]):
                holder[name] = holder[name][:-1]
                next_holder[next_name] = half + next_holder[next_name]
        return True


def is_first_half(character: str) -> bool:
    return "\ud800" <= character <= "\udbff"


def is_second_half(character: str) -> bool:
    return "\udc00" <= character <= "\udfff"


def place_of(event: Json) -> Place:
    return tuple(event.get(name) for name in INDEXES)


def first_text_at(place: Place, events: Iterable[Json]) -> tuple[Any, Any] | None:
    """The object or list, and the key, that hold the next text of this place."""
    for event in events:
        for found, holder, name in texts_in(event, place_of(event)):
            if found == place:
                return holder, name
    return None


def texts_in(value: Any, place: Place) -> Iterator[tuple[Place, Any, Any]]:
    """The texts of an event that are not empty: the place of each in the answer, and what holds it by which key."""
    items: list[tuple[Any, Any]] = list(value.items() if isinstance(value, dict) else enumerate(value))
    for key, inner in items:
        if isinstance(inner, str) and inner:
            yield (*place, key), value, key
        elif isinstance(inner, (dict, list)):
            number = inner.get("index") if isinstance(value, list) and isinstance(inner, dict) else None
            yield from texts_in(inner, (*place, key if number is None else ("index", str(number))))


def with_whole_texts(value: Any) -> Any:
    """The JSON value without any half, in its keys neither."""
    match value:
        case str():
            return whole(value)
        case dict():
            return {whole(name): with_whole_texts(inner) for name, inner in value.items()}
        case list():
            return [with_whole_texts(inner) for inner in value]
        case _:
            return value
