"""The model list of Mistral's API. Source: https://docs.mistral.ai/api (models), and recorded lists."""

from __future__ import annotations

from dragoman.v1.models_pb2 import ListModelsResponse, Model
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.openai.render_models import model_card


def render_models(response: ListModelsResponse) -> bytes:
    return encode_json({"object": "list", "data": [mistral_card(model) for model in response.models]})


def render_model(model: Model) -> bytes:
    return encode_json(mistral_card(model))


def mistral_card(model: Model) -> Json:
    """OpenAI's card with what Mistral's clients need: they tell the kinds of cards apart by type, and want capabilities."""
    card = model_card(model)
    if not isinstance(card.get("capabilities"), dict):
        card["capabilities"] = capabilities(model)
    if model.HasField("context_length"):
        card["max_context_length"] = model.context_length
    return {"aliases": [], **card, "type": "base"}


def capabilities(model: Model) -> Json:
    """Of models of other providers; false also where it is not known."""
    return {
        "completion_chat": True,
        "completion_fim": False,
        "function_calling": "tools" in model.supported_parameters,
        "reasoning": "reasoning" in model.supported_parameters,
        "fine_tuning": False,
        "vision": "image" in model.input_modalities,
        "audio": "audio" in model.input_modalities,
    }
