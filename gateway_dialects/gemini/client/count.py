"""How many tokens a request has. Source: https://ai.google.dev/api/tokens and a recording."""

from __future__ import annotations

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_dialects.gemini.client.families import family_of
from gateway_dialects.gemini.client.parts import Scope
from gateway_dialects.gemini.client.request import encode_body, headers, path_of
from gateway_dialects.kit.dialect import Endpoint, UpstreamRequest
from gateway_dialects.kit.json import decode_body, encode_json, malformed
from gateway_dialects.kit.legacy import SHAPE_ERRORS


def encode_count(request: ChatRequest, model: str, endpoint: Endpoint) -> UpstreamRequest:
    """See Dialect.encode_count. Only inside a generateContentRequest are instructions and tools counted too."""
    path = path_of(model)
    try:
        body = encode_body(request, Scope(family_of(model), endpoint.url, []))
        content = encode_json({"generateContentRequest": {"model": path, **body}})
    except SHAPE_ERRORS as error:
        raise invalid("", f"a JSON field of the request (options or details) is broken: {error}") from error
    return UpstreamRequest("POST", f"{endpoint.url}/{path}:countTokens", headers(endpoint), content)


def decode_count(body: bytes) -> int:
    """See Dialect.decode_count."""
    tokens = decode_body(body).get("totalTokens")
    if type(tokens) is not int:
        raise malformed("the provider's count of tokens has no totalTokens")
    return tokens
