"""What each family of models takes, judged by name: Anthropic's API has no list that tells it.

Sources: https://platform.claude.com/docs (models overview, extended and adaptive thinking, effort, structured outputs,
migration guides) and recorded exchanges: error_400 (efforts of 4.6), thinking (adaptive on 4.6), json_schema (4.5),
stream_server_tool (Sonnet 5 thinks unasked).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from enum import Enum, auto

NEW_NAME = re.compile(r"claude-[a-z]+-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
"""claude-opus-4-6, claude-sonnet-4-20250514 (4.0), us.anthropic.claude-sonnet-5."""
OLD_NAME = re.compile(r"claude-(\d)(?:[-.](\d))?-[a-z]+")
"""claude-3-7-sonnet-latest, claude-3-opus-20240229."""


class Thinking(Enum):
    """How a model is told to think."""

    NONE = auto()
    BUDGET = auto()
    """thinking {type: enabled, budget_tokens}."""
    EITHER = auto()
    """A budget, or thinking {type: adaptive} with output_config.effort."""
    ADAPTIVE = auto()
    """Only adaptive; a budget is refused, and so are temperature, top_p and top_k. The text of thoughts is omitted unless
    display asks for it."""


@dataclass(frozen=True, slots=True)
class Family:
    """What the models of one generation take."""

    most_output: int
    """The most output tokens that the model produces."""
    default_output: int
    """max_tokens where the client gives none: room for a long answer, and small beside the context window, since older
    models refuse a request whose input and max_tokens do not fit together."""
    thinking: Thinking
    efforts: tuple[str, ...] = ()
    """The words that output_config.effort takes."""
    native_schema: bool = False
    """Whether output_config.format and strict tools are there."""
    one_sampling: bool = False
    """Whether temperature and top_p exclude each other."""


UNKNOWN = Family(8192, 8192, Thinking.BUDGET)
"""A model that is not Anthropic's, at a vendor that speaks this dialect."""
NEWEST = Family(128_000, 32_000, Thinking.ADAPTIVE, ("low", "medium", "high", "xhigh", "max"), True, True)
FAMILIES: tuple[tuple[tuple[int, int], Family], ...] = (
    ((4, 7), NEWEST),
    ((4, 6), Family(64_000, 32_000, Thinking.EITHER, ("low", "medium", "high", "max"), True, True)),
    ((4, 5), Family(64_000, 32_000, Thinking.BUDGET, (), True, True)),
    ((4, 1), Family(32_000, 32_000, Thinking.BUDGET, (), False, True)),
    ((4, 0), Family(32_000, 32_000, Thinking.BUDGET)),
    ((3, 7), Family(64_000, 32_000, Thinking.BUDGET)),
    ((3, 5), Family(8192, 8192, Thinking.NONE)),
    ((0, 0), Family(4096, 4096, Thinking.NONE)),
)
"""From which version on, newest first."""


@functools.lru_cache(maxsize=1024)
def family_of(model: str) -> Family:
    """A Claude of an unknown generation is taken for one of the newest."""
    version = version_of(model)
    if version is None:
        return NEWEST if "claude" in model else UNKNOWN
    return next(family for since, family in FAMILIES if version >= since)


def version_of(model: str) -> tuple[int, int] | None:
    found = NEW_NAME.search(model) or OLD_NAME.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else None
