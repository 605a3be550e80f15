"""The model list of Gemini's API. Source: https://ai.google.dev/api/models and recorded lists."""

from __future__ import annotations

from dragoman.v1.models_pb2 import ListModelsResponse, Model
from gateway_dialects.gemini.server.details import fields_of
from gateway_dialects.kit.json import Json, encode_json

METHODS = ("generateContent", "countTokens")


def render_models(response: ListModelsResponse) -> bytes:
    body: Json = {"models": [model_card(model) for model in response.models]}
    if response.next_page_token:
        body["nextPageToken"] = response.next_page_token
    return encode_json(body)


def render_model(model: Model) -> bytes:
    return encode_json(model_card(model))


def model_card(model: Model) -> Json:
    card: Json = {"name": f"models/{model.id}", "displayName": model.display_name or model.id}
    if model.HasField("context_length"):
        card["inputTokenLimit"] = model.context_length
    known: Json = {"supportedGenerationMethods": list(METHODS)}
    if model.HasField("max_output_tokens"):
        known["outputTokenLimit"] = model.max_output_tokens
    return {**known, **fields_of(model.provider_details_json), **card}
