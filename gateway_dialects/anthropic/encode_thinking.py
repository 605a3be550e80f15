"""Thinking: how a model is asked to think, how much, and what thinking rules out.

Sources: https://platform.claude.com/docs (extended and adaptive thinking, effort).
"""

from typing import Any

from dragoman.v1.chat_pb2 import ChatRequest, ReasoningSettings
from gateway_dialects.anthropic.words import DIALECT, FORCED_CHOICES, THINKING_OFF, THINKING_TYPES
from gateway_dialects.kit.capabilities import Capabilities
from gateway_dialects.kit.diagnostics import Diagnostics
from gateway_dialects.kit.dialect import bound_of
from gateway_dialects.kit.json import Json, object_at, written_details_of
from gateway_dialects.kit.reasoning import BUDGETS, effort_for

MOST_OUTPUT = 8192
"""The most output tokens that a model is thought to produce of which nothing is known."""
LEAST_BUDGET = 1024
LEAST_ANSWER = 1024
"""Tokens of the most that a model produces which no thinking budget takes."""
LEAST = ("low",)
"""The effort that every model with efforts has."""
NEAREST = {"minimal": "low", "xhigh": "high", "max": "high"}
LEAST_TOP_P = 0.95
NATIVE_FIELDS = frozenset({"thinking", "effort"})
"""Details of reasoning that are sent."""


def most_output(model: Capabilities) -> int:
    return model.most_output or MOST_OUTPUT


def off_type(model: Capabilities) -> str:
    """The type of thinking that switches it off. Empty: it cannot be switched off."""
    if model.off_between_tools:
        return "between_tools"
    return "" if model.always_reasons else "disabled"


def takes_budget(model: Capabilities) -> bool:
    """thinking {type: enabled, budget_tokens}; what is not known to think otherwise thinks so."""
    return model.budget is not None or not model.adaptive


def encode_reasoning(body: Json, request: ChatRequest, model: Capabilities, diagnostics: Diagnostics) -> None:
    """Sets thinking and output_config.effort. body has max_tokens and messages."""
    reasoning = request.reasoning
    native = written_details_of(reasoning, DIALECT)
    diagnostics.drop_details(reasoning, DIALECT, "reasoning", NATIVE_FIELDS)
    if "thinking" in native or "effort" in native:
        # What a client of this dialect asked for, as it asked.
        is_taken = fits(native.get("thinking"), model)
        if is_taken and "thinking" in native:
            body["thinking"] = native["thinking"]
            hold_budget(body, request, model, diagnostics)
        if "effort" in native:
            encode_effort(body, reasoning.effort or native["effort"], model, diagnostics)
        if is_taken:
            return
    if reasoning.effort == "none" or (reasoning.HasField("enabled") and not reasoning.enabled):
        switch_off(body, model, diagnostics)
    elif not (reasoning.effort or reasoning.enabled or reasoning.HasField("max_tokens")):
        drop_display(reasoning, "the request does not ask for reasoning", diagnostics)
    elif model.adaptive and not (takes_budget(model) and reasoning.HasField("max_tokens")):
        encode_adaptive(body, reasoning, model, diagnostics)
    else:
        encode_budget(body, request, model, diagnostics)


def set_effort(body: Json, effort: str) -> None:
    body.setdefault("output_config", {})["effort"] = effort


def encode_effort(body: Json, effort: Any, model: Capabilities, diagnostics: Diagnostics) -> None:
    """Of a client of this dialect."""
    if model.reasoning is not None and model.efforts is None:
        diagnostics.drop("reasoning.effort", "this model takes none")
    else:
        set_effort(body, effort)


def hold_budget(body: Json, request: ChatRequest, model: Capabilities, diagnostics: Diagnostics) -> None:
    """A budget that a client of this dialect wrote: brought within what the model takes, and the bound above it."""
    thinking = body["thinking"]
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if not isinstance(budget, int) or model.budget is None:
        return
    least, most = model.budget
    if not least <= budget <= most:
        body["thinking"] = {**thinking, "budget_tokens": (sent := max(least, min(budget, most)))}
        message = f"this model takes {least} to {most} thinking tokens; {budget} was sent as {sent}"
        diagnostics.warn("reasoning.max_tokens", message)
        budget = sent
    raise_bound(body, budget, request, model, diagnostics)


def raise_bound(body: Json, budget: int, request: ChatRequest, model: Capabilities, diagnostics: Diagnostics) -> None:
    make_room(body, budget, model)
    asked = bound_of(request)
    if asked is not None and asked != body["max_tokens"]:
        diagnostics.warn(
            "max_tokens", f"max_tokens was raised from {asked} to {body['max_tokens']}, to hold {budget} of thinking"
        )


def fits(thinking: Any, model: Capabilities) -> bool:
    """Whether the model takes this thinking object; a kind of the future is the provider's to judge."""
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind == "enabled":
        return takes_budget(model)
    if kind == "adaptive":
        return model.adaptive or model.reasoning is None
    if kind in THINKING_OFF:
        return bool(kind == off_type(model))
    return True


def switch_off(body: Json, model: Capabilities, diagnostics: Diagnostics) -> None:
    if off := off_type(model):
        body["thinking"] = {"type": off}
        return
    set_effort(body, least := next(iter(model.efforts or LEAST)))
    diagnostics.warn("reasoning", f"this model cannot be kept from reasoning; its effort was set to {least}")


def encode_adaptive(body: Json, reasoning: ReasoningSettings, model: Capabilities, diagnostics: Diagnostics) -> None:
    body["thinking"] = {"type": "adaptive", **display_of(reasoning, model, diagnostics)}
    effort = reasoning.effort
    if reasoning.HasField("max_tokens"):
        effort = effort or effort_for(reasoning.max_tokens)
        diagnostics.warn(
            "reasoning.max_tokens", f"this model takes no budget of thinking tokens; its effort was set to {effort}"
        )
    if effort:
        word = effort if effort in (model.efforts or ()) else NEAREST.get(effort)
        if word is None:
            diagnostics.drop("reasoning.effort", f"this model does not know the effort {effort!r}")
        else:
            set_effort(body, word)


def encode_budget(body: Json, request: ChatRequest, model: Capabilities, diagnostics: Diagnostics) -> None:
    if goes_on_without_thinking(body["messages"]):
        why = "the tool results of this turn answer calls that were made without this provider's reasoning"
        diagnostics.drop("reasoning", why)
        return
    reasoning = request.reasoning
    budget = budget_of(reasoning, model, diagnostics)
    body["thinking"] = {"type": "enabled", "budget_tokens": budget, **display_of(reasoning, model, diagnostics)}
    raise_bound(body, budget, request, model, diagnostics)


def budget_of(reasoning: ReasoningSettings, model: Capabilities, diagnostics: Diagnostics) -> int:
    """Tokens to think with: as asked for within what the model takes, or for the effort, with as much left to answer."""
    if reasoning.HasField("max_tokens"):
        budget = max(LEAST_BUDGET, min(reasoning.max_tokens, most_output(model) - LEAST_ANSWER))
        if budget != reasoning.max_tokens:
            diagnostics.warn("reasoning.max_tokens", f"this model's thinking budget was set to {budget}")
        return budget
    effort = reasoning.effort or "medium"
    if effort not in BUDGETS:
        diagnostics.drop("reasoning.effort", f"this provider does not know the effort {effort!r}; it got medium")
    return min(BUDGETS.get(effort, BUDGETS["medium"]), most_output(model) // 2)


def make_room(body: Json, budget: int, model: Capabilities) -> None:
    """Thinking counts against max_tokens: where nothing would be left to answer with, it is raised."""
    asked = body["max_tokens"]
    if asked <= budget:
        body["max_tokens"] = min(asked + budget, max(most_output(model), budget + 1))


def display_of(reasoning: ReasoningSettings, model: Capabilities, diagnostics: Diagnostics) -> Json:
    """Whether thoughts are to be shown. The newest models hide them unless asked."""
    if model.reasoning is None:
        if reasoning.summary != "auto":
            # It shows its reasoning as it is.
            drop_display(reasoning, "this model is not known to take it", diagnostics)
        return {}
    if reasoning.exclude:
        return {"display": "omitted"}
    return {"display": "summarized"} if model.hides_reasoning or reasoning.summary else {}


def drop_display(reasoning: ReasoningSettings, why: str, diagnostics: Diagnostics) -> None:
    for name in ("summary", "exclude"):
        if getattr(reasoning, name):
            diagnostics.drop(f"reasoning.{name}", why)


def goes_on_without_thinking(messages: list[Json]) -> bool:
    """Whether the conversation is in the middle of a tool loop whose assistant turn does not begin with thinking: then a
    budget is refused ("Expected thinking, but found tool_use")."""
    if len(messages) < 2 or not isinstance(messages[-1]["content"], list):
        return False
    if not any(block.get("type") == "tool_result" for block in messages[-1]["content"]):
        return False
    before = messages[-2]["content"]
    return not (isinstance(before, list) and before and before[0].get("type") in THINKING_TYPES)


def thinking_type(body: Json) -> Any:
    """Of the body's thinking object; None where there is none."""
    return object_at(body, "thinking").get("type")


def can_force(body: Json, model: Capabilities) -> bool:
    """Whether this request may force a tool: adaptive thinking allows it, a budget does not."""
    return model.forced_tools and thinking_type(body) != "enabled"


def apply_rules(body: Json, model: Capabilities, diagnostics: Diagnostics) -> None:
    """Give up what the model or its thinking rules out, each with a warning."""
    if body.get("temperature", 0) > 1:
        diagnostics.warn("temperature", f"this provider's temperature ends at 1; {body['temperature']} was sent as 1")
        body["temperature"] = 1.0
    if thinking_type(body) in ("enabled", "adaptive"):
        apply_thinking_rules(body, diagnostics)
    choice = body.get("tool_choice")
    if choice and choice.get("type") in FORCED_CHOICES and not can_force(body, model):
        body["tool_choice"] = {name: value for name, value in choice.items() if name != "name"} | {"type": "auto"}
        why = "while the model reasons" if model.forced_tools else "with this model"
        diagnostics.warn("tool_choice", f"no tool can be forced {why}; the choice was left to the model")
    if model.one_sampling and "temperature" in body and "top_p" in body:
        drop_field(body, "top_p", "this model takes temperature or top_p, not both", diagnostics)


def apply_thinking_rules(body: Json, diagnostics: Diagnostics) -> None:
    if body.get("temperature", 1) != 1:
        drop_field(body, "temperature", "it must be 1 while the model reasons", diagnostics)
    if body.get("top_p", 1) < LEAST_TOP_P:
        drop_field(body, "top_p", f"it must be {LEAST_TOP_P} or more while the model reasons", diagnostics)
    if "top_k" in body:
        drop_field(body, "top_k", "it is not taken while the model reasons", diagnostics)


def drop_field(body: Json, name: str, why: str, diagnostics: Diagnostics) -> None:
    del body[name]
    diagnostics.drop(name, why)
