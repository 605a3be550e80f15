"""Thinking: what each family of models takes, how much a request asks for, and what thinking rules out.

Sources: https://platform.claude.com/docs (models overview, extended and adaptive thinking, effort, structured outputs, the
migration guides of each model) and recorded exchanges: error_400 (efforts of 4.6), thinking (adaptive on 4.6), json_schema
(4.5), stream_server_tool (Sonnet 5 thinks unasked).
"""

import dataclasses
import functools
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from dragoman.v1.chat_pb2 import ChatRequest, ReasoningSettings
from gateway_dialects.anthropic.words import DIALECT, FORCED_CHOICES, THINKING_OFF, THINKING_TYPES
from gateway_dialects.kit.diagnostics import Diagnostics
from gateway_dialects.kit.dialect import bound_of
from gateway_dialects.kit.json import Json, object_at, written_details_of
from gateway_dialects.kit.reasoning import BUDGETS, effort_for

NEW_NAME = re.compile(r"claude-([a-z]+)-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
"""claude-opus-4-6, claude-sonnet-4-20250514 (4.0), us.anthropic.claude-sonnet-5."""
OLD_NAME = re.compile(r"claude-(\d)(?:[-.](\d))?-([a-z]+)")
"""claude-3-7-sonnet-latest, claude-3-opus-20240229."""


class Thinking(Enum):
    """How a request asks a model to think."""

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
    """The values that output_config.effort takes."""
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
LEAST_BUDGET = 1024
LEAST_ANSWER = 1024
"""Tokens of the most that a model produces which no thinking budget takes."""
NEAREST = {"minimal": "low", "xhigh": "high", "max": "high"}
LEAST_TOP_P = 0.95
NATIVE_FIELDS = frozenset({"thinking", "effort"})
"""Details of reasoning that are sent."""
NO_SAMPLING = "this model takes no sampling settings"


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


def encode_reasoning(body: Json, request: ChatRequest, family: Family, diagnostics: Diagnostics) -> None:
    """Sets thinking and output_config.effort. body has max_tokens and messages."""
    reasoning = request.reasoning
    native = written_details_of(reasoning, DIALECT)
    diagnostics.drop_details(reasoning, DIALECT, "reasoning", NATIVE_FIELDS)
    if "thinking" in native or "effort" in native:
        # What a client of this dialect asked for, as it asked.
        is_taken = fits(native.get("thinking"), family)
        if is_taken and "thinking" in native:
            body["thinking"] = native["thinking"]
        if "effort" in native:
            set_effort(body, native["effort"])
        if is_taken:
            return
    if reasoning.effort == "none" or (reasoning.HasField("enabled") and not reasoning.enabled):
        switch_off(body, family, diagnostics)
    elif not (reasoning.effort or reasoning.enabled or reasoning.HasField("max_tokens")):
        drop_display(reasoning, "the request does not ask for reasoning", diagnostics)
    elif family.thinking is Thinking.NONE:
        diagnostics.drop("reasoning", "this model does not reason")
    elif family.thinking is Thinking.ADAPTIVE or (
        family.thinking is Thinking.EITHER and not reasoning.HasField("max_tokens")
    ):
        encode_adaptive(body, reasoning, family, diagnostics)
    else:
        encode_budget(body, request, family, diagnostics)


def set_effort(body: Json, effort: str) -> None:
    body.setdefault("output_config", {})["effort"] = effort


def fits(thinking: Any, family: Family) -> bool:
    """Whether models of this family take this thinking object; a kind of the future is the provider's to judge."""
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind == "enabled":
        return family.thinking in (Thinking.BUDGET, Thinking.EITHER)
    if kind == "adaptive":
        return family.thinking in (Thinking.ADAPTIVE, Thinking.EITHER) or family is UNKNOWN
    if kind in THINKING_OFF:
        return kind == family.off and family.thinking is not Thinking.NONE
    return True


def switch_off(body: Json, family: Family, diagnostics: Diagnostics) -> None:
    if family.thinking is Thinking.NONE:
        return
    if family.off:
        body["thinking"] = {"type": family.off}
        return
    set_effort(body, least := family.efforts[0])
    diagnostics.warn("reasoning", f"this model cannot be kept from reasoning; its effort was set to {least}")


def encode_adaptive(body: Json, reasoning: ReasoningSettings, family: Family, diagnostics: Diagnostics) -> None:
    body["thinking"] = {"type": "adaptive", **display_of(reasoning, family, diagnostics)}
    effort = reasoning.effort
    if reasoning.HasField("max_tokens"):
        effort = effort or effort_for(reasoning.max_tokens)
        diagnostics.warn(
            "reasoning.max_tokens", f"this model takes no budget of thinking tokens; its effort was set to {effort}"
        )
    if effort:
        word = effort if effort in family.efforts else NEAREST.get(effort)
        if word is None:
            diagnostics.drop("reasoning.effort", f"this model does not know the effort {effort!r}")
        else:
            set_effort(body, word)


def encode_budget(body: Json, request: ChatRequest, family: Family, diagnostics: Diagnostics) -> None:
    if goes_on_without_thinking(body["messages"]):
        why = "the tool results of this turn answer calls that were made without this provider's reasoning"
        diagnostics.drop("reasoning", why)
        return
    reasoning = request.reasoning
    budget = budget_of(reasoning, family, diagnostics)
    body["thinking"] = {"type": "enabled", "budget_tokens": budget, **display_of(reasoning, family, diagnostics)}
    make_room(body, budget, family)
    asked = bound_of(request)
    if asked is not None and asked != body["max_tokens"]:
        diagnostics.warn(
            "max_tokens", f"max_tokens was raised from {asked} to {body['max_tokens']}, to hold {budget} of thinking"
        )


def budget_of(reasoning: ReasoningSettings, family: Family, diagnostics: Diagnostics) -> int:
    """Tokens to think with: as asked for within what the model takes, or for the effort, with as much left to answer."""
    if reasoning.HasField("max_tokens"):
        budget = max(LEAST_BUDGET, min(reasoning.max_tokens, family.most_output - LEAST_ANSWER))
        if budget != reasoning.max_tokens:
            diagnostics.warn("reasoning.max_tokens", f"this model's thinking budget was set to {budget}")
        return budget
    effort = reasoning.effort or "medium"
    if effort not in BUDGETS:
        diagnostics.drop("reasoning.effort", f"this provider does not know the effort {effort!r}; it got medium")
    return min(BUDGETS.get(effort, BUDGETS["medium"]), family.most_output // 2)


def make_room(body: Json, budget: int, family: Family) -> None:
    """Thinking counts against max_tokens: where nothing would be left to answer with, it is raised."""
    asked = body["max_tokens"]
    if asked <= budget:
        body["max_tokens"] = min(asked + budget, max(family.most_output, budget + 1))


def display_of(reasoning: ReasoningSettings, family: Family, diagnostics: Diagnostics) -> Json:
    """Whether thoughts are to be shown. The newest models hide them unless asked."""
    if family is UNKNOWN:
        if reasoning.summary != "auto":
            # It shows its reasoning as it is.
            drop_display(reasoning, "this model is not known to take it", diagnostics)
        return {}
    if reasoning.exclude:
        return {"display": "omitted"}
    return {"display": "summarized"} if family.thinking is Thinking.ADAPTIVE or reasoning.summary else {}


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


def can_force(body: Json, family: Family) -> bool:
    """Whether this request may force a tool: adaptive thinking allows it, a budget does not."""
    return family.forced_tools and thinking_type(body) != "enabled"


def apply_rules(body: Json, family: Family, diagnostics: Diagnostics) -> None:
    """Give up what the model or its thinking rules out, each with a warning."""
    if family.thinking is Thinking.ADAPTIVE:
        drop_sampling(body, diagnostics)
    if body.get("temperature", 0) > 1:
        diagnostics.warn("temperature", f"this provider's temperature ends at 1; {body['temperature']} was sent as 1")
        body["temperature"] = 1.0
    if thinking_type(body) in ("enabled", "adaptive"):
        apply_thinking_rules(body, diagnostics)
    choice = body.get("tool_choice")
    if choice and choice.get("type") in FORCED_CHOICES and not can_force(body, family):
        body["tool_choice"] = {name: value for name, value in choice.items() if name != "name"} | {"type": "auto"}
        why = "while the model reasons" if family.forced_tools else "with this model"
        diagnostics.warn("tool_choice", f"no tool can be forced {why}; the choice was left to the model")
    if family.one_sampling and "temperature" in body and "top_p" in body:
        drop_field(body, "top_p", "this model takes temperature or top_p, not both", diagnostics)


def drop_sampling(body: Json, diagnostics: Diagnostics) -> None:
    """The defaults go without a word."""
    for name in ("temperature", "top_p"):
        if body.pop(name, 1) != 1:
            diagnostics.drop(name, NO_SAMPLING)
    if "top_k" in body:
        drop_field(body, "top_k", NO_SAMPLING, diagnostics)


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
