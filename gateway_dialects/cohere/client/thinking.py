"""How much the model should think.

Source: https://docs.cohere.com/docs/reasoning: models that reason do so unless told not to; a budget bounds it, and should
leave room for the answer. There are no efforts: they are budgets here, and the highest have none.
"""

from __future__ import annotations

from dragoman.v1.chat_pb2 import ReasoningSettings
from gateway_dialects.cohere.client.details import details_of
from gateway_dialects.cohere.client.families import reasons
from gateway_dialects.cohere.client.remarks import Remarks
from gateway_dialects.kit.json import Json

BUDGETS = {"minimal": 512, "low": 1024, "medium": 4096}
"""Thinking tokens for an effort."""
UNBOUNDED = frozenset({"high", "xhigh", "max"})


def encode_reasoning(body: Json, reasoning: ReasoningSettings, model: str, remarks: Remarks) -> None:
    """Sets thinking. body has max_tokens, where it is bounded."""
    native = details_of(reasoning).get("thinking")
    if native is not None:
        body["thinking"] = native
        return
    is_off = reasoning.effort == "none" or (reasoning.HasField("enabled") and not reasoning.enabled)
    if is_off:
        if reasons(model):
            body["thinking"] = {"type": "disabled"}
        return
    if not reasons(model):
        if reasoning.effort or reasoning.enabled or reasoning.HasField("max_tokens"):
            remarks.leave_out("reasoning", "this model does not reason")
        return
    encode_amount(body, reasoning, remarks)
    for name in ("summary", "exclude"):
        if getattr(reasoning, name):
            remarks.leave_out(f"reasoning.{name}", "this provider shows its reasoning whole")


def encode_amount(body: Json, reasoning: ReasoningSettings, remarks: Remarks) -> None:
    effort = reasoning.effort
    if reasoning.HasField("max_tokens"):
        body["thinking"] = {"type": "enabled", "token_budget": reasoning.max_tokens}
    elif effort in BUDGETS:
        body["thinking"] = {"type": "enabled", "token_budget": within(BUDGETS[effort], body.get("max_tokens"))}
    elif effort or reasoning.enabled:
        body["thinking"] = {"type": "enabled"}
        if effort and effort not in UNBOUNDED:
            remarks.leave_out("reasoning.effort", f"this provider does not know the effort {effort!r}")


def within(budget: int, bound: int | None) -> int:
    """Thinking counts against max_tokens: at least half of that is for the answer."""
    return budget if bound is None else max(1, min(budget, bound // 2))
