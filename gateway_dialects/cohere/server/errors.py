"""Cohere's errors. Source: https://docs.cohere.com/reference/errors and recorded errors."""

from __future__ import annotations

from dragoman.reasons import GatewayError
from gateway_dialects.kit.json import Json, encode_json


def render_error(failure: GatewayError, request_id: str = "") -> bytes:
    """The JSON body: {"id", "message"}, with error_type, param and metadata where there are."""
    return encode_json({"id": request_id, **error_object(failure)})


def error_object(failure: GatewayError) -> Json:
    error: Json = {"message": failure.message, "error_type": error_type(failure)}
    if failure.field:
        error["param"] = failure.field
    if failure.metadata:
        error["metadata"] = dict(failure.metadata)
    return error


def error_type(failure: GatewayError) -> str:
    """A client's own mistake keeps the provider's word for it; the gateway's failures have ours."""
    told = failure.metadata.get("upstream_type", "")
    return told if told and 400 <= failure.http_status < 500 else (failure.code or failure.reason).upper()


def render_error_event(failure: GatewayError, request_id: str = "") -> bytes:
    """An error inside a stream: the answer ends in ERROR, as Cohere tells it. Nothing follows it."""
    error = error_object(failure)
    delta = {"finish_reason": "ERROR", "error": error.pop("message"), **error, "usage": {}}
    event = {"type": "message-end", **({"id": request_id} if request_id else {}), "delta": delta}
    return b"event: message-end\ndata: " + encode_json(event) + b"\n\ndata: [DONE]\n\n"
