"""Models that many hosts serve, and those of smaller makers.

Sources: https://docs.mistral.ai/getting-started/models, https://docs.mistral.ai/capabilities/reasoning (adjustable),
https://docs.cohere.com/docs/models, https://api-docs.deepseek.com (quick_start/pricing: 8K output tokens of deepseek-chat;
guides/reasoning_model: logprobs are refused), https://platform.kimi.ai/docs/api/models-overview, https://docs.z.ai,
https://docs.x.ai/docs/guides/reasoning (what reasoning models refuse, efforts),
https://github.com/miaoxworld/NativeTavern/issues/83 (penalties, which all of Grok 4 refuse),
https://www.llama.com/docs/model-cards-and-prompt-formats.
"""

from dataclasses import replace

from gateway_core.models.families.family import LOGPROBS, LOW_TO_HIGH, PENALTIES, PICTURES, TEXT, Family
from gateway_dialects.kit.capabilities import Capabilities

LISTED = Capabilities(inputs=TEXT, outputs=TEXT)
PLAIN = Capabilities(reasoning=False, inputs=TEXT, outputs=TEXT)
SEEING = Capabilities(reasoning=False, inputs=PICTURES, outputs=TEXT)
NO_REASONING = Capabilities(reasoning=False)
ALWAYS = Capabilities(reasoning=True, always_reasons=True, efforts=())
"""It reasons, and nothing can be said about how much."""
SWITCHED = Capabilities(reasoning=True, efforts=())
"""Its reasoning is on or off."""
GROK = replace(ALWAYS, refused=PENALTIES | {"stop"})

MISTRAL: tuple[Family, ...] = (
    Family("Magistral", r"magistral-.*", ALWAYS, later=True),
    Family(
        "Mistral Small 4, Medium 3.5",
        r"mistral-(small|medium)(-latest|-2[6-9]\d\d)?|mistral-small-4.*|mistral-medium-3[.-]5.*",
        Capabilities(reasoning=True),
        later=True,
    ),
    Family("Pixtral", r"pixtral-.*", SEEING),
    Family(
        "Mistral without reasoning",
        r"mistral-(tiny|small|medium|large|nemo|saba).*|(open-)?mi[sx]tral-.*|(mini|code|dev|labs-dev|vox)stral-.*"
        r"|ministral-.*",
        NO_REASONING,
        later=True,
    ),
)
COHERE: tuple[Family, ...] = (
    Family("Command A Vision", r"command-a-vision-.*", SEEING),
    Family(
        "Command A Reasoning, Plus", r"command-a-(reasoning|plus)(-\d\d-20\d\d)?", Capabilities(reasoning=True), later=True
    ),
    Family("Command R, Command A", r"command-(r|r-plus|r7b|a)(-\d\d-20\d\d)?", PLAIN),
    Family(
        "Command without reasoning",
        r"command-(r|light|nightly|a-03|a-vision|a-translate).*|c4ai-.*",
        NO_REASONING,
        later=True,
    ),
)
XAI: tuple[Family, ...] = (
    Family("Grok 2, 3", r"grok-[23](?!-mini)([-.].*)?", NO_REASONING, later=True),
    Family("Grok 4 without reasoning", r"grok-4.*non-reasoning.*", replace(NO_REASONING, refused=PENALTIES), later=True),
    Family("Grok 3 Mini", r"grok-3-mini.*", replace(GROK, efforts=("low", "high")), later=True),
    Family("Grok 4.20 Multi-Agent", r"grok-4.*multi-agent.*", replace(GROK, efforts=None), later=True),
    Family(
        "Grok 4.3",
        r"grok-4[.-]3(?!\d).*",
        Capabilities(
            reasoning=True,
            efforts=("none", *LOW_TO_HIGH),
            reasons_unasked=True,
            refused=PENALTIES,
            refused_reasoning=frozenset({"stop"}),
        ),
        later=True,
    ),
    Family("Grok 4.5 and later", r"grok-4[.-][5-9](?!\d).*", replace(GROK, efforts=LOW_TO_HIGH), later=True),
    Family("Grok 4, Grok Code", r"grok-(4|code|build).*", GROK, later=True),
)
KIMI: tuple[Family, ...] = (
    Family("Kimi K2 Thinking", r"kimi-k2-thinking.*", replace(ALWAYS, inputs=TEXT, outputs=TEXT)),
    Family("Kimi K2.5", r"kimi-k2\.5", replace(SWITCHED, inputs=("text", "image", "video"), outputs=TEXT)),
    Family("Kimi K2.6, K2.7", r"kimi-k2\.[67].*", SWITCHED, later=True),
    Family("Kimi K2", r"kimi-k2(-\d{4}-preview|-turbo-preview|-instruct.*)?", PLAIN),
    Family("Moonshot v1", r"moonshot-v1-.*", NO_REASONING, later=True),
)
FAMILIES: tuple[Family, ...] = (
    *MISTRAL,
    *COHERE,
    *XAI,
    *KIMI,
    Family("DeepSeek Chat", r"deepseek-chat", replace(LISTED, most_output=8192)),
    Family(
        "DeepSeek Reasoner",
        r"deepseek-reasoner",
        replace(LISTED, reasoning=True, always_reasons=True, refused=LOGPROBS, most_output=65_536),
    ),
    Family("DeepSeek R1, V3", r"deepseek-(r1.*|v3.*)", LISTED),
    Family("GLM-4.5 to 4.7", r"glm-4\.[5-7](-air|-flash)?", LISTED),
    Family("Llama 3.2 Vision", r"llama-3\.2-(11b|90b)-vision.*", SEEING),
    Family("Llama 3", r"(meta-)?llama-3(\.[13])?-\d+b.*", PLAIN),
    Family("Llama 4", r"llama-4-(scout|maverick).*", SEEING),
    Family("Llama", r"(meta-)?llama-?v?[234](?!.*(nemotron|-r1|think|distill|hermes)).*", NO_REASONING, later=True),
)
