"""OpenAI's chat completions and Responses API, and Azure's.

Words: recorded errors (envoy_chat_bad_request); https://github.com/google-deepmind/concordia/issues/164 and
https://github.com/enricoros/big-AGI/issues/947 (verbosity), https://github.com/run-llama/llama_index/issues/20865
(parallel calls), https://github.com/openai/openai-openapi/issues/541 and https://github.com/BerriAI/litellm/pull/34569
(tools beside an effort), https://github.com/aaif-goose/goose/issues/2564 (models of the Responses API alone),
https://platform.openai.com/docs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
    misnamed,
    other_than,
    outside,
    says_no_json,
)

CHAT_FIELDS = frozenset(
    {
        *("audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens"),
        *("max_tokens", "messages", "metadata", "modalities", "model", "n", "parallel_tool_calls", "prediction"),
        *("presence_penalty", "prompt_cache_key", "prompt_cache_retention", "reasoning_effort", "response_format"),
        *("safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options", "temperature"),
        *("tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options"),
    }
)
RESPONSES_FIELDS = frozenset(
    {
        *(
            "background",
            "conversation",
            "include",
            "input",
            "instructions",
            "max_output_tokens",
            "max_tool_calls",
            "metadata",
        ),
        *("model", "parallel_tool_calls", "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_retention"),
        *("reasoning", "safety_identifier", "service_tier", "store", "stream", "stream_options", "temperature", "text"),
        *("tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user"),
    }
)
O_SERIES = r"o\d"
FIFTH = r"gpt-5(\.\d)?(?!\.?\d*-chat)"
INSTANT = r"gpt-5\.[12]-chat"
REASONING = rf"{O_SERIES}|{INSTANT}|{FIFTH}"
SWITCHED = r"gpt-5\.[124](-mini|-nano)?(-20|$)"
"""With the effort none, which is the default, they take sampling settings."""
UNSWITCHED = rf"(?!{SWITCHED})({REASONING})"
PLAIN = r"gpt-3\.5|gpt-4|chatgpt-4o|gpt-5-chat"
RESPONSES_ONLY = r"gpt-5(\.\d)?-(pro|codex)|o1-pro|o3-pro|codex-mini|computer-use"
TOOLS_ELSEWHERE = r"gpt-5\.[4-9]"
EFFORTS: Mapping[str, tuple[str, ...]] = {
    r"o1(-20|-pro|$)|o3|o4": ("low", "medium", "high"),
    r"gpt-5(-mini|-nano)?(-20|$)": ("minimal", "low", "medium", "high"),
    r"gpt-5-pro": ("high",),
    r"gpt-5-codex": ("low", "medium", "high"),
    r"gpt-5\.1(-20|$)": ("none", "low", "medium", "high"),
    r"gpt-5\.1-codex(-20|-mini|$)": ("none", "low", "medium", "high"),
    r"gpt-5\.1-codex-max": ("none", "low", "medium", "high", "xhigh"),
    r"gpt-5\.[24](-mini|-nano)?(-20|$)": ("none", "low", "medium", "high", "xhigh"),
    r"gpt-5\.[24]-pro": ("medium", "high", "xhigh"),
    r"gpt-5\.[23]-codex": ("low", "medium", "high", "xhigh"),
    INSTANT: ("medium",),
}
MOST_OUTPUT: Mapping[str, int] = {
    r"gpt-3\.5-turbo": 4096,
    r"gpt-4(-0|$)": 8192,
    r"gpt-4-turbo|gpt-4o-2024-05-13": 4096,
    r"gpt-4o(-mini)?(-2024-(08|07|11)|$)|chatgpt-4o|gpt-5-chat|gpt-5\.[12]-chat": 16_384,
    r"gpt-4\.1": 32_768,
    r"(o1|o3|o3-mini|o4-mini)(-20|$)": 100_000,
    r"gpt-5(\.\d)?(-mini|-nano|-codex)?(-20|$)": 128_000,
    r"gpt-5-pro": 272_000,
}


def unsupported(name: str) -> str:
    return f"Unsupported parameter: '{name}' is not supported with this model."


def reasons(path: str) -> Check:
    """Of a model whose reasoning is off unless an effort says otherwise."""
    return lambda body: at(body, path) not in (None, "none")


def by_model(effort: str, bound: str) -> Iterator[Rule]:
    """effort, bound: where they stand in the body."""
    for models, words in EFFORTS.items():
        supported = ", ".join(f"'{word}'" for word in words)
        message = f"Unsupported value: '{effort}' is not supported with this model. Supported values are: {supported}."
        yield Rule(message, other_than(effort, *words), models)
    for models, most in MOST_OUTPUT.items():
        message = f"{bound} is too large. This model supports at most {most} completion tokens."
        yield Rule(message, outside(bound, 0, most), models)


def has_functions(body: Json) -> bool:
    return any(tool.get("type") == "function" for tool in body.get("tools") or ())


SHARED = (
    Rule("Invalid 'temperature': decimal above maximum value. Expected a value <= 2.", outside("temperature", 0, 2)),
    Rule("Invalid 'top_p': decimal above maximum value. Expected a value <= 1.", outside("top_p", 0, 1)),
    Rule("Invalid 'top_logprobs': integer above maximum value. Expected a value <= 20.", outside("top_logprobs", 0, 20)),
    Rule("Invalid 'user': string too long. Expected a string with maximum length 64.", longer("user", 64)),
    Rule("Invalid 'metadata': too many properties. Expected an object with at most 16 properties.", longer("metadata", 16)),
    Rule("Invalid 'tools': empty array. Expected an array with minimum length 1.", empty("tools")),
    Rule("'tool_choice' is only allowed when 'tools' are specified.", both(given("tool_choice"), lacks("tools"))),
    Rule(
        "'parallel_tool_calls' is only allowed when 'tools' are specified.",
        both(given("parallel_tool_calls"), lacks("tools")),
    ),
    Rule(unsupported("parallel_tool_calls"), given("parallel_tool_calls"), r"o1(-20|$)|o3|o4"),
    Rule(
        "Invalid value for 'service_tier'. Supported values are: 'auto', 'default', 'flex', 'scale' and 'priority'.",
        other_than("service_tier", "auto", "default", "flex", "scale", "priority"),
    ),
)
CHAT = (
    *SHARED,
    Rule("This model is only supported in v1/responses and not in v1/chat/completions.", bool, RESPONSES_ONLY, 404),
    Rule("Invalid 'stop': array too long. Expected an array with maximum length 4.", longer("stop", 4)),
    Rule("'top_logprobs' is only allowed when 'logprobs' is true.", both(given("top_logprobs"), lacks("logprobs"))),
    Rule(
        "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        both(given("max_tokens"), given("max_completion_tokens")),
    ),
    Rule(unsupported("max_tokens") + " Use 'max_completion_tokens' instead.", given("max_tokens"), REASONING),
    Rule(
        "Unsupported value: 'temperature' does not support this with this model. Only the default (1) value is supported.",
        other_than("temperature", 1),
        UNSWITCHED,
    ),
    *(
        Rule(unsupported(name), given(name), UNSWITCHED)
        for name in ("top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias", "stop")
    ),
    *(
        Rule(unsupported(name), both(given(name), reasons("reasoning_effort")), SWITCHED)
        for name in ("temperature", "top_p", "logprobs")
    ),
    *(Rule(unsupported(name), given(name), SWITCHED) for name in ("presence_penalty", "frequency_penalty", "stop")),
    Rule("Unrecognized request argument supplied: reasoning_effort", given("reasoning_effort"), PLAIN),
    Rule(
        "Unsupported parameter: 'reasoning_effort' is not supported with this model.",
        given("reasoning_effort"),
        "o1-mini|o1-p",
    ),
    Rule(
        "Unsupported value: 'verbosity' does not support this with this model. Supported values are: 'medium'.",
        other_than("verbosity", "medium"),
        rf"{PLAIN}|{O_SERIES}",
    ),
    Rule(
        "Function tools with reasoning_effort are not supported for {model} in /v1/chat/completions. Please use"
        " /v1/responses instead.",
        both(has_functions, reasons("reasoning_effort")),
        TOOLS_ELSEWHERE,
    ),
    Rule(
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
        lambda body: at(body, "response_format.type") == "json_object" and says_no_json(body),
    ),
    Rule(
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
        lambda body: at(body, "response_format.type") == "json_schema",
        r"gpt-3\.5|gpt-4(-0|-turbo|$)|gpt-4o-2024-05-13|o1-mini|o1-preview",
    ),
    Rule(
        "Invalid parameter: 'response_format' of type 'json_object' is not supported with this model.",
        lambda body: at(body, "response_format.type") == "json_object",
        r"gpt-4(-0|$)",
    ),
    Rule(
        "Invalid 'tools[0].function.name': string does not match pattern '^[a-zA-Z0-9_-]+$'.",
        misnamed("function", r"[a-zA-Z0-9_-]{1,64}"),
    ),
    Rule("tools is not supported in this model.", given("tools"), r"chatgpt-4o-latest"),
    *by_model("reasoning_effort", "max_completion_tokens"),
)
RESPONSES = (
    *SHARED,
    Rule(
        "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.",
        outside("max_output_tokens", 16, float("inf")),
    ),
    *(Rule(unsupported(name), given(name), UNSWITCHED) for name in ("temperature", "top_p", "top_logprobs")),
    *(
        Rule(unsupported(name), both(given(name), reasons("reasoning.effort")), SWITCHED)
        for name in ("temperature", "top_p", "top_logprobs")
    ),
    Rule(unsupported("reasoning.effort"), given("reasoning.effort"), PLAIN),
    Rule(unsupported("reasoning.summary"), given("reasoning.summary"), PLAIN),
    Rule(
        "Unsupported value: 'low' is not supported with this model. Supported values are: 'medium'.",
        other_than("text.verbosity", "medium"),
        rf"{PLAIN}|{O_SERIES}|gpt-5-codex|gpt-5\.1-codex",
    ),
    Rule(
        "Encrypted content is not supported with this model.",
        lambda body: "reasoning.encrypted_content" in (body.get("include") or ()),
        PLAIN,
    ),
    Rule(
        "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.",
        lambda body: at(body, "text.format.type") == "json_object" and says_no_json(body),
    ),
    Rule(
        "Invalid parameter: 'text.format' of type 'json_schema' is not supported with model version `{model}`.",
        lambda body: at(body, "text.format.type") == "json_schema",
        r"gpt-3\.5|gpt-4(-0|-turbo|$)|gpt-4o-2024-05-13|o1-mini|o1-preview",
    ),
    Rule(
        "Invalid 'tools[0].name': string does not match pattern '^[a-zA-Z0-9_-]+$'.", misnamed("", r"[a-zA-Z0-9_-]{1,128}")
    ),
    *by_model("reasoning.effort", "max_output_tokens"),
)
CHAT_FAKE = Fake(CHAT, CHAT_FIELDS, "Unrecognized request argument supplied: {field}")
RESPONSES_FAKE = Fake(RESPONSES, RESPONSES_FIELDS, "Unknown parameter: '{field}'.")
