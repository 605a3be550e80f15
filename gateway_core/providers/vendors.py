"""The vendors that Dragoman knows by name: one row for each API of each.

A quirk stands here only where a recording or the vendor's own documentation shows it. The role developer is left on
where it is documented or recorded: everyone takes system, and DeepSeek refuses developer ("unknown variant `developer`").
A vendor caches prompts unasked where cached tokens are recorded, and by https://ai.google.dev/gemini-api/docs/caching,
https://fireworks.ai/docs/guides/prompt-caching, https://inference-docs.cerebras.ai/capabilities/prompt-caching and
https://platform.minimax.io/docs/api-reference/text-prompt-caching.
"""

import dataclasses
from functools import partial

from dragoman.v1.content_pb2 import MEDIA_KIND_FILE, MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO
from gateway_core.providers.vendor import Vendor
from gateway_dialects.kit.dialect import Quirks
from gateway_dialects.kit.tool_names import name_rule

# Efforts of reasoning. Sources: https://console.groq.com/docs/reasoning, https://ai.google.dev/gemini-api/docs/openai
# (thinking), https://docs.x.ai, https://api-docs.deepseek.com/guides/thinking_mode,
# https://docs.mistral.ai/capabilities/reasoning/adjustable, https://docs.cohere.com/docs/compatibility-api,
# https://inference-docs.cerebras.ai/capabilities/reasoning.
THREE = ("low", "medium", "high")
THREE_AND_NONE = ("none", *THREE)
ON_OR_OFF = ("none", "high")
MISTRAL_PREFIXES = (
    *("mistral-", "open-mistral-", "ministral-", "magistral-"),
    *("codestral-", "devstral-", "pixtral-", "voxtral-"),
)
OPENAI_LACKS = ("top_k", "min_p", "repetition_penalty")
"""Settings of open models' servers. "Unrecognized request argument supplied"."""
OF_OPENAI = ("prompt_cache_key", "prompt_cache_retention", "safety_identifier")
"""Fields of its chat completions that no other vendor documents; those that take no unknown field refuse them."""
OWN_APIS: tuple[Vendor, ...] = (
    Vendor(
        "anthropic",
        "https://api.anthropic.com/v1",
        "anthropic",
        quirks=Quirks(billing_header=True, signed_reasoning=True),
        model_prefixes=("claude-",),
    ),
    Vendor(
        "azure",
        "https://{RESOURCE}.openai.azure.com",
        "azure",
        quirks=Quirks(custom_tools=True),
        more_hosts=(
            *("*.openai.azure.com", "*.cognitiveservices.azure.com"),
            *("*.services.ai.azure.com", "*.models.ai.azure.com"),
        ),
        key_aliases=("AZURE_OPENAI_API_KEY",),
        url_aliases=("AZURE_OPENAI_ENDPOINT", "AZURE_AI_ENDPOINT"),
        version_variables=("AZURE_API_VERSION", "OPENAI_API_VERSION"),
    ),
    Vendor("google", "https://generativelanguage.googleapis.com/v1beta", "gemini", model_prefixes=("gemini-",)),
    # api.cohere.com is the same.
    Vendor(
        "cohere", "https://api.cohere.ai", "cohere", model_prefixes=("command-", "c4ai-"), more_hosts=("api.cohere.com",)
    ),
    Vendor("mistral", "https://api.mistral.ai/v1", "mistral", Quirks(efforts=ON_OR_OFF), model_prefixes=MISTRAL_PREFIXES),
)
_row = partial(Vendor, dialect="openai")

OPENAI_COMPATIBLE: tuple[Vendor, ...] = (
    _row(
        "openai",
        "https://api.openai.com/v1",
        # Reasoning models refuse max_tokens; every other model takes both.
        quirks=Quirks(
            automatic_cache=True,
            custom_tools=True,
            max_tokens_field="max_completion_tokens",
            developer_role=True,
            cache_control=False,
            # It gives no reasoning here, and takes none.
            reasoning_field="",
            # "string too long. Expected a string with maximum length 64" (40 for the id of a call)
            longest_user=64,
            longest_call_id=40,
            lacks=frozenset({MEDIA_KIND_VIDEO}),
            unsupported=OPENAI_LACKS,
        ),
        model_prefixes=("gpt-", "chatgpt-", "o1", "o3", "o4", "codex-", "davinci-002", "babbage-002"),
    ),
    _row(
        "deepseek",
        "https://api.deepseek.com",
        # https://api-docs.deepseek.com/guides/thinking_mode: reasoning is needed back behind tool calls, ignored elsewhere.
        quirks=Quirks(
            automatic_cache=True,
            reasoning_field_only=True,
            reasoning_in_tool_turns=True,
            thinking_object=True,
            efforts=(*THREE, "xhigh", "max"),
        ),
        model_prefixes=("deepseek-",),
    ),
    _row(
        "groq",
        "https://api.groq.com/openai/v1",
        # https://console.groq.com/docs/openai names what is answered with a 400.
        quirks=Quirks(
            automatic_cache=True,
            max_tokens_field="max_completion_tokens",
            # "property 'reasoning_content' is unsupported"
            reasoning_field="reasoning",
            reasoning_field_only=True,
            shown_field="include_reasoning",
            efforts=THREE_AND_NONE,
            unsupported=(*("logit_bias", "logprobs", "top_logprobs", "verbosity", *OF_OPENAI), *OPENAI_LACKS),
            service_tiers=("auto", "on_demand", "flex", "performance"),
        ),
    ),
    _row(
        "cloudflare",
        "https://api.cloudflare.com/client/v4/accounts/{ACCOUNT_ID}/ai",
        # There is no GET /ai/v1/models; the catalogue is searched beside /v1.
        quirks=Quirks(
            reasoning_details=False,
            # "image uri with data (...). HTTP URL will not be accepted"
            reads_urls_of=frozenset(),
            chat_path="/v1/chat/completions",
            models_path="/models/search?per_page=1000",
        ),
        url_suffix="/v1",
        model_prefixes=("@cf/", "@hf/"),
    ),
    _row(
        "ollama",
        "http://ollama:8080/v1",
        quirks=Quirks(
            reasoning_field="reasoning",
            reasoning_details=False,
            media_in_tool_messages=True,
            # "image URLs are not currently supported, please use base64 encoded data instead"
            reads_urls_of=frozenset(),
            efforts=(*THREE_AND_NONE, "max"),
        ),
        needs_key=False,
        model_prefixes=("gpt-oss:",),
    ),
    _row(
        "ollama_cloud",
        "https://ollama.com/v1",
        quirks=Quirks(
            reasoning_field="reasoning",
            reasoning_details=False,
            media_in_tool_messages=True,
            # "image URLs are not currently supported, please use base64 encoded data instead"
            reads_urls_of=frozenset(),
            efforts=(*THREE_AND_NONE, "max"),
        ),
        model_prefixes=("gpt-oss:",),
    ),
    _row(
        "google",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        # Answered with 400 "Unknown name".
        quirks=Quirks(
            automatic_cache=True,
            reasoning_details=False,
            extra_content=True,
            tool_names=name_rule(first="_"),
            # https://ai.google.dev/gemini-api/docs/openai shows base64 alone.
            reads_urls_of=frozenset(),
            efforts=("none", "minimal", *THREE),
            unsupported=("frequency_penalty", "seed", "top_k"),
        ),
        # Google's own API is the default; its row is among OWN_APIS.
        url_mark="/openai",
        model_prefixes=("gemini-",),
    ),
    _row(
        "mistral",
        "https://api.mistral.ai/v1",
        # Refuses every field outside its schema (422 extra_forbidden), stream_options too; usage comes unasked.
        quirks=Quirks(
            automatic_cache=True,
            stream_usage=False,
            reasoning_field="",
            efforts=ON_OR_OFF,
            unsupported=(
                "logit_bias",
                "logprobs",
                "modalities",
                "seed",
                "service_tier",
                "top_k",
                "top_logprobs",
                "user",
                "verbosity",
                "store",
                "min_p",
                "repetition_penalty",
                *OF_OPENAI,
            ),
        ),
        model_prefixes=MISTRAL_PREFIXES,
    ),
    _row(
        "moonshot",
        "https://api.moonshot.ai/v1",
        # "thinking is enabled but reasoning_content is missing in assistant tool call message"
        quirks=Quirks(
            automatic_cache=True,
            reasoning_field_only=True,
            reasoning_in_tool_turns=True,
            thinking_object=True,
            # "function name is invalid, must start with a letter and can contain letters, numbers, underscores, and dashes"
            tool_names=name_rule(first=""),
            # https://platform.moonshot.ai/docs/guide/use-kimi-vision-model knows base64 and ms:// alone.
            reads_urls_of=frozenset(),
        ),
        model_prefixes=("kimi-", "moonshot-"),
    ),
    _row(
        "cohere",
        "https://api.cohere.ai",
        # https://docs.cohere.com/docs/compatibility-api; stream_options is refused, and the model list is Cohere's own.
        quirks=Quirks(
            automatic_cache=True,
            stream_usage=False,
            reasoning_details=False,
            efforts=ON_OR_OFF,
            unsupported=("logit_bias", "modalities", "n", "parallel_tool_calls", "service_tier", "top_k", "top_logprobs"),
            chat_path="/compatibility/v1/chat/completions",
            models_path="/v1/models?page_size=1000&endpoint=chat",
        ),
        url_suffix="/compatibility/v1",
        # Cohere's own API is the default; its row is among OWN_APIS.
        url_mark="/compatibility/v1",
        model_prefixes=("command-",),
    ),
    _row(
        "xai",
        "https://api.x.ai/v1",
        quirks=Quirks(
            automatic_cache=True, max_tokens_field="max_completion_tokens", reasoning_details=False, efforts=THREE_AND_NONE
        ),
        model_prefixes=("grok-",),
    ),
    _row(
        "openrouter",
        "https://openrouter.ai/api/v1",
        makers_names=True,
        quirks=Quirks(
            max_tokens_field="max_completion_tokens",
            developer_role=True,
            reasoning_field="reasoning",
            reasoning_object=True,
            # https://openrouter.ai/docs/features/multimodal: documents too, but sound only as base64.
            reads_urls_of=frozenset({MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO, MEDIA_KIND_FILE}),
            own_options="openrouter",
            routes=True,
            # https://openrouter.ai/docs/features/prompt-caching: Anthropic's and Gemini's models need it.
            cache_hints=True,
            # https://openrouter.ai/docs/features/multimodal/image-generation.
            drawn_images=True,
        ),
    ),
    _row(
        "together",
        "https://api.together.xyz/v1",
        makers_names=True,
        quirks=Quirks(reasoning_field="reasoning", reasoning_details=False),
    ),
    _row("fireworks", "https://api.fireworks.ai/inference/v1", quirks=Quirks(automatic_cache=True, reasoning_details=False)),
    _row(
        "perplexity",
        "https://api.perplexity.ai",
        quirks=Quirks(
            alternating_roles=True, reasoning_details=False, efforts=("minimal", *THREE), models_path="/v1/models"
        ),
        model_prefixes=("sonar",),
    ),
    _row(
        "cerebras",
        "https://api.cerebras.ai/v1",
        # https://inference-docs.cerebras.ai/resources/openai names what is answered with a 400.
        quirks=Quirks(
            automatic_cache=True,
            max_tokens_field="max_completion_tokens",
            reasoning_field="reasoning",
            reasoning_field_only=True,
            efforts=THREE_AND_NONE,
            unsupported=(
                *("frequency_penalty", "logit_bias", "presence_penalty", "verbosity", "store", "metadata", *OF_OPENAI),
                *OPENAI_LACKS,
            ),
        ),
    ),
    _row("huggingface", "https://router.huggingface.co/v1", makers_names=True, quirks=Quirks(reasoning_details=False)),
    _row(
        "zai",
        "https://api.z.ai/api/paas/v4",
        quirks=Quirks(automatic_cache=True, reasoning_field_only=True, thinking_object=True),
        model_prefixes=("glm-",),
    ),
    _row(
        "minimax",
        "https://api.minimax.io/v1",
        # https://platform.minimax.io/docs/api-reference/text-openai-api
        # "the content field will contain <think> tag content"
        quirks=Quirks(automatic_cache=True, inline_thinking=True, reasoning_details=False),
        model_prefixes=("MiniMax-", "minimax-"),
    ),
    _row("demo", "demo://demo", quirks=Quirks(automatic_cache=True, custom_tools=True), needs_key=False, always=True),
)
ANTHROPIC_APIS: tuple[Vendor, ...] = tuple(
    Vendor(name, url, "anthropic", url_mark="/anthropic")
    for name, url in (
        # https://api-docs.deepseek.com/guides/anthropic_api
        ("deepseek", "https://api.deepseek.com/anthropic"),
        # https://platform.moonshot.ai/docs (Claude Code)
        ("moonshot", "https://api.moonshot.ai/anthropic"),
        # https://docs.z.ai (Claude Code)
        ("zai", "https://api.z.ai/api/anthropic"),
        # https://platform.minimax.io/docs/api-reference/text-anthropic-api
        ("minimax", "https://api.minimax.io/anthropic"),
    )
)
"""At vendors whose first API is compatible with OpenAI's."""

OPENAI = next(vendor for vendor in OPENAI_COMPATIBLE if vendor.name == "openai")
OPENAI_APIS = (
    dataclasses.replace(OPENAI, dialect="openai-responses"),
    dataclasses.replace(
        OPENAI,
        dialect="openai-completions",
        quirks=dataclasses.replace(OPENAI.quirks, max_tokens_field="max_tokens"),
        only_models=("gpt-3.5-turbo-instruct", "davinci-002", "babbage-002", "ft:davinci-002", "ft:babbage-002"),
    ),
)
"""OpenAI's other APIs."""
VENDORS: tuple[Vendor, ...] = (*OWN_APIS, *OPENAI_COMPATIBLE, *ANTHROPIC_APIS, *OPENAI_APIS)
"""Where a vendor has several rows, its own API stands first."""


def vendor_of(name: str, url: str = "", dialect: str = "") -> Vendor | None:
    """The row of a vendor: the one that speaks the dialect, or that its URL selects, or else its first."""
    rows = [vendor for vendor in VENDORS if vendor.name == name]
    marked = [row for row in rows if row.url_mark and url.rstrip("/").endswith(row.url_mark)]
    speaking = [row for row in rows if row.dialect == dialect]
    return next(iter((*speaking, *marked, *rows)), None)
