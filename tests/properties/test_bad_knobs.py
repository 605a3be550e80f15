"""Knobs that contradict each other or that nobody knows, in each served API: an error that names the field."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_core.validation import check_chat
from tests.properties.knobs import CLAUDE_TOOL, FUNCTION, FUNCTIONS, TOOL, calling, config, request_of
from tests.properties.test_strict_vendors import TARGETS, encoded

Json = dict[str, Any]
REASONING = ("gpt-5-mini", "claude-sonnet-4-5", "claude-opus-4-8", "gemini-2.5-flash", "gemini-3-pro-preview", "grok-4.3")
"""Models of which it is known how much they reason."""
GONE = {"type": "function", "function": {"name": "gone"}}
TREE = {"type": "object", "properties": {"a": {"$ref": "#/$defs/gone"}}}
BAD_REF = "tools[0].function.parameters.properties.a.$ref"
NAMELESS: dict[str, tuple[str, Json, str]] = {
    "a choice of a tool that is not there": ("openai", {"tools": [TOOL], "tool_choice": GONE}, "tool_choice"),
    "the same, of OpenRouter": ("openrouter", {"tools": [TOOL], "tool_choice": GONE}, "tool_choice"),
    "the same, of Mistral": ("mistral", {"tools": [TOOL], "tool_choice": GONE}, "tool_choice"),
    "the same, of the Responses API": (
        "openai-responses",
        {"tools": [{"type": "function", **FUNCTION}], "tool_choice": {"type": "function", "name": "gone"}},
        "tool_choice",
    ),
    "the same, of Anthropic": (
        "anthropic",
        {"tools": [CLAUDE_TOOL], "tool_choice": {"type": "tool", "name": "gone"}},
        "tool_choice",
    ),
    "the same, of Gemini": ("gemini", calling(mode="ANY", allowedFunctionNames=["gone"]), "tool_choice"),
    "a level beside a budget": (
        "gemini",
        config(thinkingConfig={"thinkingLevel": "low", "thinkingBudget": 9}),
        "generationConfig.thinkingConfig.thinkingLevel",
    ),
    "two tools of one name": ("openai", {"tools": [TOOL, TOOL]}, "tools[1]"),
    "two functions of one name": ("gemini", {"tools": [*FUNCTIONS, *FUNCTIONS]}, "tools[1]"),
    "a reference that leads nowhere": (
        "openai",
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": TREE}}]},
        BAD_REF,
    ),
    "one of Anthropic": ("anthropic", {"tools": [{"name": "f", "input_schema": TREE}]}, BAD_REF),
    "a schema that is a list": (
        "openai",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "o", "schema": []}}},
        "response_format.json_schema.schema",
    ),
}
UNKNOWN_EFFORTS: dict[str, Json] = {
    "openai": {"reasoning_effort": "heroic"},
    "azure": {"reasoning_effort": "heroic"},
    "openrouter": {"reasoning": {"effort": "heroic"}},
    "openai-responses": {"reasoning": {"effort": "heroic"}},
    "anthropic": {"output_config": {"effort": "heroic"}},
    "gemini": config(thinkingConfig={"thinkingLevel": "heroic"}),
    "mistral": {"reasoning_effort": "heroic"},
}


@pytest.mark.parametrize(("api", "piece", "field"), NAMELESS.values(), ids=NAMELESS)
def test_what_no_model_can_be_asked(api: str, piece: Json, field: str) -> None:
    with pytest.raises(GatewayError) as caught:
        check_chat(request_of(api, {"": piece}))
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, field)
    assert caught.value.message


@pytest.mark.parametrize("api", UNKNOWN_EFFORTS)
def test_an_effort_that_nobody_knows(api: str) -> None:
    request = request_of(api, {"": UNKNOWN_EFFORTS[api]})
    for target in (target for target in TARGETS if target.model in REASONING):
        with pytest.raises(GatewayError) as caught:
            encoded(request, target, api)
        assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "reasoning.effort")
        assert "heroic" in caught.value.message


def test_a_budget_above_the_bound() -> None:
    """It is raised with a warning, or refused."""
    request = request_of("anthropic", {"": {"thinking": {"type": "enabled", "budget_tokens": 5000}, "max_tokens": 2000}})
    target = next(target for target in TARGETS if target.model == "claude-sonnet-4-5")
    body, warnings = encoded(request, target, "anthropic")
    assert (body["max_tokens"], [warning.field for warning in warnings]) == (7000, ["max_tokens"])
    request.strict = True
    with pytest.raises(GatewayError) as caught:
        encoded(request, target, "anthropic")
    assert (caught.value.reason, caught.value.field) == (Reason.UNSUPPORTED, "max_tokens")


def test_names_that_would_be_alike_stay_apart() -> None:
    """a.b and a_b are two tools, also where only one of the names is taken."""
    tools = [{"type": "function", "function": {"name": name}} for name in ("a.b", "a_b", "a b")]
    request = request_of("openai", {"": {"tools": tools}})
    check_chat(request)
    target = next(target for target in TARGETS if target.model == "gpt-4o")
    body, _ = encoded(request, target, "openai")
    assert len({tool["function"]["name"] for tool in body["tools"]}) == len(tools)
