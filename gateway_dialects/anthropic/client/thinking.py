"""How much the model should think, and what thinking rules out.

Source: https://platform.claude.com/docs (extended thinking, adaptive thinking, effort) and recorded requests.
"""

from __future__ import annotations

from typing import Any

from dragoman.v1.chat_pb2 import ChatRequest, ReasoningSettings
from gateway_dialects.anthropic.client.blocks import THINKING_TYPES
from gateway_dialects.anthropic.client.details import details_of
from gateway_dialects.anthropic.client.families import UNKNOWN, Family, Thinking
from gateway_dialects.anthropic.client.remarks import Remarks
from gateway_dialects.anthropic.client.tools import FORCED
from gateway_dialects.kit.json import Json
from gateway_dialects.kit.reasoning import BUDGETS, effort_for

LEAST_BUDGET = 1024
LEAST_ANSWER = 1024
"""Tokens of the most that a model produces which no thinking budget takes."""
OFF = frozenset({"disabled", "between_tools"})
"""Types of thinking that switch it off, each on other models."""
NEAREST = {"minimal": "low", "xhigh": "high", "max": "high"}
LEAST_TOP_P = 0.95
NO_SAMPLING = "this model takes no sampling settings"


def encode_reasoning(body: Json, request: ChatRequest, family: Family, remarks: Remarks) -> None:
    """Sets thinking and output_config.effort. body has max_tokens and messages."""
    reasoning = request.reasoning
    native = details_of(reasoning)
    if "thinking" in native or "effort" in native:
        if fits(native.get("thinking"), family):
            encode_native(body, native)
            return
        if "effort" in native:
            body.setdefault("output_config", {})["effort"] = native["effort"]
    if reasoning.effort == "none" or (reasoning.HasField("enabled") and not reasoning.enabled):
        switch_off(body, family, remarks)
    elif not (reasoning.effort or reasoning.enabled or reasoning.HasField("max_tokens")):
        return
    elif family.thinking is Thinking.NONE:
        remarks.leave_out("reasoning", "this model does not reason")
    elif family.thinking is Thinking.ADAPTIVE or (
        family.thinking is Thinking.EITHER and not reasoning.HasField("max_tokens")
    ):
        encode_adaptive(body, reasoning, family, remarks)
    else:
        encode_budget(body, request, family, remarks)


def encode_native(body: Json, native: Json) -> None:
    """What a client of this dialect asked for, as it asked."""
    if "thinking" in native:
        body["thinking"] = native["thinking"]
    if "effort" in native:
        body.setdefault("output_config", {})["effort"] = native["effort"]


def fits(thinking: Any, family: Family) -> bool:
    """Whether models of this family take this thinking object; a kind of the future is the provider's to judge."""
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind == "enabled":
        return family.thinking in (Thinking.BUDGET, Thinking.EITHER)
    if kind == "adaptive":
        return family.thinking in (Thinking.ADAPTIVE, Thinking.EITHER) or family is UNKNOWN
    if kind in OFF:
        return kind == family.off and family.thinking is not Thinking.NONE
    return True


def switch_off(body: Json, family: Family, remarks: Remarks) -> None:
    if family.thinking is Thinking.NONE:
        return
    if family.off:
        body["thinking"] = {"type": family.off}
        return
    least = family.efforts[0]
    body.setdefault("output_config", {})["effort"] = least
    remarks.warn("reasoning", f"this model cannot be kept from reasoning; its effort was set to {least}")


def encode_adaptive(body: Json, reasoning: ReasoningSettings, family: Family, remarks: Remarks) -> None:
    body["thinking"] = {"type": "adaptive", **display_of(reasoning, family)}
    effort = reasoning.effort
    if reasoning.HasField("max_tokens"):
        effort = effort or effort_for(reasoning.max_tokens)
        remarks.warn(
            "reasoning.max_tokens", f"this model takes no budget of thinking tokens; its effort was set to {effort}"
        )
    if effort:
        word = effort if effort in family.efforts else NEAREST.get(effort)
        if word is None:
            remarks.leave_out("reasoning.effort", f"this model does not know the effort {effort!r}")
        else:
            body.setdefault("output_config", {})["effort"] = word


def encode_budget(body: Json, request: ChatRequest, family: Family, remarks: Remarks) -> None:
    if goes_on_without_thinking(body["messages"]):
        why = "the tool results of this turn answer calls that were made without this provider's reasoning"
        remarks.leave_out("reasoning", why)
        return
    reasoning = request.reasoning
    budget = budget_of(reasoning, family, remarks)
    body["thinking"] = {"type": "enabled", "budget_tokens": budget, **display_of(reasoning, family)}
    make_room(body, budget, family)
    asked = bound_of(request)
    if asked is not None and asked != body["max_tokens"]:
        remarks.warn(
            "max_tokens", f"max_tokens was raised from {asked} to {body['max_tokens']}, to hold {budget} of thinking"
        )


def budget_of(reasoning: ReasoningSettings, family: Family, remarks: Remarks) -> int:
    """Tokens to think with: as asked for within what the model takes, or for the effort, with as much left to answer."""
    if reasoning.HasField("max_tokens"):
        budget = max(LEAST_BUDGET, min(reasoning.max_tokens, family.most_output - LEAST_ANSWER))
        if budget != reasoning.max_tokens:
            remarks.warn("reasoning.max_tokens", f"this model's thinking budget was set to {budget}")
        return budget
    effort = reasoning.effort or "medium"
    if effort not in BUDGETS:
        remarks.leave_out("reasoning.effort", f"this provider does not know the effort {effort!r}; it got medium")
    return min(BUDGETS.get(effort, BUDGETS["medium"]), family.most_output // 2)


def bound_of(request: ChatRequest) -> int | None:
    """The most tokens that the client wants; None: it does not say."""
    if request.HasField("max_output_tokens"):
        return request.max_output_tokens
    return request.max_tokens if request.HasField("max_tokens") else None


def make_room(body: Json, budget: int, family: Family) -> None:
    """Thinking counts against max_tokens: where nothing would be left to answer with, it is raised."""
    asked = body["max_tokens"]
    if asked <= budget:
        body["max_tokens"] = min(asked + budget, max(family.most_output, budget + 1))


def display_of(reasoning: ReasoningSettings, family: Family) -> Json:
    """Whether thoughts are to be shown. The newest models keep them back unless asked."""
    if family is UNKNOWN:
        return {}
    if reasoning.exclude:
        return {"display": "omitted"}
    return {"display": "summarized"} if family.thinking is Thinking.ADAPTIVE or reasoning.summary else {}


def goes_on_without_thinking(messages: list[Json]) -> bool:
    """Whether the conversation is in the middle of a tool loop whose assistant turn does not begin with thinking: then a
    budget is refused ("Expected thinking, but found tool_use")."""
    if len(messages) < 2 or not isinstance(messages[-1]["content"], list):
        return False
    if not any(block["type"] == "tool_result" for block in messages[-1]["content"]):
        return False
    before = messages[-2]["content"]
    return not (isinstance(before, list) and before and before[0]["type"] in THINKING_TYPES)


def thinking_type(body: Json) -> Any:
    """Of the body's thinking object; None where there is none."""
    thinking = body.get("thinking")
    return thinking.get("type") if isinstance(thinking, dict) else None


def can_force(body: Json, family: Family) -> bool:
    """Whether this request may force a tool: adaptive thinking allows it, a budget does not."""
    return family.forced_tools and thinking_type(body) != "enabled"


def keep_rules(body: Json, family: Family, remarks: Remarks) -> None:
    """Give up what the model or its thinking rules out, each with a warning."""
    if family.thinking is Thinking.ADAPTIVE:
        drop_sampling(body, remarks)
    if body.get("temperature", 0) > 1:
        remarks.warn("temperature", f"this provider's temperature ends at 1; {body['temperature']} was sent as 1")
        body["temperature"] = 1.0
    if thinking_type(body) in ("enabled", "adaptive"):
        keep_thinking_rules(body, remarks)
    choice = body.get("tool_choice")
    if choice and choice["type"] in FORCED and not can_force(body, family):
        body["tool_choice"] = {name: value for name, value in choice.items() if name != "name"} | {"type": "auto"}
        why = "while the model reasons" if family.forced_tools else "with this model"
        remarks.warn("tool_choice", f"no tool can be forced {why}; the choice was left to the model")
    if family.one_sampling and "temperature" in body and "top_p" in body:
        drop(body, "top_p", "this model takes temperature or top_p, not both", remarks)


def drop_sampling(body: Json, remarks: Remarks) -> None:
    """The defaults go without a word."""
    for name in ("temperature", "top_p"):
        if body.pop(name, 1) != 1:
            remarks.leave_out(name, NO_SAMPLING)
    if "top_k" in body:
        drop(body, "top_k", NO_SAMPLING, remarks)


def keep_thinking_rules(body: Json, remarks: Remarks) -> None:
    if body.get("temperature", 1) != 1:
        drop(body, "temperature", "it must be 1 while the model reasons", remarks)
    if body.get("top_p", 1) < LEAST_TOP_P:
        drop(body, "top_p", f"it must be {LEAST_TOP_P} or more while the model reasons", remarks)
    if "top_k" in body:
        drop(body, "top_k", "it is not taken while the model reasons", remarks)


def drop(body: Json, name: str, why: str, remarks: Remarks) -> None:
    del body[name]
    remarks.leave_out(name, why)
