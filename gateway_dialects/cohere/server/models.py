"""The model list of Cohere's API. Source: https://docs.cohere.com/reference/list-models."""

from __future__ import annotations

from dragoman.v1.models_pb2 import ListModelsResponse, Model
from gateway_dialects.cohere.server.details import fields_of
from gateway_dialects.kit.json import Json, encode_json

FEATURES = {"tools": "tools", "tool_choice": "tool_choice", "structured_outputs": "json_schema", "reasoning": "reasoning"}
"""Cohere's words for request parameters that a model takes."""


def render_models(response: ListModelsResponse) -> bytes:
    body: Json = {"models": [model_card(model) for model in response.models]}
    if response.next_page_token:
        body["next_page_token"] = response.next_page_token
    return encode_json(body)


def render_model(model: Model) -> bytes:
    return encode_json(model_card(model))


def model_card(model: Model) -> Json:
    card: Json = {"endpoints": ["chat"], "default_endpoints": [], "finetuned": False, "is_deprecated": False}
    features = [word for name, word in FEATURES.items() if name in model.supported_parameters]
    if "image" in model.input_modalities:
        features.append("vision")
    card["features"] = features or None
    card.update(fields_of(model.provider_details_json))
    if model.HasField("context_length"):
        card["context_length"] = model.context_length
    return {**card, "name": model.id}
