"""Anthropic's Messages API.

Words: recorded errors (error_400: efforts); https://github.com/Oaklight/llm-rosetta/pull/289 and
https://github.com/BerriAI/litellm/pull/27074 (which models take an effort), https://github.com/n8n-io/n8n/issues/14288 and
https://github.com/egoist/chatwise-releases/issues/1348 (sampling while thinking),
https://github.com/diegosouzapw/OmniRoute/pull/4389 and https://github.com/langchain-ai/langchain-aws/pull/1141 (forced
tools), https://github.com/mnfst/modelparams.dev/pull/92
(claude-sonnet-5), https://platform.claude.com/docs.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.vendors.rules import Fake, Json, Rule, at, both, given, lacks, misnamed, other_than, outside

FIELDS = frozenset(
    {
        *("cache_control", "container", "context_management", "inference_geo", "max_tokens", "mcp_servers", "messages"),
        *("metadata", "model", "output_config", "service_tier", "speed", "stop_sequences", "stream", "system"),
        *("temperature", "thinking", "tool_choice", "tools", "top_k", "top_p"),
    }
)
SILENT = r"claude-(2|instant|3-(haiku|sonnet|opus|5))"
BUDGETED = r"claude-(3-7|(sonnet|opus)-4-(0|1|2025)|[a-z]+-4-5)"
EITHER = r"claude-[a-z]+-4-6"
ADAPTIVE = r"claude-[a-z]+-(4-[78]|[5-9])"
SCHEMALESS = rf"{SILENT}|claude-(3-7|(sonnet|opus)-4-(0|1|2025))"
ALWAYS = r"claude-(opus-5-[1-9]|(fable|mythos)-5)"
UNFORCED = r"claude-(opus|sonnet|fable|mythos)-5-[1-9]"
MOST_OUTPUT: Mapping[str, int] = {
    r"claude-(2|instant|3-(haiku|sonnet|opus))": 4096,
    r"claude-3-5": 8192,
    r"claude-opus-4-(0|1|2025)": 32_000,
    r"claude-(3-7|sonnet-4-(0|2025)|[a-z]+-4-5)": 64_000,
    r"claude-[a-z]+-(4-[678]|5)": 128_000,
}


def kind(body: Json) -> object:
    return at(body, "thinking.type")


def thinks(body: Json) -> bool:
    return kind(body) in ("enabled", "adaptive")


def budget(body: Json) -> int:
    return int(at(body, "thinking.budget_tokens") or 0)


def forces(body: Json) -> bool:
    return at(body, "tool_choice.type") in ("any", "tool")


def has_strict_tool(body: Json) -> bool:
    return any(tool.get("strict") for tool in body.get("tools") or ())


RULES = (
    Rule("max_tokens: Field required", lacks("max_tokens")),
    Rule("temperature: range: 0..1", outside("temperature", 0, 1)),
    Rule("top_p: range: 0..1", outside("top_p", 0, 1)),
    Rule("service_tier: Input should be 'auto' or 'standard_only'", other_than("service_tier", "auto", "standard_only")),
    Rule(
        "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        both(given("temperature"), given("top_p")),
        r"claude-(opus-4-1|[a-z]+-4-[56])",
    ),
    *(Rule(f"`{name}` is deprecated for this model.", given(name), ADAPTIVE) for name in ("temperature", "top_p", "top_k")),
    Rule(
        "`temperature` may only be set to 1 when thinking is enabled.",
        lambda body: thinks(body) and body.get("temperature", 1) != 1,
    ),
    Rule(
        "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.",
        lambda body: thinks(body) and body.get("top_p", 1) < 0.95,
    ),
    Rule("`top_k` must be unset when thinking is enabled.", lambda body: thinks(body) and "top_k" in body),
    Rule("'{model}' does not support thinking.", thinks, SILENT),
    Rule("adaptive thinking is not supported on this model", lambda body: kind(body) == "adaptive", BUDGETED),
    Rule(
        '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to'
        " control thinking behavior.",
        lambda body: kind(body) == "enabled",
        ADAPTIVE,
    ),
    Rule('"thinking.type.disabled" is not supported for this model.', lambda body: kind(body) == "disabled", ALWAYS),
    Rule(
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        lambda body: kind(body) == "enabled" and budget(body) < 1024,
    ),
    Rule(
        "`max_tokens` must be greater than `thinking.budget_tokens`.",
        lambda body: kind(body) == "enabled" and budget(body) >= body["max_tokens"],
    ),
    Rule(
        "Thinking may not be enabled when tool_choice forces tool use.",
        lambda body: kind(body) == "enabled" and forces(body),
    ),
    Rule(
        "Thinking may not be enabled when tool_choice forces tool use.",
        lambda body: kind(body) == "adaptive" and forces(body),
        r"claude-[a-z]+-4-[67]",
    ),
    Rule("tool_choice: forced tool use is not supported for this model.", forces, UNFORCED),
    Rule("tool_choice: tool_choice may only be specified while providing tools", both(given("tool_choice"), lacks("tools"))),
    Rule(
        "This model does not support the effort parameter.",
        given("output_config.effort"),
        rf"{SILENT}|claude-(3-7|(sonnet|opus)-4-(0|1|2025)|(sonnet|haiku)-4-5)",
    ),
    Rule(
        "This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium.",
        other_than("output_config.effort", "low", "medium", "high", "max"),
        EITHER,
    ),
    Rule(
        "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
        other_than("output_config.effort", "low", "medium", "high", "xhigh", "max"),
    ),
    Rule("'{model}' does not support output format.", given("output_config.format"), SCHEMALESS),
    Rule("'{model}' does not support strict tools.", has_strict_tool, SCHEMALESS),
    Rule(
        "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'", misnamed("", r"[a-zA-Z0-9_-]{1,128}")
    ),
    Rule(
        "stop_sequences: each stop sequence must contain non-whitespace",
        lambda body: any(not text.strip() for text in body.get("stop_sequences") or ()),
    ),
    Rule(
        "This model does not support assistant message prefill. The conversation must end with a user message.",
        lambda body: body["messages"][-1]["role"] == "assistant",
        rf"{EITHER}|{ADAPTIVE}",
    ),
    Rule("This model does not support tools.", given("tools"), r"claude-(2|instant)"),
    *(
        Rule(
            f"max_tokens: {{model}} allows {most}, which is the maximum allowed number of output tokens",
            outside("max_tokens", 1, most),
            models,
        )
        for models, most in MOST_OUTPUT.items()
    ),
)
FAKE = Fake(RULES, FIELDS, "{field}: Extra inputs are not permitted")
