"""Google's Gemini API, and its API in OpenAI's form.

Words: https://ai.google.dev/gemini-api/docs/thinking, .../structured-output, .../function-calling;
https://github.com/googleapis/python-genai/issues/1921 and https://github.com/mscraftsman/generative-ai/issues/135
(log-probabilities), https://github.com/vercel/ai/issues/8943 (penalties), the error bodies of
https://cloud.google.com/vertex-ai/generative-ai/docs (ranges).
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.vendors.rules import Fake, Json, Rule, at, both, either, given, lacks, longer, outside

FIELDS = frozenset(
    {
        *("cachedContent", "contents", "generationConfig", "labels", "model", "safetySettings", "serviceTier", "store"),
        *("systemInstruction", "toolConfig", "tools"),
    }
)
CONFIG_FIELDS = frozenset(
    {
        *("candidateCount", "enableEnhancedCivicAnswers", "frequencyPenalty", "imageConfig", "logprobs", "maxOutputTokens"),
        *("mediaResolution", "presencePenalty", "responseJsonSchema", "responseLogprobs", "responseMimeType"),
        *("responseModalities", "responseSchema", "seed", "speechConfig", "stopSequences", "temperature"),
        *("thinkingConfig", "topK", "topP"),
    }
)
CONFIG = "generationConfig"
BUDGET, LEVEL = f"{CONFIG}.thinkingConfig.thinkingBudget", f"{CONFIG}.thinkingConfig.thinkingLevel"
SECOND = r"gemini-2\.0"
BUDGETS: Mapping[str, tuple[int, int]] = {
    r"gemini-2\.5-pro": (128, 32_768),
    r"gemini-2\.5-flash-lite": (512, 24_576),
    r"gemini-2\.5-flash(?!-(lite|image|native|preview-tts))": (1, 24_576),
}
LEVEL_WORDS: Mapping[str, tuple[str, ...]] = {
    r"gemini-3-pro(-preview)?$": ("low", "high"),
    r"gemini-3\.\d-pro": ("low", "medium", "high"),
    r"gemini-3(\.\d)?-flash": ("minimal", "low", "medium", "high"),
}
MOST_OUTPUT: Mapping[str, int] = {
    r"gemini-2\.0": 8192,
    r"gemini-2\.5-(pro|flash|flash-lite)$|gemini-3-(pro|flash)-preview$": 65_536,
}


def declares(body: Json) -> bool:
    return any(tool.get("functionDeclarations") for tool in body.get("tools") or ())


def unknown_config(body: Json) -> bool:
    return bool(set(body.get(CONFIG) or ()) - CONFIG_FIELDS)


def budget_outside(least: int, most: int) -> Rule:
    message = f"The thinking budget is invalid. Please choose a value between {least} and {most}."
    return Rule(message, lambda body: at(body, BUDGET) not in (None, 0, -1) and not least <= at(body, BUDGET) <= most)


RULES = (
    Rule("Invalid JSON payload received. Unknown name at 'generation_config': Cannot find field.", unknown_config),
    Rule(
        "Unable to submit request because it has a temperature value but the supported range is from 0 (inclusive) to 2.",
        outside(f"{CONFIG}.temperature", 0, 2),
    ),
    Rule("Unable to submit request because it has a topP value outside of 0 to 1.", outside(f"{CONFIG}.topP", 0, 1)),
    Rule("stop_sequences: at most 5 are allowed", longer(f"{CONFIG}.stopSequences", 5)),
    Rule("logprobs: the supported range is from 0 to 20.", outside(f"{CONFIG}.logprobs", 0, 20)),
    Rule(
        "logprobs requires response_logprobs to be true",
        both(given(f"{CONFIG}.logprobs"), lacks(f"{CONFIG}.responseLogprobs")),
    ),
    Rule("Logprobs is not enabled for models/{model}", given(f"{CONFIG}.responseLogprobs"), r"gemini-(2\.5|3)"),
    Rule(
        "Penalty is not enabled for this model",
        either(given(f"{CONFIG}.frequencyPenalty"), given(f"{CONFIG}.presencePenalty")),
        r"gemini-(2\.5(?!.*image)|3)",
    ),
    Rule("Thinking is not supported by this model.", given(f"{CONFIG}.thinkingConfig"), SECOND),
    Rule("Thinking level is not supported for this model.", given(LEVEL), r"gemini-2"),
    Rule("You can only set only one of thinking budget and thinking level.", both(given(LEVEL), given(BUDGET))),
    Rule(
        "Budget 0 is invalid. This model only works in thinking mode.",
        lambda body: at(body, BUDGET) == 0,
        r"gemini-(2\.5-pro|3)",
    ),
    *(Rule(rule.message, rule.refuses, models) for models, bounds in BUDGETS.items() for rule in (budget_outside(*bounds),)),
    *(
        Rule(
            "Thinking level is not supported for this model. Please retry with other thinking level.",
            lambda body, words=words: at(body, LEVEL) is not None and str(at(body, LEVEL)).lower() not in words,  # type: ignore[misc]
            models,
        )
        for models, words in LEVEL_WORDS.items()
    ),
    *(
        Rule(
            f"Unable to submit request because it has a maxOutputTokens value but the supported range is from 1 (inclusive)"
            f" to {most + 1} (exclusive).",
            outside(f"{CONFIG}.maxOutputTokens", 1, most),
            models,
        )
        for models, most in MOST_OUTPUT.items()
    ),
    Rule(
        "Function calling with a response mime type: 'application/json' is unsupported",
        lambda body: at(body, f"{CONFIG}.responseMimeType") == "application/json" and declares(body),
        r"gemini-2",
    ),
    Rule(
        "Function calling config is set without function_declarations.",
        lambda body: given("toolConfig.functionCallingConfig")(body) and not declares(body),
    ),
    Rule(
        "Allowed function names can only be set when the mode is ANY or VALIDATED.",
        lambda body: (
            given("toolConfig.functionCallingConfig.allowedFunctionNames")(body)
            and at(body, "toolConfig.functionCallingConfig.mode") not in ("ANY", "VALIDATED")
        ),
    ),
    Rule("Developer instruction is not enabled for models/{model}", given("systemInstruction"), r"gemma-"),
    Rule("Function calling is not enabled for models/{model}", declares, r"gemma-[123]"),
    Rule("JSON mode is not enabled for models/{model}", given(f"{CONFIG}.responseMimeType"), r"gemma-[123]"),
    Rule("GenerateContentRequest.contents: contents is not specified", lacks("contents")),
)
FAKE = Fake(RULES, FIELDS, 'Invalid JSON payload received. Unknown name "{field}": Cannot find field.')
COMPATIBLE = Fake(
    (
        *(
            Rule(f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.', given(name))
            for name in ("frequency_penalty", "seed", "top_k")
        ),
        Rule("Logprobs is not enabled for models/{model}", given("logprobs"), r"gemini-(2\.5|3)"),
        Rule("Penalty is not enabled for this model", given("presence_penalty"), r"gemini-(2\.5(?!.*image)|3)"),
        Rule("stop_sequences: at most 5 are allowed", longer("stop", 5)),
    )
)
