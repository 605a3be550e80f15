"""How much to think, in the words of the model's generation: a budget of tokens, or a level.

Sources: https://ai.google.dev/gemini-api/docs/thinking, and the table of efforts in https://ai.google.dev/gemini-api/docs/openai.
"""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.v1.chat_pb2 import ReasoningSettings
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.gemini.client.details import details_of
from gateway_dialects.gemini.client.families import Family, Thinking
from gateway_dialects.kit.json import Json
from gateway_dialects.kit.legacy import fields_of

BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576}
STRENGTH = ("minimal", "low", "medium", "high", "xhigh", "max")
LEVELS_OF_BUDGETS = ((1024, "minimal"), (2048, "low"), (8192, "medium"))
"""Budgets up to here, as a level; above, it is high."""
DYNAMIC = -1


def encode_thinking(settings: ReasoningSettings, family: Family, warnings: list[Warning]) -> Json:
    """thinkingConfig; empty where nothing needs to be said. What a client of this dialect wrote stays as it is, unless a
    model of another generation answers."""
    written = fields_of(details_of(settings))
    if written and not (family.thinking is Thinking.BUDGET and "thinkingLevel" in written):
        return written
    if settings.summary in ("concise", "detailed"):
        warn(warnings, "summary", f"this provider's summaries cannot be {settings.summary}; they are as long as they are")
    off = settings.effort == "none" or (settings.HasField("enabled") and not settings.enabled)
    if family.thinking is Thinking.NONE:
        if not off:
            warn(warnings, "effort", "this model has no setting for reasoning; it was left out")
        return {}
    if off:
        return switched_off(family, warnings)
    encoded = bounded(settings, family, warnings)
    encoded["includeThoughts"] = written.get("includeThoughts", False) if written else not settings.exclude
    return encoded


def switched_off(family: Family, warnings: list[Warning]) -> Json:
    if family.can_stop_thinking:
        return {"thinkingBudget": 0}
    warn(warnings, "effort", "this model always reasons; it was told to reason as little as it can")
    if family.thinking is Thinking.BUDGET:
        return {"thinkingBudget": family.least_budget}
    return {"thinkingLevel": family.levels[0]}


def bounded(settings: ReasoningSettings, family: Family, warnings: list[Warning]) -> Json:
    if settings.effort and settings.effort not in STRENGTH:
        warn(warnings, "effort", f"the effort {settings.effort!r} is not known to this provider; it was left out")
    effort = settings.effort if settings.effort in STRENGTH else ""
    bound = settings.max_tokens if settings.HasField("max_tokens") else None
    if family.thinking is Thinking.BUDGET:
        return {"thinkingBudget": budget(effort, bound, family, warnings)} if effort or bound or settings.enabled else {}
    if bound is not None:
        level = effort or level_of_budget(bound)
        warn(warnings, "max_tokens", f"this model takes no number of reasoning tokens; it was asked for the level {level}")
        return {"thinkingLevel": nearest(level, family.levels)}
    return {"thinkingLevel": nearest(effort, family.levels)} if effort else {}


def budget(effort: str, bound: int | None, family: Family, warnings: list[Warning]) -> int:
    if bound is None:
        return min(BUDGETS.get(effort, family.most_budget), family.most_budget) if effort else DYNAMIC
    taken = max(family.least_budget, min(bound, family.most_budget))
    if taken != bound:
        allowed = f"{family.least_budget} to {family.most_budget}"
        warn(warnings, "max_tokens", f"this model takes {allowed} reasoning tokens, not {bound}; it got {taken}")
    return taken


def level_of_budget(tokens: int) -> str:
    return next((level for most, level in LEVELS_OF_BUDGETS if tokens <= most), "high")


def nearest(effort: str, levels: Sequence[str]) -> str:
    """The least level that is at least this strong; the strongest where there is none."""
    wanted = STRENGTH.index(effort)
    return next((level for level in levels if STRENGTH.index(level) >= wanted), levels[-1])


def warn(warnings: list[Warning], name: str, message: str) -> None:
    warnings.append(Warning(field=f"reasoning.{name}", message=message))
