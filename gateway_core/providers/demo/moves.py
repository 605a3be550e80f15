"""What the demo's model does, one thing after another, before it is written in any wire format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway_core.providers.demo.script import Ending

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
