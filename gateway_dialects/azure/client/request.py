"""A ChatRequest as Azure takes it: the openai dialect's, sent to where the deployment is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.azure.client.address import INFERENCE_FIELDS, Surface, placed, surface_of
from gateway_dialects.kit.dialect import Endpoint, UpstreamRequest
from gateway_dialects.kit.json import decode_object
from gateway_dialects.openai.client.request import encode_chat as encode_openai
from gateway_dialects.openai.client.request import headers


def encode_chat(
    request: ChatRequest, model: str, endpoint: Endpoint, stream: bool
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    """See Dialect.encode_chat. The model is the deployment's name."""
    upstream, warnings = encode_openai(request, model, placed(endpoint, model), stream)
    if surface_of(endpoint.url) is Surface.INFERENCE and not INFERENCE_FIELDS.issuperset(decode_object(upstream.body)):
        upstream = dataclasses.replace(upstream, headers={**upstream.headers, "extra-parameters": "pass-through"})
    return upstream, warnings


def encode_list_models(endpoint: Endpoint) -> UpstreamRequest:
    """See Dialect.encode_list_models. Azure lists the models that a resource may deploy; what it has deployed only its
    management API tells, with another kind of key."""
    found = placed(endpoint, "")
    return UpstreamRequest("GET", found.url + found.quirks.models_path, headers(found))


def headers_of(endpoint: Endpoint) -> Mapping[str, str]:
    """See Dialect.headers."""
    return headers(placed(endpoint, ""))
