"""Requests that are longer than a model's context: recognised in every vendor's words, and reported in each API's own.

Agents compact their conversation when they read the words of the API that they speak, so that the provider's own, of another
vendor, would end their session. Sources: recorded errors, https://platform.claude.com/docs/en/build-with-claude/context-windows,
and the servers' sources: vLLM, SGLang, llama.cpp, TGI, Ollama.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from dragoman.reasons import GatewayError, Reason

PHRASES = (
    *("maximum context length", "max context length", "context length exceeded", "exceeds the context length"),
    *("model's context length", "context window", "context limit", "context size", "maximum model length"),
    *("maximum prompt length", "prompt is too long", "prompt too long", "prompt exceeds max length", "input is too long"),
    *("too many tokens", "maximum number of tokens allowed", "exceeds the maximum number of tokens"),
    *("input token count", "prompt token count", "number of input tokens", "input tokens exceed", "`inputs` tokens"),
    *(
        "exceeded model token limit",
        "context overflows",
        "total length of all messages is too long",
        "reduce the length of the messages",
    ),
)
"""What an error about the context says, in lower case, whichever vendor's it is."""
REFUSED = frozenset({400, 413, 422})
"""The statuses that it comes with."""

NUMBER = r"(\d[\d,]{2,14})"
COMPARED = re.compile(rf"{NUMBER}(?: tokens?)? > {NUMBER}")
SUMMED = re.compile(rf"{NUMBER} \+ {NUMBER} > {NUMBER}")
MOST = re.compile(
    r"(?:maximum|max\b|limit|supports up to|<=|cannot exceed|less than|context (?:size|length|window))"
    rf"(?:(?! by )\D){{0,50}}?{NUMBER}"
    rf"|{NUMBER} maximum",
    re.IGNORECASE,
)
EXCESS = re.compile(rf"exceed(?:ed|s)?[^.]{{0,60}}? by {NUMBER}", re.IGNORECASE)


class Counts(NamedTuple):
    """Tokens of a request that was too long. 0: the provider does not say."""

    used: int = 0
    most: int = 0


class Words(NamedTuple):
    """How an API reports a request that is too long."""

    own: Sequence[str]
    """Pieces of the messages, in lower case, that its clients know: a message with one stays as it is."""
    counted: str
    """With {used} and {most}."""
    plain: str
    """With {message}, the provider's."""

    def message(self, failure: GatewayError) -> str:
        """The failure's message; in these words where it is of a request that is too long."""
        if failure.reason is not Reason.CONTEXT_LENGTH_EXCEEDED:
            return failure.message
        theirs = failure.metadata.get("upstream_message") or failure.message
        if any(piece in theirs.lower() for piece in self.own):
            return theirs
        counts = counts_in(theirs)
        if counts.used and counts.most:
            return self.counted.format(used=counts.used, most=counts.most)
        return self.plain.format(message=theirs)


def is_too_long(status: int, message: str) -> bool:
    """Whether a provider refuses a request for its length."""
    lowered = message.lower()
    return status in REFUSED and any(phrase in lowered for phrase in PHRASES)


def counts_in(message: str) -> Counts:
    """What an error about the context says of tokens. Of several numbers above the bound the largest is what was sent."""
    if found := SUMMED.search(message):
        used, more, most = (number(text) for text in found.groups())
        return Counts(used + more, most)
    if (found := COMPARED.search(message)) and number(found[1]) > number(found[2]):
        return Counts(number(found[1]), number(found[2]))
    found = MOST.search(message)
    most = number(found[1] or found[2]) if found else 0
    if excess := EXCESS.search(message):
        return Counts(most and most + number(excess[1]), most)
    numbers = [number(text) for text in re.findall(NUMBER, message)]
    return Counts(max((one for one in numbers if one > most), default=0) if most else 0, most)


def number(text: str) -> int:
    return int(text.replace(",", ""))
