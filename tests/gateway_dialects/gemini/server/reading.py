"""What a client sends, and what the face makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_dialects.gemini.parse_request import parse_chat


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": [as_part(part) for part in parts]}


def model(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": [as_part(part) for part in parts]}


def as_part(part: Any) -> Any:
    return {"text": part} if isinstance(part, str) else part


def parsed(**fields: Any) -> ChatRequest:
    """A request to the model m, which says Hi unless the fields say otherwise."""
    return parse_chat(json.dumps({"contents": [user("Hi")], **fields}).encode(), "m")


def refused(**fields: Any) -> GatewayError:
    """How such a request fails."""
    with pytest.raises(GatewayError) as caught:
        parsed(**fields)
    assert (caught.value.http_status, caught.value.reason) == (400, "INVALID_REQUEST")
    assert caught.value.field in caught.value.message
    return caught.value


def details(fields: dict[str, Any]) -> dict[str, str]:
    """provider_details_json or provider_options_json with these fields of this dialect."""
    return {"gemini": json.dumps(fields, separators=(",", ":"))}
