"""What the generations of Google's models can do: one row each, found by the model's name.

Sources: https://ai.google.dev/gemini-api/docs/thinking (budgets, levels), .../thought-signatures, .../structured-output,
.../function-calling, .../media-resolution, .../file-input-methods.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum


class Thinking(Enum):
    """How a model's thinking is bounded."""

    NONE = "none"
    BUDGET = "budget"
    LEVEL = "level"


@dataclass(frozen=True, slots=True)
class Family:
    """A generation of models."""

    thinking: Thinking
    levels: tuple[str, ...] = ()
    """The thinking levels it knows, least first."""
    least_budget: int = 0
    """The fewest thinking tokens it takes, off aside."""
    most_budget: int = 0
    can_stop_thinking: bool = False
    json_schema: bool = True
    """Whether it takes JSON Schema as it is (parametersJsonSchema, responseJsonSchema) and the mode VALIDATED."""
    json_with_tools: bool = False
    """Whether it gives JSON by schema while it has functions to call."""
    signed_calls: bool = False
    """Whether it refuses a function call of its own that comes back without its thoughtSignature."""
    media_in_results: bool = False
    """Whether a functionResponse may hold media."""
    resolution_of_parts: bool = False
    """Whether a part may say how closely to look at it."""
    system_instruction: bool = True
    reads_urls: bool = True
    """Whether it fetches https URLs."""


WITHOUT_THINKING = Family(Thinking.NONE, json_schema=False, reads_urls=False)
GEMMA = replace(WITHOUT_THINKING, system_instruction=False)
UNKNOWN = Family(Thinking.NONE)
"""A tuned model, or a name of the future: nothing is assumed but what every current model takes."""

BUDGET = Family(Thinking.BUDGET, least_budget=1, most_budget=24_576, can_stop_thinking=True)
BUDGET_LITE = replace(BUDGET, least_budget=512)
BUDGET_PRO = replace(BUDGET, least_budget=128, most_budget=32_768, can_stop_thinking=False)

LEVEL = Family(
    Thinking.LEVEL,
    levels=("low", "medium", "high"),
    json_with_tools=True,
    signed_calls=True,
    media_in_results=True,
    resolution_of_parts=True,
)
LEVEL_FLASH = replace(LEVEL, levels=("minimal", "low", "medium", "high"))
LEVEL_FIRST_PRO = replace(LEVEL, levels=("low", "high"))

VERSIONED = re.compile(r"gemini-(\d+)(?:\.(\d+))?(?:-(.*))?$")
NEWEST = re.compile(r"gemini-(pro|flash|flash-lite)-latest$")
MUTE = ("image", "tts", "audio")
"""Words in the names of 2.5 models that do not think."""


def family_of(model: str) -> Family:
    """The row of a model, by its name without what a path puts before it (models/, publishers/google/models/)."""
    name = model.rpartition("/")[2]
    if name.startswith("gemma-"):
        return GEMMA
    if newest := NEWEST.match(name):
        return LEVEL if newest[1] == "pro" else LEVEL_FLASH
    if found := VERSIONED.match(name):
        return of_version(int(found[1]), int(found[2] or 0), found[3] or "")
    return WITHOUT_THINKING if name.startswith("gemini-") else UNKNOWN


def of_version(major: int, minor: int, kind: str) -> Family:
    if major >= 3:
        if "flash" in kind:
            return LEVEL_FLASH
        return LEVEL_FIRST_PRO if (major, minor) == (3, 0) and kind.startswith("pro") else LEVEL
    if (major, minor) < (2, 5):
        return WITHOUT_THINKING
    if any(word in kind for word in MUTE):
        return UNKNOWN
    if kind.startswith("pro") or "computer-use" in kind:
        return BUDGET_PRO
    return BUDGET_LITE if "flash-lite" in kind else BUDGET
