"""OpenAI's error envelope, and how a stream tells its failure.

Source: https://platform.openai.com/docs/api-reference/responses-streaming (error, response.failed) and recorded streams that
failed: the error stands in an object of its own, from which the SDKs raise, and beside the type, as is documented.
"""

from __future__ import annotations

from dragoman.reasons import GatewayError
from gateway_dialects.kit.json import Json
from gateway_dialects.openai.render_errors import error_object, render_error

__all__ = ["failed_error", "render_error", "stream_error"]

CODES = {"RATE_LIMITED": "rate_limit_exceeded", "QUOTA_EXHAUSTED": "rate_limit_exceeded"}
"""A Response knows few codes; server_error is any other failure."""


def stream_error(failure: GatewayError) -> Json:
    """The fields of an error event."""
    error = error_object(failure)
    return {"code": error["code"], "message": error["message"], "param": error["param"], "error": error}


def failed_error(failure: GatewayError) -> Json:
    """The error of a Response that failed."""
    return {"code": CODES.get(failure.reason, "server_error"), "message": failure.message}
