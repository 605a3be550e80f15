"""The model list of OpenRouter's API. Source: https://openrouter.ai/docs/api-reference/models."""

from __future__ import annotations

from urllib.parse import quote

from dragoman.v1.models_pb2 import ListModelsResponse, Model
from http_facade.faces.json_fields import Json, encode_json
from http_facade.faces.openai.models import model_card

UNKNOWN_PRICE = "-1"
"""What OpenRouter writes where a price cannot be told beforehand."""


def render_models(response: ListModelsResponse) -> bytes:
    return encode_json({"object": "list", "data": [openrouter_card(model) for model in response.models]})


def render_model(model: Model) -> bytes:
    """Of OpenAI's path, whose clients want the model itself."""
    return encode_json(openrouter_card(model))


def render_data(model: Model) -> bytes:
    """Of OpenRouter's path."""
    return encode_json({"data": openrouter_card(model)})


def render_count(response: ListModelsResponse) -> bytes:
    return encode_json({"data": {"count": len(response.models)}})


def openrouter_card(model: Model) -> Json:
    """Every field that OpenRouter's clients need; null or empty where it is not known."""
    card = model_card(model)
    reads, writes = list(model.input_modalities) or ["text"], list(model.output_modalities) or ["text"]
    top: Json = {"context_length": card.get("context_length"), "max_completion_tokens": None, "is_moderated": False}
    return {
        "canonical_slug": model.id,
        "name": model.display_name or model.id,
        "description": "",
        "context_length": None,
        "supported_parameters": [],
        "default_parameters": None,
        "per_request_limits": None,
        "supported_voices": None,
        "links": {"details": f"/api/v1/models/{quote(model.id)}"},
        **card,
        "architecture": {
            "modality": f"{'+'.join(reads)}->{'+'.join(writes)}",
            "input_modalities": reads,
            "output_modalities": writes,
            "tokenizer": "Other",
            "instruct_type": None,
            **objects(card, "architecture"),
        },
        "pricing": {"prompt": UNKNOWN_PRICE, "completion": UNKNOWN_PRICE, **objects(card, "pricing")},
        "top_provider": {**top, **objects(card, "top_provider")},
    }


def objects(card: Json, name: str) -> Json:
    """What the card has there where that is an object."""
    value = card.get(name)
    return value if isinstance(value, dict) else {}
