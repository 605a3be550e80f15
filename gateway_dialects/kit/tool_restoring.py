"""Calls in an answer as the client knows its tools: their names, their groups, and the input of free-form ones.

That is the string in {"input": "..."}, and is read while it arrives. A whole call is read by the same reader, so that both
give the same. What a model writes instead is taken as it is meant: another object with one string, a bare string, or no
JSON at all.
"""

import re
from collections.abc import Iterable

from dragoman.v1.content_pb2 import Part, ToolCall
from dragoman.v1.stream_pb2 import PartDelta, StreamEvent, StreamResponse
from gateway_dialects.kit.json import UNREADABLE, decode_json
from gateway_dialects.kit.tool_forms import INPUT_FIELD, Original, Originals
from gateway_dialects.kit.tool_names import Renaming

Place = tuple[int, int]
"""Of a part: its candidate and its index."""
HEAD = re.compile(rf'\s*\{{\s*"{INPUT_FIELD}"\s*:\s*"')
PIECE = re.compile(r'([^"\\]+)|\\u([0-9a-fA-F]{4})|\\([^u])|(")', re.DOTALL)
LOW_HALF = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
LONGEST_ESCAPE = 6
LOST = "\ufffd"


def at_target(originals: Originals, renaming: Renaming) -> Originals:
    """By the names that the target has at last. renaming: what became of the names of the originals, and of others."""
    found = {renaming.get(name, name): original for name, original in originals.items()}
    found.update((new, Original("", name)) for name, new in renaming.items() if name not in originals)
    return found


class Restored:
    """Restores the calls of one answer. originals: by the target's names."""

    def __init__(self, originals: Originals) -> None:
        self._originals = originals
        self._inputs: dict[Place, InputReader] = {}
        """Of the custom calls that are not finished."""

    def parts(self, parts: Iterable[Part]) -> None:
        """Of a whole answer."""
        for part in parts:
            if part.HasField("tool_call") and self._call(part.tool_call):
                part.tool_call.input = whole_input(part.tool_call.arguments_json)
                part.tool_call.ClearField("arguments_json")

    def batch(self, batch: StreamResponse, begin: int = 0) -> None:
        """Of a stream. begin: the first event that is new. A call is named where it starts."""
        events: list[StreamEvent] = []
        more = False
        for event in batch.events[begin:]:
            late = list(self._before(event))
            more = more or bool(late)
            events += [*late, event]
        if more:
            del batch.events[begin:]
            batch.events.extend(events)

    def _before(self, event: StreamEvent) -> Iterable[StreamEvent]:
        """Restores an event. What is still to be said before it."""
        match event.WhichOneof("event"):
            case "part_started":
                started = event.part_started
                if started.part.HasField("tool_call"):
                    self._start((started.candidate_index, started.part_index), started.part.tool_call)
            case "part_delta":
                delta = event.part_delta
                reader = self._inputs.get((delta.candidate_index, delta.part_index))
                if reader is not None and delta.WhichOneof("delta") == "arguments_json":
                    delta.input = reader.feed(delta.arguments_json)
            case "part_finished":
                ended = event.part_finished
                yield from self._finish((ended.candidate_index, ended.part_index))
            case "finished":
                for place in list(self._inputs):
                    yield from self._finish(place)
            case _:
                pass

    def _start(self, place: Place, call: ToolCall) -> None:
        if self._call(call):
            reader = self._inputs[place] = InputReader()
            call.input = reader.feed(call.arguments_json)
            call.ClearField("arguments_json")

    def _finish(self, place: Place) -> Iterable[StreamEvent]:
        reader = self._inputs.pop(place, None)
        if reader is not None and (text := reader.finish()):
            yield StreamEvent(part_delta=PartDelta(candidate_index=place[0], part_index=place[1], input=text))

    def _call(self, call: ToolCall) -> bool:
        """Whether it calls a custom tool, and its input is to be read from its arguments."""
        original = self._originals.get(call.name)
        if original is None:
            return False
        call.name, call.namespace = original.name, original.namespace
        return original.custom and not call.HasField("input")


class InputReader:
    """Reads one call's arguments in pieces of any size."""

    def __init__(self) -> None:
        self._rest = ""
        """What is not decided yet: everything before the string begins, then the half of an escape."""
        self._inside = False
        self._ended = False

    def feed(self, text: str) -> str:
        """What of the input these characters add."""
        if self._ended:
            return ""
        self._rest += text
        if not self._inside:
            head = HEAD.match(self._rest)
            if head is None:
                return ""
            self._inside, self._rest = True, self._rest[head.end() :]
        return self._take()

    def finish(self) -> str:
        """What is left at the end of the call."""
        rest, self._rest = self._rest, ""
        return "" if self._inside else meant(rest)

    def _take(self) -> str:
        """The decoded string, as far as it is there."""
        found: list[str] = []
        place, text = 0, self._rest
        while piece := PIECE.match(text, place):
            plain, code, escaped, quote = piece.groups()
            if quote:
                self._ended, self._rest = True, ""
                return "".join(found)
            end = piece.end()
            if code is not None:
                letter, end = unicode_escape(text, code, end)
                if not letter:
                    break
                found.append(letter)
            else:
                found.append(plain or ESCAPES.get(escaped, escaped))
            place = end
        self._rest = text[place:]
        if len(self._rest) >= 2 * LONGEST_ESCAPE:
            # No escape is so long: it is none.
            found.append(self._rest[:2])
            self._rest = self._rest[2:]
            return "".join(found) + self._take()
        return "".join(found)


def unicode_escape(text: str, code: str, end: int) -> tuple[str, int]:
    r"""The character of a \uXXXX that ends there, with the second half of a pair behind it, and where that ends. Empty: the
    half may still come."""
    number = int(code, 16)
    if 0xDC00 <= number < 0xE000:
        return LOST, end
    if not 0xD800 <= number < 0xDC00:
        return chr(number), end
    following = text[end : end + LONGEST_ESCAPE]
    if low := LOW_HALF.match(following):
        return chr(0x10000 + ((number - 0xD800) << 10) + int(low[1], 16) - 0xDC00), end + LONGEST_ESCAPE
    could_follow = len(following) < LONGEST_ESCAPE and "\\u".startswith(following[:2])
    return ("" if could_follow else LOST), end


def meant(text: str) -> str:
    """The input in arguments that do not begin as they should."""
    try:
        value = decode_json(text)
    except UNREADABLE:
        return text
    if isinstance(value, dict):
        texts = [item for item in value.values() if isinstance(item, str)]
        given = value.get(INPUT_FIELD, texts[0] if len(texts) == len(value) == 1 else None)
        return given if isinstance(given, str) else "" if not value else text
    return value if isinstance(value, str) else text


def whole_input(arguments_json: str) -> str:
    """The input of a whole call."""
    reader = InputReader()
    return reader.feed(arguments_json) + reader.finish()
