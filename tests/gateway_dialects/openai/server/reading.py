"""What a client sends, and what the face makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_dialects.openai.parse_request import ParsedChat, parse_chat

USER = {"role": "user", "content": "Hi"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":'}}


def parsed(**fields: Any) -> ParsedChat:
    """A request to the model m, which says Hi unless the fields say otherwise."""
    return parse_chat(json.dumps({"model": "m", "messages": [USER], **fields}).encode())


def chat(**fields: Any) -> ChatRequest:
    return parsed(**fields).chat


def refused(**fields: Any) -> GatewayError:
    """How such a request fails."""
    with pytest.raises(GatewayError) as caught:
        parsed(**fields)
    assert (caught.value.http_status, caught.value.reason) == (400, "INVALID_REQUEST")
    assert caught.value.field in caught.value.message
    return caught.value


def details(fields: dict[str, Any] | None = None, form: dict[str, Any] | None = None) -> dict[str, str]:
    """provider_details_json with these fields of this dialect, and this form."""
    given = {"openai": fields, "openai.form": form}
    return {name: json.dumps(value, separators=(",", ":")) for name, value in given.items() if value is not None}
