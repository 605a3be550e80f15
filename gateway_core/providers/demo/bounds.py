"""Where an answer has to end: at a stop text, or when it has used up its tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway_core.providers.demo.moves import Call, End, Move, Refuse, Say, Think, words


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
