"""Moves: what a demo model does, one after another, before it is written in any wire format; where they end, and those that
a request scripts."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway_core.providers.demo.script import Ending, Unreadable, spaced

MAX_PAUSE_MS = 3_600_000
WORD = re.compile(r"\s*\S+(?:\s+\Z)?|\s+\Z")


@dataclass(frozen=True, slots=True)
class Say:
    """A piece of the answer's text: one word, which counts as one token."""

    text: str


@dataclass(frozen=True, slots=True)
class Think:
    """A piece of reasoning: one word."""

    text: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """A piece of a refusal: one word."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool is called."""

    name: str
    arguments: str
    """JSON, or the input of a custom tool."""
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class Fail:
    """The provider reports an error: an HTTP status as long as nothing was produced, else in-band."""

    status: int
    message: str
    kind: str | None = None
    code: str | None = None
    param: str | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class End:
    """The answer ends here and now. A string is a finish reason; None a clean end of the body that names no reason."""

    how: str | Ending | None


Move = Say | Think | Refuse | Call | Wait | Fail | End


def words(text: str) -> list[str]:
    """The text in pieces of one word with the space before it; joined, they are the text."""
    return WORD.findall(text)


def say(text: str) -> Iterator[Move]:
    return map(Say, words(text))


def think(text: str) -> Iterator[Move]:
    return map(Think, words(text))


def refuse(text: str) -> Iterator[Move]:
    return map(Refuse, words(text))


def bounded(moves: Iterable[Move], stop: Sequence[str], max_tokens: int | None) -> list[Move]:
    """The moves up to the end, wherever that is. A tool call is never cut in two."""
    return within(before_stop(list(moves), stop), max_tokens)


def before_stop(moves: list[Move], stop: Sequence[str]) -> list[Move]:
    """All before the first stop text, which is not said."""
    text = "".join(move.text for move in moves if isinstance(move, Say))
    places = [place for word in stop if word and (place := text.find(word)) >= 0]
    if not places:
        return moves
    kept: list[Move] = []
    left = min(places)
    for move in moves:
        if isinstance(move, Say):
            if len(move.text) > left:
                return [*kept, *([Say(move.text[:left])] if left else []), End("stop")]
            left -= len(move.text)
        kept.append(move)
    return kept


def within(moves: list[Move], max_tokens: int | None) -> list[Move]:
    kept: list[Move] = []
    spent = 0
    for move in moves:
        if isinstance(move, (Say, Think, Refuse)):
            if spent == max_tokens:
                return [*kept, End("length")]
            spent += 1
        kept.append(move)
        if isinstance(move, End):
            break
    return kept


def tokens(moves: Iterable[Move]) -> tuple[int, int]:
    """(all tokens of the answer, those of them that were reasoning)."""
    said = thought = 0
    for move in moves:
        match move:
            case Say() | Refuse():
                said += 1
            case Think():
                thought += 1
            case Call():
                said += 1 + len(words(move.arguments))
    return said + thought, thought


def scripted_moves(text: str) -> list[Move]:
    """Raises Unreadable for what is not a list of known steps."""
    try:
        steps = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        steps = None
    if not isinstance(steps, list):
        raise Unreadable('the model script wants a JSON list of steps as the last user text: [{"text": "hello"}]')
    return [move for index, step in enumerate(steps) for move in moves_of(step, index)]


def moves_of(step: Any, index: int) -> Iterator[Move]:
    match step:
        case {"text": str(text)}:
            yield from say(text)
        case {"reasoning": str(text)}:
            yield from think(text)
        case {"refusal": str(text)}:
            yield from refuse(text)
        case {"pause_ms": int() | float() as pause} if 0 <= pause <= MAX_PAUSE_MS:
            yield Wait(pause / 1000)
        case {"tool_call": {"name": str(name), **call}}:
            arguments = call.get("arguments", {})
            yield Call(name, arguments if isinstance(arguments, str) else spaced(arguments))
        case {"error": {**error}}:
            yield failure_of(error, index)
        case {"cut": True}:
            yield End(Ending.CUT)
        case {"stall": True}:
            yield End(Ending.STALL)
        case {"eof": True}:
            yield End(None)
        case {"finish": str(reason)}:
            yield End(reason)
        case _:
            raise Unreadable(f"step {index} of the script is not known; docs/demo.md lists all steps")


def failure_of(error: Mapping[Any, Any], index: int) -> Fail:
    match error.get("status", 500), error.get("retry_after_s"):
        case int(status), (int() | float() | None) as retry_after_s if 400 <= status < 600:
            message = str(error.get("message", f"The demo fails with status {status}, as asked."))
            given = {name: str(error[name]) for name in ("type", "code", "param") if name in error}
            kind, code, param = given.get("type"), given.get("code"), given.get("param")
            return Fail(status, message, kind, code, param, retry_after_s)
        case _:
            raise Unreadable(f"step {index} of the script: status is from 400 to 599, retry_after_s a number")
