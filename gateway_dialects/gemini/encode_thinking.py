"""thinkingConfig: a budget of tokens or a level, as the model takes it.

Sources: https://ai.google.dev/gemini-api/docs/thinking (budgets, levels), .../openai (the table of efforts).
"""

from collections.abc import Sequence

from dragoman.v1.chat_pb2 import ReasoningSettings
from gateway_dialects.gemini.words import DIALECT
from gateway_dialects.kit.capabilities import Capabilities
from gateway_dialects.kit.diagnostics import Diagnostics
from gateway_dialects.kit.json import Json, written_details_of

BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576}
"""Thinking tokens by effort, as Google documents them for its OpenAI-compatible API."""
STRENGTH = ("minimal", "low", "medium", "high", "xhigh", "max")
LEVELS_OF_BUDGETS = ((1024, "minimal"), (2048, "low"), (8192, "medium"))
"""Budgets up to here, as a level; above, it is high."""
DYNAMIC = -1
LEAST = ("low",)
"""The level that every model with levels has."""


def encode_thinking(settings: ReasoningSettings, model: Capabilities, diagnostics: Diagnostics) -> Json:
    """thinkingConfig; empty for the model's default. What a client of this dialect wrote stays as it is, unless a
    model of another generation answers."""
    written = written_details_of(settings, DIALECT)
    if written and not (model.budget and "thinkingLevel" in written):
        return held(written, model, diagnostics)
    if settings.summary in ("concise", "detailed"):
        message = f"this provider's summaries cannot be {settings.summary}; they are as long as they are"
        diagnostics.warn("reasoning.summary", message)
    off = settings.effort == "none" or (settings.HasField("enabled") and not settings.enabled)
    if not (model.efforts or model.budget):
        if not off:
            diagnostics.warn("reasoning.effort", "this model has no setting for reasoning; it was left out")
        return {}
    if off:
        return switched_off(model, diagnostics)
    encoded = bounded(settings, model, diagnostics)
    encoded["includeThoughts"] = written.get("includeThoughts", False) if written else not settings.exclude
    return encoded


def held(written: Json, model: Capabilities, diagnostics: Diagnostics) -> Json:
    """A client's own words, but for a budget that the model is known to refuse."""
    wanted = written.get("thinkingBudget")
    if not isinstance(wanted, int) or wanted == DYNAMIC or (model.budget is None and not model.always_reasons):
        return written
    rest = {name: value for name, value in written.items() if name != "thinkingBudget"}
    if wanted == 0:
        return {**rest, **switched_off(model, diagnostics)} if model.always_reasons else written
    if model.budget is None:
        return written
    return {**rest, "thinkingBudget": taken_budget(wanted, model.budget, diagnostics)}


def switched_off(model: Capabilities, diagnostics: Diagnostics) -> Json:
    if not model.always_reasons:
        return {"thinkingBudget": 0}
    diagnostics.warn("reasoning.effort", "this model always reasons; it was told to reason as little as it can")
    if model.budget:
        return {"thinkingBudget": model.budget[0]}
    return {"thinkingLevel": next(iter(model.efforts or LEAST))}


def bounded(settings: ReasoningSettings, model: Capabilities, diagnostics: Diagnostics) -> Json:
    effort = settings.effort
    if effort and effort not in STRENGTH:
        diagnostics.warn("reasoning.effort", f"the effort {effort!r} is not known to this provider; it was left out")
        effort = ""
    bound = settings.max_tokens if settings.HasField("max_tokens") else None
    if model.budget:
        return (
            {"thinkingBudget": budget(effort, bound, model.budget, diagnostics)}
            if effort or bound or settings.enabled
            else {}
        )
    if bound is not None:
        level = effort or next((level for most, level in LEVELS_OF_BUDGETS if bound <= most), "high")
        message = f"this model takes no number of reasoning tokens; it was asked for the level {level}"
        diagnostics.warn("reasoning.max_tokens", message)
        return {"thinkingLevel": nearest(level, model.efforts or LEAST)}
    return {"thinkingLevel": nearest(effort, model.efforts or LEAST)} if effort else {}


def budget(effort: str, bound: int | None, bounds: tuple[int, int], diagnostics: Diagnostics) -> int:
    """bound: as the client wants it. bounds: the fewest and the most tokens that the model takes, off aside."""
    if bound is not None:
        return taken_budget(bound, bounds, diagnostics)
    return min(BUDGETS.get(effort, bounds[1]), bounds[1]) if effort else DYNAMIC


def taken_budget(bound: int, bounds: tuple[int, int], diagnostics: Diagnostics) -> int:
    """The nearest that the model takes."""
    least, most = bounds
    taken = max(least, min(bound, most))
    if taken != bound:
        message = f"this model takes {least} to {most} reasoning tokens, not {bound}; it got {taken}"
        diagnostics.warn("reasoning.max_tokens", message)
    return taken


def nearest(effort: str, levels: Sequence[str]) -> str:
    """The least level that is at least this strong; the strongest where there is none."""
    wanted = STRENGTH.index(effort)
    return next((level for level in levels if STRENGTH.index(level) >= wanted), levels[-1])
