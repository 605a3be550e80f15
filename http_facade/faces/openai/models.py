"""The model list of OpenAI's API. Source: https://platform.openai.com/docs/api-reference/models."""

from __future__ import annotations

from dragoman.v1.models_pb2 import ListModelsResponse, Model
from http_facade.faces.json_fields import Json, encode_json
from http_facade.faces.openai.render import fields_of

OWN_FIELDS = frozenset({"id", "object", "created", "owned_by", "type"})
"""Not taken from the provider's list. type: old Mistral clients refuse a list whose cards say "model" there."""


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
    details = fields_of(model.provider_details_json)
    return {**{name: value for name, value in details.items() if name not in OWN_FIELDS}, **card}
