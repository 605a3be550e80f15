"""What the models of a family have in common, where their provider's list is silent: facts from the providers' public
documentation. There is a row only when all that its pattern matches are alike; what has no row is not known.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial

TEXT = ("text",)
PICTURES = ("text", "image")
DOCUMENTS = ("text", "image", "file")
EVERYTHING = ("text", "image", "audio", "video", "file")

TOOLS = ("tools", "tool_choice")
STRUCTURE = ("response_format", "structured_outputs")
REASONING = ("reasoning", "include_reasoning")
SAMPLING = ("temperature", "top_p")
PENALTIES = ("frequency_penalty", "presence_penalty")
OPENAI_PLAIN = (
    *("max_tokens", "stop", "seed", "logprobs", "top_logprobs", "logit_bias", "parallel_tool_calls"),
    *(*SAMPLING, *PENALTIES, *TOOLS, *STRUCTURE),
)
OPENAI_REASONING = ("max_tokens", "seed", *TOOLS, *STRUCTURE, *REASONING)
CLAUDE = ("max_tokens", "stop", *SAMPLING, "top_k", *TOOLS)
GEMINI = ("max_tokens", "stop", "seed", *SAMPLING, "top_k", *TOOLS, *STRUCTURE)


@dataclass(frozen=True, slots=True)
class Family:
    """Empty or None: not known."""

    pattern: str
    """A regex that the whole name matches, without provider or author and in lower case."""
    inputs: tuple[str, ...] = TEXT
    outputs: tuple[str, ...] = TEXT
    parameters: tuple[str, ...] = ()
    max_output: int | None = None


_openai = partial(Family, inputs=DOCUMENTS)
_claude = partial(Family, inputs=DOCUMENTS)
_gemini = partial(Family, inputs=EVERYTHING)

DATED = r"(-\d{4}-\d\d-\d\d|-latest)?"
COMPACT = r"(-\d{8}|-latest)?"
FAMILIES: tuple[Family, ...] = (
    # https://platform.openai.com/docs/models
    Family(r"gpt-3\.5-turbo(-\d{4}|-16k)?", parameters=OPENAI_PLAIN[:-1], max_output=4096),
    Family(r"gpt-4(-0613|-0314)?", parameters=OPENAI_PLAIN[:-2], max_output=8192),
    Family(r"gpt-4-turbo(-2024-04-09)?", inputs=PICTURES, parameters=OPENAI_PLAIN[:-1], max_output=4096),
    _openai(r"gpt-4o(-mini)?(-2024-(08-06|07-18|11-20))?", parameters=OPENAI_PLAIN, max_output=16_384),
    Family(r"(gpt-4o(-mini)?-audio-preview|gpt-audio(-mini)?)" + DATED, ("text", "audio"), ("text", "audio")),
    _openai(r"gpt-4\.1(-mini|-nano)?" + DATED, parameters=OPENAI_PLAIN, max_output=32_768),
    _openai(r"gpt-5(\.\d)?(-mini|-nano|-pro|-codex)?" + DATED, parameters=OPENAI_REASONING),
    Family(r"(o1-mini|o1-preview)" + DATED),
    Family(r"o3-mini" + DATED, parameters=OPENAI_REASONING, max_output=100_000),
    _openai(r"(o1|o1-pro|o3|o3-pro|o4-mini)" + DATED, parameters=OPENAI_REASONING, max_output=100_000),
    Family(r"gpt-oss(-|:)\d+b.*", parameters=("max_tokens", "stop", *SAMPLING, *TOOLS, *REASONING)),
    # https://platform.claude.com/docs/en/about-claude/models/overview
    Family(r"claude-3-(haiku|opus|sonnet)" + COMPACT, PICTURES, parameters=CLAUDE, max_output=4096),
    _claude(r"claude-3-5-(haiku|sonnet)" + COMPACT, parameters=CLAUDE, max_output=8192),
    _claude(r"claude-3-7-sonnet" + COMPACT, parameters=(*CLAUDE, *REASONING), max_output=64_000),
    _claude(r"claude-(sonnet-4(-5)?|opus-4-5|haiku-4-5)" + COMPACT, parameters=(*CLAUDE, *REASONING), max_output=64_000),
    _claude(r"claude-(opus-4|opus-4-1)" + COMPACT, parameters=(*CLAUDE, *REASONING), max_output=32_000),
    _claude(r"claude-(opus|sonnet|haiku|fable|mythos)-\d.*"),
    # https://ai.google.dev/gemini-api/docs/models
    _gemini(r"gemini-2\.0-flash(-lite)?(-001)?", parameters=GEMINI),
    _gemini(r"gemini-2\.5-(pro|flash|flash-lite)", parameters=(*GEMINI, *REASONING)),
    _gemini(r"gemini-3(\.\d)?-(pro|flash|flash-lite)(-preview)?", parameters=(*GEMINI, *REASONING)),
    # https://docs.mistral.ai/getting-started/models
    Family(r"pixtral-.*", PICTURES),
    # https://docs.cohere.com/docs/models
    Family(r"command-a-vision-.*", PICTURES),
    Family(r"command-(r|r-plus|r7b|a)(-\d\d-20\d\d)?"),
    # https://api-docs.deepseek.com
    Family(r"deepseek-(chat|reasoner|r1.*|v3.*)"),
    # https://platform.moonshot.ai/docs
    Family(r"kimi-k2\.5", ("text", "image", "video")),
    Family(r"kimi-k2(-\d{4}-preview|-turbo-preview|-thinking.*|-instruct.*)?"),
    # https://docs.z.ai
    Family(r"glm-4\.[5-7](-air|-flash)?"),
    # https://www.llama.com/docs/model-cards-and-prompt-formats
    Family(r"llama-3\.2-(11b|90b)-vision.*", PICTURES),
    Family(r"(meta-)?llama-3(\.[13])?-\d+b.*"),
    Family(r"llama-4-(scout|maverick).*", PICTURES),
)
UNKNOWN = Family("", (), ())


@cache
def compiled() -> Sequence[tuple[re.Pattern[str], Family]]:
    return [(re.compile(family.pattern), family) for family in FAMILIES]


def family_of(model: str) -> Family:
    """model: in the provider's own name, with an author in front of it or without."""
    name = model.lower().rpartition("/")[2]
    return next((family for pattern, family in compiled() if pattern.fullmatch(name)), UNKNOWN)
