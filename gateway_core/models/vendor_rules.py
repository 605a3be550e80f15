"""What vendors and APIs narrow: a model may take less at a vendor than its family does elsewhere, or something else.

Sources beside the rows; and of the vendors' API references https://inference-docs.cerebras.ai/api-reference/chat-completions,
https://docs.mistral.ai/api, https://platform.kimi.ai/docs/api/models-overview, https://docs.z.ai/api-reference/llm/chat-completion,
https://console.groq.com/docs/structured-outputs, https://docs.x.ai/docs/guides/reasoning, https://docs.cohere.com/reference/chat.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway_core.models import schemas
from gateway_dialects.anthropic.words import SCHEMAS as ANTHROPIC
from gateway_dialects.kit.capabilities import Capabilities


@dataclass(frozen=True, slots=True)
class VendorRule:
    """One row. Of several that match, the later one counts."""

    takes: Capabilities
    """What is not at its default holds; what is refused is added."""
    pattern: str = ""
    """How the models' plain names begin (see plain_name): a regex. Empty: all of them."""
    dialects: tuple[str, ...] = ()
    """At which of its APIs. Empty: at all."""


TO_ONE = (("temperature", 0.0, 1.0),)
BELOW_TWO = (("temperature", 0.0, 1.99),)
TO_ONE_AND_A_HALF = (("temperature", 0.0, 1.5),)
CHAT = ("openai",)
RESPONSES = "openai-responses"
RESPONSES_ONLY = r"gpt-\d+(\.\d+)?-(pro|codex)|o[13]-pro|o\d(-mini)?-deep-research|codex-|computer-use-"
EVERY_EFFORT = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
KIMI_FIXED = frozenset({"temperature", "top_p", "frequency_penalty", "presence_penalty"})
RULES: Mapping[str, tuple[VendorRule, ...]] = {
    # https://openrouter.ai/docs/guides/best-practices/reasoning-tokens: it takes every effort and finds the nearest.
    # Its requests reach the vendors' own checks.
    "openrouter": (
        VendorRule(Capabilities(efforts=EVERY_EFFORT)),
        VendorRule(Capabilities(schemas=schemas.OPENAI), r"gpt-[3-9]|chatgpt-|o\d"),
        VendorRule(Capabilities(schemas=schemas.XAI), r"grok"),
    ),
    "openai": (
        VendorRule(Capabilities(json_word=True, most_stops=4), dialects=CHAT),
        VendorRule(Capabilities(schemas=schemas.OPENAI)),
        # "This model is only supported in v1/responses and not in v1/chat/completions"
        VendorRule(Capabilities(only_api=RESPONSES), RESPONSES_ONLY, CHAT),
        # "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions":
        # https://github.com/openai/openai-openapi/issues/541
        VendorRule(Capabilities(tools_api=RESPONSES), r"gpt-5\.([4-9]|\d\d)(?!.*-chat)|gpt-([6-9]|\d\d)", CHAT),
    ),
    "azure": (
        VendorRule(Capabilities(json_word=True, most_stops=4)),
        VendorRule(Capabilities(schemas=schemas.OPENAI), r"gpt-[3-9]|chatgpt-|o\d"),
    ),
    "google": (
        VendorRule(Capabilities(most_stops=5)),
        # "Logprobs is not enabled for models/...": https://github.com/googleapis/python-genai/issues/1921
        VendorRule(Capabilities(refused=frozenset({"logprobs", "top_logprobs"})), r"gemini-(2\.[5-9]|[3-9])"),
    ),
    "deepseek": (
        # Thinking is switched off by its own object, and not by an effort.
        VendorRule(Capabilities(structured="json", json_word=True, most_stops=16, off_by_effort=False), dialects=CHAT),
        # "deepseek-reasoner does not support this tool_choice", which all say that think
        VendorRule(Capabilities(forced_reasoning=False, reasons_unasked=True), r"deepseek-(reasoner|r1|v4)"),
    ),
    "groq": (
        # "This model does not support response format `json_schema`"; JSON mode "cannot be combined with tool calling"
        VendorRule(
            Capabilities(structured="json", json_word=True, json_with_tools=False, most_stops=4, schemas=schemas.GROQ)
        ),
        VendorRule(Capabilities(structured="schema"), r"gpt-oss|kimi-k2|llama-4"),
        VendorRule(Capabilities(efforts=("none", "default")), r"qwen"),
        # "reasoning is not supported with this model"
        VendorRule(
            Capabilities(reasoning=False, replays_reasoning=False), r"llama|gemma|kimi-k2-instruct|mistral|mixtral|allam"
        ),
    ),
    "cerebras": (VendorRule(Capabilities(ranges=TO_ONE_AND_A_HALF, most_stops=4, schemas=schemas.CEREBRAS)),),
    # "top_p must be 1 when using greedy sampling"
    "mistral": (VendorRule(Capabilities(ranges=TO_ONE_AND_A_HALF, greedy_alone=True, schemas=schemas.MISTRAL)),),
    # "Tool calling is not supported for this model", "Cannot set both presence_penalty and frequency_penalty"; of the
    # two the latter must not be 0 either. response_format: json_schema alone.
    "perplexity": (
        VendorRule(
            Capabilities(tools=False, structured="only schema", refused=frozenset({"frequency_penalty"}), ranges=BELOW_TWO)
        ),
    ),
    "cohere": (VendorRule(Capabilities(ranges=TO_ONE, most_stops=5, schemas=schemas.COHERE)),),
    "moonshot": (
        # https://platform.kimi.ai/docs/guide/migrating-from-openai-to-kimi: tool_choice required is not taken.
        VendorRule(Capabilities(ranges=TO_ONE, most_stops=5, forced_tools=False), dialects=CHAT),
        # "invalid temperature: only 1 is allowed for this model": from K2.5 on these are fixed.
        VendorRule(Capabilities(refused=KIMI_FIXED), r"kimi-(k2\.[5-9]|k[3-9]|for-coding|latest)"),
    ),
    "zai": (
        VendorRule(Capabilities(ranges=(*TO_ONE, ("top_p", 0.01, 1.0)), structured="json", most_stops=1), dialects=CHAT),
        # "tool_choice: only auto is supported"
        VendorRule(Capabilities(forced_tools=False, denied_tools=False), dialects=CHAT),
    ),
    "minimax": (VendorRule(Capabilities(ranges=(("temperature", 0.01, 1.0),))),),
    "xai": (VendorRule(Capabilities(refused=frozenset({"logit_bias"}), schemas=schemas.XAI)),),
}
"""By vendor."""
APIS: Mapping[str, Capabilities] = {
    # "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16"
    "openai-responses": Capabilities(least_output=16, json_word=True),
    # "temperature: range: 0..1"
    "anthropic": Capabilities(ranges=TO_ONE, schemas=ANTHROPIC),
}
"""What an API takes of every model, by dialect."""
