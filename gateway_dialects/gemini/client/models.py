"""The list of models that Google gives. Source: https://ai.google.dev/api/models and recorded lists."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.v1.models_pb2 import Model
from gateway_dialects.gemini.client.details import set_details
from gateway_dialects.gemini.client.request import headers
from gateway_dialects.kit.dialect import Endpoint, UpstreamRequest
from gateway_dialects.kit.json import Json, decode_body, malformed, text_of, unknown_fields


def encode_list_models(endpoint: Endpoint) -> UpstreamRequest:
    """See Dialect.encode_list_models. 1000 is the most that a page may hold."""
    return UpstreamRequest("GET", f"{endpoint.url}/models?pageSize=1000", headers(endpoint))


def decode_list_models(body: bytes, provider: str) -> Sequence[Model]:
    """See Dialect.decode_list_models. Vertex AI calls the list publisherModels."""
    answer = decode_body(body)
    listed = answer.get("models", answer.get("publisherModels"))
    if not isinstance(listed, list):
        raise malformed("the provider's model list has no models")
    return [decode_model(item, provider) for item in listed if isinstance(item, dict) and text_of(item.get("name"))]


def decode_model(item: Json, provider: str) -> Model:
    name = item["name"].rpartition("models/")[2] or item["name"]
    model = Model(
        id=f"{provider}/{name}",
        provider=provider,
        owned_by="google",
        display_name=text_of(item.get("displayName")),
    )
    length = item.get("inputTokenLimit")
    if type(length) is int and 0 < length < 2**62:
        model.context_length = length
    set_details(model, unknown_fields(item, frozenset({"name", "displayName"})))
    return model
