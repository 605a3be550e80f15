"""Reasoning efforts and budgets of thinking tokens, each by the other where only that is known."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

BUDGETS: Mapping[str, int] = MappingProxyType(
    {"minimal": 1024, "low": 1024, "medium": 4096, "high": 16_384, "xhigh": 32_000, "max": 32_000}
)
"""Thinking tokens for an effort. The same whatever max_tokens is: another budget would miss the prompt cache."""
BOUNDS = ((2000, "low"), (8000, "medium"), (24_000, "high"))
"""The effort of a budget below so many tokens."""


def effort_for(budget: int, most: str = "xhigh", known: Sequence[str] = ()) -> str:
    """The effort of a budget of thinking tokens. most: the effort of budgets above all bounds. known: the efforts that the
    model takes, from the least, of which it is the least that is at least so much. Empty: all."""
    effort = next((effort for bound, effort in BOUNDS if budget < bound), most)
    if not known or effort in known:
        return effort
    scale = [*BUDGETS]
    enough = (word for word in known if word in BUDGETS and scale.index(word) >= scale.index(effort))
    return next(enough, known[-1])
