"""Vendors with APIs of their own, Mistral and Cohere, and vendors in OpenAI's form.

Words and sources: https://docs.mistral.ai/api, the models of the package
mistralai 3.7 and https://github.com/devoxx/DevoxxGenieIDEAPlugin/issues/338 (greedy);
https://docs.cohere.com/reference/chat, https://github.com/OpenRouterTeam/openrouter-examples/issues/71 (unknown
fields), https://github.com/cohere-ai/cohere-developer-experience/pull/523 (temperature); https://api-docs.deepseek.com,
https://github.com/deepseek-ai/awesome-deepseek-integration/issues/598 (tool_choice); https://console.groq.com/docs/openai
and .../reasoning, https://github.com/iamsrikanthnani/pluely/pull/219; https://github.com/neavo/LinguaGacha/issues/159,
https://github.com/QuantumNous/new-api/pull/6081, https://github.com/NousResearch/hermes-agent/pull/23435 and
https://github.com/miaoxworld/NativeTavern/issues/83 (xAI); https://platform.kimi.ai/docs,
https://github.com/CherryHQ/cherry-studio/pull/12731 and https://github.com/can1357/oh-my-pi/issues/1077 (Moonshot);
https://docs.z.ai/api-reference/llm/chat-completion; https://github.com/BerriAI/litellm/issues/8011,
https://github.com/lobehub/lobehub/issues/1368, https://github.com/567-labs/instructor/issues/1005,
https://github.com/pipecat-ai/pipecat/pull/4862 (Perplexity); https://inference-docs.cerebras.ai/resources/openai,
https://github.com/Gitlawb/openclaude/issues/740 and https://github.com/egoist/chatwise-releases/issues/1325 (Cerebras);
https://openrouter.ai/docs/guides/best-practices/reasoning-tokens.
"""

from __future__ import annotations

from tests.vendors.rules import (
    Check,
    Fake,
    Json,
    Rule,
    at,
    both,
    empty,
    given,
    lacks,
    longer,
    other_than,
    outside,
    roles_of,
    says_no_json,
    with_role,
)

PENALTIES = ("presence_penalty", "frequency_penalty")


def forces(body: Json) -> bool:
    return at(body, "tool_choice") in ("required", "any") or isinstance(at(body, "tool_choice"), dict)


def format_is(*kinds: str) -> Check:
    return lambda body: at(body, "response_format.type") in kinds


def holds(field: str) -> Check:
    """Whether a message of the conversation has the field."""
    return lambda body: any(message.get(field) is not None for message in body.get("messages") or ())


MISTRAL = Fake(
    (
        Rule("Input should be less than or equal to 1.5", outside("temperature", 0, 1.5), status=422),
        Rule("Input should be less than or equal to 1", outside("top_p", 0, 1), status=422),
        Rule(
            "top_p must be 1 when using greedy sampling.",
            lambda body: body.get("temperature") == 0 and body.get("top_p", 1) != 1,
        ),
        *(Rule("Input should be less than or equal to 2", outside(name, -2, 2), status=422) for name in PENALTIES),
        Rule("Input should be 'none' or 'high'", other_than("reasoning_effort", "none", "high"), status=422),
        Rule(
            "reasoning_effort is not enabled for this model",
            given("reasoning_effort"),
            r"mistral-(large|nemo|saba|tiny)|codestral|devstral|ministral|pixtral|open-|magistral-medium",
        ),
        Rule("Input should be 'auto', 'none', 'any' or 'required'", lambda body: body.get("tool_choice") == "", status=422),
        Rule("tool_choice requires tools", both(given("tool_choice"), lacks("tools"))),
    ),
    frozenset(
        {
            *("frequency_penalty", "guardrails", "logprobs", "max_tokens", "messages", "metadata", "min_tokens", "model"),
            *("n", "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key", "prompt_logprobs"),
            *("prompt_mode", "random_seed", "reasoning_effort", "repetition_penalty", "response_format", "safe_prompt"),
            *("service_tier", "stop", "stream", "temperature", "tool_choice", "tools", "top_k", "top_logprobs", "top_p"),
            "top_prompt_logprobs",
        }
    ),
    "body.{field}: Extra inputs are not permitted",
    422,
)
COHERE = Fake(
    (
        Rule("invalid request: temperature must be between 0 and 1.0 inclusive", outside("temperature", 0, 1)),
        Rule("invalid request: p must be between 0.01 and 0.99 inclusive", outside("p", 0.01, 0.99)),
        Rule("invalid request: k must be between 0 and 500 inclusive", outside("k", 0, 500)),
        *(Rule(f"invalid request: {name} must be between 0 and 1", outside(name, 0, 1)) for name in PENALTIES),
        Rule("invalid request: at most 5 stop sequences are allowed", longer("stop_sequences", 5)),
        Rule("invalid tool_choice: must be REQUIRED or NONE", other_than("tool_choice", "REQUIRED", "NONE"), status=422),
        Rule("invalid request: tool_choice needs tools", both(given("tool_choice"), lacks("tools"))),
        Rule("response_format cannot be used with tools", both(given("response_format"), given("tools"))),
        Rule(
            "thinking is not supported for model {model}",
            given("thinking"),
            r"command-(r|light|nightly|a-03|a-vision|a-translate)|c4ai-",
        ),
        Rule(
            "unknown field: parameter 'strict' is not a valid field.",
            lambda body: any("strict" in tool.get("function", ()) for tool in body.get("tools") or ()),
            status=422,
        ),
    ),
    frozenset(
        {
            *("citation_options", "documents", "frequency_penalty", "k", "logprobs", "max_tokens", "messages", "model", "p"),
            *("presence_penalty", "priority", "raw_prompting", "response_format", "safety_mode", "seed", "stop_sequences"),
            *("stream", "strict_tools", "temperature", "thinking", "tool_choice", "tools"),
        }
    ),
    "unknown field: parameter '{field}' is not a valid field.",
    422,
)
DEEPSEEK = Fake(
    (
        Rule("Invalid temperature value, the valid range of temperature is [0, 2]", outside("temperature", 0, 2)),
        Rule("Invalid top_p value, the valid range of top_p is (0, 1]", outside("top_p", 1e-9, 1)),
        Rule("Invalid stop: at most 16 are allowed", longer("stop", 16)),
        Rule(
            "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
            outside("max_tokens", 1, 8192),
            "deepseek-chat",
        ),
        Rule(
            "Invalid max_tokens value, the valid range of max_tokens is [1, 65536]",
            outside("max_tokens", 1, 65_536),
            "deepseek-r",
        ),
        Rule("This response_format type is unavailable now", format_is("json_schema")),
        Rule(
            "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'.",
            lambda body: format_is("json_object")(body) and says_no_json(body),
        ),
        *(
            Rule(f"deepseek-reasoner does not support the parameter {name}", given(name), "deepseek-reasoner")
            for name in ("logprobs", "top_logprobs")
        ),
        Rule(
            "deepseek-reasoner does not support this tool_choice",
            lambda body: forces(body) and at(body, "thinking.type") != "disabled",
            r"deepseek-(reasoner|v4)",
        ),
        Rule(
            "unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool`",
            with_role("developer"),
            status=422,
        ),
    )
)
GROQ = Fake(
    (
        *(Rule(f"property '{name}' is unsupported", given(name)) for name in ("logit_bias", "logprobs", "top_logprobs")),
        Rule("'stop' : maximum number of items is 4", longer("stop", 4)),
        Rule("temperature must be between 0 and 2", outside("temperature", 0, 2)),
        Rule("n must be 1", other_than("n", 1)),
        Rule(
            "service_tier must be one of auto, on_demand, flex, performance",
            other_than("service_tier", "auto", "on_demand", "flex", "performance"),
        ),
        Rule(
            "`reasoning_effort` must be one of `none` or `default`",
            other_than("reasoning_effort", "none", "default"),
            r"qwen",
        ),
        Rule(
            "`reasoning_effort` must be one of `low`, `medium`, or `high`",
            other_than("reasoning_effort", "low", "medium", "high"),
            r"openai/gpt-oss",
        ),
        Rule(
            "`reasoning_effort` is not supported with this model",
            given("reasoning_effort"),
            r"llama|meta-llama|gemma|moonshotai|mistral|allam",
        ),
        Rule(
            "reasoning is not supported with this model",
            holds("reasoning"),
            r"llama|meta-llama|gemma|moonshotai|mistral|allam",
        ),
        Rule("property 'reasoning_content' is unsupported", holds("reasoning_content")),
        Rule(
            "property 'name' is unsupported",
            lambda body: any("name" in one for one in body["messages"] if one["role"] != "tool"),
        ),
        Rule("This model does not support response format `json_schema`.", format_is("json_schema"), r"llama-3|gemma|qwen"),
        Rule(
            "json mode cannot be combined with tool/function calling",
            both(format_is("json_object", "json_schema"), given("tools")),
        ),
        Rule(
            "'messages' must contain the word 'json' in some form",
            lambda body: format_is("json_object")(body) and says_no_json(body),
        ),
        Rule("'tools' : minimum number of items is 1", empty("tools")),
    ),
    frozenset(
        {
            *("citation_options", "compound_custom", "disable_tool_validation", "documents", "frequency_penalty"),
            *("function_call", "functions", "include_reasoning", "logit_bias", "logprobs", "max_completion_tokens"),
            *("max_tokens", "messages", "metadata", "model", "n", "parallel_tool_calls", "presence_penalty"),
            *("reasoning_effort", "reasoning_format", "response_format", "search_settings", "seed", "service_tier", "stop"),
            *("store", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user"),
        }
    ),
    "property '{field}' is unsupported",
)
XAI = Fake(
    (
        *(
            Rule(f"Model {{model}} does not support parameter {name}.", given(field), models)
            for name, field, models in (
                ("presencePenalty", "presence_penalty", r"grok-(3-mini|4|code)"),
                ("frequencyPenalty", "frequency_penalty", r"grok-(3-mini|4|code)"),
                ("stop", "stop", r"grok-(3-mini|4(?!.*non-reasoning|\.3)|code)"),
                ("reasoningEffort", "reasoning_effort", r"grok-(2|3(?!-mini)|4(?!\.[3-9](?!\d)|.*multi-agent)|code)"),
            )
        ),
        Rule("logit_bias is not supported", given("logit_bias")),
        Rule("temperature must be between 0 and 2", outside("temperature", 0, 2)),
        Rule("reasoning_effort: expected low or high", other_than("reasoning_effort", "low", "high"), r"grok-3-mini"),
        Rule(
            "reasoning_effort: expected low, medium or high",
            other_than("reasoning_effort", "low", "medium", "high"),
            r"grok-4\.5",
        ),
    )
)
KIMI_FIXED = r"kimi-k2\.[5-9]"
MOONSHOT = Fake(
    (
        Rule("invalid temperature: only values in [0, 1] are allowed", outside("temperature", 0, 1)),
        Rule("invalid temperature: only 1 is allowed for this model", other_than("temperature", 1), KIMI_FIXED),
        Rule("invalid top_p: only 0.95 is allowed for this model", other_than("top_p", 0.95), KIMI_FIXED),
        *(Rule(f"invalid {name}: only 0 is allowed for this model", other_than(name, 0), KIMI_FIXED) for name in PENALTIES),
        Rule("invalid stop: at most 5 are allowed", longer("stop", 5)),
        Rule("tool_choice 'required' is not supported", lambda body: body.get("tool_choice") == "required"),
        Rule("tool_choice 'specified' is incompatible with thinking enabled", forces, KIMI_FIXED),
        Rule(
            "function name is invalid, must start with a letter and can contain letters, numbers, underscores, and dashes",
            lambda body: any(not tool["function"]["name"][:1].isalpha() for tool in body.get("tools") or ()),
        ),
    )
)
INVALID_PARAMETER = "Invalid API parameter, please check the documentation."
ZAI = Fake(
    tuple(
        Rule(INVALID_PARAMETER, check)
        for check in (
            outside("temperature", 0, 1),
            outside("top_p", 0.01, 1),
            longer("stop", 1),
            format_is("json_schema"),
            other_than("tool_choice", "auto"),
            both(given("tool_choice"), lacks("tools")),
        )
    )
)
PERPLEXITY = Fake(
    (
        Rule("Tool calling is not supported for this model", given("tools")),
        Rule(
            "At body -> messages -> 1 -> role: Input should be 'system', 'user' or 'assistant'",
            with_role("tool", "developer"),
        ),
        Rule(
            "At body -> messages -> 0 -> content: Field required",
            lambda body: any(one.get("content") is None for one in body["messages"]),
        ),
        Rule(
            "Cannot set both presence_penalty and frequency_penalty.",
            both(given("presence_penalty"), given("frequency_penalty")),
        ),
        Rule("Frequency penalty must satisfy p > 0.", outside("frequency_penalty", 1e-9, 2)),
        Rule("Presence penalty must be between -2 and 2.", outside("presence_penalty", -2, 2)),
        Rule("Temperature must satisfy 0 <= p < 2", outside("temperature", 0, 1.99999)),
        Rule("At body -> response_format -> ResponseFormatText -> type: Input should be 'text'", format_is("json_object")),
        Rule(
            "After the (optional) system message(s), user or tool message(s) should alternate with assistant message(s).",
            lambda body: any(
                one == other != "system" for one, other in zip(roles_of(body), roles_of(body)[1:], strict=False)
            ),
        ),
    )
)
CEREBRAS = Fake(
    (
        *(
            Rule(f"body.{name}: property 'body.{name}' is unsupported", given(name))
            for name in (*PENALTIES, "logit_bias", "top_k")
        ),
        Rule("temperature: Input should be less than or equal to 1.5", outside("temperature", 0, 1.5)),
        Rule("stop: List should have at most 4 items", longer("stop", 4)),
        Rule("property 'messages.1.assistant.reasoning_content' is unsupported", holds("reasoning_content")),
        Rule(
            "reasoning_effort is not supported by this model", given("reasoning_effort"), r"llama|qwen-3-235b-a22b-instruct"
        ),
        Rule(
            "Input should be 'low', 'medium' or 'high'", other_than("reasoning_effort", "low", "medium", "high"), r"gpt-oss"
        ),
    ),
    frozenset(
        {
            *("clear_thinking", "disable_reasoning", "logprobs", "max_completion_tokens", "max_tokens", "messages", "model"),
            *("n", "parallel_tool_calls", "prediction", "reasoning_effort", "response_format", "seed", "service_tier"),
            *("stop", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user"),
        }
    ),
    "body.{field}: property 'body.{field}' is unsupported",
    422,
)
OLLAMA = Fake(
    (
        Rule(
            'invalid reasoning value (must be "high", "medium", "low", "max" or "none")',
            other_than("reasoning_effort", "high", "medium", "low", "max", "none"),
        ),
        Rule(
            '"{model}" does not support thinking',
            lambda body: body.get("reasoning_effort") not in (None, "none"),
            r"llama3|gemma",
        ),
    )
)
OPENROUTER = Fake(
    (
        Rule(
            'Only one of "reasoning.effort" and "reasoning.max_tokens" can be specified',
            both(given("reasoning.effort"), given("reasoning.max_tokens")),
        ),
        Rule("temperature: Number must be less than or equal to 2", outside("temperature", 0, 2)),
        Rule("top_p: Number must be less than or equal to 1", outside("top_p", 0, 1)),
    )
)
MINIMAX = Fake((Rule("invalid params, temperature must be in (0, 1]", outside("temperature", 1e-9, 1)),))
FREE = Fake(())
"""A vendor that is not known to refuse any setting."""
