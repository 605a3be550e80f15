"""OpenAI's models.

Sources: https://platform.openai.com/docs/models, .../docs/guides/reasoning (settings that reasoning models refuse),
.../docs/guides/latest-model (efforts by model; temperature, top_p and logprobs only with the effort none), .../docs/guides/
structured-outputs, .../docs/api-reference/chat/create (stop: not supported with o3 and o4-mini);
https://github.com/enricoros/big-AGI/issues/947 and https://github.com/openai/codex/issues/9035 (verbosity),
https://github.com/run-llama/llama_index/issues/20865 (parallel_tool_calls).
"""

from dataclasses import replace

from gateway_core.models.families.family import DOCUMENTS, LOGPROBS, LOW_TO_HIGH, PENALTIES, PICTURES, SAMPLING, TEXT, Family
from gateway_dialects.kit.capabilities import Capabilities

DATED = r"(-\d{4}-\d\d-\d\d|-latest)?"
PLAIN = Capabilities(
    reasoning=False,
    refused=frozenset({"top_k", "verbosity"}),
    most_stops=4,
    structured="schema",
    json_word=True,
    tools=True,
    inputs=DOCUMENTS,
    outputs=TEXT,
)
REASONING = Capabilities(
    reasoning=True,
    always_reasons=True,
    efforts=LOW_TO_HIGH,
    refused=SAMPLING | PENALTIES | LOGPROBS | {"top_k", "logit_bias", "stop"},
    newer_bound=True,
    encrypted_reasoning=True,
    structured="schema",
    json_word=True,
    tools=True,
    inputs=DOCUMENTS,
    outputs=TEXT,
)
FIRST = replace(REASONING, refused=REASONING.refused | {"verbosity"}, parallel_tools=False, most_output=100_000)
FIFTH = replace(REASONING, efforts=("minimal", *LOW_TO_HIGH), most_output=128_000)
CODEX = replace(FIFTH, efforts=LOW_TO_HIGH, refused=FIFTH.refused | {"verbosity"})
SWITCHED = replace(
    FIFTH,
    always_reasons=False,
    reasons_unasked=True,
    refused=REASONING.refused - SAMPLING - LOGPROBS,
    refused_reasoning=SAMPLING | LOGPROBS,
)
"""With the effort none it takes sampling settings and log-probabilities."""
FAMILIES: tuple[Family, ...] = (
    Family("GPT-3.5", r"gpt-3\.5-turbo(-\d{4}|-16k)?", replace(PLAIN, structured="json", inputs=TEXT, most_output=4096)),
    Family("GPT-4", r"gpt-4(-0613|-0314)?", replace(PLAIN, structured="words", inputs=TEXT, most_output=8192)),
    Family(
        "GPT-4 Turbo",
        r"gpt-4-turbo(-2024-04-09|-preview)?",
        replace(PLAIN, structured="json", inputs=PICTURES, most_output=4096),
    ),
    Family("GPT-4o of May 2024", r"gpt-4o-2024-05-13", replace(PLAIN, structured="json", most_output=4096)),
    Family("GPT-4o", r"gpt-4o(-mini)?(-2024-(08-06|07-18|11-20))?", replace(PLAIN, most_output=16_384)),
    Family("ChatGPT-4o", r"chatgpt-4o-latest", replace(PLAIN, tools=False, most_output=16_384)),
    Family(
        "GPT audio",
        r"(gpt-4o(-mini)?-audio-preview|gpt-audio(-mini)?)" + DATED,
        Capabilities(
            reasoning=False,
            refused=frozenset({"verbosity"}),
            most_stops=4,
            inputs=("text", "audio"),
            outputs=("text", "audio"),
        ),
    ),
    Family(
        "GPT-4o search",
        r"gpt-4o(-mini)?-search-preview" + DATED,
        Capabilities(
            reasoning=False, refused=SAMPLING | PENALTIES | LOGPROBS | {"top_k", "logit_bias", "seed", "stop", "verbosity"}
        ),
        later=True,
    ),
    Family("GPT-4.1", r"gpt-4\.1(-mini|-nano)?" + DATED, replace(PLAIN, most_output=32_768)),
    Family("GPT-4.5", r"gpt-4\.5-preview" + DATED, replace(PLAIN, most_output=16_384)),
    Family("GPT-5 chat", r"gpt-5(\.[3-9])?-chat(-latest)?", replace(PLAIN, newer_bound=True, most_output=16_384)),
    Family("GPT-5.1, 5.2 chat", r"gpt-5\.[12]-chat(-latest)?", replace(REASONING, efforts=("medium",), most_output=16_384)),
    Family("GPT-5 pro", r"gpt-5-pro" + DATED, replace(FIFTH, efforts=("high",), most_output=272_000)),
    Family("GPT-5", r"gpt-5(-mini|-nano)?" + DATED, FIFTH),
    Family("GPT-5 Codex", r"gpt-5-codex(-mini)?" + DATED, CODEX),
    Family("GPT-5.1", r"gpt-5\.1(-mini|-nano)?" + DATED, replace(SWITCHED, efforts=("none", *LOW_TO_HIGH))),
    Family(
        "GPT-5.1 Codex",
        r"gpt-5\.1-codex(-mini)?" + DATED,
        replace(CODEX, efforts=("none", *LOW_TO_HIGH), always_reasons=False),
    ),
    Family(
        "GPT-5.1 Codex Max",
        r"gpt-5\.1-codex-max" + DATED,
        replace(CODEX, efforts=("none", *LOW_TO_HIGH, "xhigh"), always_reasons=False),
    ),
    Family("GPT-5.2, 5.4", r"gpt-5\.[24](-mini|-nano)?" + DATED, replace(SWITCHED, efforts=("none", *LOW_TO_HIGH, "xhigh"))),
    Family("GPT-5.2, 5.4 pro", r"gpt-5\.[24]-pro" + DATED, replace(FIFTH, efforts=("medium", "high", "xhigh"))),
    Family("GPT-5.2, 5.3 Codex", r"gpt-5\.[23]-codex" + DATED, replace(FIFTH, efforts=(*LOW_TO_HIGH, "xhigh"))),
    # Later models differ from one to the next in their efforts: they get what the client asked for.
    Family(
        "GPT-5.5 and later",
        r"gpt-5\.\d+(-mini|-nano|-pro|-codex)?" + DATED,
        replace(FIFTH, efforts=None, always_reasons=False, reasons_unasked=True),
    ),
    Family(
        "GPT-5 variants",
        r"gpt-5[.-].*",
        replace(FIFTH, efforts=None, always_reasons=False, reasons_unasked=True, tools=None),
        later=True,
    ),
    Family(
        "o1-mini, o1-preview",
        r"(o1-mini|o1-preview)" + DATED,
        replace(FIRST, efforts=(), structured="words", tools=None, inputs=TEXT, system_messages=False, most_output=None),
    ),
    Family("o3-mini", r"o3-mini" + DATED, replace(FIRST, inputs=TEXT)),
    Family("o1, o3, o4-mini", r"(o1|o1-pro|o3|o3-pro|o4-mini)" + DATED, FIRST),
    Family("o-series variants", r"o[134]-.*", replace(FIRST, tools=None, most_output=None), later=True),
    Family(
        "Codex",
        r"codex-.*|computer-use-.*",
        Capabilities(reasoning=True, newer_bound=True, encrypted_reasoning=True),
        later=True,
    ),
    Family(
        "later GPT",
        r"(gpt-([6-9]|\d\d)(?!\d)(?!.*-chat)|o[5-9](?=-|$)).*",
        Capabilities(reasoning=True, newer_bound=True, encrypted_reasoning=True),
        later=True,
    ),
    Family(
        "gpt-oss",
        r"gpt-oss(-|:)\d+b.*",
        Capabilities(reasoning=True, always_reasons=True, efforts=LOW_TO_HIGH, tools=True, inputs=TEXT, outputs=TEXT),
    ),
)
