"""What each family of models takes, judged by name: a request must not wait for a list of models.

Sources: https://platform.claude.com/docs (models overview, thinking, effort, structured outputs, the migration guides of
each model) and recorded exchanges: error_400 (efforts of 4.6), thinking (adaptive on 4.6), json_schema (4.5),
stream_server_tool (Sonnet 5 thinks unasked).
"""

from __future__ import annotations

import dataclasses
import functools
import re
from dataclasses import dataclass
from enum import Enum, auto

NEW_NAME = re.compile(r"claude-([a-z]+)-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
"""claude-opus-4-6, claude-sonnet-4-20250514 (4.0), us.anthropic.claude-sonnet-5."""
OLD_NAME = re.compile(r"claude-(\d)(?:[-.](\d))?-([a-z]+)")
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
    off: str = "disabled"
    """The type of thinking that switches it off. Empty: it cannot be switched off."""
    forced_tools: bool = True
    """Whether a tool can be forced (tool_choice any or tool). Where it can, thinking with a budget forbids it still."""


UNKNOWN = Family(8192, 8192, Thinking.BUDGET)
"""A model that is not Anthropic's, at a vendor that speaks this dialect."""
NEWEST = Family(128_000, 32_000, Thinking.ADAPTIVE, ("low", "medium", "high", "xhigh", "max"), True, True)
MODEL_LINES_WITHOUT_OFF = frozenset({"fable", "mythos"})
LATE = (5, 1)
"""From here on, models but Haiku refuse forced tools, and none but Haiku takes thinking {type: disabled}."""
FAMILIES: tuple[tuple[tuple[int, int], Family], ...] = (
    ((4, 7), NEWEST),
    ((4, 6), Family(128_000, 32_000, Thinking.EITHER, ("low", "medium", "high", "max"), True, True)),
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
    """A Claude of an unknown generation is taken for one of the newest, and asked for nothing that some of them refuse."""
    found = line_and_version(model)
    if found is None:
        return dataclasses.replace(NEWEST, off="", forced_tools=False) if "claude" in model else UNKNOWN
    line, version = found
    family = next(family for since, family in FAMILIES if version >= since)
    return newest(line, version) if family is NEWEST else family


def newest(line: str, version: tuple[int, int]) -> Family:
    """One of the models that think adaptively only."""
    late = version >= LATE and line != "haiku"
    off = "" if line in MODEL_LINES_WITHOUT_OFF or late else "disabled"
    return dataclasses.replace(NEWEST, off="between_tools" if late and line == "sonnet" else off, forced_tools=not late)


def line_and_version(model: str) -> tuple[str, tuple[int, int]] | None:
    """("opus", (4, 6)); None for a name that does not tell."""
    if found := NEW_NAME.search(model):
        return found[1], (int(found[2]), int(found[3] or 0))
    if found := OLD_NAME.search(model):
        return found[3], (int(found[1]), int(found[2] or 0))
    return None
