"""Descriptions of models: what a provider's own list holds, each in its own fields, completed by families and prices.

Sources: recorded lists of Google, Mistral and Perplexity; https://openrouter.ai/docs/api-reference/list-available-models,
https://platform.claude.com/docs/en/api/models-list, https://console.groq.com/docs/api-reference (models),
https://docs.together.ai/reference/models, https://docs.fireworks.ai/api-reference/list-models, and vLLM's max_model_len.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from dragoman.v1.models_pb2 import Model, Prices
from gateway_core.models.families import family_of
from gateway_core.models.price_book import PriceBook, Quote
from gateway_dialects.kit.capabilities import UNKNOWN, Capabilities

Json: TypeAlias = dict[str, Any]

CONTEXT = ("context_length", "max_input_tokens", "inputTokenLimit", "max_model_len")
MAX_TOKENS = ("max_output_tokens", "max_completion_tokens", "max_output_length", "outputTokenLimit", "max_tokens")
MODALITIES = {"pdf": "file", "document": "file", "images": "image"}
"""Synonyms."""
INPUT_FLAGS = {
    # Mistral's capabilities, Anthropic's, Fireworks'.
    "vision": "image",
    "audio": "audio",
    "image_input": "image",
    "pdf_input": "file",
    "supports_image_input": "image",
}
PARAMETER_FLAGS: Mapping[str, tuple[str, ...]] = {
    "function_calling": ("tools", "tool_choice"),
    "supports_tools": ("tools", "tool_choice"),
    "structured_outputs": ("response_format", "structured_outputs"),
    "thinking": ("reasoning", "include_reasoning"),
    "reasoning": ("reasoning", "include_reasoning"),
}
PLAIN_PARAMETERS = (
    *("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "stop", "seed"),
    *("logit_bias", "logprobs", "top_logprobs", "parallel_tool_calls"),
)
BY_SCHEMA = ("response_format", "structured_outputs")
STRUCTURE = {"schema": BY_SCHEMA, "only schema": BY_SCHEMA, "json": ("response_format",)}
PER_TOKEN = {
    "input": ("prompt",),
    "output": ("completion",),
    "cache_read": ("input_cache_read", "input_cache_reads"),
    "cache_write": ("input_cache_write", "input_cache_writes"),
    "cache_write_1h": ("input_cache_write_1h",),
    "input_audio": ("audio",),
    "output_audio": ("audio_output",),
}
PER_MILLION = {
    "input": ("input",),
    "output": ("output",),
    "cache_read": ("cache_read", "cached_input"),
    "cache_write": ("cache_write",),
}
EACH = {"request": ("request",), "web_search": ("web_search",)}
WHOLE = ("input", "output")
"""Without them there are no prices. A 0 counts here alone: elsewhere lists write it for what has no price of its own."""
MILLION = 1_000_000


def describe(model: Model, book: PriceBook) -> None:
    """model: as its provider lists it, provider/name. Its prices are those that answers are charged by."""
    name = model.id.partition("/")[2]
    details, quote, takes = read_details(model), book.quote(model.provider, name), known_of(name)
    model.display_name = model.display_name or quote.name
    fill_limits(model, details, quote, takes)
    model.input_modalities.extend(inputs_of(details) or takes.inputs)
    model.output_modalities.extend(outputs_of(details) or takes.outputs)
    model.supported_parameters.extend(sorted(parameters_of(details) or parameters_taken(takes)))
    if (prices := quote.prices or prices_of(details)) is not None:
        model.prices.CopyFrom(prices)


def known_of(name: str) -> Capabilities:
    """What is known of a model by its family. Of families that were guessed at nothing is told."""
    family = family_of(name)
    return UNKNOWN if family.later else family.takes


def parameters_taken(takes: Capabilities) -> list[str]:
    """In OpenRouter's words; empty where it is not known whether the model takes tools."""
    if takes.tools is None:
        return []
    found = ["max_tokens", *(name for name in PLAIN_PARAMETERS if takes.takes(name))]
    found += PARAMETER_FLAGS["function_calling"] if takes.tools else ()
    found += PARAMETER_FLAGS["reasoning"] if takes.reasoning else ()
    return [*found, *STRUCTURE.get(takes.structured, ())]


def fill_limits(model: Model, details: Json, quote: Quote, takes: Capabilities) -> None:
    if not model.HasField("context_length") and (context := context_of(details) or quote.context):
        model.context_length = context
    if max_output := max_output_of(details) or takes.most_output:
        model.max_output_tokens = max_output


def describe_route(route: Model, targets: Sequence[Model]) -> None:
    """What is true of a route whichever target answers: the least of what its targets can do."""
    if all(target.HasField("context_length") for target in targets):
        route.context_length = min(target.context_length for target in targets)
    if all(target.HasField("max_output_tokens") for target in targets):
        route.max_output_tokens = min(target.max_output_tokens for target in targets)
    for field in ("input_modalities", "output_modalities", "supported_parameters"):
        first, *others = (getattr(target, field) for target in targets)
        getattr(route, field).extend(word for word in first if all(word in other for other in others))
    first_prices = targets[0].prices
    if targets[0].HasField("prices") and all(target.prices == first_prices for target in targets):
        route.prices.CopyFrom(first_prices)


def read_details(model: Model) -> Json:
    """The provider's own object, which was read from JSON before."""
    for text in model.provider_details_json.values():
        try:
            details = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            continue
        if isinstance(details, dict):
            return details
    return {}


def context_of(details: Json) -> int | None:
    return first_count(details, CONTEXT)


def max_output_of(details: Json) -> int | None:
    top = details.get("top_provider")
    return first_count(details, MAX_TOKENS) or first_count(top if isinstance(top, dict) else {}, MAX_TOKENS)


def first_count(place: Json, names: tuple[str, ...]) -> int | None:
    values = (place.get(name) for name in names)
    return next((value for value in values if type(value) is int and 0 < value < 2**62), None)


def inputs_of(details: Json) -> list[str]:
    return modalities_of(details, "input_modalities") or with_flags(details)


def outputs_of(details: Json) -> list[str]:
    return modalities_of(details, "output_modalities")


def modalities_of(details: Json, field: str) -> list[str]:
    architecture = details.get("architecture")
    listed = details.get(field) or (architecture.get(field) if isinstance(architecture, dict) else None)
    return unique(MODALITIES.get(word.lower(), word.lower()) for word in texts(listed))


def with_flags(details: Json) -> list[str]:
    """Text, and what flags declare as supported; empty without flags."""
    found = {INPUT_FLAGS[name]: value for name, value in flags(details) if name in INPUT_FLAGS}
    return ["text", *(modality for modality, supported in found.items() if supported)] if found else []


def parameters_of(details: Json) -> list[str]:
    """OpenRouter's list as it is, or what other lists declare as supported."""
    if listed := unique(texts(details.get("supported_parameters"))):
        return listed
    return unique(name for flag, value in flags(details) if value for name in PARAMETER_FLAGS.get(flag, ()))


def flags(details: Json) -> Iterator[tuple[str, bool]]:
    """What is true or false of the model: fields, or objects with the field supported."""
    capabilities = details.get("capabilities")
    for place in (details, capabilities if isinstance(capabilities, dict) else {}):
        for name, value in place.items():
            if isinstance(value, dict):
                value = value.get("supported")
            if isinstance(value, bool):
                yield name, value


def prices_of(details: Json) -> Prices | None:
    """Of a list that has them for a token, as texts, or for a million tokens, as numbers."""
    pricing = details.get("pricing")
    if not isinstance(pricing, dict):
        return None
    per_token = "prompt" in pricing
    prices = Prices()
    for names, factor in ((PER_TOKEN if per_token else PER_MILLION, MILLION if per_token else 1), (EACH, 1)):
        for ours, theirs in names.items():
            price = next((found for name in theirs if (found := dollars(pricing.get(name))) is not None), None)
            if ours in WHOLE and price is None:
                return None
            if price or ours in WHOLE:
                setattr(prices, ours, round((price or 0.0) * factor, 9))
    return prices


def dollars(value: Any) -> float | None:
    """-1 is how some lists write that it depends."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def texts(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else ():
        if isinstance(item, str) and item:
            yield item


def unique(names: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(names))
