"""The generations of Google's models: what each takes, found by the model's name, and thinkingConfig.

Sources: https://ai.google.dev/gemini-api/docs/thinking (budgets, levels), .../thought-signatures, .../structured-output,
.../function-calling, .../media-resolution, .../file-input-methods, .../openai (the table of efforts).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dragoman.v1.chat_pb2 import ReasoningSettings
from gateway_dialects.gemini.words import DIALECT
from gateway_dialects.kit.diagnostics import Diagnostics
from gateway_dialects.kit.json import Json, written_details_of


@dataclass(frozen=True, slots=True)
class Family:
    """A generation of models. One without levels and budgets has no setting for thinking."""

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


WITHOUT_THINKING = Family(json_schema=False, reads_urls=False)
GEMMA = replace(WITHOUT_THINKING, system_instruction=False)
UNKNOWN = Family()
"""A tuned model, or a name of the future: nothing is assumed but what every current model takes."""

BUDGET = Family(least_budget=1, most_budget=24_576, can_stop_thinking=True)
BUDGET_LITE = replace(BUDGET, least_budget=512)
BUDGET_PRO = replace(BUDGET, least_budget=128, most_budget=32_768, can_stop_thinking=False)

LEVEL = Family(
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
"""Names of 2.5 models that do not think contain one of these."""

BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576}
"""Thinking tokens by effort, as Google documents them for its OpenAI-compatible API."""
STRENGTH = ("minimal", "low", "medium", "high", "xhigh", "max")
LEVELS_OF_BUDGETS = ((1024, "minimal"), (2048, "low"), (8192, "medium"))
"""Budgets up to here, as a level; above, it is high."""
DYNAMIC = -1


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


def encode_thinking(settings: ReasoningSettings, family: Family, diagnostics: Diagnostics) -> Json:
    """thinkingConfig; empty for the model's default. What a client of this dialect wrote stays as it is, unless a
    model of another generation answers."""
    written = written_details_of(settings, DIALECT)
    if written and not (family.most_budget and "thinkingLevel" in written):
        return written
    if settings.summary in ("concise", "detailed"):
        message = f"this provider's summaries cannot be {settings.summary}; they are as long as they are"
        diagnostics.warn("reasoning.summary", message)
    off = settings.effort == "none" or (settings.HasField("enabled") and not settings.enabled)
    if not (family.levels or family.most_budget):
        if not off:
            diagnostics.warn("reasoning.effort", "this model has no setting for reasoning; it was left out")
        return {}
    if off:
        return switched_off(family, diagnostics)
    encoded = bounded(settings, family, diagnostics)
    encoded["includeThoughts"] = written.get("includeThoughts", False) if written else not settings.exclude
    return encoded


def switched_off(family: Family, diagnostics: Diagnostics) -> Json:
    if family.can_stop_thinking:
        return {"thinkingBudget": 0}
    diagnostics.warn("reasoning.effort", "this model always reasons; it was told to reason as little as it can")
    if family.most_budget:
        return {"thinkingBudget": family.least_budget}
    return {"thinkingLevel": family.levels[0]}


def bounded(settings: ReasoningSettings, family: Family, diagnostics: Diagnostics) -> Json:
    effort = settings.effort
    if effort and effort not in STRENGTH:
        diagnostics.warn("reasoning.effort", f"the effort {effort!r} is not known to this provider; it was left out")
        effort = ""
    bound = settings.max_tokens if settings.HasField("max_tokens") else None
    if family.most_budget:
        return {"thinkingBudget": budget(effort, bound, family, diagnostics)} if effort or bound or settings.enabled else {}
    if bound is not None:
        level = effort or next((level for most, level in LEVELS_OF_BUDGETS if bound <= most), "high")
        message = f"this model takes no number of reasoning tokens; it was asked for the level {level}"
        diagnostics.warn("reasoning.max_tokens", message)
        return {"thinkingLevel": nearest(level, family.levels)}
    return {"thinkingLevel": nearest(effort, family.levels)} if effort else {}


def budget(effort: str, bound: int | None, family: Family, diagnostics: Diagnostics) -> int:
    if bound is None:
        return min(BUDGETS.get(effort, family.most_budget), family.most_budget) if effort else DYNAMIC
    taken = max(family.least_budget, min(bound, family.most_budget))
    if taken != bound:
        allowed = f"{family.least_budget} to {family.most_budget}"
        diagnostics.warn("reasoning.max_tokens", f"this model takes {allowed} reasoning tokens, not {bound}; it got {taken}")
    return taken


def nearest(effort: str, levels: Sequence[str]) -> str:
    """The least level that is at least this strong; the strongest where there is none."""
    wanted = STRENGTH.index(effort)
    return next((level for level in levels if STRENGTH.index(level) >= wanted), levels[-1])
