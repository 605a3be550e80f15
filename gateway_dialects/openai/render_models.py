"""The model list of OpenAI's API, with the fields of OpenRouter's where they are known.

Sources: https://platform.openai.com/docs/api-reference/models, https://openrouter.ai/docs/api-reference/list-available-models.
"""

from collections.abc import Iterator
from decimal import Decimal

from dragoman.v1.models_pb2 import ListModelsResponse, Model, Prices
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.openai.words import details_of

OWN_FIELDS = frozenset({"id", "object", "created", "owned_by", "type"})
"""Not taken from the provider's list. type: old Mistral clients refuse a list whose cards have "model" there."""
PER_TOKEN = (
    ("input", "prompt"),
    ("output", "completion"),
    ("cache_read", "input_cache_read"),
    ("cache_write", "input_cache_write"),
    ("cache_write_1h", "input_cache_write_1h"),
    ("input_audio", "audio"),
    ("output_audio", "audio_output"),
    ("input_image", "image_token"),
    ("output_image", "image_output"),
    ("reasoning", "internal_reasoning"),
)
EACH = (("request", "request"), ("web_search", "web_search"))


def render_models(response: ListModelsResponse) -> bytes:
    return encode_json({"object": "list", "data": [model_card(model) for model in response.models]})


def render_model(model: Model) -> bytes:
    return encode_json(model_card(model))


def model_card(model: Model) -> Json:
    card: Json = {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": model.owned_by or model.provider,
        "provider": model.provider,
    }
    if model.display_name:
        card["name"] = model.display_name
    if model.HasField("context_length"):
        card["context_length"] = model.context_length
    if model.targets:
        card["targets"] = list(model.targets)
    details = details_of(model)
    card.update(openrouter_fields(model, details))
    return {**{name: value for name, value in details.items() if name not in OWN_FIELDS}, **card}


def openrouter_fields(model: Model, details: Json) -> Iterator[tuple[str, Json | list[str]]]:
    """Fields that the provider's own list has are left as they are."""
    if model.input_modalities and model.output_modalities and not isinstance(details.get("architecture"), dict):
        yield "architecture", architecture(list(model.input_modalities), list(model.output_modalities))
    if model.supported_parameters and "supported_parameters" not in details:
        yield "supported_parameters", list(model.supported_parameters)
    own = details.get("pricing")
    if model.HasField("prices") and not (isinstance(own, dict) and "prompt" in own):
        yield "pricing", pricing(model.prices)
    if model.HasField("max_output_tokens") and "top_provider" not in details:
        context = {"context_length": model.context_length} if model.HasField("context_length") else {}
        yield "top_provider", {**context, "max_completion_tokens": model.max_output_tokens}


def architecture(reads: list[str], writes: list[str]) -> Json:
    return {"modality": f"{'+'.join(reads)}->{'+'.join(writes)}", "input_modalities": reads, "output_modalities": writes}


def pricing(prices: Prices) -> Json:
    """US dollars for one token, request or search, as texts: binary fractions would show their noise."""
    known: dict[str, float] = {field.name: value for field, value in prices.ListFields()}
    known = {"input": prices.input, "output": prices.output, **known}
    found = {theirs: dollars(known[ours], -6) for ours, theirs in PER_TOKEN if ours in known}
    return {**found, **{theirs: dollars(known[ours], 0) for ours, theirs in EACH if ours in known}}


def dollars(amount: float, exponent: int) -> str:
    text = f"{Decimal(repr(amount)).scaleb(exponent):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
