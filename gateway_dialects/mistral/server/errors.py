"""Mistral's error envelope: flat, unlike OpenAI's. Source: recorded errors."""

from __future__ import annotations

from dragoman.reasons import GatewayError
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.openai.render_errors import error_object

ENDING = {"index": 0, "delta": None, "finish_reason": "error"}


def render_error(failure: GatewayError) -> bytes:
    """The JSON body: {"object": "error", message, type, param, code}, with metadata where a provider was involved."""
    return encode_json(envelope(failure))


def envelope(failure: GatewayError) -> Json:
    return {"object": "error", **error_object(failure)}


def render_error_event(failure: GatewayError) -> bytes:
    """An error inside a stream. Mistral's clients know no such event: its own SDKs raise from whatever is no chunk, and
    LangChain's client passes by all that has no choices. Nothing follows it."""
    error = envelope(failure)
    return b"data: " + encode_json({**error, "error": error, "choices": [ENDING]}) + b"\n\n"
