"""The list of models that Cohere gives. Source: https://docs.cohere.com/reference/list-models."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.v1.models_pb2 import Model
from gateway_dialects.cohere.client.details import set_details
from gateway_dialects.cohere.client.request import base_url, headers
from gateway_dialects.cohere.client.usage import count
from gateway_dialects.kit.dialect import Endpoint, UpstreamRequest
from gateway_dialects.kit.json import Json, decode_body, malformed, text_of, unknown_fields


def encode_list_models(endpoint: Endpoint) -> UpstreamRequest:
    """See Dialect.encode_list_models. 1000 is the most that a page may hold."""
    url = base_url(endpoint) + "/v1/models?page_size=1000&endpoint=chat"
    return UpstreamRequest("GET", url, headers(endpoint))


def decode_list_models(body: bytes, provider: str) -> Sequence[Model]:
    """See Dialect.decode_list_models."""
    listed = decode_body(body, "the provider's model list").get("models")
    if not isinstance(listed, list):
        raise malformed("the provider's model list has no models")
    try:
        return [decode_model(item, provider) for item in listed if isinstance(item, dict) and text_of(item.get("name"))]
    except (ValueError, RecursionError):
        raise malformed("the provider's model list holds what no text may hold") from None


def decode_model(item: Json, provider: str) -> Model:
    model = Model(id=f"{provider}/{item['name']}", provider=provider, owned_by="cohere")
    if length := count(item.get("context_length")):
        model.context_length = length
    set_details(model, unknown_fields(item, frozenset({"name"})))
    return model
